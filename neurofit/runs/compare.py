"""Which entries of two nested configurations differ, each named by its path: `train.lr: 0.003 -> 0.01`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ABSENT = object()
_LONGEST = 60


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Returns a line for each entry that was changed, added or removed, in the order of the old configuration.

    Args:
        old: nested mappings of JSON values.
        new: the same, after the change.
    """
    before, after = _flat(old), _flat(new)
    return [
        f"{path}: {_shown(before.get(path, _ABSENT))} -> {_shown(after.get(path, _ABSENT))}"
        for path in {**before, **after}
        if before.get(path, _ABSENT) != after.get(path, _ABSENT)
    ]


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        path = f"{prefix}{key}"
        flat.update(_flat(value, f"{path}.") if isinstance(value, Mapping) and value else {path: value})
    return flat


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "(none)"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."

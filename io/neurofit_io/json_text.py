"""Metadata as JSON text, as it is kept inside the files we write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def to_json(metadata: Mapping[str, Any]) -> str:
    """JSON of a mapping; arrays become lists, and whatever JSON does not know becomes its text."""
    return json.dumps(metadata, default=_plain)


def from_json(text: str) -> dict[str, Any]:
    """The mapping that `to_json` wrote."""
    return dict(json.loads(text))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return value.tolist() if hasattr(value, "tolist") else str(value)

"""Where two recordings differ, field by field, signals slab by slab.

Two recordings are equal when everything measured and everything said about it agrees; where it was read from
(`Provenance.path`, `format`, `files`, `notes` and the key `origin` of its metadata) does not count.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurofit_io.clock import Clock
from neurofit_io.json_text import to_json
from neurofit_io.recording import Recording
from neurofit_io.signals import Signal
from neurofit_io.spikes import Spikes


def differences(a: Recording, b: Recording) -> list[str]:
    """A sentence for each difference between two recordings; none when they are equal.

    Signals are compared in slabs, so that recordings larger than memory can be.
    """
    found = _of_values("metadata", _described(a), _described(b))
    for what in ("signals", "spike_trains", "connectivities", "intervals"):
        ours, theirs = getattr(a, what), getattr(b, what)
        if set(ours) != set(theirs):
            found.append(f"{what}: {sorted(ours)} and {sorted(theirs)}")
        for name in [n for n in ours if n in theirs]:
            compare = _of_signals if what == "signals" else _of_tables
            found += compare(f"{what}[{name}]", ours[name], theirs[name])
    return found


def _described(recording: Recording) -> dict[str, Any]:
    return {key: value for key, value in recording.provenance.metadata.items() if key != "origin"}


def _of_signals(where: str, a: Signal, b: Signal) -> list[str]:
    found = []
    for name in ("name", "kind", "unit", "shape", "channel_ids", "positions_um", "metadata"):
        found += _of_values(f"{where}.{name}", getattr(a, name), getattr(b, name))
    found += _of_clocks(f"{where}.clock", a.clock, b.clock)
    if a.shape != b.shape:
        return found
    wrong, worst = 0, 0.0
    for start, values in a.slabs():
        others = b.read(start, start + len(values))
        unequal = ~((values == others) | (np.isnan(values) & np.isnan(others)))
        if unequal.any():
            wrong += int(unequal.sum())
            worst = max(worst, float(np.abs(values[unequal].astype(np.float64) - others[unequal]).max()))
    return [*found, f"{where}: {wrong} values differ, by up to {worst:g} {a.unit}"] if wrong else found


def _of_clocks(where: str, a: Clock, b: Clock) -> list[str]:
    found = []
    for name in ("n_steps", "rate_hz", "start_s", "sweeps"):
        found += _of_values(f"{where}.{name}", getattr(a, name), getattr(b, name))
    if (a.timestamps is None) != (b.timestamps is None):
        found.append(f"{where}: only one has timestamps")
    elif a.timestamps is not None and a.n_steps == b.n_steps:
        found += _of_values(f"{where}.timestamps", a.time_s(0, a.n_steps), b.time_s(0, b.n_steps))
    return found


def _of_tables(where: str, a: Any, b: Any) -> list[str]:
    found = []
    for field in dataclasses.fields(a):
        found += _of_values(f"{where}.{field.name}", *(_canonical(table, field.name) for table in (a, b)))
    return found


def _canonical(table: Any, name: str) -> Any:
    """A field; spikes at the same time are put in the order of their units."""
    if isinstance(table, Spikes) and name in ("times_s", "units"):
        return getattr(table, name)[np.lexsort((table.units, table.times_s))]
    return getattr(table, name)


def _of_values(where: str, a: Any, b: Any) -> list[str]:
    if isinstance(a, Mapping) and isinstance(b, Mapping) and where.endswith("columns"):
        names = [] if set(a) == set(b) else [f"{where}: {sorted(a)} and {sorted(b)}"]
        return names + [line for key in a if key in b for line in _of_values(f"{where}[{key}]", a[key], b[key])]
    return [] if _same(a, b) else [f"{where}: {_short(a)} and {_short(b)}"]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        numbers = a.dtype.kind in "fc" and b.dtype.kind in "fc"
        return bool(np.array_equal(a, b, equal_nan=numbers))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return to_json(dict(sorted(a.items()))) == to_json(dict(sorted(b.items())))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return not isinstance(a, np.ndarray) and not isinstance(b, np.ndarray) and bool(a == b)


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."

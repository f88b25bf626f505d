"""Spikes from vectors of times (one a unit) or from rows of (time, unit)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.spikes import Spikes, sorted_spikes

if TYPE_CHECKING:
    from neurofit_io.arrays import NamedArray
    from neurofit_io.timing import TimeVector

_OWNERS = re.compile(r"(.*[./])?(spike_?)?((cluster|unit|cell|neuron|node)(_?id)?s?|gids?|labels?)", re.IGNORECASE)


def units_beside(times: NamedArray, rest: Sequence[NamedArray]) -> NamedArray | None:
    """The vector called spike_clusters, units, ... that says whose each of the spike times is."""
    n = times.values.size
    found = (a for a in rest if a.is_vector and a.values.size == n > 1 and a.values.dtype.kind in "iuf")
    return next((a for a in found if _OWNERS.fullmatch(a.name)), None)


def by_unit(times: NDArray, owners: NDArray, place: str) -> list[tuple[str | int, NDArray]]:
    """Times of one vector apart by the whole numbers of another, as (unit, times)."""
    flat = owners.reshape(-1)
    if not np.array_equal(flat, np.round(flat)):
        raise RecordingError(place, "units that are no whole numbers", expected="the unit of each spike")
    return [(int(unit), times.reshape(-1)[flat == unit]) for unit in np.unique(flat)]


def spikes_of_vectors(
    trains: Sequence[tuple[str | int, NDArray]], times: TimeVector | None, options: LoadOptions, path: Path
) -> tuple[Spikes, tuple[str, ...]]:
    """`Spikes` of one vector of times per unit, and what was assumed.

    Args:
        trains: (name, times) per unit, times in the unit that `options.spike_unit` says.
        times: A time vector of the same file, which tells how long the recording was.
        options: What the user said.
        path: The file, for messages.

    Raises:
        RecordingError: Not vectors of times, or their unit is not known.
    """
    factor = spike_factor(options, path)
    for name, values in trains:
        _refuse_not_times(name, values, path)
    seconds = [_ascending(name, values.reshape(-1) * factor, path) for name, values in trains]
    units = np.repeat(np.arange(len(seconds)), [len(s) for s in seconds])
    names = [name for name, _ in trains]
    ids = np.arange(1) if len(names) == 1 and isinstance(names[0], str) else np.array(names)
    span = None if times is None or times.counts_samples else times.values.astype(np.float64) * times.factor
    return spikes_of_rows(np.concatenate(seconds), units, unit_ids=ids, options=options, span_s=span)


def spikes_of_rows(
    times_s: NDArray, units: NDArray, *, unit_ids: NDArray, options: LoadOptions, span_s: NDArray | None = None
) -> tuple[Spikes, tuple[str, ...]]:
    """`Spikes` of rows of (time in s, index of the unit); without a span the last spike ends the recording."""
    last = float(times_s.max()) if len(times_s) else 0.0
    start = options.start_s if options.start_s is not None else 0.0 if span_s is None else float(span_s[0])
    start = min(start, float(times_s.min()) if len(times_s) else start)
    stop, notes = last, ["the end of the recording is not known: the last spike is taken"]
    if span_s is not None and len(span_s) > 1 and span_s[-1] >= last:
        stop, notes = float(span_s[-1] + np.median(np.diff(span_s))), []
    return sorted_spikes(times_s, units, name="spikes", unit_ids=unit_ids, start_s=start, stop_s=stop), tuple(notes)


def spike_factor(options: LoadOptions, path: Path) -> float:
    """Factor from the unit of `--spike-unit` to s."""
    if options.spike_unit is None:
        raise RecordingError(path, "spike times without a unit", do="give --spike-unit s, ms or samples")
    if options.spike_unit != "samples":
        return {"s": 1.0, "ms": 1e-3}[options.spike_unit]
    if options.rate_hz is None:
        raise RecordingError(path, "spike times in samples without a rate", do="give --rate-hz")
    return 1.0 / options.rate_hz


def _refuse_not_times(name: str | int, values: NDArray, path: Path) -> None:
    if values.dtype.kind not in "iuf" or sum(n != 1 for n in values.shape) > 1:
        raise RecordingError(
            path, f"{values.dtype} of shape {values.shape}", place=str(name), expected="a vector of spike times",
            do="read a table of counts with --kind counts",
        )  # fmt: skip
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise RecordingError(path, f"{bad} of {values.size} spike times are not finite", place=str(name))


def _ascending(name: str | int, times_s: NDArray, path: Path) -> NDArray[np.float64]:
    back = np.flatnonzero(np.diff(times_s) < 0)
    if len(back):
        raise RecordingError(
            path, f"{len(back)} spike times go back, the first at index {back[0] + 1}", place=str(name),
            expected="ascending times", do="repair the file; nothing is sorted silently",
        )  # fmt: skip
    return times_s.astype(np.float64)

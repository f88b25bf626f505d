"""NWB's Units table as `Spikes`: the flat list of times is read once and cut by its index.

Unit i holds `spike_times[index[i - 1]:index[i]]`. Outside of a unit's obs_intervals nothing is known about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.damage import in_words
from neurofit_io.errors import RecordingError
from neurofit_io.nwb_tables import columns_of, ends_of
from neurofit_io.options import LoadOptions
from neurofit_io.safe_hdf5 import read_numbers
from neurofit_io.signals import Signal
from neurofit_io.spike_times import spike_factor
from neurofit_io.spikes import Spikes, sorted_spikes
from neurofit_io.trials import Trials

_OWN = ("spike_times", "obs_intervals", "electrodes", "waveform_mean", "waveform_sd", "waveforms")

Span = tuple[float, float, str]
"""Begin and end, s, and what said so."""


def spikes_of(
    table: h5py.Group, name: str, span: Span | None, options: LoadOptions, path: Path
) -> tuple[Spikes, list[str]]:
    """The spikes of a Units table, and notes on what was assumed or left out.

    Args:
        table: The table.
        name: Name of the result.
        span: When the recording began and ended by its other parts.
        options: Unit of the times, where they are not in s as NWB wants them.
        path: The file.

    Raises:
        RecordingError: No spike times, times that go back within a unit or are not finite, or a broken index.
    """
    place = f"{path}: {table.name}"
    with in_words(place):
        ids = _ids(table)
        times, ends = _times(table, ids, place)
        if options.spike_unit is not None:
            times = times * spike_factor(options, path)
        units = np.repeat(np.arange(len(ids)), np.diff(np.concatenate([[0], ends])))
        _refuse_unordered(times, units, ids, place)
        observed = _observed(table, len(ids), place)
        start, stop, said = _span(times, observed, span)
        columns = columns_of(table, len(ids), without=_OWN, max_dims=1)
    notes = [f"{name}: the recording is taken from {start:g} to {stop:g} s, {said}"]
    if columns.left_out:
        notes.append(f"{name}: columns left out: {', '.join(columns.left_out)}")
    spikes = sorted_spikes(
        times, units, name=name, unit_ids=ids, start_s=start, stop_s=stop, observed_s=observed, columns=columns.values
    )
    return spikes, notes


def _ids(table: h5py.Group) -> NDArray:
    if "id" in table:
        return read_numbers(table["id"])
    return np.arange(len(table["spike_times_index"]) if "spike_times_index" in table else 0)


def _times(table: h5py.Group, ids: NDArray, place: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    if not len(ids):
        return np.empty(0), np.empty(0, np.int64)
    if "spike_times" not in table or "spike_times_index" not in table:
        raise RecordingError(place, f"{len(ids)} units without spike_times", expected="spike times and their index")
    times = read_numbers(table["spike_times"]).astype(np.float64)
    ends = ends_of(table["spike_times_index"], len(times), f"{place}/spike_times_index")
    if len(ends) != len(ids):
        raise RecordingError(
            f"{place}/spike_times_index", f"{len(ends)} ends for {len(ids)} units", expected="one each"
        )
    return times, ends


def _refuse_unordered(times: NDArray[np.float64], units: NDArray, ids: NDArray, place: str) -> None:
    bad = np.flatnonzero(~np.isfinite(times))
    if len(bad):
        raise RecordingError(
            f"{place}/spike_times", f"{len(bad)} spike times are not finite, the first at index {bad[0]}",
            expected="times in s", do="repair the file",
        )  # fmt: skip
    back = np.flatnonzero((np.diff(times) < 0) & (np.diff(units) == 0))
    if len(back):
        first = int(back[0])
        raise RecordingError(
            f"{place}/spike_times", f"spike times go back at {len(back)} places, first in unit {ids[units[first]]} at "
            f"index {first + 1} by {times[first] - times[first + 1]:.6g} s", expected="ascending times within a unit",
            do="repair the file; nothing is sorted silently",
        )  # fmt: skip


def _observed(table: h5py.Group, n_units: int, place: str) -> tuple[NDArray[np.float64], ...] | None:
    if "obs_intervals" not in table or "obs_intervals_index" not in table:
        return None
    intervals = read_numbers(table["obs_intervals"]).astype(np.float64).reshape(-1, 2)
    ends = ends_of(table["obs_intervals_index"], len(intervals), f"{place}/obs_intervals_index")
    if len(ends) != n_units:
        raise RecordingError(
            f"{place}/obs_intervals_index", f"{len(ends)} ends for {n_units} units", expected="one each"
        )
    return tuple(np.split(intervals, ends)[:n_units])


def _span(times: NDArray, observed: tuple[NDArray, ...] | None, span: Span | None) -> Span:
    seen = np.concatenate([np.empty((0, 2)), *(observed or ())])
    first, last = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
    # The bins are half open: a spike exactly at the end would fall outside of the last one.
    after = float(np.nextafter(last, np.inf)) if len(times) else last
    if len(seen):
        span = float(seen[:, 0].min()), float(seen[:, 1].max()), "as its observation intervals say"
    if span is None:
        return first, after, "its first and last spike, as nothing else tells"
    start, stop, said = span
    if len(times) and (first < start or last > stop):
        said += ", widened to its first and last spike"
    return (min(start, first), max(stop, after), said) if len(times) else span


def span_of(signals: Iterable[Signal], epochs: Trials | None) -> Span | None:
    """When the recording began and ended by its epochs, else by its signals; None when neither tells."""
    if epochs is not None and len(epochs) and np.isfinite(epochs.start_s).any() and np.isfinite(epochs.stop_s).any():
        return float(np.nanmin(epochs.start_s)), float(np.nanmax(epochs.stop_s)), "as its epochs say"
    edges = [edge for signal in signals for edge in _edges(signal)]
    return (min(edges), max(edges), "as its signals last") if edges else None


def _edges(signal: Signal) -> list[float]:
    clock, n = signal.clock, signal.shape[0]
    if clock.timestamps is not None:
        return [float(clock.time_s(i, i + 1)[0]) for i in (0, n - 1)]
    rate = clock.rate_hz
    return [t for s in clock.segments for t in (s.start_s, s.start_s + (s.stop - s.start) / rate)] if rate else []

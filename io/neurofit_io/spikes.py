"""Spike trains, kept as one time-sorted list and counted in bins when asked.

Bin k of a spike at t is floor((t - start) / width + 1e-9), half open, so that a spike on a bin edge that float
arithmetic puts a hair before it still counts in the later bin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurofit_io.clock import Clock
from neurofit_io.errors import RecordingError
from neurofit_io.signals import Signal

EDGE = 1e-9


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes of many units on one clock.

    Args:
        name: What `--signal` calls it: `spikes`, or with a suffix from the file.
        times_s: Spike times, s, ascending, (spikes,).
        units: Index of the unit of each spike, 0 to N-1, (spikes,).
        unit_ids: A label per unit, integers or strings, (N,). Units without spikes are listed too.
        start_s: Beginning of the recording, s.
        stop_s: End of the recording, s.
        observed_s: Per unit the intervals (k, 2), s, in which it was observed; None when always.
        columns: Further columns of the units table, one value a unit (quality, area, cell type).
        positions_um: (N, 3), um; None when not known.
        metadata: Whatever else the file says, JSON-able.
    """

    name: str
    times_s: NDArray[np.float64]
    units: NDArray[np.int32]
    unit_ids: NDArray
    start_s: float
    stop_s: float
    observed_s: tuple[NDArray[np.float64], ...] | None = None
    columns: Mapping[str, NDArray] = field(default_factory=dict)
    positions_um: NDArray[np.float64] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.times_s) != len(self.units):
            raise RecordingError(
                "", f"{len(self.times_s)} spike times for {len(self.units)} units", place=self.name,
                expected="the unit of each spike",
            )  # fmt: skip
        if len(self.units) and not (self.units.min() >= 0 and self.units.max() < self.n_units):
            raise RecordingError(
                "", f"units {self.units.min()} to {self.units.max()} of {self.n_units}", place=self.name,
                expected="units that exist",
            )  # fmt: skip
        bad = int(np.count_nonzero(~np.isfinite(self.times_s)) + np.count_nonzero(np.diff(self.times_s) < 0))
        if bad:
            raise RecordingError(
                "", f"{bad} of {len(self.times_s)} spike times are not finite or before the one before",
                place=self.name, expected="ascending times in s",
            )  # fmt: skip

    @property
    def n_units(self) -> int:
        return len(self.unit_ids)

    @property
    def n_spikes(self) -> int:
        return len(self.times_s)

    @property
    def duration_s(self) -> float:
        return self.stop_s - self.start_s

    def per_unit(self) -> NDArray[np.int64]:
        """Number of spikes of each unit, (N,)."""
        return np.bincount(self.units, minlength=self.n_units).astype(np.int64)

    def times_of(self, unit: int) -> NDArray[np.float64]:
        """Spike times of the unit with index `unit`, s, ascending."""
        return self.times_s[self.units == unit]

    def counts(
        self, bin_ms: float, start: int, stop: int, units: Sequence[int] | NDArray | None = None
    ) -> NDArray[np.int32]:
        """Spikes in the bins `start:stop` counted from `start_s`, (stop - start, units), int32.

        Args:
            bin_ms: Bin width, ms.
            start: First bin.
            stop: One past the last bin.
            units: Indices of the units to count, in any order; None for all.
        """
        width = bin_ms / 1000
        low, high = np.searchsorted(self.times_s, self.start_s + np.array([start - 1, stop + 1]) * width, side="left")
        bins = np.floor((self.times_s[low:high] - self.start_s) / width + EDGE).astype(np.int64) - start
        inside = (bins >= 0) & (bins < stop - start)
        if units is None:
            return _table(bins[inside], self.units[low:high][inside], (stop - start, self.n_units))
        chosen, column = np.unique(np.asarray(units, dtype=np.intp), return_inverse=True)
        place = np.full(self.n_units, -1)
        place[chosen] = np.arange(len(chosen))
        columns = place[self.units[low:high]]
        inside &= columns >= 0
        return _table(bins[inside], columns[inside], (stop - start, len(chosen)))[:, column]

    def binned(self, bin_ms: float, *, place: str = "") -> Signal:
        """The counts as a lazily read `Signal` of kind `counts`; bins not wholly observed read as NaN.

        Args:
            bin_ms: Bin width, ms.
            place: File the spikes are from, for messages.

        Raises:
            RecordingError: The bin is not positive or longer than the recording.
        """
        if not bin_ms > 0 or bin_ms / 1000 > self.duration_s:
            raise RecordingError(
                place,
                f"--bin-ms {bin_ms:g} on {self.duration_s:g} s of spikes",
                expected="a bin above 0 ms and shorter than the recording",
            )
        source = BinnedSource(self, bin_ms, f"{place}: {self.name}" if place else self.name)
        clock = Clock(source.shape[0], 1000 / bin_ms, self.start_s)
        return Signal(
            self.name, "counts", "count", source, clock, channel_ids=self.unit_ids, positions_um=self.positions_um,
            metadata={"bin_ms": bin_ms},
        )  # fmt: skip


def _table(bins: NDArray[np.int64], columns: NDArray, shape: tuple[int, int]) -> NDArray[np.int32]:
    table = np.zeros(shape, dtype=np.int32)
    # A flat view and a one of the table's type: numpy's fast path for unbuffered addition takes nothing else.
    np.add.at(table.reshape(-1), bins * shape[1] + columns, np.int32(1))
    return table


@dataclass(frozen=True, eq=False)
class BinnedSource:
    """Counts of `spikes` in bins of `bin_ms`, made when read."""

    spikes: Spikes
    bin_ms: float
    place: str = "memory"

    @property
    def shape(self) -> tuple[int, int]:
        return int(np.floor(self.spikes.duration_s * 1000 / self.bin_ms + 1e-6)), self.spikes.n_units

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.int32 if self.spikes.observed_s is None else np.float32)

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        counts = self.spikes.counts(self.bin_ms, start, stop, channels)
        if self.spikes.observed_s is None:
            return counts
        chosen = range(self.spikes.n_units) if channels is None else channels
        out = counts.astype(np.float32)
        for column, unit in enumerate(chosen):
            out[~self._observed(int(unit), start, stop), column] = np.nan
        return out

    def _observed(self, unit: int, start: int, stop: int) -> NDArray[np.bool_]:
        assert self.spikes.observed_s is not None
        spans = np.asarray(self.spikes.observed_s[unit], np.float64).reshape(-1, 2) - self.spikes.start_s
        places = (spans + np.array([-EDGE, EDGE])) * 1000 / self.bin_ms
        edges = np.ceil(places[:, 0]), np.floor(places[:, 1])
        first, last = (np.clip(edge, start, stop).astype(np.int64) - start for edge in edges)
        steps = np.zeros(stop - start + 1, np.int64)
        np.add.at(steps, first[first < last], 1)
        np.add.at(steps, last[first < last], -1)
        return np.cumsum(steps[:-1]) > 0


def spikes_from_lists(
    trains_s: Sequence[ArrayLike], *, name: str = "spikes", start_s: float = 0.0, stop_s: float, **more: Any
) -> Spikes:
    """`Spikes` of one array of times (s) per unit."""
    arrays = [np.asarray(train, dtype=np.float64).reshape(-1) for train in trains_s]
    times = np.concatenate(arrays) if arrays else np.empty(0)
    units = np.repeat(np.arange(len(arrays), dtype=np.int32), [len(a) for a in arrays])
    more.setdefault("unit_ids", np.arange(len(arrays)))
    return sorted_spikes(times, units, name=name, start_s=start_s, stop_s=stop_s, **more)


def sorted_spikes(
    times_s: NDArray, units: NDArray, *, name: str, unit_ids: NDArray, start_s: float, stop_s: float, **more: Any
) -> Spikes:
    """`Spikes` of times (s) in any order; equal times are ordered by unit."""
    order = np.lexsort((units, times_s))
    return Spikes(
        name, np.asarray(times_s, dtype=np.float64)[order], np.asarray(units, dtype=np.int32)[order],
        np.asarray(unit_ids), float(start_s), float(stop_s), **more,
    )  # fmt: skip

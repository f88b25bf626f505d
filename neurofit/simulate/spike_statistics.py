"""What the activity of a simulated network looks like in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit_io import Spikes

POPULATION_BIN_MS = 5.0
FEWEST_INTERVALS = 5
"""Intervals below which a cell's variability is not counted."""


@dataclass(frozen=True)
class SpikeStatistics:
    """Numbers about spikes; NaN where there are too few.

    Attributes:
        rates_hz: Rate of each cell over the time it was observed, Hz, (cells,).
        silent: Cells without a spike.
        cv: Mean over cells of the coefficient of variation of their intervals; cells with five intervals or more.
        fano: Variance over mean of the count of all spikes in bins of 5 ms.
    """

    rates_hz: NDArray[np.float64]
    silent: int
    cv: float
    fano: float


def spike_statistics(spikes: Spikes) -> SpikeStatistics:
    """Rates, silence, irregularity and synchrony of spike trains.

    Intervals that span a time in which the cell was not observed do not count, and the bins of the Fano factor lie in
    the stretches in which the first cell was.
    """
    per_unit = spikes.per_unit()
    observed = _observed(spikes)
    lengths = np.array([float((each[:, 1] - each[:, 0]).sum()) for each in observed])
    rates = np.divide(per_unit, lengths, out=np.full(spikes.n_units, np.nan), where=lengths > 0)
    cvs = [_cv(spikes.times_of(unit), each) for unit, each in enumerate(observed)]
    known = [value for value in cvs if np.isfinite(value)]
    return SpikeStatistics(
        rates, int(np.count_nonzero(per_unit == 0)), float(np.mean(known)) if known else float("nan"),
        _fano(spikes.times_s, observed[0]) if observed else float("nan"),
    )  # fmt: skip


def _observed(spikes: Spikes) -> list[NDArray[np.float64]]:
    if spikes.observed_s is None:
        return [np.array([[spikes.start_s, spikes.stop_s]])] * spikes.n_units
    return [np.asarray(each, np.float64).reshape(-1, 2) for each in spikes.observed_s]


def _cv(times_s: NDArray[np.float64], observed: NDArray[np.float64]) -> float:
    stretch = np.searchsorted(observed[:, 0], times_s, side="right")
    intervals = np.diff(times_s)[np.diff(stretch) == 0]
    if len(intervals) < FEWEST_INTERVALS:
        return float("nan")
    return float(intervals.std() / intervals.mean())


def _fano(times_s: NDArray[np.float64], observed: NDArray[np.float64]) -> float:
    width_s, counts = POPULATION_BIN_MS / 1000, []
    for begin, end in observed:
        bins = int((end - begin) / width_s + 1e-6)
        low, high = np.searchsorted(times_s, [begin, end])
        places = np.floor((times_s[low:high] - begin) / width_s + 1e-9).astype(np.int64)
        counts.append(np.bincount(places[places < bins], minlength=bins))
    together = np.concatenate(counts) if counts else np.empty(0)
    return float(together.var() / together.mean()) if len(together) and together.mean() > 0 else float("nan")

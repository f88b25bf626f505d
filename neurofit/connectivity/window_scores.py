"""Means of the voltage over windows of lags after spikes, against what was before and against jittered spikes.

All are sums, over spikes, of rows of running means, so that a pair costs one addition a spike. With m_s the mean of a
window after spike s of n,

    mean = sum m_s / n        se^2 = (sum m_s^2 - n mean^2) / (n (n - 1))
    baseline z = mean / se of early_s - baseline_s
    jitter z   = (sum early_s - sum E(s)) / sqrt(sum Var(s))          (jitter.py)

A se over spikes takes the spikes as independent samples, as they are when they lie further apart than the voltage
remembers; bursts make it too small (sta_estimates.py has one that knows of them).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.average_options import WindowSteps
from neurofit.connectivity.cell_voltages import CellVoltages
from neurofit.connectivity.jitter import jitter_mean, jitter_variance, window_means
from neurofit.connectivity.window_sums import row_sums

_CELLS, _STEPS = 384, 5000
"""At a time: running sums in float64 and what is made of them are several times the voltage."""


@dataclass(frozen=True, eq=False)
class WindowMean:
    """The mean over a window of lags.

    Attributes:
        mean: Relative to the postsynaptic cell's mean, mV, (post, pre).
        se: Standard error over spikes, mV, (post, pre); NaN with fewer than two spikes.
    """

    mean: NDArray[np.floating]
    se: NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class WindowScores:
    """Window means of all pairs and their z.

    Attributes:
        windows: By name: baseline, early, late.
        baseline_z: Of early minus baseline, (post, pre).
        jitter_excess: Early window minus its expectation under jitter, mV, (post, pre).
        jitter_z: The same over its standard deviation under jitter, (post, pre).
        mean: Mean of each cell over the recording, mV, (post,).
    """

    windows: dict[str, WindowMean]
    baseline_z: NDArray[np.floating]
    jitter_excess: NDArray[np.floating]
    jitter_z: NDArray[np.floating]
    mean: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Excess:
    """Early window minus its expectation under jitter, by the step of a spike, for some cells and steps.

    Attributes:
        start: Step of the first row.
        cells: The cells.
        windows: Window means by name, relative to an offset of each cell, (steps, cells).
        around: Mean of the early window, with `jitter` steps more at both ends, (steps + 2 jitter, cells).
        expected: Its mean under jitter, (steps, cells).
        jitter: Steps by which a spike is moved at most.
    """

    start: int
    cells: slice
    windows: dict[str, NDArray[np.float64]]
    around: NDArray[np.float64]
    expected: NDArray[np.float64]
    jitter: int

    @property
    def excess(self) -> NDArray[np.float64]:
        """Early window minus its expectation under jitter, (steps, cells)."""
        return self.windows["early"] - self.expected

    @property
    def variance(self) -> NDArray[np.float64]:
        """Variance of the early window under jitter, (steps, cells)."""
        return jitter_variance(self.around, self.expected, self.jitter)


def window_scores(cells: CellVoltages, trains: Sequence[NDArray[np.int64]], steps: WindowSteps) -> WindowScores:
    """Window means and scores of all pairs.

    Args:
        cells: Voltages.
        trains: Steps of the spikes of each presynaptic cell that count: `steps.span` lies within the recording.
        steps: The windows.
    """
    shape = (len(trains), cells.n_cells)
    sums: dict[str, NDArray[np.float32]] = defaultdict(lambda: np.zeros(shape, np.float32))
    means = CellMeans(cells.n_cells)
    start, chosen = -1, [trains[0]] * 0
    for part in excesses(cells, steps, means):
        if part.start != start:
            start, stop = part.start, part.start + len(part.expected)
            chosen = [_rows(train, start, stop) for train in trains]
        for name, values in _summed(part):
            sums[name][:, part.cells] += row_sums(values.astype(np.float32, copy=False), chosen)
    n = np.array([len(train) for train in trains], dtype=np.float32)[:, None]
    contrast_mean = _mean(sums["contrast"], sums["contrast squared"], n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return WindowScores(
            {
                name: _mean(sums[name], sums[f"{name} squared"], n, means.above.astype(np.float32))
                for name in steps.windows
            },
            contrast_mean.mean / contrast_mean.se,
            (sums["excess"] / n).T,
            (sums["excess"] / np.sqrt(np.maximum(sums["variance"], 0))).T,
            means.mean,
        )


class CellMeans:
    """Means of all cells over the recording, relative to an offset that is there from the first block on."""

    def __init__(self, n_cells: int) -> None:
        self.offset = np.zeros(n_cells)
        self._sum, self._steps = np.zeros(n_cells), 0

    def add(self, own: NDArray[np.float32]) -> None:
        """Counts a block of steps, (steps, cells)."""
        total = own.sum(axis=0, dtype=np.float64)
        if not self._steps:
            self.offset = np.nan_to_num(total / len(own))
        self._sum += total - len(own) * self.offset
        self._steps += len(own)

    @property
    def above(self) -> NDArray[np.float64]:
        """Mean above the offset, (cells,)."""
        return self._sum / self._steps

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean, (cells,)."""
        return self.offset + self.above


def excesses(cells: CellVoltages, steps: WindowSteps, means: CellMeans) -> Iterator[Excess]:
    """Windows and jitter moments of all steps at which a spike may count, a block and some cells at a time.

    Args:
        cells: Voltages.
        steps: The windows.
        means: Learns the means of the cells.
    """
    low, high = steps.span
    first, last = steps.windows["early"]
    held = 4 * cells.n_cells * _STEPS
    for block in cells.blocks(max(0, -low), max(0, high), bytes_held=held):
        means.add(block.own)
        start = max(block.start, -low)
        stop = min(block.stop, cells.n_steps - max(0, high))
        if start >= stop:
            continue
        width = -(-cells.n_cells // -(-cells.n_cells // _CELLS))
        for begin in range(0, cells.n_cells, width):
            chosen = slice(begin, min(begin + width, cells.n_cells))
            values = block.values[:, chosen] - means.offset[chosen]

            count, at = stop - start, start - block.first
            early = _means_at(values, at - steps.jitter, (first, last), count + 2 * steps.jitter)
            expected = jitter_mean(early, steps.jitter)
            windows = {
                name: early[steps.jitter : len(early) - steps.jitter]
                if name == "early"
                else _means_at(values, at, lags, count)
                for name, lags in steps.windows.items()
            }
            yield Excess(start, chosen, windows, early, expected, steps.jitter)


def _summed(part: Excess) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """What is added up over spikes, one thing at a time in memory."""
    for name in part.windows:
        yield name, part.windows[name]
        yield f"{name} squared", np.square(part.windows[name])
    contrast = part.windows["early"] - part.windows["baseline"]
    yield "contrast", contrast
    yield "contrast squared", np.square(contrast)
    yield "excess", part.excess
    yield "variance", part.variance


def _means_at(values: NDArray[np.floating], row: int, lags: tuple[int, int], count: int) -> NDArray[np.float64]:
    """Means over a window of lags after each of `count` rows from `row` on, (count, cells)."""
    first, last = lags
    return window_means(values[row + first : row + last + count], first, last)


def _rows(train: NDArray[np.int64], start: int, stop: int) -> NDArray[np.int64]:
    low, high = np.searchsorted(train, [start, stop])
    return train[low:high] - start


def _mean(
    total: NDArray[np.float32], squares: NDArray[np.float32], n: NDArray[np.float32],
    above: NDArray[np.float32] | None = None,
) -> WindowMean:  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        se = np.sqrt(np.maximum(squares - n * mean**2, 0) / (n * (n - 1)))
    return WindowMean((mean if above is None else mean - above).T, se.T)

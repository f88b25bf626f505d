"""What is kept of the averages of all pairs: peak, latency, area, window means, and z.

peak      W at the lag where |W| is largest, W relative to the postsynaptic cell's mean
latency   that lag
area      sum over lags of W dt
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.average_blocks import AverageBlock
from neurofit.connectivity.window_scores import WindowMean


@dataclass(frozen=True, eq=False)
class AverageSummaries:
    """Summaries of the spike-triggered averages of all pairs, [post, pre]; what was not asked for is None.

    NaN in the column of a presynaptic cell without a spike that counts.

    Attributes:
        lags_ms: The lags of the average, ms, (lag,).
        n_spikes: Spikes of each presynaptic cell that count, (pre,).
        n_dropped: Spikes in all that do not, because a lag or a window that is asked for leaves the recording.
        silent: Presynaptic cells without a spike that counts, (silent,).
        mean: Mean of each postsynaptic cell over the recording, mV, (post,).
        peak: mV, (post, pre), float32.
        latency_ms: Lag of the peak, ms, (post, pre), float32.
        area: mV ms, (post, pre), float32.
        windows: Means over windows of lags, with standard errors over spikes, by name: baseline, early, late.
        baseline_z: Early minus baseline over its standard error, (post, pre).
        jitter_excess: Early window minus its expectation when spikes are jittered, mV, (post, pre).
        jitter_z: The same over its standard deviation under jitter, (post, pre).
    """

    lags_ms: NDArray[np.floating]
    n_spikes: NDArray[np.int64]
    n_dropped: int
    silent: NDArray[np.intp]
    mean: NDArray[np.float64]
    peak: NDArray[np.float32] | None = None
    latency_ms: NDArray[np.float32] | None = None
    area: NDArray[np.float32] | None = None
    windows: dict[str, WindowMean] | None = None
    baseline_z: NDArray[np.floating] | None = None
    jitter_excess: NDArray[np.floating] | None = None
    jitter_z: NDArray[np.floating] | None = None


@dataclass(frozen=True, eq=False)
class Peaks:
    """Peak, its lag and area of all pairs, [post, pre].

    Attributes:
        peak: mV, float32.
        lag: Index of the lag of the peak, 0 for the first; 0 where the peak is NaN.
        area: Sum over lags, mV, float32.
        mean: Mean of each postsynaptic cell over the recording, mV, (post,).
    """

    peak: NDArray[np.float32]
    lag: NDArray[np.int32]
    area: NDArray[np.float32]
    mean: NDArray[np.float64]


def peaks_of(blocks: Iterable[AverageBlock], n_cells: int) -> Peaks:
    """Peaks of all pairs from the blocks of their averages.

    Args:
        blocks: From `average_blocks`.
        n_cells: Cells, each post and pre.
    """
    shape = (n_cells, n_cells)
    peak, lag, area = np.empty(shape, np.float32), np.empty(shape, np.int32), np.empty(shape, np.float32)
    mean = np.empty(n_cells)
    for block in blocks:
        mean[block.post] = block.mean
        columns = np.arange(block.by_pre.shape[2])
        # One presynaptic cell at a time, whose averages lie in the cache.
        for pre, average in enumerate(block.by_pre):
            at = np.abs(average).argmax(axis=0)
            lag[block.post, pre] = at
            peak[block.post, pre] = average[at, columns]
            area[block.post, pre] = average.sum(axis=0)
    return Peaks(peak, lag, area, mean)

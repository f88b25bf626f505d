"""The averages themselves, for a few postsynaptic cells at a time and all presynaptic ones.

Voltage is read over all time for as many cells as fit, or, where the sums of all pairs fit instead, once in blocks of
time. Sums are float32, relative to each cell's mean over what is read first; the exact mean comes off at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.cell_voltages import HELD_BYTES, CellVoltages
from neurofit.connectivity.window_sums import CELLS_AT_A_TIME, window_sums

SUMS_BYTES = 128 * 2**20


@dataclass(frozen=True, eq=False)
class AverageBlock:
    """Averages of neighbouring postsynaptic cells after the spikes of all cells.

    Attributes:
        post: The postsynaptic cells.
        by_pre: The averages relative to each postsynaptic cell's mean, mV, as they lie in memory: (pre, lag, post),
            float32; NaN for a presynaptic cell without a spike that counts.
        mean: Mean of each postsynaptic cell over the recording, mV, (post,): add it for the voltage itself.
        n_spikes: Spikes of each presynaptic cell that count, (pre,).
    """

    post: slice
    by_pre: NDArray[np.float32]
    mean: NDArray[np.float64]
    n_spikes: NDArray[np.int64]

    @property
    def values(self) -> NDArray[np.float32]:
        """The averages, (post, pre, lag): a view."""
        return self.by_pre.transpose(2, 0, 1)


def average_blocks(
    cells: CellVoltages, trains: Sequence[NDArray[np.int64]], lags: tuple[int, int]
) -> Iterator[AverageBlock]:
    """Averages of all postsynaptic cells, a block of them at a time, in order.

    Args:
        cells: Voltages.
        trains: Steps of the spikes of each presynaptic cell that count, ascending: all lags lie within the recording.
        lags: First and last lag, steps.
    """
    n_lags = lags[1] - lags[0] + 1
    room = SUMS_BYTES // (4 * max(1, len(trains)) * n_lags)
    width = min(cells.n_cells, max(CELLS_AT_A_TIME, room // CELLS_AT_A_TIME * CELLS_AT_A_TIME))
    whole = HELD_BYTES // (4 * cells.n_steps)
    group = whole // width * width if width < cells.n_cells and whole >= width else width
    for first in range(0, cells.n_cells, group):
        read = cells.of(slice(first, min(first + group, cells.n_cells)))
        read = read.held() if read.n_cells > width else read
        for begin in range(0, read.n_cells, width):
            part = read.of(slice(begin, min(begin + width, read.n_cells)))
            post = slice(first + begin, first + begin + part.n_cells)
            yield from _parts(part, trains, lags, post.start)


def _parts(
    cells: CellVoltages, trains: Sequence[NDArray[np.int64]], lags: tuple[int, int], first: int
) -> Iterator[AverageBlock]:
    """Averages of cells whose sums fit into memory all together, in blocks of `CELLS_AT_A_TIME`."""
    n_lags = lags[1] - lags[0] + 1
    parts = [slice(i, min(i + CELLS_AT_A_TIME, cells.n_cells)) for i in range(0, cells.n_cells, CELLS_AT_A_TIME)]
    sums: list[NDArray[np.float32]] = []
    offset, total = np.zeros(0, np.float32), np.zeros(cells.n_cells)
    for block in cells.blocks(max(0, -lags[0]), max(0, lags[1])):
        if not len(offset):
            offset = np.nan_to_num(block.own.mean(axis=0, dtype=np.float64)).astype(np.float32)
        values = block.values - offset
        own = values[block.start - block.first : block.stop - block.first]
        total += own.sum(axis=0, dtype=np.float64)
        starts = [_within(train, block.start, block.stop) + (lags[0] - block.first) for train in trains]
        for i, part in enumerate(parts):
            found = window_sums(values[:, part], starts, n_lags)
            if block.start == 0:
                sums.append(found)
            else:
                sums[i] += found
    counts = np.array([len(train) for train in trains], dtype=np.int64)
    above = total / cells.n_steps
    with np.errstate(divide="ignore"):
        weights = np.where(counts > 0, 1 / counts, np.nan).astype(np.float32)
    for part in parts:
        found = sums.pop(0)
        found *= weights[:, None, None]
        found -= above[part].astype(np.float32)
        yield AverageBlock(
            slice(first + part.start, first + part.stop), found, (offset + above)[part].astype(np.float64), counts
        )


def _within(train: NDArray[np.int64], start: int, stop: int) -> NDArray[np.int64]:
    low, high = np.searchsorted(train, [start, stop])
    return train[low:high]

"""Sums of what follows spikes, over the spikes of each cell: additions, and nothing else.

    sum[pre, lag, cell] = sum over spikes s of pre of x[s + lag, cell]

A window of lags of few cells is one stretch of memory, lags x cells long, that begins at the row of its spike. All
windows of a block are a view whose rows overlap, and the sums are bags of its rows. With few cells at a time the
values, and the sum that grows, stay in the processor's caches: that decides the time, the additions do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CELLS_AT_A_TIME = 24
"""Of 8 to 64 the quickest for 300 lags: sums of 29 kB."""


def window_sums(values: NDArray[np.float32], trains: Sequence[NDArray[np.int64]], n_lags: int) -> NDArray[np.float32]:
    """Sums of windows of rows, (trains, n_lags, cells).

    Args:
        values: (rows, cells), means removed, for float32 sums to be exact enough.
        trains: For each presynaptic cell the first row of each of its windows, (windows,); all lie within the rows.
        n_lags: Rows in a window.
    """
    import torch

    rows, cells = values.shape
    # With a `padding_idx` torch adds row by row where they lie; without one it first writes all windows out, one after
    # the other. The row that it leaves out has to be one that nobody wants, hence a row more than there are.
    padded = np.zeros((rows + 1, cells), dtype=np.float32)
    padded[:rows] = values
    n_windows = rows + 2 - n_lags
    windows = torch.as_strided(torch.from_numpy(padded), (n_windows, n_lags * cells), (cells, 1))
    lengths = np.array([len(train) for train in trains], dtype=np.int64)
    sums = torch.nn.functional.embedding_bag(
        torch.from_numpy(np.concatenate(trains)), windows, torch.from_numpy(np.cumsum(lengths) - lengths),
        mode="sum", padding_idx=n_windows - 1,
    )  # fmt: skip
    return np.asarray(sums.numpy()).reshape(len(trains), n_lags, cells)


def row_sums(values: NDArray[np.float32], trains: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
    """Sums of rows of `values` (rows, cells), (trains, cells).

    Args:
        values: (rows, cells).
        trains: For each presynaptic cell the rows to add, (spikes,).
    """
    import torch

    lengths = np.array([len(train) for train in trains], dtype=np.int64)
    sums = torch.nn.functional.embedding_bag(
        torch.from_numpy(np.concatenate(trains)), torch.from_numpy(np.ascontiguousarray(values)),
        torch.from_numpy(np.cumsum(lengths) - lengths), mode="sum",
    )  # fmt: skip
    return np.asarray(sums.numpy())

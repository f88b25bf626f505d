"""How much a mean over spikes varies although spikes and voltage know nothing of each other.

For a stationary x with autocovariance c(tau) and spikes s_1 .. s_n,

    Var(1/n sum_k x(s_k)) = 1/n^2 sum_{k,l} c(s_k - s_l) = 1/n^2 sum_tau A(tau) c(tau)

with A(tau) the number of ordered pairs of spikes tau apart (A(0) = n). Exact for any train, bursts included, and any
colour of x: with independent samples it is the familiar sd / sqrt(n). tau goes in steps of about `GRID_MS`, up to where
the caller says that c has died away.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

GRID_MS = 1.0

LEAST = 0.25
"""Of the variance with independent samples: the estimate of a covariance may not take more than three quarters off."""


class Autocovariance:
    """Autocovariance of all cells, from blocks of rows that follow each other at the same distance.

    Args:
        n_cells: Cells.
        n_lags: Number of lags, 0 to n_lags - 1.
    """

    def __init__(self, n_cells: int, n_lags: int) -> None:
        self._products = np.zeros((n_lags, n_cells))
        self._pairs = np.zeros(n_lags)
        self._sum = np.zeros(n_cells)
        self._tail = np.zeros((0, n_cells), np.float32)

    def add(self, rows: NDArray[np.floating]) -> None:
        """Counts the rows that follow, (rows, cells), near 0 in the mean."""
        rows = np.asarray(rows, dtype=np.float32)
        joined = np.concatenate([self._tail, rows])
        before = len(self._tail)
        for lag in range(len(self._products)):
            skipped = min(max(0, lag - before), len(rows))
            later, earlier = rows[skipped:], joined[max(0, before + skipped - lag) :][: len(rows) - skipped]
            self._products[lag] += np.einsum("tc,tc->c", later, earlier)
            self._pairs[lag] += len(later)
        self._sum += rows.sum(axis=0, dtype=np.float64)
        self._tail = joined[max(0, len(joined) - len(self._products) + 1) :]

    def result(self) -> NDArray[np.float64]:
        """Covariance at each lag, (lag, cells); 0 at lags that no two rows are apart."""
        mean = self._sum / max(1.0, self._pairs[0])
        return np.where(self._pairs > 0, 1.0, 0.0)[:, None] * (
            self._products / np.maximum(self._pairs, 1)[:, None] - np.square(mean)
        )


def pair_counts(trains: Sequence[NDArray[np.int64]], *, grid: int, n_lags: int) -> NDArray[np.float64]:
    """Ordered pairs of spikes of each train by their distance, rounded to multiples of `grid`, (trains, lag).

    Args:
        trains: Steps of the spikes, ascending.
        grid: Steps of a lag.
        n_lags: Number of lags; pairs further apart are left out.
    """
    counts = np.zeros((len(trains), n_lags))
    for row, train in zip(counts, trains, strict=True):
        row[0] = len(train)
        for apart in range(1, len(train)):
            lag = (train[apart:] - train[:-apart] + grid // 2) // grid
            near = lag[lag < n_lags]
            if not len(near):
                break
            row += 2 * np.bincount(near, minlength=n_lags)
    return counts


def standard_error(
    covariance: NDArray[np.float64],
    counts: NDArray[np.float64],
    n_spikes: NDArray[np.integer],
    *,
    rows: int | None = None,
) -> NDArray[np.float64]:
    """Standard error of the mean of each cell over the spikes of each train, (cells, trains).

    Args:
        covariance: (lag, cells).
        counts: (trains, lag), ordered pairs; lag 0 holds the spikes themselves, too.
        n_spikes: Spikes of each train, (trains,).
        rows: Rows of which the mean of each cell was taken off, which takes off part of what nearby spikes share; None
            where none was.
    """
    n = n_spikes.astype(np.float64)
    independent = np.outer(np.maximum(covariance[0], 0), n)
    variance = covariance.T @ counts.T
    if rows is not None:
        of_mean = (2 * covariance.sum(axis=0) - covariance[0]) / rows
        variance -= np.outer(of_mean, n**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(np.maximum(variance, LEAST * independent)) / n

"""Exact second moments of a signal and its own past, streamed: all that least squares needs.

With lagged products S[i, j] = sum_t x_{t-i} x_{t-j} over the predicted rows t of a window of n of them, moving both
lags by one only exchanges one row at each end (x_{h-1} is the last row of history, x_{h+n-1} the last of the window):

    S[i+1, j+1] = S[i, j] + x_{h-1-i} x_{h-1-j} - x_{h+n-1-i} x_{h+n-1-j}

so order + 1 products S[0, k] and the rows at the ends give the whole Gram matrix of the lag-stacked design, not a
Toeplitz approximation of it. The moments of order p hold those of every lower order, on the same rows t.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.linear.windows import Slabs, windows

EDGE_BATCH = 64


@dataclass(frozen=True, eq=False)
class CentredMoments:
    """Normal equations of the regression of x_t on its past with an intercept, all moments about the means.

    Shapes are those of channels on their own past; in brackets those of channels on the past of all channels, whose
    regressors are ordered lag by lag.

    Attributes:
        rows: Number of predicted rows.
        target_square: (channel,), sums of squares of x_t.
        cross: (channel, order) [(order * channel, channel)], sums of regressor times x_t.
        gram: (channel, order, order) [(order * channel, order * channel)], sums of products of regressors.
        target_mean: (channel,).
        lag_mean: (order, channel), means of x_{t-1}, x_{t-2}, ...
    """

    rows: int
    target_square: NDArray[np.float64]
    cross: NDArray[np.float64]
    gram: NDArray[np.float64]
    target_mean: NDArray[np.float64]
    lag_mean: NDArray[np.float64]


class _LagSums:
    """Row count and sums of x_t, x_{t-1}, ..., shared by both kinds of moments."""

    def __init__(self, *, order: int, channels: int) -> None:
        self.order = order
        self.channels = channels
        self.rows = 0
        self._sums = np.zeros((order + 1, channels))

    def _split(
        self, window: NDArray[np.floating[Any]]
    ) -> tuple[list[NDArray[np.float64]], NDArray[np.float64], NDArray[np.float64]]:
        """Views x_{t-k} (n, channel) for k = 0..order, and the `order` rows before and at the end, latest first."""
        values = np.asarray(window, dtype=np.float64)
        n, p = len(values) - self.order, self.order
        if n < 1 or values.shape[1] != self.channels:
            raise ValueError(f"window {values.shape}; expected more than {p} rows of {self.channels} channels")
        lagged = [values[p - k : p - k + n] for k in range(p + 1)]
        head, tail = values[:p][::-1], values[n:][::-1]
        self.rows += n
        shift = np.cumsum(np.concatenate([np.zeros((1, self.channels)), head - tail]), axis=0)
        self._sums += lagged[0].sum(axis=0) + shift
        return lagged, head, tail

    def _means(self) -> NDArray[np.float64]:
        if not self.rows:
            raise ValueError(f"no stretch of the data is longer than {self.order} rows; use a lower order or more data")
        return self._sums / self.rows


class ChannelMoments(_LagSums):
    """Moments of every channel with its own past: cost and memory grow with the number of channels.

    Args:
        order: Highest lag.
        channels: Number of channels.
    """

    def __init__(self, *, order: int, channels: int) -> None:
        super().__init__(order=order, channels=channels)
        self._products = np.zeros((order + 1, channels))
        self._edges = np.zeros((order, order, channels))

    def add(self, window: NDArray[np.floating[Any]]) -> None:
        """Add a window (order + n, channel), history first."""
        lagged, head, tail = self._split(window)
        for products, past in zip(self._products, lagged, strict=True):
            products += np.einsum("tc,tc->c", lagged[0], past)
        self._edges += np.einsum("ic,jc->ijc", head, head) - np.einsum("ic,jc->ijc", tail, tail)

    def centred(self) -> CentredMoments:
        """The normal equations of the highest order.

        Raises:
            ValueError: No window was added.
        """
        means = self._means()
        p = self.order
        sums = np.empty((p + 1, p + 1, self.channels))
        sums[0], sums[:, 0] = self._products, self._products
        for i in range(p):
            sums[i + 1, 1:] = sums[i, :-1] + self._edges[i]
        sums -= self.rows * means[:, None] * means[None]
        return CentredMoments(
            rows=self.rows,
            target_square=sums[0, 0],
            cross=np.ascontiguousarray(sums[0, 1:].T),
            gram=np.ascontiguousarray(np.moveaxis(sums[1:, 1:], 2, 0)),
            target_mean=means[0],
            lag_mean=means[1:],
        )


class PopulationMoments(_LagSums):
    """Moments of all channels with the past of all channels: order + 1 lag covariances.

    Args:
        order: Highest lag.
        channels: Number of channels.
    """

    def __init__(self, *, order: int, channels: int) -> None:
        super().__init__(order=order, channels=channels)
        self._products = np.zeros((order + 1, channels, channels))
        self._edges = np.zeros((order * channels, order * channels))
        self._pending: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []

    def add(self, window: NDArray[np.floating[Any]]) -> None:
        """Add a window (order + n, channel), history first."""
        lagged, head, tail = self._split(window)
        for products, past in zip(self._products, lagged, strict=True):
            products += lagged[0].T @ past
        self._pending.append((head.ravel(), tail.ravel()))
        if len(self._pending) == EDGE_BATCH:
            self._add_edges()

    def centred(self) -> CentredMoments:
        """The normal equations of the highest order.

        Raises:
            ValueError: No window was added.
        """
        means = self._means()
        self._add_edges()
        c, p = self.channels, self.order
        gram = self._edges.copy()
        for row in range(p):
            for column in range(row, p):
                block = gram[row * c : (row + 1) * c, column * c : (column + 1) * c]
                block += gram[(row - 1) * c : row * c, (column - 1) * c : column * c] if row else self._products[column]
                gram[column * c : (column + 1) * c, row * c : (row + 1) * c] = block.T
        past = means[1:].ravel()
        gram -= self.rows * np.outer(past, past)
        cross = self._products[1:].transpose(0, 2, 1).reshape(p * c, c) - self.rows * np.outer(past, means[0])
        target_square = self._products[0].diagonal() - self.rows * means[0] ** 2
        return CentredMoments(self.rows, target_square, cross, gram, means[0], means[1:])

    def _add_edges(self) -> None:
        if self._pending:
            heads, tails = (np.stack(rows) for rows in zip(*self._pending, strict=True))
            self._edges += heads.T @ heads - tails.T @ tails
            self._pending.clear()


def channel_moments(slabs: Slabs, *, order: int) -> CentredMoments:
    """Moments of every channel with its own past, in one pass over the data.

    Args:
        slabs: Pairs (values (time, channel), starts_segment).
        order: Highest lag; the first `order` rows of every segment are history only.

    Raises:
        ValueError: No segment is longer than `order` rows.
    """
    return _accumulate(ChannelMoments, slabs, order)


def population_moments(slabs: Slabs, *, order: int) -> CentredMoments:
    """Moments of all channels with the past of all channels, in one pass over the data.

    Args:
        slabs: Pairs (values (time, channel), starts_segment).
        order: Highest lag; the first `order` rows of every segment are history only.

    Raises:
        ValueError: No segment is longer than `order` rows.
    """
    return _accumulate(PopulationMoments, slabs, order)


def _accumulate(kind: type[ChannelMoments] | type[PopulationMoments], slabs: Slabs, order: int) -> CentredMoments:
    moments: ChannelMoments | PopulationMoments | None = None
    for window in windows(slabs, history=order):
        moments = moments or kind(order=order, channels=window.shape[1])
        moments.add(window)
    if moments is None:
        raise ValueError(f"no stretch of the data is longer than {order} rows; use a lower order or more data")
    return moments.centred()

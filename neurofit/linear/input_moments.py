"""Exact second moments of every channel with its own past and with the past of measured inputs, streamed.

With S[i, j] = sum_t x_{t-i} u_{t-j} over the predicted rows t of a window of n of them, as in `lag_moments`

    S[i+1, j+1] = S[i, j] + x_{h-1-i} u_{h-1-j} - x_{h+n-1-i} u_{h+n-1-j}

(h rows of history), so that the products S[0, j] and S[i, 0] and the rows at the ends give all the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.linear.lag_moments import EDGE_BATCH, CentredMoments, PopulationMoments


@dataclass(frozen=True, eq=False)
class CentredInputMoments:
    """Normal equations of x_t on its own past and on that of all inputs, about the means, on the same rows.

    Input regressors are ordered lag by lag: u_{t-1}, u_{t-2}, ...

    Attributes:
        own: Of every channel with its own past.
        gram: (input_order * inputs, input_order * inputs), sums of products of input regressors.
        target: (input_order * inputs, channel), sums of input regressor times x_t.
        past: (channel, order, input_order * inputs), sums of x_{t-i} times input regressor.
        mean: (input_order * inputs,), means of the input regressors.
        n_inputs: Number of inputs.
    """

    own: CentredMoments
    gram: NDArray[np.float64]
    target: NDArray[np.float64]
    past: NDArray[np.float64]
    mean: NDArray[np.float64]
    n_inputs: int


class InputMoments:
    """Gathers what inputs add to `ChannelMoments`, window by window.

    Args:
        order: Highest lag of the channels.
        input_order: Highest lag of the inputs.
        channels: Number of channels.
        inputs: Number of inputs.
    """

    def __init__(self, *, order: int, input_order: int, channels: int, inputs: int) -> None:
        self.order, self.input_order = order, input_order
        self._inputs = PopulationMoments(order=input_order, channels=inputs)
        self._by_input_lag = np.zeros((input_order + 1, inputs, channels))
        self._by_own_lag = np.zeros((order + 1, inputs, channels))
        self._edges = np.zeros((input_order * inputs, order * channels))
        self._pending: list[tuple[NDArray[np.float64], ...]] = []

    @property
    def history(self) -> int:
        """Rows before the predicted ones that a window begins with."""
        return max(self.order, self.input_order)

    def add(self, window: NDArray[np.floating[Any]], inputs: NDArray[np.floating[Any]]) -> None:
        """Add rows (h + n, channel) and (h + n, input) of the same times, with h = `history`."""
        x, u = np.asarray(window, np.float64), np.asarray(inputs, np.float64)
        p, q = self.order, self.input_order
        h, n = self.history, len(x) - self.history
        self._inputs.add(u[h - q :])
        for lag in range(q + 1):
            self._by_input_lag[lag] += u[h - lag : h - lag + n].T @ x[h:]
        for lag in range(1, p + 1):
            self._by_own_lag[lag] += u[h:].T @ x[h - lag : h - lag + n]
        ends = (u[h - q : h], x[h - p : h], u[h + n - q :], x[h + n - p :])
        self._pending.append(tuple(rows[::-1].ravel() for rows in ends))
        if len(self._pending) == EDGE_BATCH:
            self._add_edges()

    def centred(self, own: CentredMoments) -> CentredInputMoments:
        """The normal equations of the highest orders.

        Args:
            own: Those of every channel with its own past, of the same order, on the same rows.

        Raises:
            ValueError: No window was added, or other rows.
        """
        inputs = self._inputs.centred()
        if own.rows != inputs.rows:
            raise ValueError(f"moments of {own.rows} rows of the channels and {inputs.rows} of the inputs")
        self._add_edges()
        p, q = self.order, self.input_order
        n_inputs, channels = self._by_input_lag.shape[1:]
        edges = self._edges.reshape(q, n_inputs, p, channels)
        sums = np.empty((p + 1, q + 1, n_inputs, channels))
        sums[:, 0], sums[0] = self._by_own_lag, self._by_input_lag
        for i in range(p):
            sums[i + 1, 1:] = sums[i, :-1] + edges[:, :, i]
        means = np.concatenate([own.target_mean[None], own.lag_mean])
        sums[:, 1:] -= own.rows * inputs.lag_mean[None, :, :, None] * means[:, None, None, :]
        stacked = sums[:, 1:].reshape(p + 1, q * n_inputs, channels)
        past = np.ascontiguousarray(stacked[1:].transpose(2, 0, 1))
        return CentredInputMoments(own, inputs.gram, stacked[0], past, inputs.lag_mean.ravel(), n_inputs)

    def _add_edges(self) -> None:
        if self._pending:
            input_heads, heads, input_tails, tails = (np.stack(rows) for rows in zip(*self._pending, strict=True))
            self._edges += input_heads.T @ heads - input_tails.T @ tails
            self._pending.clear()

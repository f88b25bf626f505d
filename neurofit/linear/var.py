"""Ridge vector autoregression: every channel on the past of all channels, order and penalty chosen on validation.

    y_t = b + sum_{k=1..p} A_k x_{t-k}          A = (Z'Z + lambda s I)^-1 Z'X on centred moments,

with s the mean diagonal of the Gram matrix Z'Z, so that the penalty lambda has no unit. The intercept is not
penalised. One Cholesky factorisation a penalty costs a fraction of the eigendecomposition that would serve them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from neurofit.linear.lag_moments import CentredMoments
from neurofit.linear.predictors import FloatWindow

VAR_ORDERS = (1, 2, 3, 5, 10)
PENALTIES = (1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
MAX_REGRESSORS = 4096


@dataclass(frozen=True, eq=False)
class VectorAutoRegression:
    """A fitted vector autoregression.

    Attributes:
        coefficients: (order, post, pre): entry [k, i, j] carries channel j at t - 1 - k to channel i at t.
        intercept: (channel,), in units of the training standard deviation.
        penalty: The ridge penalty, relative to the mean diagonal of the Gram matrix.
    """

    coefficients: NDArray[np.float64]
    intercept: NDArray[np.float64]
    penalty: float

    @property
    def order(self) -> int:
        """Rows of history a prediction needs."""
        return self.coefficients.shape[0]

    def predict(self, window: NDArray[FloatWindow]) -> NDArray[FloatWindow]:
        """Predict rows `order` to the end: (order + n, ..., channel) -> (n, ..., channel), in the window's type."""
        n = len(window) - self.order
        prediction = np.broadcast_to(self.intercept, (n, *window.shape[1:])).copy()
        values = window.astype(np.float64, copy=False)
        for lag, coefficients in enumerate(self.coefficients, start=1):
            prediction += values[self.order - lag : self.order - lag + n] @ coefficients.T
        return prediction.astype(window.dtype, copy=False)


def fitting_orders(channels: int, *, rows: int | None = None, orders: Sequence[int] = VAR_ORDERS) -> tuple[int, ...]:
    """The candidate orders whose regressors a ridge fit can hold and the data can determine.

    Args:
        channels: Number of channels.
        rows: Training rows, when known.
        orders: Candidate orders.

    Returns:
        Orders with channels * order at most 4096 and at most half the rows; empty when none is left.
    """
    limit = MAX_REGRESSORS if rows is None else min(MAX_REGRESSORS, rows // 2)
    return tuple(order for order in orders if channels * order <= limit)


def fit_var(
    train: CentredMoments,
    validation: CentredMoments,
    *,
    orders: Sequence[int] = VAR_ORDERS,
    penalties: Sequence[float] = PENALTIES,
) -> VectorAutoRegression:
    """Fit every order and penalty on the training moments and keep the smallest pooled validation error.

    Args:
        train: `population_moments` of the training span, of at least the highest order.
        validation: `population_moments` of the validation span, of the same order.
        orders: Candidate orders.
        penalties: Candidate penalties, relative to the mean diagonal of the Gram matrix.

    Returns:
        The vector autoregression of the chosen order and penalty.
    """
    candidates = (candidate for order in orders for candidate in solve_var(train, order=order, penalties=penalties))
    return min(candidates, key=lambda candidate: float(var_errors(candidate, validation).sum()))


def solve_var(moments: CentredMoments, *, order: int, penalties: Sequence[float]) -> Iterator[VectorAutoRegression]:
    """Ridge regression of one order for each penalty, on the rows that the moments hold.

    Args:
        moments: `population_moments` of at least this order.
        order: Number of lags.
        penalties: Ridge penalties, relative to the mean diagonal of the Gram matrix.

    Yields:
        One vector autoregression for each penalty that lifts the Gram matrix above its own rounding errors.
    """
    channels = moments.target_mean.size
    size = order * channels
    gram, cross = moments.gram[:size, :size], moments.cross[:size]
    past = moments.lag_mean[:order].ravel()
    scale = _scale(gram, past, moments.rows)
    for penalty in penalties:
        system = gram.copy()
        system.flat[:: size + 1] += penalty * scale
        try:
            factor = linalg.cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            continue
        stacked = linalg.cho_solve(factor, cross, check_finite=False)
        coefficients = np.ascontiguousarray(stacked.reshape(order, channels, channels).transpose(0, 2, 1))
        yield VectorAutoRegression(coefficients, moments.target_mean - past @ stacked, penalty)


def var_errors(predictor: VectorAutoRegression, moments: CentredMoments) -> NDArray[np.float64]:
    """Sum of squared one-step errors of each channel over the rows that the moments hold.

    Args:
        predictor: A vector autoregression of at most the moments' order.
        moments: `population_moments` of the data to be predicted.

    Returns:
        (channel,), in squared units of the training standard deviation.
    """
    size = predictor.order * predictor.intercept.size
    stacked = predictor.coefficients.transpose(0, 2, 1).reshape(size, -1)
    past = moments.lag_mean[: predictor.order].ravel()
    bias = moments.target_mean - predictor.intercept - past @ stacked
    residual = moments.gram[:size, :size] @ stacked - 2 * moments.cross[:size]
    return moments.target_square + np.einsum("kc,kc->c", stacked, residual) + moments.rows * bias**2


def _scale(gram: NDArray[np.float64], past: NDArray[np.float64], rows: int) -> float:
    """Mean diagonal of the Gram matrix, kept above the rounding of its sums where every channel is constant."""
    centred = float(np.mean(gram.diagonal()))
    return max(centred, 1e-6 * (centred + rows * float(np.mean(past**2)))) or 1.0

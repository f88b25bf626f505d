"""Autoregression of every channel on its own past, one order for the recording, chosen on validation.

    y_tc = b_c + sum_{k=1..p} a_ck x_{t-k, c}

The coefficients are least squares on the training moments. Errors on validation data are a quadratic form in the
validation moments, so that all orders are compared without another pass over the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.linear.lag_moments import CentredMoments
from neurofit.linear.predictors import FloatWindow

AR_ORDERS = tuple(range(1, 21))

RIDGE = 1e-12
"""Relative to the mean square of a channel: far below any noise, above the rounding of sums in float64."""


@dataclass(frozen=True, eq=False)
class AutoRegression:
    """A fitted autoregression of each channel on itself.

    Attributes:
        coefficients: (channel, order), of x_{t-1}, x_{t-2}, ...
        intercept: (channel,), in units of the training standard deviation.
    """

    coefficients: NDArray[np.float64]
    intercept: NDArray[np.float64]

    @property
    def order(self) -> int:
        """Rows of history a prediction needs."""
        return self.coefficients.shape[1]

    def predict(self, window: NDArray[FloatWindow]) -> NDArray[FloatWindow]:
        """Predict rows `order` to the end: (order + n, ..., channel) -> (n, ..., channel), in the window's type."""
        n = len(window) - self.order
        prediction = np.broadcast_to(self.intercept, (n, *window.shape[1:])).copy()
        for lag, coefficients in enumerate(self.coefficients.T, start=1):
            prediction += coefficients * window[self.order - lag : self.order - lag + n]
        return prediction.astype(window.dtype, copy=False)


def fit_ar(train: CentredMoments, validation: CentredMoments, *, orders: Sequence[int] = AR_ORDERS) -> AutoRegression:
    """Fit every order on the training moments and keep the one with the smallest pooled validation error.

    Args:
        train: `channel_moments` of the training span, of at least the highest order.
        validation: `channel_moments` of the validation span, of the same order.
        orders: Candidate orders.

    Returns:
        The autoregression of the chosen order.
    """
    candidates = [solve_ar(train, order=order) for order in orders]
    return min(candidates, key=lambda candidate: float(ar_errors(candidate, validation).sum()))


def solve_ar(moments: CentredMoments, *, order: int) -> AutoRegression:
    """Least squares of one order, on the rows that the moments hold.

    Args:
        moments: `channel_moments` of at least this order.
        order: Number of lags.

    Returns:
        The autoregression; a constant channel gets its value as intercept.
    """
    lag_mean = moments.lag_mean[:order]
    gram = moments.gram[:, :order, :order]
    square = np.trace(gram, axis1=1, axis2=2) / order + moments.rows * np.mean(lag_mean**2, axis=0)
    ridge = RIDGE * np.where(square > 0, square, 1.0)
    system = gram + ridge[:, None, None] * np.eye(order)
    solution = np.linalg.solve(system, moments.cross[:, :order, None])
    coefficients = np.asarray(solution[:, :, 0], dtype=np.float64)
    return AutoRegression(coefficients, moments.target_mean - np.einsum("ck,kc->c", coefficients, lag_mean))


def ar_errors(predictor: AutoRegression, moments: CentredMoments) -> NDArray[np.float64]:
    """Sum of squared one-step errors of each channel over the rows that the moments hold.

    Args:
        predictor: Any per-channel autoregression of at most the moments' order.
        moments: `channel_moments` of the data to be predicted.

    Returns:
        (channel,), in squared units of the training standard deviation.
    """
    a, p = predictor.coefficients, predictor.order
    bias = moments.target_mean - predictor.intercept - np.einsum("ck,kc->c", a, moments.lag_mean[:p])
    explained = 2 * np.einsum("ck,ck->c", a, moments.cross[:, :p])
    spread = np.einsum("ci,cij,cj->c", a, moments.gram[:, :p, :p], a, optimize=True)
    return moments.target_square - explained + spread + moments.rows * bias**2

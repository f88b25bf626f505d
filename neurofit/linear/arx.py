"""Autoregression of every channel on its own past and on that of measured inputs, orders chosen on validation.

    y_tc = b_c + sum_{k=1..p} a_ck x_{t-k, c} + sum_{k=1..q} B_kc . u_{t-k}

For each q the inputs are eliminated from the normal equations (Frisch and Waugh 1933): with Z the input regressors,

    R = (Z'Z + lambda s I)^-1,   G' = X'X + mu r I - X'Z R Z'X,   g' = X'y - X'Z R Z'y,
    G' a = g',   B = R (Z'y - Z'X a)

on centred moments, with s and r the mean diagonals of Z'Z and X'X; one factorisation serves every channel and p.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from neurofit.linear.ar import AutoRegression, ar_errors, solve_ar
from neurofit.linear.input_moments import CentredInputMoments
from neurofit.linear.predictors import FloatWindow
from neurofit.linear.var import MAX_REGRESSORS

ARX_ORDERS = (1, 2, 3, 5, 10, 20)
INPUT_ORDERS = (1, 2, 5, 10, 20)
INPUT_PENALTIES = (1e-9, 1e-6, 1e-4, 1e-2, 1.0, 100.0)
OWN_PENALTIES = (0.0, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1)
MAX_MOMENTS = 2**26
"""Entries of the moments of all channels with all input regressors: half a gigabyte."""


@dataclass(frozen=True, eq=False)
class InputAutoRegression:
    """A fitted autoregression of each channel on itself and on all inputs.

    Attributes:
        coefficients: (channel, order), of x_{t-1}, x_{t-2}, ...
        input_coefficients: (input_order, channel, input): entry [k, c, i] carries input i at t - 1 - k to channel c.
        intercept: (channel,), in units of the training standard deviation.
        penalty: The ridge penalty on the inputs, relative to the mean diagonal of their Gram matrix.
        own_penalty: The same on the own past.
    """

    coefficients: NDArray[np.float64]
    input_coefficients: NDArray[np.float64]
    intercept: NDArray[np.float64]
    penalty: float
    own_penalty: float = 0.0

    @property
    def own_order(self) -> int:
        """Lags of the channels."""
        return self.coefficients.shape[1]

    @property
    def input_order(self) -> int:
        """Lags of the inputs."""
        return self.input_coefficients.shape[0]

    @property
    def order(self) -> int:
        """Rows of history a prediction needs."""
        return max(self.own_order, self.input_order)

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self.input_coefficients.shape[2]

    def predict(self, window: NDArray[FloatWindow], inputs: NDArray | None = None) -> NDArray[FloatWindow]:
        """Predict rows `order` to the end, in the window's type.

        Args:
            window: (order + n, ..., channel), history first.
            inputs: Measured inputs at the same steps, (order + n, ..., input), standardised.

        Returns:
            (n, ..., channel); the last row of `inputs` is not looked at, as row t is predicted from rows before it.

        Raises:
            ValueError: There are no inputs, or of another shape.
        """
        if inputs is None or inputs.shape != (*window.shape[:-1], self.n_inputs):
            found = "none" if inputs is None else inputs.shape
            raise ValueError(f"inputs {found}; expected {(*window.shape[:-1], self.n_inputs)}, beside the window")
        first, n = self.order, len(window) - self.order
        prediction = np.broadcast_to(self.intercept, (n, *window.shape[1:])).copy()
        for lag, own in enumerate(self.coefficients.T, start=1):
            prediction += own * window[first - lag : first - lag + n]
        driving = inputs.astype(np.float64, copy=False)
        for lag, weights in enumerate(self.input_coefficients, start=1):
            prediction += driving[first - lag : first - lag + n] @ weights.T
        return prediction.astype(window.dtype, copy=False)


def fitting_input_orders(
    channels: int, inputs: int, order: int, *, rows: int | None = None, orders: Sequence[int] = INPUT_ORDERS
) -> tuple[int, ...]:
    """The candidate input orders whose regressors memory can hold and the data can determine.

    Args:
        channels: Number of channels.
        inputs: Number of inputs.
        order: Highest lag of the channels.
        rows: Training rows, when known.
        orders: Candidate orders.
    """
    limit = MAX_REGRESSORS if rows is None else min(MAX_REGRESSORS, rows // 2 - order)
    return tuple(q for q in orders if q * inputs <= limit and channels * order * q * inputs <= MAX_MOMENTS)


def fit_arx(
    train: CentredInputMoments,
    validation: CentredInputMoments,
    *,
    orders: Sequence[int] = ARX_ORDERS,
    input_orders: Sequence[int] = INPUT_ORDERS,
    penalties: Sequence[float] = INPUT_PENALTIES,
) -> InputAutoRegression:
    """Keep what has the smallest pooled validation error of all orders and penalties on the inputs.

    At the input order and penalty so chosen, the penalties on the own past are then compared.

    Args:
        train: Moments of the training span, of at least the highest orders.
        validation: Moments of the validation span, of the same orders.
        orders: Candidate lags of the channels.
        input_orders: Candidate lags of the inputs.
        penalties: Candidate penalties on the inputs.
    """
    fitted = (
        candidate
        for input_order in input_orders
        for penalty in penalties
        for candidate in solve_arx(train, orders=orders, input_order=input_order, penalty=penalty)
    )

    def missed(candidate: InputAutoRegression) -> float:
        return float(arx_errors(candidate, validation).sum())

    best = min(fitted, key=missed)
    shrunk = solve_arx(
        train, orders=orders, input_order=best.input_order, penalty=best.penalty, own_penalties=OWN_PENALTIES
    )
    return min(shrunk, key=missed)


def solve_arx(
    moments: CentredInputMoments,
    *,
    orders: Sequence[int],
    input_order: int,
    penalty: float,
    own_penalties: Sequence[float] = (0.0,),
) -> Iterator[InputAutoRegression]:
    """Ridge regression of each order at one input order and penalty, on the rows that the moments hold.

    Args:
        moments: Of at least these orders.
        orders: Lags of the channels.
        input_order: Lags of the inputs.
        penalty: Ridge penalty on the inputs, relative to the mean diagonal of their Gram matrix.
        own_penalties: The same on the own past.

    Yields:
        One autoregression an order and own penalty; none when the penalty does not lift the Gram matrix of the inputs
        above its rounding errors.
    """
    own, k = moments.own, input_order * moments.n_inputs
    channels, lags = own.cross.shape
    gram, target, past = moments.gram[:k, :k], moments.target[:k], moments.past[:, :, :k]
    system = gram + penalty * (float(np.mean(gram.diagonal())) or 1.0) * np.eye(k)
    try:
        factor = linalg.cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
    except linalg.LinAlgError:
        return
    on_target = linalg.cho_solve(factor, target, check_finite=False)
    on_past = linalg.cho_solve(factor, past.reshape(channels * lags, k).T, check_finite=False)
    on_past = np.ascontiguousarray(on_past.T).reshape(channels, lags, k)
    cleared = replace(
        own,
        cross=own.cross - np.einsum("cik,kc->ci", past, on_target),
        gram=own.gram - past @ on_past.transpose(0, 2, 1),
    )
    scale = np.einsum("cii->c", own.gram) / lags
    for order, own_penalty in itertools.product(orders, own_penalties):
        shrunk = cleared.gram + (own_penalty * scale)[:, None, None] * np.eye(lags)
        a = solve_ar(replace(cleared, gram=shrunk), order=order).coefficients
        weights = on_target - np.einsum("cik,ci->kc", on_past[:, :order], a)
        intercept = own.target_mean - np.einsum("ci,ic->c", a, own.lag_mean[:order]) - moments.mean[:k] @ weights
        by_lag = weights.reshape(input_order, moments.n_inputs, channels).transpose(0, 2, 1)
        yield InputAutoRegression(a, np.ascontiguousarray(by_lag), intercept, penalty, own_penalty)


def arx_errors(predictor: InputAutoRegression, moments: CentredInputMoments) -> NDArray[np.float64]:
    """Sum of squared one-step errors of each channel over the rows that the moments hold.

    Args:
        predictor: An autoregression of at most the moments' orders.
        moments: Moments of the data to be predicted.

    Returns:
        (channel,), in squared units of the training standard deviation.
    """
    a, own, p = predictor.coefficients, moments.own, predictor.own_order
    k = predictor.input_order * moments.n_inputs
    weights = predictor.input_coefficients.transpose(0, 2, 1).reshape(k, -1)
    residual = moments.gram[:k, :k] @ weights - 2 * moments.target[:k]
    residual += 2 * np.einsum("cik,ci->kc", moments.past[:, :p, :k], a)
    alone = AutoRegression(a, predictor.intercept + moments.mean[:k] @ weights)
    return ar_errors(alone, own) + np.einsum("kc,kc->c", weights, residual)

"""The trivial answers beside which every model is scored, fitted in one pass over each of two spans.

Persistence, the training mean, the autoregression of every channel and the ridge vector autoregression. Orders and
penalties are chosen on the validation span, whose own first rows are the first history: test data is never seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.linear.ar import AR_ORDERS, AutoRegression, ar_errors, fit_ar
from neurofit.linear.lag_moments import CentredMoments, ChannelMoments, PopulationMoments
from neurofit.linear.predictors import LinearPredictor, Persistence, TrainingMean
from neurofit.linear.var import MAX_REGRESSORS, VAR_ORDERS, VectorAutoRegression, fit_var, fitting_orders, var_errors
from neurofit.linear.windows import Slabs, windows


@dataclass(frozen=True, eq=False)
class Baselines:
    """All baselines of one recording.

    Attributes:
        ar: Autoregression of each channel on itself.
        var: Ridge vector autoregression, None when none could be fitted.
        var_note: Why `var` is None, else None.
        validation_mse: Pooled mean squared one-step error on validation of persistence, mean, ar and var, all on the
            same rows, in squared units of the training standard deviation.
    """

    ar: AutoRegression
    var: VectorAutoRegression | None
    var_note: str | None
    validation_mse: dict[str, float]

    def predictors(self) -> dict[str, LinearPredictor]:
        """Every baseline there is, by name."""
        fitted: dict[str, LinearPredictor] = {"persistence": Persistence(), "mean": TrainingMean(), "ar": self.ar}
        return fitted if self.var is None else {**fitted, "var": self.var}

    def best(self) -> str:
        """Name of the baseline with the smallest validation error."""
        return min(self.validation_mse, key=self.validation_mse.__getitem__)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """The fitted arrays, for a tensor file."""
        state = {"ar.coefficients": self.ar.coefficients, "ar.intercept": self.ar.intercept}
        if self.var is not None:
            state |= {"var.coefficients": self.var.coefficients, "var.intercept": self.var.intercept}
        return state

    def as_json(self) -> dict[str, Any]:
        """What was chosen and why, for a JSON file."""
        return {
            "ar_order": self.ar.order,
            "var_order": self.var.order if self.var else None,
            "var_penalty": self.var.penalty if self.var else None,
            "var_note": self.var_note,
            "validation_mse": dict(self.validation_mse),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.float64]], description: Mapping[str, Any]) -> Baselines:
        """The baselines that `state()` and `as_json()` describe.

        Args:
            state: As from `state()`.
            description: As from `as_json()`.
        """
        var = None
        if "var.coefficients" in state:
            var = VectorAutoRegression(state["var.coefficients"], state["var.intercept"], description["var_penalty"])
        ar = AutoRegression(state["ar.coefficients"], state["ar.intercept"])
        return cls(ar, var, description["var_note"], dict(description["validation_mse"]))


def fit_baselines(
    train: Slabs,
    validation: Slabs,
    *,
    ar_orders: Sequence[int] = AR_ORDERS,
    var_orders: Sequence[int] = VAR_ORDERS,
) -> Baselines:
    """Fit all baselines.

    Rows count from the highest candidate order on in every segment, for all candidates alike.

    Args:
        train: Pairs (values (time, channel), starts_segment) of the training span without validation, in units of the
            training standard deviation.
        validation: The same of the validation span.
        ar_orders: Candidate orders of the autoregression.
        var_orders: Candidate orders of the vector autoregression.

    Returns:
        The fitted baselines; `var` is None, with the reason, for too many channels or too few rows.

    Raises:
        ValueError: No segment of a span is longer than the highest candidate order.
    """
    history = max(*ar_orders, *var_orders)
    channel_train, population_train = _moments("training", train, history, max(ar_orders), var_orders)
    channel_validation, population_validation = _moments("validation", validation, history, max(ar_orders), var_orders)
    ar = fit_ar(channel_train, channel_validation, orders=ar_orders)
    errors = {"persistence": _persistence_errors(channel_validation), "mean": _mean_errors(channel_validation)}
    errors["ar"] = ar_errors(ar, channel_validation)
    channels, rows = channel_train.target_mean.size, channel_train.rows
    orders = fitting_orders(channels, rows=rows, orders=var_orders)
    var = None
    if orders and population_train and population_validation:
        var = fit_var(population_train, population_validation, orders=orders)
        errors["var"] = var_errors(var, population_validation)
    return Baselines(
        ar=ar,
        var=var,
        var_note=None if var else _note(channels, rows, min(var_orders)),
        validation_mse={name: float(sums.mean()) / channel_validation.rows for name, sums in errors.items()},
    )


def _moments(
    span: str, slabs: Slabs, history: int, ar_order: int, var_orders: Sequence[int]
) -> tuple[CentredMoments, CentredMoments | None]:
    channel: ChannelMoments | None = None
    population: PopulationMoments | None = None
    for window in windows(slabs, history=history):
        if channel is None:
            channel = ChannelMoments(order=ar_order, channels=window.shape[1])
            if orders := fitting_orders(window.shape[1], orders=var_orders):
                population = PopulationMoments(order=max(orders), channels=window.shape[1])
        channel.add(window[history - channel.order :])
        if population is not None:
            population.add(window[history - population.order :])
    if channel is None:
        raise ValueError(f"no stretch of the {span} span is longer than the {history} rows the baselines look back")
    return channel.centred(), population.centred() if population is not None else None


def _persistence_errors(moments: CentredMoments) -> NDArray[np.float64]:
    channels = moments.target_mean.size
    return ar_errors(AutoRegression(np.ones((channels, 1)), np.zeros(channels)), moments)


def _mean_errors(moments: CentredMoments) -> NDArray[np.float64]:
    channels = moments.target_mean.size
    return ar_errors(AutoRegression(np.zeros((channels, 0)), np.zeros(channels)), moments)


def _note(channels: int, rows: int, order: int) -> str:
    regressors = channels * order
    if regressors > MAX_REGRESSORS:
        return f"{channels} channels at order {order} are {regressors} regressors, the limit is {MAX_REGRESSORS}"
    return f"{channels} channels at order {order} need {2 * regressors} training rows, {rows} are there"

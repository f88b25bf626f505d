"""The trivial answers beside which every model is scored, fitted in one pass over each of two spans.

Persistence, the training mean, the autoregression of every channel, the ridge vector autoregression, and with measured
inputs the autoregression of every channel on itself and on them. Orders and penalties are chosen on the validation
span, whose own first rows are the first history: test data is never seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurofit.linear.ar import AR_ORDERS, AutoRegression, ar_errors, fit_ar
from neurofit.linear.arx import (
    ARX_ORDERS,
    INPUT_ORDERS,
    InputAutoRegression,
    arx_errors,
    fit_arx,
    fitting_input_orders,
)
from neurofit.linear.input_moments import CentredInputMoments, InputMoments
from neurofit.linear.lag_moments import CentredMoments, ChannelMoments, PopulationMoments
from neurofit.linear.predictors import LinearPredictor, Persistence, TrainingMean
from neurofit.linear.var import MAX_REGRESSORS, VAR_ORDERS, VectorAutoRegression, fit_var, fitting_orders, var_errors
from neurofit.linear.windows import Slabs, windows

_ARX_ARRAYS = ("coefficients", "input_coefficients", "intercept")


@dataclass(frozen=True, eq=False)
class Baselines:
    """All baselines of one recording.

    Attributes:
        ar: Autoregression of each channel on itself.
        var: Ridge vector autoregression, None when none could be fitted.
        var_note: Why `var` is None, else None.
        validation_mse: Pooled mean squared one-step error on validation of persistence, mean, ar, var and arx, all on
            the same rows, in squared units of the training standard deviation.
        arx: Autoregression of each channel on itself and on the measured inputs; None without inputs, or when none
            could be fitted.
        arx_note: Why there are inputs but no `arx`, else None.
    """

    ar: AutoRegression
    var: VectorAutoRegression | None
    var_note: str | None
    validation_mse: dict[str, float]
    arx: InputAutoRegression | None = None
    arx_note: str | None = None

    def predictors(self) -> dict[str, LinearPredictor]:
        """Every baseline there is, by name."""
        fitted: dict[str, LinearPredictor] = {"persistence": Persistence(), "mean": TrainingMean(), "ar": self.ar}
        further: dict[str, LinearPredictor | None] = {"var": self.var, "arx": self.arx}
        return fitted | {name: predictor for name, predictor in further.items() if predictor is not None}

    def best(self) -> str:
        """Name of the baseline with the smallest validation error."""
        return min(self.validation_mse, key=self.validation_mse.__getitem__)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """The fitted arrays, for a tensor file."""
        state = {"ar.coefficients": self.ar.coefficients, "ar.intercept": self.ar.intercept}
        if self.var is not None:
            state |= {"var.coefficients": self.var.coefficients, "var.intercept": self.var.intercept}
        if self.arx is not None:
            state |= {f"arx.{name}": getattr(self.arx, name) for name in _ARX_ARRAYS}
        return state

    def as_json(self) -> dict[str, Any]:
        """What was chosen and why, for a JSON file."""
        return {
            "ar_order": self.ar.order,
            "var_order": self.var.order if self.var else None,
            "var_penalty": self.var.penalty if self.var else None,
            "var_note": self.var_note,
            "arx_order": self.arx.own_order if self.arx else None,
            "arx_input_order": self.arx.input_order if self.arx else None,
            "arx_penalty": self.arx.penalty if self.arx else None,
            "arx_own_penalty": self.arx.own_penalty if self.arx else None,
            "arx_note": self.arx_note,
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
        arx = None
        if "arx.coefficients" in state:
            own, driving, intercept = (state[f"arx.{name}"] for name in _ARX_ARRAYS)
            penalties = description["arx_penalty"], description["arx_own_penalty"]
            arx = InputAutoRegression(own, driving, intercept, *penalties)
        mse = dict(description["validation_mse"])
        return cls(ar, var, description["var_note"], mse, arx, description.get("arx_note"))


def fit_baselines(
    train: Slabs,
    validation: Slabs,
    *,
    ar_orders: Sequence[int] = AR_ORDERS,
    var_orders: Sequence[int] = VAR_ORDERS,
    n_inputs: int = 0,
) -> Baselines:
    """Fit all baselines.

    Rows count from the highest candidate order on in every segment, for all candidates alike.

    Args:
        train: Pairs (values (time, channel + input), starts_segment) of the training span without validation:
            channels in units of the training standard deviation, then the measured inputs, if there are any.
        validation: The same of the validation span.
        ar_orders: Candidate orders of the autoregression.
        var_orders: Candidate orders of the vector autoregression.
        n_inputs: Number of measured inputs, the last columns of the values.

    Returns:
        The fitted baselines; `var` or `arx` is None, with the reason, for too many channels or too few rows.

    Raises:
        ValueError: No segment of a span is longer than the highest candidate order.
    """
    plan = _Plan(max(*ar_orders, *var_orders), max(ar_orders), tuple(var_orders), n_inputs)
    seen, held_out = plan.moments("training", train), plan.moments("validation", validation)
    ar = fit_ar(seen.channel, held_out.channel, orders=ar_orders)
    errors = {"persistence": _persistence_errors(held_out.channel), "mean": _mean_errors(held_out.channel)}
    errors["ar"] = ar_errors(ar, held_out.channel)
    channels, rows = seen.channel.target_mean.size, seen.channel.rows
    orders = fitting_orders(channels, rows=rows, orders=var_orders)
    var, arx = None, None
    if orders and seen.population and held_out.population:
        var = fit_var(seen.population, held_out.population, orders=orders)
        errors["var"] = var_errors(var, held_out.population)
    input_orders = plan.input_orders(channels, rows)
    if input_orders and seen.inputs and held_out.inputs:
        own = sorted({ar.order, *(order for order in ARX_ORDERS if order in ar_orders)})
        arx = fit_arx(seen.inputs, held_out.inputs, orders=own, input_orders=input_orders)
        errors["arx"] = arx_errors(arx, held_out.inputs)
    return Baselines(
        ar=ar,
        var=var,
        var_note=None if var else _note(channels, rows, min(var_orders)),
        validation_mse={name: float(sums.mean()) / held_out.channel.rows for name, sums in errors.items()},
        arx=arx,
        arx_note=_input_note(channels, rows, n_inputs) if n_inputs and arx is None else None,
    )


class _Moments(NamedTuple):
    """Moments of one span, all on the same rows."""

    channel: CentredMoments
    population: CentredMoments | None
    inputs: CentredInputMoments | None


class _Plan(NamedTuple):
    """What to gather: rows are predicted from `history` rows before them, whatever the order."""

    history: int
    ar_order: int
    var_orders: tuple[int, ...]
    n_inputs: int

    def input_orders(self, channels: int, rows: int | None = None) -> tuple[int, ...]:
        """Candidate lags of the inputs; none without inputs."""
        orders = [order for order in INPUT_ORDERS if order <= self.history]
        if not self.n_inputs:
            return ()
        return fitting_input_orders(channels, self.n_inputs, self.ar_order, rows=rows, orders=orders)

    def moments(self, span: str, slabs: Slabs) -> _Moments:
        """One pass over a span."""
        channel: ChannelMoments | None = None
        population: PopulationMoments | None = None
        driven: InputMoments | None = None
        for window in windows(slabs, history=self.history):
            width = window.shape[1] - self.n_inputs
            values, inputs = window[:, :width], window[:, width:]
            if channel is None:
                channel = ChannelMoments(order=self.ar_order, channels=width)
                if orders := fitting_orders(width, orders=self.var_orders):
                    population = PopulationMoments(order=max(orders), channels=width)
                if orders := self.input_orders(width):
                    driven = InputMoments(
                        order=self.ar_order, input_order=max(orders), channels=width, inputs=self.n_inputs
                    )
            channel.add(values[self.history - channel.order :])
            if population is not None:
                population.add(values[self.history - population.order :])
            if driven is not None:
                first = self.history - driven.history
                driven.add(values[first:], inputs[first:])
        if channel is None:
            raise ValueError(
                f"no stretch of the {span} span is longer than the {self.history} rows the baselines look back"
            )
        own = channel.centred()
        return _Moments(own, population.centred() if population else None, driven.centred(own) if driven else None)


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


def _input_note(channels: int, rows: int, n_inputs: int) -> str:
    return f"{n_inputs} inputs of {channels} channels are too many regressors for {rows} training rows or for memory"

"""Forecasts of every sample of a stretch from fixed distances: what a predictor knew of it h steps before.

    y_t^(1) = f(x_{..t-1}),    y_t^(h) = f(x_{..t-h}, y_{t-h+1}^(1), ..., y_{t-1}^(h-1))

One pass over the truth keeps the state after each sample; all states then run on side by side, each on its own
predictions. `rollout.py` has few starts and every distance, here every sample is a start and few distances are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurofit.linear import LinearPredictor
from neurofit.models.next_step import NextStepNetwork
from neurofit.models.rollout import linear_forecast
from neurofit.models.stack import State

BATCH_ENTRIES = 2**24
"""Numbers that run on side by side: states, their gates and samples to look back on."""

WARM_UP_PIECE = 256


@torch.inference_mode()
def forecast_ahead(
    network: NextStepNetwork, values: Tensor, *, first: int, horizons: Sequence[int], inputs: Tensor | None = None
) -> Tensor:
    """Forecasts the samples `values[first:]` by a network, each from several distances.

    Args:
        network: Predicts the next sample.
        values: (time, channel), one contiguous stretch of truth in model space; moved to the device and precision of
            the network. The state warms up on the samples before `first`.
        first: First sample to forecast, at least the largest horizon.
        horizons: Steps ahead, each at least 1.
        inputs: (time, input), measured inputs at the same steps; None when the network has none. Those between a start
            and the sample are taken as known.

    Returns:
        (horizon, time - first, channel), on the device of the network, in model space: entry (i, t) forecasts
        `values[first + t]` from the samples up to `horizons[i]` steps before it.

    Raises:
        ValueError: A horizon below 1 or above `first`, or no sample from `first` on.
    """
    _check(len(values), first, horizons)
    values = values.to(network.head.weight)
    inputs = None if inputs is None else inputs.to(values)
    ahead = values.new_empty(len(horizons), len(values) - first, values.shape[1])
    begin, end = first - max(horizons), len(values) - min(horizons)
    state = network.initial_state(1)
    for start in range(0, begin, WARM_UP_PIECE):
        _, state = network(*_steps(values, inputs, state, start, min(start + WARM_UP_PIECE, begin)))
    rows = _batch_rows(network)
    for start in range(begin, end, rows):
        stop = min(start + rows, end)
        prediction, states, state = _states(network, values, inputs, state, start, stop)
        for h in range(1, max(horizons) + 1):
            if h > 1:
                # Forecasts from the last starts pass the end: they are not kept, whatever their inputs.
                known = (torch.arange(start, stop) + h - 1).clamp(max=len(values) - 1)
                driven = None if inputs is None else inputs[known, None]
                read_out, states = network(prediction[:, None], states, driven)
                prediction = network.expected(read_out[:, 0])
            if h in horizons:
                kept, place = _kept(start, stop, h, first, len(values))
                ahead[list(horizons).index(h), place] = prediction[kept]
    return ahead


def linear_forecast_ahead(
    predictor: LinearPredictor,
    values: NDArray[np.floating[Any]],
    *,
    first: int,
    horizons: Sequence[int],
    inputs: NDArray[np.floating[Any]] | None = None,
) -> NDArray[np.floating[Any]]:
    """Forecasts the samples `values[first:]` by a linear predictor, each from several distances.

    Args:
        predictor: Persistence, the training mean, an autoregression of each channel or of all.
        values: (time, channel), one contiguous stretch of truth in units of the training standard deviation.
        first: First sample to forecast, at least the largest horizon plus the order less one.
        horizons: Steps ahead, each at least 1.
        inputs: (time, input), as for `forecast_ahead`; None when the predictor has none.

    Returns:
        (horizon, time - first, channel), in the type of the values, as `forecast_ahead` gives them.

    Raises:
        ValueError: A horizon below 1, too few samples before `first`, or none from it on.
    """
    lags = max(predictor.order, 1)
    _check(len(values), first - lags + 1, horizons)
    farthest = max(horizons)
    ahead = np.empty((len(horizons), len(values) - first, values.shape[1]), values.dtype)
    begin, end = first - farthest, len(values) - min(horizons)
    # (sample, lag, channel): row t ends with sample t + lags - 1.
    histories = np.lib.stride_tricks.sliding_window_view(values, lags, axis=0).swapaxes(1, 2)
    rows = max(1, BATCH_ENTRIES // (4 * (lags + farthest) * max(1, values.shape[1])))
    for start in range(begin, end, rows):
        stop = min(start + rows, end)
        history = histories[start - lags + 1 : stop - lags + 1]
        steps = np.arange(start, stop)[:, None] + np.arange(1 - lags, farthest + 1)
        driven = None if inputs is None else inputs[np.minimum(steps, len(values) - 1)]
        forecasts = linear_forecast(predictor, history, steps=farthest, inputs=driven)
        for i, h in enumerate(horizons):
            kept, place = _kept(start, stop, h, first, len(values))
            ahead[i, place] = forecasts[kept, h - 1]
    return ahead


def _check(time: int, before: int, horizons: Sequence[int]) -> None:
    if not horizons or min(horizons) < 1 or max(horizons) > before or time <= before:
        raise ValueError(f"horizons {list(horizons)} with {before} of {time} samples before the first forecast")


def _steps(
    values: Tensor, inputs: Tensor | None, state: State, start: int, stop: int
) -> tuple[Tensor, State, Tensor | None]:
    """What a network takes: samples (1, time, channel), the state before them, inputs (1, time, input)."""
    return values[None, start:stop], state, None if inputs is None else inputs[None, start:stop]


def _states(
    network: NextStepNetwork, values: Tensor, inputs: Tensor | None, state: State, start: int, stop: int
) -> tuple[Tensor, State, State]:
    """Feeds the truth of `start:stop`, sample by sample.

    Returns:
        Predictions of the next samples (stop - start, channel), the states after each of them side by side, and the
        last state.
    """
    read_outs, states = [], []
    for step in range(start, stop):
        read_out, state = network(*_steps(values, inputs, state, step, step + 1))
        read_outs.append(read_out[0])
        states.append(state)
    together = tuple(torch.cat(parts, dim=1) for parts in zip(*states, strict=True))
    return network.expected(torch.cat(read_outs)), together, state


def _batch_rows(network: NextStepNetwork) -> int:
    gates = 8 * network.recurrent.hidden * network.recurrent.layers
    return max(1, BATCH_ENTRIES // (gates + (2 * network.history + 4) * network.n_channels))


def _kept(start: int, stop: int, h: int, first: int, end: int) -> tuple[slice, slice]:
    """Which of the starts `start:stop` forecast a sample of `first:end`, and where among those samples they go."""
    low = max(start + h, first)
    high = max(low, min(stop + h, end))
    return slice(low - h - start, high - h - start), slice(low - first, high - first)

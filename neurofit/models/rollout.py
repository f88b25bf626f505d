"""Forecasts further than one step: a predictor runs on, on its own predictions.

    y_1 = f(x_{..t}),  y_{h+1} = f(x_{..t}, y_1, ..., y_h)

after a warm-up on the truth x_{..t}, from many starts at once. For linear predictors y_h is the conditional mean of
x_{t+h}; for recurrent networks it is the orbit of their mean, which is not the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurofit.linear import LinearPredictor
from neurofit.models.next_step import NextStepNetwork

WARM_UP_PIECE = 64
"""Samples of history at once: hundreds of starts in thousands of channels would fill the memory otherwise."""


@torch.inference_mode()
def forecast(network: NextStepNetwork, history: Tensor, *, steps: int) -> Tensor:
    """Runs a network on from the end of every history.

    Args:
        network: predicts the next sample.
        history: (batch, time, channel), the truth on which the initial state warms up, at least one sample; moved to
            the device and precision of the network. In units of the training standard deviation.
        steps: samples to predict.

    Returns:
        (batch, steps, channel), on the device of the network: row h - 1 lies h steps after the end of the history.

    Raises:
        ValueError: no sample of history.
    """
    batch, time, channels = history.shape
    if not time:
        raise ValueError("a forecast needs at least one sample of history")
    weights = network.head.weight
    state = network.initial_state(batch)
    for piece in history.to(weights).split(WARM_UP_PIECE, dim=1):
        outputs, state = network(piece, state)
    predictions = weights.new_empty(batch, steps, channels)
    for step in range(steps):
        predictions[:, step] = outputs[:, -1]
        if step + 1 < steps:
            outputs, state = network(outputs[:, -1:], state)
    return predictions


def linear_forecast(
    predictor: LinearPredictor, history: NDArray[np.floating[Any]], *, steps: int
) -> NDArray[np.floating[Any]]:
    """Runs a linear predictor on from the end of every history.

    Args:
        predictor: persistence, the training mean, an autoregression of each channel or of all.
        history: (batch, time, channel), at least `predictor.order` samples, in units of the training standard
            deviation.
        steps: samples to predict.

    Returns:
        (batch, steps, channel), in the type of the history: row h - 1 lies h steps after its end.

    Raises:
        ValueError: the history is shorter than the order.
    """
    batch, time, channels = history.shape
    order = predictor.order
    if time < order:
        raise ValueError(f"a forecast of order {order} needs {order} samples of history, got {time}")
    values = np.zeros((order + steps, batch, channels), history.dtype)
    values[:order] = history[:, time - order :].swapaxes(0, 1)
    for step in range(steps):
        values[order + step] = predictor.predict(values[step : order + step + 1])[0]
    return values[order:].swapaxes(0, 1)

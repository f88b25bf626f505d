"""Forecasts further than one step: a predictor runs on, on its own predictions.

    y_1 = f(x_{..t}),  y_{h+1} = f(x_{..t}, y_1, ..., y_h)

after a warm-up on the truth x_{..t}, from many starts at once. For linear predictors y_h is the conditional mean of
x_{t+h}; for recurrent networks it is the orbit of their mean, which is not the same. With innovations e, which a
`Follow` adds, y_{h+1} = f(x_{..t}, y_1, ..., y_h) + e_{h+1} is a sample of what could follow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurofit.linear import LinearPredictor
from neurofit.linear.predictors import DrivenPredictor
from neurofit.models.next_step import NextStepNetwork

WARM_UP_PIECE = 64
"""Samples of history at once: hundreds of starts in thousands of channels would fill the memory otherwise."""

Follow = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]
"""The next sample (batch, channel) from the last one and the one that is expected, both (batch, channel)."""


class FreeRun:
    """A network that runs on its own output, a stretch at a time.

    Args:
        network: predicts the next sample.
        history: (batch, time, channel), the truth on which the state warms up, at least one sample; moved to the
            device and precision of the network. In model space.
        inputs: (batch, time + later, input), measured inputs from the first sample of history on, taken as known while
            the network runs on; None when the network has none.
        follow: the next sample from the last and the expected one, in model space; by default the expected one.

    Attributes:
        expected: (batch, channel), the sample that is expected next.
        hidden: (batch, hidden), the last layer's state after the last sample.

    Raises:
        ValueError: No sample of history.
    """

    @torch.inference_mode()
    def __init__(
        self, network: NextStepNetwork, history: Tensor, *, inputs: Tensor | None = None, follow: Follow | None = None
    ) -> None:
        if not history.shape[1]:
            raise ValueError("a forecast needs at least one sample of history")
        self.network, self.follow, self.inputs, self.step = network, follow, inputs, 0
        self.like = network.head.weight
        self.state = network.initial_state(len(history))
        for piece in history.split(WARM_UP_PIECE, dim=1):
            self._see(piece.to(self.like))

    @torch.inference_mode()
    def next(self, steps: int) -> Tensor:
        """The samples that follow, (batch, steps, channel), on the device of the network."""
        samples = self.like.new_empty(len(self.last), steps, self.network.n_channels)
        for step in range(steps):
            samples[:, step] = self._sample()
            self._see(samples[:, step : step + 1])
        return samples

    @property
    def hidden(self) -> Tensor:
        return self.state[0][-1]

    def _see(self, samples: Tensor) -> None:
        """Takes samples (batch, time, channel) as what happened."""
        stop = self.step + samples.shape[1]
        driven = None if self.inputs is None else self.inputs[:, self.step : stop].to(self.like)
        read_out, self.state = self.network(samples, self.state, driven)
        self.last, self.expected, self.step = samples[:, -1], self.network.expected(read_out[:, -1]), stop

    def _sample(self) -> Tensor:
        if self.follow is None:
            return self.expected
        return torch.as_tensor(self.follow(self.last.cpu().numpy(), self.expected.cpu().numpy())).to(self.like)


@torch.inference_mode()
def forecast(network: NextStepNetwork, history: Tensor, *, steps: int, inputs: Tensor | None = None) -> Tensor:
    """Runs a network on from the end of every history.

    Args:
        network: predicts the next sample.
        history: (batch, time, channel), the truth on which the initial state warms up, at least one sample; moved to
            the device and precision of the network. In units of the training standard deviation.
        steps: samples to predict.
        inputs: (batch, time + steps, input), measured inputs from the first sample of history on, taken as known while
            the network runs on; None when the network has none.

    Returns:
        (batch, steps, channel), on the device of the network: row h - 1 lies h steps after the end of the history.

    Raises:
        ValueError: no sample of history.
    """
    return FreeRun(network, history, inputs=inputs).next(steps)


def linear_forecast(
    predictor: LinearPredictor,
    history: NDArray[np.floating[Any]],
    *,
    steps: int,
    inputs: NDArray[Any] | None = None,
    follow: Follow | None = None,
) -> NDArray[np.floating[Any]]:
    """Runs a linear predictor on from the end of every history.

    Args:
        predictor: persistence, the training mean, an autoregression of each channel or of all.
        history: (batch, time, channel), at least `predictor.order` samples, in units of the training standard
            deviation.
        steps: samples to predict.
        inputs: (batch, time + steps, input), measured inputs from the first sample of history on, taken as known; the
            last step's is not looked at. None when the predictor has none.
        follow: the next sample from the last and the expected one; by default the expected one.

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
    driving = None if inputs is None else inputs[:, time - order :].swapaxes(0, 1)
    last = history[:, -1] if time else values[0]
    predict = predictor.predict if isinstance(predictor, DrivenPredictor) else None
    for step in range(steps):
        window = values[step : order + step + 1]
        if predict is None:
            expected = predictor.predict(window)[0]
        else:
            expected = predict(window, None if driving is None else driving[step : order + step + 1])[0]
        last = values[order + step] = expected if follow is None else follow(last, expected)
    return values[order:].swapaxes(0, 1)

"""A frozen autoregression as a torch module: the linear answer that a network starts from.

    per channel   y_{t+1} = b + sum_{k=1..p} a_k x_{t+1-k}      (a_k one number a channel)
    vector        y_{t+1} = b + sum_{k=1..p} A_k x_{t+1-k}

Its arrays are buffers: they are saved with the weights and never trained.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class LinearSkip(nn.Module):
    """The prediction of a fitted autoregression.

    Args:
        coefficients: (order, channel), or (order, post, pre) of a vector autoregression; the first is of the sample
            just before the predicted one.
        intercept: (channel,), in units of the input.
    """

    coefficients: Tensor
    intercept: Tensor

    def __init__(self, coefficients: Tensor, intercept: Tensor) -> None:
        super().__init__()
        self.register_buffer("coefficients", coefficients.detach().clone())
        self.register_buffer("intercept", intercept.detach().clone())

    @property
    def order(self) -> int:
        """Samples a prediction looks back."""
        return len(self.coefficients)

    def forward(self, window: Tensor) -> Tensor:
        """Predicts the sample after every `order` consecutive samples.

        Args:
            window: (batch, order - 1 + n, channel).

        Returns:
            (batch, n, channel): the last is the prediction of the sample after the window.
        """
        n = window.shape[1] - self.order + 1
        prediction = self.intercept.expand(len(window), n, -1)
        for lag, coefficients in enumerate(self.coefficients, start=1):
            past = window[:, self.order - lag : self.order - lag + n]
            if coefficients.ndim == 1:
                prediction = torch.addcmul(prediction, past, coefficients)
            else:
                prediction = prediction + functional.linear(past, coefficients)
        return prediction

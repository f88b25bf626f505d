"""A frozen autoregression as a torch module: the linear answer that a network starts from.

    per channel   y_{t+1} = b + sum_{k=1..p} a_k x_{t+1-k}      (a_k one number a channel)
    vector        y_{t+1} = b + sum_{k=1..p} A_k x_{t+1-k}

It is computed, and kept, in the error-correction form of the econometricians, exact in single precision where a
channel hardly moves and the large terms of the sums above all but cancel:

    y_{t+1} = x_t + b + C_1 x_t + sum_{k=2..p} C_k (x_{t+2-k} - x_{t+1-k})
    C_1 = sum_j A_j - 1,   C_k = -sum_{j>=k} A_j

Its arrays are buffers: they are saved with the weights and never trained.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class LinearSkip(nn.Module):
    """The prediction of a fitted autoregression.

    Args:
        coefficients: (order, channel) a_k, or (order, post, pre) A_k of a vector autoregression; in double precision
            if they are to be converted without loss.
        intercept: (channel,) b, in units of the input.
    """

    corrections: Tensor
    intercept: Tensor

    def __init__(self, coefficients: Tensor, intercept: Tensor) -> None:
        super().__init__()
        sums = coefficients.detach().flip(0).cumsum(0).flip(0)
        self.register_buffer("corrections", torch.cat([sums[:1] - _one(sums), -sums[1:]]))
        self.register_buffer("intercept", intercept.detach().clone())

    @property
    def order(self) -> int:
        """Samples a prediction looks back."""
        return len(self.corrections)

    @property
    def coefficients(self) -> Tensor:
        """(order, channel) a_k, or (order, post, pre) A_k."""
        sums = torch.cat([self.corrections[:1] + _one(self.corrections), -self.corrections[1:]])
        return sums - torch.cat([sums[1:], torch.zeros_like(sums[:1])])

    def forward(self, window: Tensor) -> Tensor:
        """Predicts the sample after every `order` consecutive samples.

        Args:
            window: (batch, order - 1 + n, channel).

        Returns:
            (batch, n, channel): the last is the prediction of the sample after the window.
        """
        p, n = self.order, window.shape[1] - self.order + 1
        newest, steps = window[:, p - 1 :], window.diff(dim=1)
        change = self.intercept.expand(len(window), n, -1)
        for k, correction in enumerate(self.corrections):
            seen = newest if k == 0 else steps[:, p - 1 - k : p - 1 - k + n]
            if correction.ndim == 1:
                change = torch.addcmul(change, seen, correction)
            else:
                change = change + functional.linear(seen, correction)
        return newest + change


def _one(coefficients: Tensor) -> Tensor | float:
    """Returns the identity as coefficients of a channel or of all channels hold it."""
    return 1.0 if coefficients.ndim == 2 else torch.eye(coefficients.shape[1]).to(coefficients)

"""Counts of spikes behind a network that works on standardised values.

x = (k - m) / s        the count k of a bin in model space
a = log r + ...        a network's read-out: the log of the expected count, r the training mean
E[x] = (exp(a) - m) / s
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CountScale(nn.Module):
    """From the log of expected counts to model space, and from model space to counts. Never trained.

    Args:
        mean: (channel,) m, subtracted on the way to model space.
        std: (channel,) s, divided by.
        train_mean: (channel,) r, mean count of a bin in the training span, above 0.
    """

    mean: Tensor
    std: Tensor
    log_mean: Tensor

    def __init__(self, mean: Tensor, std: Tensor, train_mean: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.detach().clone())
        self.register_buffer("std", std.detach().clone())
        self.register_buffer("log_mean", train_mean.detach().log())

    def expected(self, log_counts: Tensor) -> Tensor:
        """Returns expected samples in model space (..., channel) from the logs of expected counts."""
        return torch.exp(log_counts).sub(self.mean).div(self.std)

    def counts(self, x: Tensor) -> Tensor:
        """Returns counts (..., channel) from samples in model space."""
        return torch.addcmul(self.mean, x, self.std)

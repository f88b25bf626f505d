"""A frozen autoregression as a torch module: the linear answer that a network starts from.

    per channel   y_{t+1} = b + sum_{k=1..p} a_k x_{t+1-k}      (a_k one number a channel)
    vector        y_{t+1} = b + sum_{k=1..p} A_k x_{t+1-k}

and with measured inputs u either of them plus sum_{k=1..q} B_k u_{t+1-k}. It is computed, and kept, in the
error-correction form of the econometricians, exact in single precision where a channel hardly moves and the large terms
of the sums above all but cancel:

    y_{t+1} = x_t + b + C_1 x_t + sum_{k=2..p} C_k (x_{t+2-k} - x_{t+1-k})
    C_1 = sum_j A_j - 1,   C_k = -sum_{j>=k} A_j

Its arrays are buffers: they are saved with the weights and never trained.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional


class LinearSkip(nn.Module):
    """The prediction of a fitted autoregression.

    Args:
        coefficients: (order, channel) a_k, or (order, post, pre) A_k of a vector autoregression; in double precision
            if they are to be converted without loss.
        intercept: (channel,) b, in units of the samples.
        driving: (input order, channel, input) B_k; None without measured inputs.
    """

    corrections: Tensor
    intercept: Tensor
    driving: Tensor | None

    def __init__(self, coefficients: Tensor, intercept: Tensor, driving: Tensor | None = None) -> None:
        super().__init__()
        sums = coefficients.detach().flip(0).cumsum(0).flip(0)
        self.register_buffer("corrections", torch.cat([sums[:1] - _one(sums), -sums[1:]]))
        self.register_buffer("intercept", intercept.detach().clone())
        self.register_buffer("driving", None if driving is None else driving.detach().clone())

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor], *, prefix: str) -> LinearSkip:
        """The skip of saved weights, whose names begin with `prefix`."""
        driving = state.get(f"{prefix}driving")
        skip = cls(torch.zeros_like(state[f"{prefix}corrections"]), state[f"{prefix}intercept"], driving)
        skip.corrections.copy_(state[f"{prefix}corrections"])
        return skip

    @property
    def order(self) -> int:
        """Samples a prediction looks back."""
        return max(len(self.corrections), 0 if self.driving is None else len(self.driving))

    @property
    def n_inputs(self) -> int:
        """Measured inputs it is driven by."""
        return 0 if self.driving is None else self.driving.shape[2]

    @property
    def coefficients(self) -> Tensor:
        """(order, channel) a_k, or (order, post, pre) A_k."""
        sums = torch.cat([self.corrections[:1] + _one(self.corrections), -self.corrections[1:]])
        return sums - torch.cat([sums[1:], torch.zeros_like(sums[:1])])

    def matrices(self) -> Tensor:
        """(order, channel, channel + input) what the sample k steps before the predicted one, and the inputs then,
        carry to it."""
        own = self.coefficients
        own = own.diag_embed() if own.ndim == 2 else own
        whole = own.new_zeros(self.order, own.shape[1], own.shape[2] + self.n_inputs)
        whole[: len(own), :, : own.shape[2]] = own
        if self.driving is not None:
            whole[: len(self.driving), :, own.shape[2] :] = self.driving
        return whole

    def forward(self, window: Tensor) -> Tensor:
        """Predicts the sample after every `order` consecutive samples.

        Args:
            window: (batch, order - 1 + n, channel + input), samples and the inputs beside them.

        Returns:
            (batch, n, channel): the last is the prediction of the sample after the window.
        """
        p, n = self.order, window.shape[1] - self.order + 1
        window, inputs = window.split([window.shape[2] - self.n_inputs, self.n_inputs], dim=2)
        newest, steps = window[:, p - 1 :], window.diff(dim=1)
        change = self.intercept.expand(len(window), n, -1)
        for k, correction in enumerate(self.corrections):
            seen = newest if k == 0 else steps[:, p - 1 - k : p - 1 - k + n]
            if correction.ndim == 1:
                change = torch.addcmul(change, seen, correction)
            else:
                change = change + functional.linear(seen, correction)
        for k, weights in enumerate(() if self.driving is None else self.driving):
            change = change + functional.linear(inputs[:, p - 1 - k : p - 1 - k + n], weights)
        return newest + change


def _one(coefficients: Tensor) -> Tensor | float:
    """Returns the identity as coefficients of a channel or of all channels hold it."""
    return 1.0 if coefficients.ndim == 2 else torch.eye(coefficients.shape[1]).to(coefficients)

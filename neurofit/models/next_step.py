"""A recurrent network that predicts the next sample of every channel from all samples so far.

    h_t = cell(x_t, h_{t-1})
    absolute:  x^_{t+1} = A h_t + b
    residual:  x^_{t+1} = x_t + s (A h_t + b),  A = 0 and b = 0 at the start, s the size of a step in each channel

Before training the residual form is persistence, the answer to beat; s (the standard deviation of the training
differences) lets channels that move little and channels that move much learn at the same rate.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from neurofit.models.cells import CellName, make_cell
from neurofit.models.stack import State

Output = Literal["residual", "absolute"]


class NextStepNetwork(nn.Module):
    """Recurrent layers and a linear read-out of the next sample.

    Args:
        cell: name of the recurrent cell.
        n_channels: channels of the recording.
        hidden: units in each recurrent layer.
        layers: recurrent layers.
        output: predict the next sample itself, or its difference from this one.
        residual_scale: (channel,) standard deviation of the training differences, in units of the input; ones when
            None, to be filled by `load_state_dict`. Only used by the residual output.
        bias: whether the recurrent cell has biases; the read-out always has one.
    """

    residual_scale: Tensor

    def __init__(
        self,
        *,
        cell: CellName,
        n_channels: int,
        hidden: int,
        layers: int = 1,
        output: Output = "residual",
        residual_scale: Tensor | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.output = output
        self.recurrent = make_cell(cell, n_channels, hidden, layers=layers, bias=bias)
        self.head = nn.Linear(hidden, n_channels)
        if output == "residual":
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)
            scale = torch.ones(n_channels) if residual_scale is None else residual_scale
            self.register_buffer("residual_scale", scale.detach().clone())

    def initial_state(self, batch: int) -> State:
        """Returns the state zero for `batch` streams."""
        return self.recurrent.initial_state(batch)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Predicts the sample after each of `x`.

        Args:
            x: (batch, time, channel), in units of the training standard deviation.
            state: state before the first sample, as `initial_state` or the last call returned it.

        Returns:
            Predictions of x_{t+1} (batch, time, channel), and the state after the last sample.
        """
        outputs, state = self.recurrent(x, state)
        return self.read_out(x, outputs), state

    def read_out(self, x: Tensor, outputs: Tensor) -> Tensor:
        """Returns the prediction of x_{t+1} (..., channel) from x_t and the last layer's h_t (..., hidden)."""
        prediction = self.head(outputs)
        if self.output == "residual":
            prediction = torch.addcmul(x, self.residual_scale, prediction)
        return prediction

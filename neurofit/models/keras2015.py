"""The GRU and LSTM that Keras ran in 2015, which the founding paper names as its implementation.

They are not the cells the paper prints. Read in Keras's history (github.com/keras-team/keras, keras/layers/
recurrent.py, activations.py, initializations.py, at 1b04a94c of 2015-06-04 to cf202bc5 of 2015-12-14):

    gru-keras2015    z, r = s(W x + U h + b)      h' = z h + (1 - z) sigmoid(W_h x + U_h (r h) + b_h)
    lstm-keras2015   i, f, o = s(W x + U h + b)   c' = f c + i tanh(W_c x + U_c h + b_c)   h' = o tanh(c')

with the hard sigmoid s(a) = min(max(0.2 a + 0.5, 0), 1) for the gates, the reset gate before U, and no peepholes. The
GRU's candidate was a sigmoid by default until 2016-02-21 (c7f7ffe7), and by mistake a hard one from 2015-11-26 to
2015-12-16 (47ed18a3, d04cac65); the default of the rest of the year is taken here. Weights started as Glorot
uniform (W), 1.1 times orthogonal (U) and zero (b); the forget gate's bias starts at one since 2015-06-29 (c7aac3ce).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofit.models.stack import LoopLayer, State

ORTHOGONAL_GAIN = 1.1
"""Gain of Keras's orthogonal initialisation in 2015."""


def hard_sigmoid(values: Tensor) -> Tensor:
    """Returns 0.2 a + 0.5 kept within 0 and 1; torch's own has the slope 1/6."""
    return torch.clamp(0.2 * values + 0.5, 0.0, 1.0)


class Keras2015Layer(LoopLayer):
    """What both cells share: how their weights start, gate by gate."""

    def _initialise(self) -> None:
        for weight in self.weight_ih.split(self.hidden):
            nn.init.xavier_uniform_(weight)
        for weight in self.weight_hh.split(self.hidden):
            nn.init.orthogonal_(weight, gain=ORTHOGONAL_GAIN)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class Keras2015GRULayer(Keras2015Layer):
    """One layer of `gru-keras2015`; rows of the weights are the gates r, z and the candidate."""

    def __init__(self, input_size: int, hidden: int, *, bias: bool = True) -> None:
        super().__init__(input_size, hidden, gates=3, bias=bias)
        self._initialise()

    def step(self, drive: Tensor, state: State) -> State:
        (h,) = state
        gates, candidate = drive.split([2 * self.hidden, self.hidden], dim=-1)
        u_gates, u_candidate = self.weight_hh.split([2 * self.hidden, self.hidden])
        r, z = hard_sigmoid(gates + functional.linear(h, u_gates)).chunk(2, dim=-1)
        candidate = torch.sigmoid(candidate + functional.linear(r * h, u_candidate))
        return (z * h + (1 - z) * candidate,)


class Keras2015LSTMLayer(Keras2015Layer):
    """One layer of `lstm-keras2015`; rows of the weights are the gates i, f, candidate, o."""

    n_states = 2

    def __init__(self, input_size: int, hidden: int, *, bias: bool = True) -> None:
        super().__init__(input_size, hidden, gates=4, bias=bias)
        self._initialise()
        if self.bias is not None:
            nn.init.ones_(self.bias[hidden : 2 * hidden])

    def step(self, drive: Tensor, state: State) -> State:
        h, c = state
        i, f, candidate, o = (drive + functional.linear(h, self.weight_hh)).chunk(4, dim=-1)
        c = hard_sigmoid(f) * c + hard_sigmoid(i) * torch.tanh(candidate)
        return hard_sigmoid(o) * torch.tanh(c), c

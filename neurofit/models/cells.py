"""Recurrent cells by name; a result names the one it was made with.

`gru` is the founding paper's equations 3-6 (Nayebi, Cable and Wedeen 2015) up to the sign of z: the paper weighs the
candidate by z_t, `nn.GRU` by 1 - z_t, so the same network has W_z, U_z and b_z of the other sign. `lstm` is not the
paper's printed LSTM, `peephole-lstm` is; the two `-keras2015` cells are what its implementation probably ran.
"""

from __future__ import annotations

from functools import partial
from typing import Literal, Protocol, get_args

from torch import nn

from neurofit.models.keras2015 import Keras2015GRULayer, Keras2015LSTMLayer
from neurofit.models.peephole import PeepholeLSTMLayer
from neurofit.models.stack import LoopStack, RecurrentStack, TorchStack

CellName = Literal["gru", "lstm", "peephole-lstm", "rnn", "gru-keras2015", "lstm-keras2015"]


class MakeStack(Protocol):
    """What `CELLS` holds: a recurrent stack but for its size."""

    def __call__(self, input_size: int, hidden: int, *, layers: int = 1, bias: bool = True) -> RecurrentStack:
        """Returns a stack with fresh weights."""
        ...


CELLS: dict[CellName, MakeStack] = {
    "gru": partial(TorchStack, nn.GRU),
    "lstm": partial(TorchStack, nn.LSTM),
    "peephole-lstm": partial(LoopStack, PeepholeLSTMLayer),
    "rnn": partial(TorchStack, nn.RNN),
    "gru-keras2015": partial(LoopStack, Keras2015GRULayer),
    "lstm-keras2015": partial(LoopStack, Keras2015LSTMLayer),
}


def make_cell(name: CellName, input_size: int, hidden: int, *, layers: int = 1, bias: bool = True) -> RecurrentStack:
    """Returns a stack of recurrent layers with fresh weights.

    Args:
        name: the cell, one of `CELLS`.
        input_size: channels of the input.
        hidden: units in each layer.
        layers: layers on top of each other.
        bias: whether gates and candidates have biases.

    Raises:
        ValueError: There is no cell of that name.
    """
    if name not in CELLS:
        raise ValueError(f"no cell {name!r}: expected one of {', '.join(get_args(CellName))}")
    return CELLS[name](input_size, hidden, layers=layers, bias=bias)

"""A stack of recurrent layers behind one interface, whatever cell is inside.

    outputs, state = stack(inputs, state)

with inputs (batch, time, input), outputs (batch, time, hidden) of the last layer, and state a tuple of one or two
tensors (layers, batch, hidden): the hidden state, and the memory of cells that have one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

State = tuple[Tensor, ...]


class RecurrentStack(nn.Module, ABC):
    """Recurrent layers of one kind of cell.

    Args:
        input_size: channels of the input.
        hidden: units in each layer.
        layers: layers on top of each other.
        bias: whether gates and candidates have biases; the paper prints none.
    """

    n_states = 1
    """Tensors in the state: 2 for cells with a memory beside the hidden state."""

    def __init__(self, input_size: int, hidden: int, *, layers: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.input_size, self.hidden, self.layers, self.bias = input_size, hidden, layers, bias

    @abstractmethod
    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Runs the stack over (batch, time, input) and returns its outputs (batch, time, hidden) and last state."""

    def initial_state(self, batch: int) -> State:
        """Returns the state zero for `batch` streams, on the device and in the precision of the weights."""
        like = next(self.parameters())
        return tuple(like.new_zeros(self.layers, batch, self.hidden) for _ in range(self.n_states))


class TorchStack(RecurrentStack):
    """Layers that torch has itself, with its fused kernels."""

    def __init__(
        self,
        kind: type[nn.RNN] | type[nn.GRU] | type[nn.LSTM],
        input_size: int,
        hidden: int,
        *,
        layers: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(input_size, hidden, layers=layers, bias=bias)
        self.n_states = 2 if kind is nn.LSTM else 1
        self.recurrence = kind(input_size, hidden, num_layers=layers, bias=bias, batch_first=True)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        outputs, last = self.recurrence(inputs, state if self.n_states == 2 else state[0])
        return outputs, last if self.n_states == 2 else (last,)


class LoopLayer(nn.Module, ABC):
    """One layer of a cell that torch does not have: the weights of its gates, stacked, and its step."""

    n_states = 1

    def __init__(self, input_size: int, hidden: int, *, gates: int, bias: bool) -> None:
        super().__init__()
        self.hidden = hidden
        self.weight_ih = nn.Parameter(torch.empty(gates * hidden, input_size))
        self.weight_hh = nn.Parameter(torch.empty(gates * hidden, hidden))
        self.bias = nn.Parameter(torch.empty(gates * hidden)) if bias else None

    def drive(self, inputs: Tensor) -> Tensor:
        """Returns W x + b (time, batch, gates * hidden) of all steps at once."""
        return functional.linear(inputs, self.weight_ih, self.bias)

    @abstractmethod
    def step(self, drive: Tensor, state: State) -> State:
        """Returns the state after one step from W x + b (batch, gates * hidden) and a state of (batch, hidden)."""

    def run(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Returns h of all steps (time, batch, hidden) of inputs (time, batch, input), and the last state."""
        outputs = []
        for drive in self.drive(inputs).unbind():
            state = self.step(drive, state)
            outputs.append(state[0])
        return torch.stack(outputs), state


class LoopStack(RecurrentStack):
    """Layers stepped one by one; only what depends on the state is computed within the loop."""

    def __init__(
        self, layer: Callable[..., LoopLayer], input_size: int, hidden: int, *, layers: int = 1, bias: bool = True
    ) -> None:
        super().__init__(input_size, hidden, layers=layers, bias=bias)
        stack = [layer(size, hidden, bias=bias) for size in [input_size, *[hidden] * (layers - 1)]]
        self.n_states = stack[0].n_states
        self.stack = nn.ModuleList(stack)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        outputs, lasts = inputs.transpose(0, 1), []
        for layer, start in zip(self.stack, zip(*state, strict=True), strict=True):
            outputs, last = cast(LoopLayer, layer).run(outputs, start)
            lasts.append(last)
        return outputs.transpose(0, 1), tuple(torch.stack(parts) for parts in zip(*lasts, strict=True))

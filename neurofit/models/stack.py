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
from torch.func import functional_call
from torch.nn import functional

from neurofit.models.gru_function import GRUFunction
from neurofit.models.rows import pad_gates, pad_last, padded_size

State = tuple[Tensor, ...]


def autocast_dtype(tensor: Tensor) -> torch.dtype | None:
    """Returns what autocast computes products of a float32 tensor in, None where it is off or leaves it alone.

    Layers whose loops autocast does not see into cast by themselves: torch would hand cuDNN's recurrences float16
    whatever was asked for, and add up gradients over all steps in the lower precision.
    """
    kind = tensor.device.type
    on = torch.is_autocast_enabled(kind) and tensor.dtype in (torch.float32, torch.get_autocast_dtype(kind))
    return torch.get_autocast_dtype(kind) if on else None


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
    """Layers that torch has itself, with its fused kernels.

    On a GPU units and inputs are padded to multiples of 64 with zeros: a unit without weights stays at zero, sends
    nothing and gets no gradient. On a CPU GRUs that are trained, and all in bfloat16, run by `GRUFunction`. Outside one
    sees neither: weights, state and outputs have the size that was asked for, and autocast leaves the state in float32.
    """

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
        lowered = autocast_dtype(inputs)
        if lowered is None:
            return self._run(inputs, state, None)
        with torch.autocast(inputs.device.type, enabled=False):
            outputs, last = self._run(inputs.to(lowered), tuple(part.to(lowered) for part in state), lowered)
        return outputs, tuple(new.to(old.dtype) for new, old in zip(last, state, strict=True))

    def _run(self, inputs: Tensor, state: State, dtype: torch.dtype | None) -> tuple[Tensor, State]:
        own = self.input_size, self.hidden
        n_in, hidden = (padded_size(size, inputs.device, steps=inputs.shape[1]) for size in own)
        if self._by_function(inputs, dtype):
            return self._run_function(inputs, state[0], dtype)
        if dtype is None and (n_in, hidden) == own:
            outputs, last = self.recurrence(inputs, state if self.n_states == 2 else state[0])
            return outputs, last if self.n_states == 2 else (last,)
        return self._run_padded(inputs, state, dtype, n_in, hidden)

    def _by_function(self, inputs: Tensor, dtype: torch.dtype | None) -> bool:
        """Whether `GRUFunction` is to run; torch.func (jacrev, vmap, ...) sees through plain operations only."""
        is_ours = isinstance(self.recurrence, nn.GRU) and inputs.device.type == "cpu"
        wanted = dtype is not None or torch.is_grad_enabled()
        return is_ours and wanted and not torch._C._are_functorch_transforms_active()

    def _run_function(self, inputs: Tensor, h: Tensor, dtype: torch.dtype | None) -> tuple[Tensor, State]:
        outputs, lasts = inputs.transpose(0, 1), []
        for layer, start in enumerate(h.unbind()):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            weights = [getattr(self.recurrence, f"{name}_l{layer}", None) for name in names]
            lowered = [None if weight is None else weight.to(dtype or weight.dtype) for weight in weights]
            outputs = GRUFunction.apply(outputs, *lowered, start)
            lasts.append(outputs[-1])
        return outputs.transpose(0, 1), (torch.stack(lasts),)

    def _run_padded(
        self, inputs: Tensor, state: State, dtype: torch.dtype | None, n_in: int, hidden: int
    ) -> tuple[Tensor, State]:
        own = self.recurrence
        weights: dict[str, Tensor] = dict(own.named_parameters())
        gates = len(weights["weight_hh_l0"]) // self.hidden
        for name, weight in weights.items():
            columns = None if weight.ndim == 1 else n_in if name == "weight_ih_l0" else hidden
            weights[name] = pad_gates(weight.to(dtype or weight.dtype), gates, hidden, columns)
        # Without weights of its own: it lends its form and its kernels, and lays the weights out as cuDNN wants them.
        form = type(own)(n_in, hidden, num_layers=self.layers, bias=self.bias, batch_first=True, device="meta")
        padded = tuple(pad_last(part, hidden) for part in state)
        arguments = pad_last(inputs, n_in), padded if self.n_states == 2 else padded[0]
        outputs, last = functional_call(form, weights, arguments)
        parts = last if self.n_states == 2 else (last,)
        return outputs[..., : self.hidden], tuple(part[..., : self.hidden] for part in parts)


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
            lasts.append(tuple(new.to(old.dtype) for new, old in zip(last, start, strict=True)))
        return outputs.transpose(0, 1), tuple(torch.stack(parts) for parts in zip(*lasts, strict=True))

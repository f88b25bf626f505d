"""The layers of a recurrent network as one step of a map, with closed-form derivatives through all of them.

The state vector is layer after layer, each its hidden state and then its memory. Layer l sees the new hidden state of
layer l - 1, so with J and K for the derivatives of one layer by its state and by its input,

    ds'_l / ds_l = J_l,      ds'_l / ds_k = K_l dh'_{l-1} / ds_k  for k < l,      ds'_l / du = K_l dh'_{l-1} / du.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from neurofit.models.jacobians import LayerJacobian, LayerWeights, gru_jacobian, lstm_jacobian, rnn_jacobian
from neurofit.models.peephole import PeepholeLSTMLayer
from neurofit.models.stack import LoopStack, RecurrentStack, TorchStack

_JACOBIANS = {nn.RNN: rnn_jacobian, nn.GRU: gru_jacobian, nn.LSTM: lstm_jacobian, PeepholeLSTMLayer: lstm_jacobian}


class StackTransition:
    """One step of a `RecurrentStack` with the cell rnn, gru, lstm or peephole-lstm.

    Args:
        stack: the layers; their weights are read when a method is called.

    Raises:
        ValueError: The cell has no closed-form derivative here.
    """

    def __init__(self, stack: RecurrentStack) -> None:
        kind = _kind(stack)
        if kind not in _JACOBIANS:
            raise ValueError(f"no derivatives of {kind.__name__}: expected the cell rnn, gru, lstm or peephole-lstm")
        self.stack = stack
        self.n_state = stack.layers * stack.n_states * stack.hidden
        self._jacobian = _JACOBIANS[kind]

    def step(self, state: Tensor, inputs: Tensor) -> Tensor:
        """Returns the state after one step, (batch, state)."""
        stack = self.stack
        parts = state.reshape(len(state), stack.layers, stack.n_states, stack.hidden).permute(2, 1, 0, 3).contiguous()
        _, last = stack(inputs[:, None], tuple(parts))
        return torch.stack(last).permute(2, 1, 0, 3).reshape(len(state), self.n_state)

    def jacobian_state(self, state: Tensor, inputs: Tensor) -> Tensor:
        """Returns dF/dh (batch, state, state)."""
        size, hidden = self.n_state // self.stack.layers, self.stack.hidden
        rows: list[Tensor] = []
        for index, layer in enumerate(self._layers(state, inputs)):
            row = state.new_zeros(len(state), size, self.n_state)
            if rows:
                row += layer.inputs @ rows[-1][:, :hidden]
            row[:, :, index * size : (index + 1) * size] += layer.state
            rows.append(row)
        return torch.cat(rows, dim=1)

    def jacobian_input(self, state: Tensor, inputs: Tensor) -> Tensor:
        """Returns dF/du (batch, state, input)."""
        rows: list[Tensor] = []
        for layer in self._layers(state, inputs):
            rows.append(layer.inputs @ rows[-1][:, : self.stack.hidden] if rows else layer.inputs)
        return torch.cat(rows, dim=1)

    def output(self, state: Tensor) -> Tensor:
        """Returns the hidden state of the last layer, (batch, hidden)."""
        return state.reshape(len(state), self.stack.layers, self.stack.n_states, self.stack.hidden)[:, -1, 0]

    @torch.no_grad()
    def _layers(self, state: Tensor, inputs: Tensor) -> list[LayerJacobian]:
        before = state.reshape(len(state), self.stack.layers, -1)
        after = self.step(state, inputs).reshape(before.shape)
        seen = [inputs, *after[:, :-1, : self.stack.hidden].unbind(1)]
        weights = [_weights(self.stack, layer) for layer in range(self.stack.layers)]
        return [self._jacobian(*each) for each in zip(weights, seen, before.unbind(1), strict=True)]


def _kind(stack: RecurrentStack) -> type[nn.Module]:
    return type(stack.recurrence if isinstance(stack, TorchStack) else cast(LoopStack, stack).stack[0])


def _weights(stack: RecurrentStack, layer: int) -> LayerWeights:
    """Returns the weights of one layer; biases and peepholes it does not have are zero."""
    holder: nn.Module
    if isinstance(stack, TorchStack):
        holder, suffix = stack.recurrence, f"_l{layer}"
    else:
        holder, suffix = cast(LoopStack, stack).stack[layer], ""

    def gates(name: str) -> Tensor:
        return getattr(holder, name + suffix).unflatten(0, (-1, stack.hidden))

    w = gates("weight_ih")
    first = next((name for name in ("bias", "bias_ih") if isinstance(getattr(holder, name + suffix, None), Tensor)), "")
    return LayerWeights(
        w=w,
        u=gates("weight_hh"),
        b=gates(first) if first else w.new_zeros(w.shape[:2]),
        d=gates("bias_hh") if first == "bias_ih" else w.new_zeros(w.shape[:2]),
        v=getattr(holder, "peephole", w.new_zeros(3, stack.hidden)),
    )

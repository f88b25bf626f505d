"""The LSTM as the founding paper prints it (Nayebi, Cable and Wedeen 2015, equations 7-12), with peepholes.

    f_t = sigmoid(W_f x_t + U_f h_{t-1} + V_f c_{t-1})      i_t = sigmoid(W_i x_t + U_i h_{t-1} + V_i c_{t-1})
    c~_t = tanh(W_c x_t + U_c h_{t-1})                      c_t = f_t c_{t-1} + i_t c~_t
    o_t = sigmoid(W_o x_t + U_o h_{t-1} + V_o c_t)          h_t = o_t tanh(c_t)

V_f, V_i and V_o are diagonal, and the output gate sees the new memory. With V = 0 it is torch's `nn.LSTM`, which has
no peepholes.

`PeepholeLSTMLayer.step` is these equations as plain operations; a sequence runs by `PeepholeLSTMFunction`, the same
values and gradients sooner.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofit.models.peephole_function import PeepholeLSTMFunction
from neurofit.models.rows import pad_gates, pad_last, padded_size
from neurofit.models.stack import LoopLayer, State, autocast_dtype


class PeepholeLSTMLayer(LoopLayer):
    """One layer; rows of the weights are i, f, candidate, o (the order of `nn.LSTM`), of `peephole` i, f, o."""

    n_states = 2

    def __init__(self, input_size: int, hidden: int, *, bias: bool = True) -> None:
        super().__init__(input_size, hidden, gates=4, bias=bias)
        self.peephole = nn.Parameter(torch.empty(3, hidden))
        bound = 1 / math.sqrt(hidden)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def step(self, drive: Tensor, state: State) -> State:
        h, c = state
        v_i, v_f, v_o = self.peephole
        i, f, candidate, o = (drive + functional.linear(h, self.weight_hh)).chunk(4, dim=-1)
        c = torch.sigmoid(f + v_f * c) * c + torch.sigmoid(i + v_i * c) * torch.tanh(candidate)
        return torch.sigmoid(o + v_o * c) * torch.tanh(c), c

    def run(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Returns what `LoopLayer.run` does, with a first derivative only; that of the loop has all."""
        # torch.func (jacrev, vmap, ...) sees through plain operations only.
        if torch._C._are_functorch_transforms_active():
            return super().run(inputs, state)
        lowered = autocast_dtype(inputs)
        if lowered is None:
            return self._run(inputs, state, lambda tensor: tensor)
        with torch.autocast(inputs.device.type, enabled=False):
            return self._run(inputs, state, lambda tensor: tensor.to(lowered))

    def _run(self, inputs: Tensor, state: State, cast: Callable[[Tensor], Tensor]) -> tuple[Tensor, State]:
        n_in, hidden = (padded_size(size, inputs.device, steps=len(inputs)) for size in (inputs.shape[2], self.hidden))
        outputs, c = PeepholeLSTMFunction.apply(
            pad_last(cast(inputs), n_in),
            pad_gates(cast(self.weight_ih), 4, hidden, n_in),
            pad_gates(cast(self.weight_hh), 4, hidden, hidden),
            None if self.bias is None else pad_gates(cast(self.bias), 4, hidden),
            pad_last(cast(self.peephole), hidden),
            *(pad_last(cast(part), hidden) for part in state),
        )
        outputs, c = outputs[..., : self.hidden], c[..., : self.hidden]
        return outputs, (outputs[-1], c)

"""All steps of a peephole LSTM as one operation of autograd, with its derivative written by hand.

Forward, from the input's part of all gates at once, a_t = W x_t + b, the equations of `peephole.py`:

    i, f = sigmoid(a + U h_{t-1} + V c_{t-1})    g = tanh(a + U h_{t-1})    c_t = f c_{t-1} + i g
    o = sigmoid(a + U h_{t-1} + V_o c_t)         h_t = o tanh(c_t)

Backward, with D for the derivative of the loss and s' = s (1 - s), the factors before D computed for all steps at once:

    Dh_t = D(output_t) + U' Da_{t+1}                        Dc_t = Dc from t+1 + (o (1 - tanh^2 c_t) + V_o tanh(c_t) o') Dh_t
    Da_o = tanh(c_t) o' Dh_t                                Dc to t-1 = (f + V_i g i' + V_f c_{t-1} f') Dc_t
    Da_i, Da_f, Da_g = g i' Dc_t, c_{t-1} f' Dc_t, i (1 - g^2) Dc_t

So a step back is one product, U' Da, and four elementwise operations. The gradient of U is one product over all steps,
sum_t Da_t h_{t-1}', where autograd through a loop would add to a matrix as large as U at every step; those of W, b and
x follow from Da as for any linear layer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class PeepholeLSTMFunction(torch.autograd.Function):
    """`apply(drive, weight_hh, peephole, h, c)` returns h (time, batch, hidden) of all steps and c after the last.

    Gates come in the order i, f, g, o: drive is (time, batch, 4 * hidden), weight_hh (4 * hidden, hidden), peephole
    (3, hidden) of i, f, o, and the state h, c (batch, hidden). There is no second derivative.
    """

    @staticmethod
    def forward(
        ctx: Any, drive: Tensor, weight_hh: Tensor, peephole: Tensor, h: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor]:
        time, batch, hidden = len(drive), *h.shape
        gates = drive.new_empty(time, batch, 4 * hidden)
        squashed = drive.new_empty(time, batch, hidden)
        hs, cs = drive.new_empty(2, time + 1, batch, hidden)
        hs[0], cs[0] = h, c
        recurrent, v_if, v_o = weight_hh.t().contiguous(), peephole[:2], peephole[2]

        hs_of, cs_of = hs.unbind(), cs.unbind()
        now = zip(drive, gates, squashed, hs_of, hs_of[1:], cs_of, cs_of[1:], strict=False)
        for driven, gate, squash, h, h_next, c, c_next in now:
            torch.addmm(driven, h, recurrent, out=gate)
            i_f, (g, o) = gate[:, : 2 * hidden].unflatten(1, (2, hidden)), gate[:, 2 * hidden :].chunk(2, dim=1)
            i, f = i_f.addcmul_(v_if, c[:, None]).sigmoid_().unbind(1)
            torch.mul(f, c, out=c_next).addcmul_(i, g.tanh_())
            o.addcmul_(v_o, c_next).sigmoid_()
            torch.mul(o, torch.tanh(c_next, out=squash), out=h_next)
        ctx.save_for_backward(gates, squashed, hs, cs, weight_hh, peephole)
        return hs[1:], cs_of[-1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hs: Tensor, d_c: Tensor) -> tuple[Tensor | None, ...]:
        gates, squashed, hs, cs, weight_hh, peephole = ctx.saved_tensors
        d_drive, by_c, by_h = _factors(gates, squashed, cs, peephole)
        d_gates = d_drive.unflatten(2, (4, -1))
        d_h, d_c = d_hs[-1], d_c.clone()
        below = [None, *d_hs[:-1]]
        steps = zip(below, d_drive, d_gates[:, :, :3], d_gates[:, :, 3], by_c, by_h, strict=True)
        for d_below, d_a, d_ifg, d_o, to_before, from_h in reversed(list(steps)):
            d_c.addcmul_(d_h, from_h)
            d_ifg.mul_(d_c[:, None])
            d_o.mul_(d_h)
            d_c.mul_(to_before)
            if d_below is not None:
                d_h = torch.addmm(d_below, d_a, weight_hh)
        d_weight = d_drive.flatten(0, 1).t() @ hs[:-1].flatten(0, 1)
        d_peephole = torch.cat(
            [(d_gates[:, :, :2] * cs[:-1, :, None]).sum((0, 1)), (d_gates[:, :, 3] * cs[1:]).sum((0, 1))[None]]
        )
        d_first = d_drive[0] @ weight_hh if ctx.needs_input_grad[3] else None
        return d_drive, d_weight, d_peephole, d_first, d_c


def _factors(gates: Tensor, squashed: Tensor, cs: Tensor, peephole: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns what Dc (i, f, g) or Dh (o) is multiplied by for Da, Dc_t for Dc_{t-1}, and Dh for Dc, of all steps."""
    i, f, g, o = gates.chunk(4, dim=2)
    v_i, v_f, v_o = peephole
    by_i, by_f, by_g, by_o = g * _slope(i), cs[:-1] * _slope(f), i * (1 - g.square()), squashed * _slope(o)
    to_before = torch.addcmul(f, v_i, by_i).addcmul_(v_f, by_f)
    from_h = (o * (1 - squashed.square())).addcmul_(v_o, by_o)
    return torch.cat([by_i, by_f, by_g, by_o], dim=2), to_before, from_h


def _slope(gate: Tensor) -> Tensor:
    return gate * (1 - gate)

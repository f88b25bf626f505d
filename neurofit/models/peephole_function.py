"""All steps of a peephole LSTM as one operation of autograd, its derivative written by hand.

The equations are those of `peephole.py`, without biases here. With a for the sum W x_t + U h_{t-1} of each gate,
s' = s (1 - s) for the slope of a gate s, and D for the derivative of the loss,

    forward     i, f = sigmoid(a + V c_{t-1})    g = tanh(a)    c_t = f c_{t-1} + i g
                o = sigmoid(a + V_o c_t)         h_t = o tanh(c_t)
    backward    Dh_t = D(output_t) + U' Da_{t+1}
                Dc_t = k_{t+1} Dc_{t+1} + (o (1 - tanh^2 c_t) + V_o tanh(c_t) o') Dh_t
                Da_t = g i' Dc_t,  c_{t-1} f' Dc_t,  i (1 - g^2) Dc_t,  tanh(c_t) o' Dh_t    of i, f, candidate g, o
                k_t  = f + V_i g i' + V_f c_{t-1} f'

All that does not wait for a neighbouring step is computed for all steps at once: W x_t, the factors of Dc and Dh, and
the gradients of the weights, DW = sum_t Da_t x_t' and DU = sum_t Da_t h_{t-1}', one product each, where autograd
through a loop adds to a matrix as large as U at every step. What is left of a step back is U' Da and four elementwise
products.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from neurofit.models.rows import product

# (factor, y) -> factor y (1 - y) and factor (1 - y^2), in one pass over memory.
_sigmoid_backward, _tanh_backward = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward


class PeepholeLSTMFunction(torch.autograd.Function):
    """`apply(inputs, weight_ih, weight_hh, bias, peephole, h, c)`, which has a first derivative only.

    Args:
        inputs: (time, batch, input).
        weight_ih: (4 * hidden, input), rows i, f, candidate, o.
        weight_hh: (4 * hidden, hidden).
        bias: (4 * hidden), or None.
        peephole: (3, hidden) of i, f, o.
        h: (batch, hidden) before the first step.
        c: (batch, hidden), the memory before the first step.

    Returns:
        h of all steps (time, batch, hidden), and c after the last (batch, hidden).
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias: Tensor | None,
        peephole: Tensor,
        h: Tensor,
        c: Tensor,
    ) -> tuple[Tensor, Tensor]:
        inputs = inputs.contiguous()
        activations = functional.linear(inputs, weight_ih, bias)
        gates = activations.unflatten(2, (4, -1))
        outputs, cs, squashed = (torch.empty_like(gates[:, :, 0]) for _ in range(3))
        recurrent, v_if, v_o = weight_hh.t(), peephole[:2], peephole[2]
        previous_h, previous_c = h, c
        steps = zip(activations, gates[:, :, :2], *gates.unbind(2), cs, squashed, outputs, strict=True)
        for a, i_f, i, f, candidate, o, c_t, squash, h_t in steps:
            a.addmm_(previous_h, recurrent)
            i_f.addcmul_(v_if, previous_c[:, None]).sigmoid_()
            torch.mul(f, previous_c, out=c_t).addcmul_(i, candidate.tanh_())
            o.addcmul_(v_o, c_t).sigmoid_()
            torch.mul(o, torch.tanh(c_t, out=squash), out=h_t)
            previous_h, previous_c = h_t, c_t
        ctx.save_for_backward(inputs, weight_ih, weight_hh, peephole, h, c, gates, outputs, cs, squashed)
        return outputs, previous_c.clone()

    @staticmethod
    def backward(ctx: Any, d_outputs: Tensor, d_c: Tensor) -> tuple[Tensor | None, ...]:
        # With torch's `once_differentiable` a second derivative can be zero in silence.
        if torch.is_grad_enabled():
            raise RuntimeError("no second derivative of PeepholeLSTMFunction: LoopLayer.run has all derivatives")
        inputs, weight_ih, weight_hh, peephole, h, c, gates, outputs, cs, squashed = ctx.saved_tensors
        h_before, c_before = torch.cat([h[None], outputs[:-1]]), torch.cat([c[None], cs[:-1]])
        d_gates, d_c = _through_time(d_outputs, d_c, weight_hh, *_factors(gates, c_before, squashed, peephole))
        d_if, d_o = d_gates[:, :, :2] * c_before[:, :, None], d_gates[:, :, 3] * cs
        d_a = d_gates.flatten(2)
        flat = d_a.flatten(0, 1)
        return (
            product(flat, weight_ih).view_as(inputs) if ctx.needs_input_grad[0] else None,
            product(flat.t(), inputs.flatten(0, 1)),
            product(flat.t(), h_before.flatten(0, 1)),
            flat.sum(0) if ctx.needs_input_grad[3] else None,
            torch.cat([d_if.sum((0, 1)), d_o.sum((0, 1))[None]]),
            d_a[0] @ weight_hh if ctx.needs_input_grad[5] else None,
            d_c,
        )


def _factors(gates: Tensor, c_before: Tensor, squashed: Tensor, peephole: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the factors of all steps: of Dc_t or Dh_t in Da_t, of Dc_t in Dc_{t-1}, and of Dh_t in Dc_t."""
    (i, f, candidate, o), (v_i, v_f, v_o) = gates.unbind(2), peephole
    by_gate = torch.empty_like(gates)
    by_i, by_f, by_candidate, by_o = by_gate.unbind(2)
    _sigmoid_backward(candidate, i, grad_input=by_i)
    _sigmoid_backward(c_before, f, grad_input=by_f)
    _tanh_backward(i, candidate, grad_input=by_candidate)
    _sigmoid_backward(squashed, o, grad_input=by_o)
    to_c_before = torch.addcmul(f, v_i, by_i).addcmul_(v_f, by_f)
    return by_gate, to_c_before, _tanh_backward(o, squashed).addcmul_(v_o, by_o)


def _through_time(
    d_outputs: Tensor, d_c: Tensor, weight_hh: Tensor, by_gate: Tensor, to_c_before: Tensor, h_to_c: Tensor
) -> tuple[Tensor, Tensor]:
    """Turns `by_gate` into Da of all steps, from the last to the first; returns it and Dc before the first step."""
    d_c, d_later = d_c.clone(), None
    steps = zip(d_outputs, by_gate.flatten(2), by_gate[:, :, :3], by_gate[:, :, 3], to_c_before, h_to_c, strict=True)
    for d_h, d_a, d_inner, d_o, to_before, to_c in reversed(list(steps)):
        if d_later is not None:
            d_h = torch.addmm(d_h, d_later, weight_hh)
        d_c.addcmul_(d_h, to_c)
        d_inner.mul_(d_c[:, None])
        d_o.mul_(d_h)
        d_c.mul_(to_before)
        d_later = d_a
    return by_gate, d_c

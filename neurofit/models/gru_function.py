"""All steps of torch's GRU as one operation of autograd, its derivative written by hand.

    forward     r, z = sigmoid(a)          a = W x_t + b + U h_{t-1} + d of each gate
                n = tanh(W_n x_t + b_n + r p)       p = U_n h_{t-1} + d_n
                h_t = n + z (h_{t-1} - n)
    backward    Dh_t = D(output_t) + U' Dq_{t+1} + z_{t+1} Dh_{t+1}
                Da_t = (1 - z)(1 - n^2) p r',  (h_{t-1} - n) z',  (1 - z)(1 - n^2), each times Dh_t, of r, z, n
                Dq_t = Da_t of r and z, and r Da_t of n: the derivative by U h_{t-1} + d

with s' = s (1 - s) for the slope of a gate s, and D for the derivative of the loss. All that does not wait for a
neighbouring step is computed for all steps at once: W x_t, the factors of Dh, and the gradients of the weights,
DW = sum_t Da_t x_t' and DU = sum_t Dq_t h_{t-1}', one product each, where torch's own GRU on a CPU adds to a matrix as
large as U at every step: in bfloat16 those sums would also lose most of their digits. What is left of a step is one
product and four elementwise operations forward, one product and two operations back.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurofit.models.rows import affine, empty_rows, product

# (factor, y) -> factor y (1 - y) and factor (1 - y^2), in one pass over memory.
_sigmoid_backward, _tanh_backward = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward


class GRUFunction(torch.autograd.Function):
    """`apply(inputs, weight_ih, weight_hh, bias_ih, bias_hh, h)`, which has a first derivative only.

    Args:
        inputs: (time, batch, input).
        weight_ih: (3 * hidden, input), rows r, z, n.
        weight_hh: (3 * hidden, hidden).
        bias_ih: (3 * hidden), or None.
        bias_hh: (3 * hidden), or None.
        h: (batch, hidden) before the first step.

    Returns:
        h of all steps (time, batch, hidden).
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor | None,
        bias_hh: Tensor | None,
        h: Tensor,
    ) -> Tensor:
        inputs = inputs.contiguous()
        gates, candidates = _driven(inputs, weight_ih, bias_ih, bias_hh)
        outputs = h.new_empty(candidates.shape)
        by_column, previous = weight_hh.t(), h
        both = gates[:, :, : 2 * h.shape[1]]
        steps = zip(gates, both, *gates.chunk(3, dim=2), candidates, outputs, strict=True)
        for a, rz, r, z, p, n, output in steps:
            a.addmm_(previous, by_column)
            rz.sigmoid_()
            n.addcmul_(r, p).tanh_()
            previous = torch.lerp(n, previous, z, out=output)
        ctx.save_for_backward(inputs, weight_ih, weight_hh, h, gates, candidates, outputs)
        return outputs

    @staticmethod
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        # With torch's `once_differentiable` a second derivative can be zero in silence.
        if torch.is_grad_enabled():
            raise RuntimeError("no second derivative of GRUFunction: nn.GRU has all derivatives")
        inputs, weight_ih, weight_hh, h, gates, candidates, outputs = ctx.saved_tensors
        h_before = torch.cat([h[None], outputs[:-1]])
        d_q, by_n = _factors(gates, candidates, h_before)
        d_hs, d_h = _through_time(d_outputs, d_q, gates.chunk(3, dim=2)[1], weight_hh)
        flat = d_q.flatten(0, 1)
        d_weight_hh = product(flat.t(), h_before.flatten(0, 1))
        d_bias_hh = flat.sum(0) if ctx.needs_input_grad[4] else None
        # From here on Da: of r and z it is Dq.
        torch.mul(by_n, d_hs, out=d_q.chunk(3, dim=2)[2])
        return (
            product(flat, weight_ih).view_as(inputs) if ctx.needs_input_grad[0] else None,
            product(flat.t(), inputs.flatten(0, 1)),
            d_weight_hh,
            flat.sum(0) if ctx.needs_input_grad[3] else None,
            d_bias_hh,
            d_h,
        )


def _driven(inputs: Tensor, weight_ih: Tensor, bias_ih: Tensor | None, bias_hh: Tensor | None) -> tuple[Tensor, Tensor]:
    """Returns what U h is added to, of r, z and p (time, batch, 3 * hidden), and W_n x + b_n (time, batch, hidden)."""
    cut, flat = len(weight_ih) // 3 * 2, inputs.flatten(0, 1)
    zero = weight_ih.new_zeros(len(weight_ih))
    b, d = (zero if bias is None else bias for bias in (bias_ih, bias_hh))
    gates = empty_rows(inputs, *inputs.shape[:2], len(weight_ih))
    candidates = empty_rows(inputs, *inputs.shape[:2], cut // 2)
    affine(flat, weight_ih[:cut].t(), (b + d)[:cut], gates[:, :, :cut].flatten(0, 1))
    affine(flat, weight_ih[cut:].t(), b[cut:], candidates.flatten(0, 1))
    gates[:, :, cut:] = d[cut:]
    return gates, candidates


def _factors(gates: Tensor, n: Tensor, h_before: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the factors of Dh_t in Dq_t (time, batch, 3 * hidden) of all steps, and in Da_t of n."""
    r, z, p = gates.chunk(3, dim=2)
    factors = empty_rows(gates, *gates.shape)
    by_r, by_z, by_p = factors.chunk(3, dim=2)
    by_n = _tanh_backward(1 - z, n)
    torch.mul(by_n, r, out=by_p)
    _sigmoid_backward(by_n * p, r, grad_input=by_r)
    _sigmoid_backward(h_before - n, z, grad_input=by_z)
    return factors, by_n


def _through_time(d_outputs: Tensor, factors: Tensor, zs: Tensor, weight_hh: Tensor) -> tuple[Tensor, Tensor]:
    """Turns `factors` into Dq of all steps, from the last to the first; returns Dh of all and before the first."""
    d_hs, d_first = empty_rows(d_outputs, *d_outputs.shape), torch.zeros_like(d_outputs[0])
    d_hs[-1] = d_outputs[-1]
    by_gate = factors.unflatten(2, (3, -1))
    # What Dh of a step is added to is the D(output) of the step before it, and zero before the first.
    before = [(d_first, d_first), *zip(d_outputs[:-1], d_hs[:-1], strict=True)]
    steps = zip(factors, by_gate, zs, d_hs, d_hs[:, :, None], before, strict=True)
    for q, each, z, d_h, d_h_of_each, (d_output, d_sum) in reversed(list(steps)):
        each.mul_(d_h_of_each)
        torch.addcmul(d_output, d_h, z, out=d_sum).addmm_(q, weight_hh)
    return d_hs, d_first

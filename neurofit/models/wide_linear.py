"""x W' + b with products laid out as the device likes them (see `rows.py`); narrow ones are torch's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from neurofit.models.rows import LARGE, affine, empty_rows, pad_gates, pad_last, padded_size, product

ROWS_OF_A_STEP = 64
"""Rows that make up for as much of the time of copying the weights as a step of a recurrent layer does."""


def wide_linear(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Returns what `torch.nn.functional.linear` does.

    Args:
        inputs: (..., n_in).
        weight: (n_out, n_in).
        bias: (n_out).

    Returns:
        (..., n_out).
    """
    steps = inputs[..., 0].numel() // ROWS_OF_A_STEP
    n_out, n_in = (padded_size(size, inputs.device, steps=steps) for size in weight.shape)
    if (n_out, n_in) != weight.shape:
        padded = pad_gates(weight, 1, n_out, n_in), pad_gates(bias, 1, n_out)
        return functional.linear(pad_last(inputs, n_in), *padded)[..., : len(weight)]
    by_function = inputs.device.type == "cpu" and max(weight.shape) > LARGE and not torch.is_autocast_enabled("cpu")
    if by_function and not torch._C._are_functorch_transforms_active():
        return WideLinearFunction.apply(inputs, weight, bias)
    return functional.linear(inputs, weight, bias)


class WideLinearFunction(torch.autograd.Function):
    """`apply(inputs, weight, bias)`, which has a first derivative only."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        flat = inputs.reshape(-1, inputs.shape[-1])
        outputs = empty_rows(inputs, len(flat), len(weight))
        affine(flat, weight.t(), bias, outputs)
        ctx.save_for_backward(flat, weight)
        return outputs.unflatten(0, inputs.shape[:-1])

    @staticmethod
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError("no second derivative of WideLinearFunction: torch's linear has all derivatives")
        flat, weight = ctx.saved_tensors
        d_flat = d_outputs.reshape(-1, len(weight))
        d_inputs = None
        if ctx.needs_input_grad[0]:
            d_inputs = torch.mm(d_flat, weight, out=empty_rows(flat, *flat.shape)).unflatten(0, d_outputs.shape[:-1])
        return d_inputs, product(d_flat.t(), flat), d_flat.sum(0)

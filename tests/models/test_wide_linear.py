"""The wide linear map against torch's own in float64, on both sides of the width from which it is its own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from neurofit.models import wide_linear as file
from neurofit.models.rows import LARGE
from neurofit.models.wide_linear import WideLinearFunction, wide_linear


def example(n_in: int, n_out: int, *shape: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    shapes = (*shape, n_in), (n_out, n_in), (n_out,)
    x, weight, bias = (torch.randn(each, dtype=torch.float64).requires_grad_() for each in shapes)
    return x, weight, bias


def results(linear, x: Tensor, weight: Tensor, bias: Tensor) -> list[Tensor]:
    outputs = linear(x, weight, bias)
    torch.manual_seed(1)
    return [outputs, *torch.autograd.grad((outputs * torch.randn(outputs.shape)).sum(), (x, weight, bias))]


@pytest.mark.parametrize(("n_in", "n_out"), [(3, 5), (3, LARGE + 6), (LARGE + 6, 5)])
@pytest.mark.parametrize("shape", [(4,), (2, 3)])
def test_values_and_gradients_are_those_of_torch(n_in, n_out, shape):
    leaves = example(n_in, n_out, *shape)
    for one, other in zip(results(wide_linear, *leaves), results(functional.linear, *leaves), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)


def test_narrow_ones_are_those_of_torch_to_the_bit_and_wide_ones_are_not_computed_twice(monkeypatch):
    calls, apply = [], WideLinearFunction.apply
    monkeypatch.setattr(WideLinearFunction, "apply", lambda *arguments: calls.append(1) or apply(*arguments))
    leaves = [leaf.detach().float() for leaf in example(7, LARGE, 9)]
    assert torch.equal(wide_linear(*leaves), functional.linear(*leaves))
    assert not calls
    wide_linear(*example(7, LARGE + 1, 9))
    assert calls == [1]


def test_inputs_out_of_order_are_taken_as_they_are():
    x, weight, bias = example(LARGE + 6, 5, 2, 3)
    turned = x.transpose(0, 1)
    torch.testing.assert_close(wide_linear(turned, weight, bias), functional.linear(turned, weight, bias))


def test_padding_changes_nothing(monkeypatch):
    leaves = example(3, 5, 2, 3)
    expected = results(functional.linear, *leaves)
    monkeypatch.setattr(file, "padded_size", lambda size, device, steps: -(-size // 8) * 8)
    for one, other in zip(results(wide_linear, *leaves), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_a_second_derivative_is_refused():
    x, weight, bias = example(LARGE + 6, 5, 2)
    with pytest.raises(RuntimeError, match="no second derivative of WideLinearFunction"):
        torch.autograd.grad(wide_linear(x, weight, bias).square().sum(), x, create_graph=True)

"""The GRU as one operation against torch's own, in float64, and where it runs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from neurofit.models import make_cell
from neurofit.models.gru_function import GRUFunction
from neurofit.models.rows import LARGE

INPUT, HIDDEN, BATCH, TIME = 3, 5, 4, 9


def example(
    *, bias: bool = True, time: int = TIME, hidden: int = HIDDEN, batch: int = BATCH
) -> tuple[nn.GRU, Tensor, Tensor]:
    """A GRU with weights large enough for every nonlinearity to work; inputs, and a state that is not zero."""
    torch.manual_seed(0)
    gru = nn.GRU(INPUT, hidden, bias=bias).double()
    with torch.no_grad():
        for parameter in gru.parameters():
            parameter.normal_(std=2 / hidden**0.5)
    x, h = (
        torch.randn(shape, dtype=torch.float64).requires_grad_() for shape in ((time, batch, INPUT), (batch, hidden))
    )
    return gru, x, h


def function(gru: nn.GRU, x: Tensor, h: Tensor) -> Tensor:
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    return GRUFunction.apply(x, *(getattr(gru, name, None) for name in names), h)


def results(outputs: Tensor, gru: nn.GRU, x: Tensor, h: Tensor) -> dict[str, Tensor]:
    """Outputs, and the gradients of a loss that sees all of them."""
    torch.manual_seed(1)
    wanted = {"x": x, "h": h, **dict(gru.named_parameters())}
    wanted = {name: tensor for name, tensor in wanted.items() if tensor.requires_grad}
    gradients = torch.autograd.grad((outputs * torch.randn_like(outputs)).sum(), list(wanted.values()))
    return {"outputs": outputs, **dict(zip(wanted, gradients, strict=True))}


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name], value, rtol=0, atol=1e-12, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [1, BATCH])
@pytest.mark.parametrize("time", [1, 2, TIME])
def test_values_and_gradients_are_those_of_torch(bias, time, batch):
    gru, x, h = example(bias=bias, time=time, batch=batch)
    expected = results(gru(x, h[None])[0], gru, x, h)
    assert_same(results(function(gru, x, h), gru, x, h), expected)


def test_large_ones_in_aligned_rows_too():
    gru, x, h = example(hidden=350)
    assert LARGE < 3 * 350
    expected = results(gru(x, h[None])[0], gru, x, h)
    assert_same(results(function(gru, x, h), gru, x, h), expected)


def test_strides_change_nothing():
    gru, x, h = example()

    def strided(tensor: Tensor) -> Tensor:
        return tensor.transpose(0, 1).contiguous().transpose(0, 1)

    expected = results(strided(gru(x, h[None])[0]), gru, x, h)
    with torch.no_grad():
        for parameter in (gru.weight_ih_l0, gru.weight_hh_l0):
            parameter.set_(strided(parameter))
    x, h = (strided(leaf.detach()).requires_grad_() for leaf in (x, h))
    assert not any(leaf.is_contiguous() for leaf in (x, h, gru.weight_ih_l0, gru.weight_hh_l0))
    assert_same(results(strided(function(gru, x, h)), gru, x, h), expected)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_pieces_without_gradients_are_the_whole(mode):
    gru, x, h = example()
    outputs = function(gru, x, h)
    with mode():
        pieces, state = [], h
        for piece in x.split(4):
            pieces.append(function(gru, piece, state))
            state = pieces[-1][-1]
        torch.testing.assert_close(torch.cat(pieces), outputs, rtol=0, atol=1e-12)
        assert not state.requires_grad


@pytest.mark.parametrize("frozen", ["x", "h", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"])
def test_what_needs_no_gradient_leaves_the_others_alone(frozen):
    gru, x, h = example()
    ({"x": x, "h": h} | dict(gru.named_parameters()))[frozen].requires_grad_(False)
    found = results(function(gru, x, h), gru, x, h)
    assert frozen not in found
    assert_same(found, results(gru(x, h[None])[0], gru, x, h))


def test_gradients_agree_with_differences():
    gru, x, h = example(time=3)
    assert torch.autograd.gradcheck(lambda *leaves: function(gru, *leaves), (x, h))


def test_the_gradient_of_an_input_that_needs_none_is_not_computed():
    gru, x, h = example()

    def flops(inputs: Tensor) -> int:
        outputs = function(gru, inputs, h)
        with FlopCounterMode(display=False) as counter:
            outputs.sum().backward()
        return counter.get_total_flops()

    assert flops(x) - flops(x.detach()) == 2 * TIME * BATCH * 3 * HIDDEN * INPUT


def test_weights_inputs_and_state_are_not_written_to_and_backward_can_run_twice():
    gru, x, h = example()
    leaves = [x, h, *gru.parameters()]
    before = [leaf.detach().clone() for leaf in leaves]
    loss = function(gru, x, h).square().sum()
    first, second = (torch.autograd.grad(loss, leaves, retain_graph=True) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)
    for leaf, old in zip(leaves, before, strict=True):
        assert torch.equal(leaf, old)


def test_an_output_changed_in_place_is_noticed():
    gru, x, h = example()
    outputs = function(gru, x, h)
    outputs.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        outputs.sum().backward()


def test_a_second_derivative_is_refused():
    gru, x, h = example()
    with pytest.raises(RuntimeError, match="no second derivative of GRUFunction"):
        torch.autograd.grad(function(gru, x, h).sum(), h, create_graph=True)


@pytest.mark.parametrize("bias", [True, False])
def test_stacks_train_by_it_and_give_what_torch_gives(monkeypatch, bias):
    torch.manual_seed(0)
    stack = make_cell("gru", INPUT, HIDDEN, layers=3, bias=bias).double()
    inputs = torch.randn(BATCH, TIME, INPUT, dtype=torch.float64, requires_grad=True)
    state = tuple(torch.randn_like(part).requires_grad_() for part in stack.initial_state(BATCH))

    def values(outputs: Tensor, last: Tensor) -> dict[str, Tensor]:
        loss = outputs.square().sum() + last.sum()
        leaves = {"x": inputs, "h": state[0], **dict(stack.named_parameters())}
        gradients = torch.autograd.grad(loss, list(leaves.values()))
        return {"outputs": outputs, "last": last, **dict(zip(leaves, gradients, strict=True))}

    expected, calls, apply = values(*stack.recurrence(inputs, state[0])), [], GRUFunction.apply
    monkeypatch.setattr(GRUFunction, "apply", lambda *arguments: calls.append(1) or apply(*arguments))
    outputs, (last,) = stack(inputs, state)
    assert_same(values(outputs, last), expected)
    assert len(calls) == 3
    with torch.no_grad():
        assert_same({"outputs": stack(inputs, state)[0]}, {"outputs": expected["outputs"]})
    assert len(calls) == 3
    jacobian = torch.func.jacrev(lambda h: stack(inputs, (h,))[1][0])(state[0].detach())
    assert jacobian.shape == (3, BATCH, HIDDEN, 3, BATCH, HIDDEN)
    assert len(calls) == 3

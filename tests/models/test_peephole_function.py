"""The peephole LSTM as one operation against the same equations in plain autograd, in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from neurofit.models import make_cell
from neurofit.models.peephole import PeepholeLSTMLayer
from neurofit.models.peephole_function import PeepholeLSTMFunction
from neurofit.models.stack import LoopLayer

INPUT, HIDDEN, BATCH, TIME = 3, 5, 4, 9


def example(
    *, bias: bool = True, time: int = TIME, dtype: torch.dtype = torch.float64
) -> tuple[PeepholeLSTMLayer, list[Tensor]]:
    """A layer with weights large enough for every nonlinearity to work; inputs, and a state that is not zero."""
    torch.manual_seed(0)
    layer = PeepholeLSTMLayer(INPUT, HIDDEN, bias=bias).to(dtype)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
    shapes = (BATCH, time, INPUT), (BATCH, HIDDEN), (BATCH, HIDDEN)
    x, h, c = (torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes)
    return layer, [x, h, c]


def results(run, layer: PeepholeLSTMLayer, leaves: list[Tensor]) -> dict[str, Tensor]:
    """Values of a run, and the gradients of a loss that sees every output and the last state."""
    x, *state = leaves
    outputs, (h, c) = run(layer, x.transpose(0, 1), tuple(state))
    torch.manual_seed(1)
    loss = sum((value * torch.randn_like(value)).sum() for value in (outputs, h, c))
    wanted = dict(layer.named_parameters()) | dict(zip("xhc", leaves, strict=True))
    wanted = {name: tensor for name, tensor in wanted.items() if tensor.requires_grad}
    gradients = torch.autograd.grad(loss, list(wanted.values()))
    values = {"outputs": outputs, "last h": h, "last c": c}
    return values | {f"gradient of {name}": value for name, value in zip(wanted, gradients, strict=True)}


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor], atol: float = 1e-12) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=atol, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("time", [1, 2, TIME])
def test_values_and_gradients_are_those_of_the_loop(bias, time):
    layer, leaves = example(bias=bias, time=time)
    assert_same(results(PeepholeLSTMLayer.run, layer, leaves), results(LoopLayer.run, layer, leaves))


@pytest.mark.parametrize("frozen", ["x", "h", "c", "weight_ih", "weight_hh", "bias", "peephole"])
def test_what_needs_no_gradient_leaves_the_others_alone(frozen):
    layer, leaves = example()
    (dict(layer.named_parameters()) | dict(zip("xhc", leaves, strict=True)))[frozen].requires_grad_(False)
    found = results(PeepholeLSTMLayer.run, layer, leaves)
    assert f"gradient of {frozen}" not in found
    assert_same(found, results(LoopLayer.run, layer, leaves))


def test_gradients_agree_with_differences():
    layer, (x, h, c) = example(time=3)
    weights = layer.weight_ih, layer.weight_hh, layer.bias, layer.peephole
    assert torch.autograd.gradcheck(PeepholeLSTMFunction.apply, (x.transpose(0, 1), *weights, h, c))


def test_stacks_are_those_of_the_loop(monkeypatch):
    torch.manual_seed(0)
    stack = make_cell("peephole-lstm", INPUT, HIDDEN, layers=3).double()
    inputs = torch.randn(BATCH, TIME, INPUT, dtype=torch.float64)
    state = tuple(torch.randn_like(part) for part in stack.initial_state(BATCH))

    def values() -> dict[str, Tensor]:
        outputs, last = stack(inputs, state)
        stack.zero_grad()
        (outputs.square().sum() + sum(part.square().sum() for part in last)).backward()
        gradients = {name: parameter.grad.clone() for name, parameter in stack.named_parameters()}
        return {"outputs": outputs, "h": last[0], "c": last[1], **gradients}

    found = values()
    monkeypatch.setattr(PeepholeLSTMLayer, "run", LoopLayer.run)
    assert_same(found, values())


def test_the_gradient_of_an_input_that_needs_none_is_not_computed():
    layer, (x, h, c) = example()

    def flops(inputs: Tensor) -> int:
        outputs, _ = layer.run(inputs.transpose(0, 1), (h, c))
        with FlopCounterMode(display=False) as counter:
            outputs.sum().backward()
        return counter.get_total_flops()

    assert flops(x) - flops(x.detach()) == 2 * TIME * BATCH * 4 * HIDDEN * INPUT


def test_weights_inputs_and_state_are_not_written_to_and_backward_can_run_twice():
    layer, leaves = example()
    x, h, c = leaves
    before = [tensor.detach().clone() for tensor in (*leaves, *layer.parameters())]
    outputs, (_, last) = layer.run(x.transpose(0, 1), (h, c))
    loss = (outputs.square().sum() + last.sum(),)
    first, second = (torch.autograd.grad(loss, [*leaves, *layer.parameters()], retain_graph=True) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)
    for tensor, old in zip((*leaves, *layer.parameters()), before, strict=True):
        assert torch.equal(tensor, old)


def test_an_output_changed_in_place_is_noticed():
    layer, (x, h, c) = example()
    outputs, _ = layer.run(x.transpose(0, 1), (h, c))
    outputs.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        outputs.sum().backward()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_the_values_are_the_same_to_the_bit(mode):
    layer, (x, h, c) = example(dtype=torch.float32)
    outputs, (_, last) = layer.run(x.transpose(0, 1), (h, c))
    with mode():
        state = h, c
        pieces = []
        for piece in x.transpose(0, 1).split(4):
            part, state = layer.run(piece, state)
            pieces.append(part)
        assert not state[1].requires_grad
        assert torch.equal(torch.cat(pieces), outputs)
        assert torch.equal(state[1], last)


def test_derivatives_of_a_transform_are_those_of_the_function():
    layer, (x, h, c) = example()
    step = x.detach()[:, 0]

    def after(h: Tensor, c: Tensor) -> Tensor:
        return torch.cat(layer.run(step[None], (h, c))[1], dim=1)

    found = torch.func.jacrev(after, (0, 1))(h.detach(), c.detach())
    expected = torch.autograd.functional.jacobian(after, (h, c))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_a_second_derivative_is_refused_and_that_of_the_loop_is_there():
    layer, (x, h, c) = example()

    def slope(run) -> Tensor:
        return torch.autograd.grad(run(layer, x.transpose(0, 1), (h, c))[0].sum(), h, create_graph=True)[0].square()

    with pytest.raises(RuntimeError, match="no second derivative of PeepholeLSTMFunction"):
        slope(PeepholeLSTMLayer.run)
    slope(LoopLayer.run).sum().backward()
    assert layer.weight_hh.grad.abs().max() > 0


def test_float32_is_as_close_to_float64_as_the_loop_is():
    layer, leaves = example()
    exact = results(LoopLayer.run, layer, leaves)
    rounded = [leaf.detach().float().requires_grad_() for leaf in leaves]
    small = layer.float()
    found, loop = (results(run, small, rounded) for run in (PeepholeLSTMLayer.run, LoopLayer.run))
    for name, value in exact.items():
        error, of_loop = ((each[name] - value).abs().max() for each in (found, loop))
        assert error <= 2 * of_loop + 1e-6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cuda_device_gives_the_same():
    layer, leaves = example()
    expected = results(LoopLayer.run, layer, leaves)
    moved = [leaf.detach().cuda().requires_grad_() for leaf in leaves]
    torch.manual_seed(1)
    outputs, (h, c) = layer.cuda().run(moved[0].transpose(0, 1), tuple(moved[1:]))
    for name, value in (("outputs", outputs), ("last h", h), ("last c", c)):
        torch.testing.assert_close(value.cpu(), expected[name], rtol=0, atol=1e-12)
    weights = [torch.randn_like(expected[name]).cuda() for name in ("outputs", "last h", "last c")]
    loss = sum((value * weight).sum() for value, weight in zip((outputs, h, c), weights, strict=True))
    wanted = dict(layer.named_parameters()) | dict(zip("xhc", moved, strict=True))
    gradients = torch.autograd.grad(loss, list(wanted.values()))
    for name, gradient in zip(wanted, gradients, strict=True):
        torch.testing.assert_close(gradient.cpu(), expected[f"gradient of {name}"], rtol=0, atol=1e-12)

"""Units added to fill a matrix change nothing: values, gradients, weights that are saved, and they never wake up."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from neurofit.models import make_cell
from neurofit.models import peephole as peephole_file
from neurofit.models import stack as stack_file
from neurofit.models.rows import empty_rows, pad_gates, padded_size, product
from neurofit.models.stack import RecurrentStack, State

INPUT, HIDDEN, BATCH, TIME, MULTIPLE = 3, 5, 4, 17, 8
PADDED = ("gru", "lstm", "rnn", "peephole-lstm")


@pytest.fixture
def padded(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Pads on the CPU too, and leaves GRUs there to torch."""
    monkeypatch.setattr(stack_file.TorchStack, "_by_function", lambda stack, inputs, dtype: False)
    for file in (stack_file, peephole_file):
        monkeypatch.setattr(file, "padded_size", lambda size, device, steps: -(-size // MULTIPLE) * MULTIPLE)
    return monkeypatch


def example(name: str, **more: object) -> tuple[RecurrentStack, Tensor, State]:
    torch.manual_seed(0)
    stack = make_cell(name, INPUT, HIDDEN, **more).double()
    state = tuple(torch.randn_like(part).requires_grad_() for part in stack.initial_state(BATCH))
    return stack, torch.randn(BATCH, TIME, INPUT, dtype=torch.float64, requires_grad=True), state


def results(stack: RecurrentStack, inputs: Tensor, state: State) -> list[Tensor]:
    """Outputs, last state, and the gradients of a loss that sees all of them."""
    outputs, last = stack(inputs, state)
    torch.manual_seed(1)
    factors = [torch.randn(value.shape, dtype=value.dtype).to(value.device) for value in (outputs, *last)]
    loss = sum((value * factor).sum() for value, factor in zip((outputs, *last), factors, strict=True))
    return [outputs, *last, *torch.autograd.grad(loss, [inputs, *state, *stack.parameters()])]


def spied(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Tensor], Tensor]]:
    """Collects the weights and the outputs of what runs inside."""
    seen: list[tuple[list[Tensor], Tensor]] = []
    call, apply = stack_file.functional_call, peephole_file.PeepholeLSTMFunction.apply

    def form(module: nn.Module, weights: dict[str, Tensor], arguments: tuple) -> tuple:
        found = call(module, weights, arguments)
        seen.append((list(weights.values()), found[0]))
        return found

    def function(*arguments: Tensor) -> tuple[Tensor, Tensor]:
        found = apply(*arguments)
        seen.append((list(arguments[1:5]), found[0]))
        return found

    monkeypatch.setattr(stack_file, "functional_call", form)
    monkeypatch.setattr(peephole_file.PeepholeLSTMFunction, "apply", function)
    return seen


@pytest.mark.parametrize("name", PADDED)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_without_padding(padded, name, layers, bias):
    arguments = example(name, layers=layers, bias=bias)
    seen = spied(padded)
    found = results(*arguments)
    assert {outputs.shape[-1] for _, outputs in seen} == {MULTIPLE}
    padded.undo()
    for one, other in zip(found, results(*arguments), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", PADDED)
@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.RMSprop])
def test_padding_stays_exactly_zero_while_it_trains_and_is_not_saved(padded, name, optimizer):
    stack, inputs, state = example(name, layers=2)
    state = tuple(torch.zeros_like(part) for part in state)
    shapes = {key: weight.shape for key, weight in stack.state_dict().items()}
    before = {key: weight.clone() for key, weight in stack.state_dict().items()}
    training, seen = optimizer(stack.parameters(), lr=0.1), spied(padded)
    for _ in range(5):
        training.zero_grad()
        outputs, state = stack(inputs.detach(), tuple(part.detach() for part in state))
        (outputs - 1).square().sum().backward()
        torch.nn.utils.clip_grad_norm_(stack.parameters(), 1.0)
        training.step()
    for weights, outputs in seen:
        assert not outputs[..., HIDDEN:].any()
        for weight in weights:
            by_gate = weight if len(weight) == 3 else weight.unflatten(0, (-1, MULTIPLE))  # peepholes, or all others
            assert not by_gate[:, HIDDEN:].any()
            assert weight.ndim == 1 or not weight[:, HIDDEN:].any()
    assert {key: weight.shape for key, weight in stack.state_dict().items()} == shapes
    assert all(not torch.equal(weight, before[key]) for key, weight in stack.state_dict().items())
    assert all(part.shape == (2, BATCH, HIDDEN) for part in state)


def test_weights_that_are_handed_on_are_no_views(padded):
    """The gradient of a view is wrong once cuDNN has moved it into its buffer."""
    seen = spied(padded)
    results(*example("gru", layers=2))
    assert not any(weight._is_view() for weights, _ in seen for weight in weights)


def test_a_moved_copy_keeps_its_gradient():
    """What cuDNN does to the weights it is given."""
    weight = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    moved, buffer = pad_gates(weight, 3, 4, 8), torch.zeros(500, dtype=torch.float64)
    place = buffer[100 : 100 + moved.numel()].view_as(moved)
    with torch.no_grad():
        moved.set_(place.copy_(moved))
    (gradient,) = torch.autograd.grad(moved.square().sum(), weight)
    torch.testing.assert_close(gradient, 2 * weight)


def test_gates_are_padded_one_by_one():
    weight = torch.arange(12.0).view(4, 3)
    assert pad_gates(weight, 2, 3, 4).tolist() == [
        [0, 1, 2, 0], [3, 4, 5, 0], [0] * 4, [6, 7, 8, 0], [9, 10, 11, 0], [0] * 4,
    ]  # fmt: skip
    assert pad_gates(torch.arange(1.0, 5.0), 2, 3).tolist() == [1, 2, 0, 3, 4, 0]
    assert pad_gates(weight, 2, 2, 3) is weight


def test_only_long_calls_on_a_gpu_are_padded_for():
    assert padded_size(2022, torch.device("cpu"), steps=100) == 2022
    assert [padded_size(size, torch.device("cuda"), steps=100) for size in (2022, 2048, 1)] == [2048, 2048, 64]
    assert padded_size(2022, torch.device("cuda"), steps=1) == 2022


@pytest.mark.parametrize("columns", [5, 1030])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_long_rows_begin_at_multiples_of_64_bytes(columns, dtype):
    like = torch.empty(0, dtype=dtype)
    rows = empty_rows(like, 3, 2, columns)
    assert (rows.shape, rows.dtype) == ((3, 2, columns), dtype)
    assert rows.is_contiguous() == (columns == 5)
    assert columns == 5 or rows.stride(1) * rows.element_size() % 64 == 0
    left, right = torch.randn(4, 6).to(dtype), torch.randn(6, columns).to(dtype)
    found = product(left, right)
    assert found.is_contiguous()
    torch.testing.assert_close(found, left @ right)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", PADDED)
def test_a_cuda_device_gives_the_same(name):
    stack, inputs, state = example(name, layers=2)
    expected = results(stack, inputs, state)
    moved = [tensor.detach().cuda().requires_grad_() for tensor in (inputs, *state)]
    found = results(stack.cuda(), moved[0], tuple(moved[1:]))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.cpu(), other, rtol=0, atol=1e-10)

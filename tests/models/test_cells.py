"""Every cell against its equations, written out step by step in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from neurofit.models import CELLS, make_cell
from neurofit.models.stack import LoopStack, RecurrentStack, State

INPUT, HIDDEN, BATCH, TIME = 3, 4, 2, 7


def example(name: str, *, layers: int = 1, bias: bool = True, seed: int = 0) -> tuple[RecurrentStack, Tensor, State]:
    """A float64 stack with large weights (so that every nonlinearity works), inputs, and a state that is not zero."""
    torch.manual_seed(seed)
    stack = make_cell(name, INPUT, HIDDEN, layers=layers, bias=bias).double()
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter.normal_()
    state = tuple(torch.randn_like(part) for part in stack.initial_state(BATCH))
    return stack, torch.randn(BATCH, TIME, INPUT, dtype=torch.float64), state


def hard_sigmoid(a: Tensor) -> Tensor:
    return torch.minimum(torch.maximum(a / 5 + 0.5, torch.zeros_like(a)), torch.ones_like(a))


@pytest.mark.parametrize("name", CELLS)
def test_shapes_and_zero_state(name):
    stack = make_cell(name, INPUT, HIDDEN, layers=2)
    state = stack.initial_state(BATCH)
    assert all(part.shape == (2, BATCH, HIDDEN) and not part.any() for part in state)
    outputs, last = stack(torch.randn(BATCH, TIME, INPUT), state)
    assert outputs.shape == (BATCH, TIME, HIDDEN)
    assert [part.shape for part in last] == [part.shape for part in state]
    torch.testing.assert_close(last[0][-1], outputs[:, -1])


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_a_sequence_in_two_pieces_is_the_sequence(name, layers):
    stack, inputs, state = example(name, layers=layers)
    whole, end = stack(inputs, state)
    first, middle = stack(inputs[:, :3], state)
    second, last = stack(inputs[:, 3:], middle)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, rtol=0, atol=1e-14)
    torch.testing.assert_close(last, end, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", CELLS)
def test_without_bias_no_parameter_is_a_bias(name):
    stack = make_cell(name, INPUT, HIDDEN, bias=False)
    assert not [key for key, _ in stack.named_parameters() if "bias" in key]
    outputs, _ = stack(torch.zeros(1, TIME, INPUT), stack.initial_state(1))
    with_bias = make_cell(name, INPUT, HIDDEN)
    assert sum(p.numel() for p in with_bias.parameters()) > sum(p.numel() for p in stack.parameters())
    assert outputs.isfinite().all()


def paper_gru(inputs: Tensor, h: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """Equations 3-6 of the paper, with biases b beside W x and d beside U h."""
    outputs = []
    for x in inputs.unbind(1):
        w = {key: x @ weights[f"W_{key}"].T + weights[f"b_{key}"] for key in "zrh"}
        u = {key: h @ weights[f"U_{key}"].T + weights[f"d_{key}"] for key in "zrh"}
        z, r = torch.sigmoid(w["z"] + u["z"]), torch.sigmoid(w["r"] + u["r"])
        candidate = torch.tanh(w["h"] + r * u["h"])
        h = (1 - z) * h + z * candidate
        outputs.append(h)
    return torch.stack(outputs, dim=1)


@pytest.mark.parametrize("bias", [True, False])
def test_gru_is_equations_3_to_6_with_the_sign_of_z_flipped(bias):
    stack, inputs, state = example("gru", bias=bias)
    weights = {}
    for letter, name in (("W", "weight_ih"), ("U", "weight_hh"), ("b", "bias_ih"), ("d", "bias_hh")):
        stacked = getattr(stack.recurrence, f"{name}_l0", torch.zeros(3 * HIDDEN, dtype=torch.float64))
        r, z, h = stacked.detach().split(HIDDEN)
        weights |= {f"{letter}_r": r, f"{letter}_z": -z, f"{letter}_h": h}
    outputs, _ = stack(inputs, state)
    torch.testing.assert_close(outputs, paper_gru(inputs, state[0][0], weights), rtol=0, atol=1e-12)
    unflipped = {key: -value if key.endswith("_z") else value for key, value in weights.items()}
    assert (outputs - paper_gru(inputs, state[0][0], unflipped)).abs().max() > 0.1


def paper_lstm(inputs: Tensor, h: Tensor, c: Tensor, layer: nn.Module) -> Tensor:
    """Equations 7-12 of the paper, gate by gate; V is a full diagonal matrix here."""
    size = h.shape[-1]
    w_i, w_f, w_c, w_o = layer.weight_ih.detach().split(size)
    u_i, u_f, u_c, u_o = layer.weight_hh.detach().split(size)
    b_i, b_f, b_c, b_o = layer.bias.detach().split(size)
    v_i, v_f, v_o = (torch.diag(diagonal) for diagonal in layer.peephole.detach())
    outputs = []
    for x in inputs.unbind(1):
        f = torch.sigmoid(x @ w_f.T + h @ u_f.T + b_f + c @ v_f)
        i = torch.sigmoid(x @ w_i.T + h @ u_i.T + b_i + c @ v_i)
        c = f * c + i * torch.tanh(x @ w_c.T + h @ u_c.T + b_c)
        h = torch.sigmoid(x @ w_o.T + h @ u_o.T + b_o + c @ v_o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs, dim=1)


def test_peephole_lstm_is_equations_7_to_12():
    stack, inputs, (h, c) = example("peephole-lstm", layers=2)
    below = paper_lstm(inputs, h[0], c[0], stack.stack[0])
    outputs, _ = stack(inputs, (h, c))
    torch.testing.assert_close(outputs, paper_lstm(below, h[1], c[1], stack.stack[1]), rtol=0, atol=1e-12)


def test_peephole_lstm_without_peepholes_is_the_lstm_of_torch():
    stack, inputs, state = example("peephole-lstm")
    lstm = nn.LSTM(INPUT, HIDDEN, batch_first=True).double()
    layer = stack.stack[0]
    with torch.no_grad():
        layer.peephole.zero_()
        for ours, theirs in ((layer.weight_ih, "weight_ih_l0"), (layer.weight_hh, "weight_hh_l0")):
            getattr(lstm, theirs).copy_(ours)
        lstm.bias_ih_l0.copy_(layer.bias)
        lstm.bias_hh_l0.zero_()
    outputs, (h, c) = stack(inputs, state)
    expected, (h_expected, c_expected) = lstm(inputs, state)
    for ours, theirs in ((outputs, expected), (h, h_expected), (c, c_expected)):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["peephole-lstm", "gru-keras2015", "lstm-keras2015"])
def test_gradients_of_the_loop_agree_with_differences(name):
    stack, inputs, state = example(name)
    names, values = zip(*stack.named_parameters(), strict=True)
    # Away from the corners of the hard sigmoid, where there is no derivative.
    values = [0.3 * value.detach() for value in values]

    def outputs(*arguments: Tensor) -> Tensor:
        weights = dict(zip(names, arguments[: len(names)], strict=True))
        return torch.func.functional_call(stack, weights, (arguments[-1], arguments[len(names) : -1]))[0]

    arguments = [value.requires_grad_() for value in (*values, *state, inputs[:, :3].clone())]
    assert torch.autograd.gradcheck(outputs, arguments)


def test_gru_keras2015_resets_before_u_with_hard_gates():
    stack, inputs, (h,) = example("gru-keras2015")
    layer, h = stack.stack[0], h[0]
    (w_r, w_z, w_h), (u_r, u_z, u_h) = layer.weight_ih.split(HIDDEN), layer.weight_hh.split(HIDDEN)
    b_r, b_z, b_h = layer.bias.split(HIDDEN)
    outputs, _ = stack(inputs, (h[None],))
    for t, x in enumerate(inputs.unbind(1)):
        r = hard_sigmoid(x @ w_r.T + h @ u_r.T + b_r)
        z = hard_sigmoid(x @ w_z.T + h @ u_z.T + b_z)
        h = z * h + (1 - z) / (1 + torch.exp(-(x @ w_h.T + (r * h) @ u_h.T + b_h)))
        torch.testing.assert_close(outputs[:, t], h, rtol=0, atol=1e-12)


def test_lstm_keras2015_has_hard_gates_and_no_peepholes():
    stack, inputs, (h, c) = example("lstm-keras2015")
    layer, state = stack.stack[0], (h, c)
    outputs, _ = stack(inputs, state)
    h, c = h[0], c[0]
    for t, x in enumerate(inputs.unbind(1)):
        i, f, candidate, o = (x @ layer.weight_ih.T + h @ layer.weight_hh.T + layer.bias).split(HIDDEN, dim=-1)
        c = hard_sigmoid(f) * c + hard_sigmoid(i) * torch.tanh(candidate)
        h = hard_sigmoid(o) * torch.tanh(c)
        torch.testing.assert_close(outputs[:, t], h, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "gates"), [("gru-keras2015", 3), ("lstm-keras2015", 4)])
def test_keras2015_weights_start_as_keras_started_them(name, gates):
    torch.manual_seed(0)
    stack = make_cell(name, 30, 20)
    assert isinstance(stack, LoopStack)
    layer = stack.stack[0]
    bound = (6 / (30 + 20)) ** 0.5
    assert 0.95 * bound < layer.weight_ih.abs().max() <= bound
    for u in layer.weight_hh.detach().split(20):
        torch.testing.assert_close(u @ u.T, 1.1**2 * torch.eye(20), rtol=0, atol=1e-5)
    biases = torch.zeros(gates, 20)
    if gates == 4:
        biases[1] = 1
    torch.testing.assert_close(layer.bias.detach(), biases.flatten())


def test_an_unknown_cell_is_refused_by_name():
    with pytest.raises(ValueError, match=r"no cell 'qrnn': expected one of gru, lstm, peephole-lstm"):
        make_cell("qrnn", INPUT, HIDDEN)

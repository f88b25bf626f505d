"""The ar output: a frozen autoregression, a network on its innovations, and the samples its state holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neurofit.linear import AutoRegression, VectorAutoRegression
from neurofit.models import LinearSkip, NextStepNetwork, NextStepTransition

CHANNELS, HIDDEN, ORDER, BATCH, STEPS = 4, 5, 3, 2, 12
KINDS = ("ar", "var")


def predictor(kind: str) -> AutoRegression | VectorAutoRegression:
    rng = np.random.default_rng(3)
    intercept = rng.standard_normal(CHANNELS)
    if kind == "ar":
        return AutoRegression(rng.standard_normal((CHANNELS, ORDER)), intercept)
    return VectorAutoRegression(rng.standard_normal((ORDER, CHANNELS, CHANNELS)), intercept, 0.0)


def skip(kind: str) -> LinearSkip:
    fitted = predictor(kind)
    coefficients = fitted.coefficients.T if kind == "ar" else fitted.coefficients
    return LinearSkip(torch.tensor(coefficients), torch.tensor(fitted.intercept))


def network(kind: str = "ar", *, cell: str = "gru", trained: bool = True) -> NextStepNetwork:
    torch.manual_seed(0)
    scale = torch.rand(CHANNELS) + 0.5
    net = NextStepNetwork(
        cell=cell, n_channels=CHANNELS, hidden=HIDDEN, layers=2, output="ar", residual_scale=scale, skip=skip(kind)
    ).double()
    if trained:
        for parameter in net.parameters():
            nn.init.normal_(parameter)
        net.gate.copy_(torch.rand(CHANNELS))
    return net


def samples(steps: int = STEPS) -> torch.Tensor:
    return torch.randn(BATCH, steps, CHANNELS, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def linear(kind: str, window: torch.Tensor) -> torch.Tensor:
    """The numpy predictor on (batch, time, channel): the sample after every `ORDER` samples but the last."""
    return torch.tensor(np.stack([predictor(kind).predict(each) for each in window.numpy()]))


@pytest.mark.parametrize("kind", KINDS)
def test_skip_is_the_fitted_autoregression(kind):
    x = samples()
    found = skip(kind)(x)
    assert found.shape == (BATCH, STEPS - ORDER + 1, CHANNELS)
    torch.testing.assert_close(found[:, :-1], linear(kind, x), rtol=0, atol=1e-12)
    kept = skip(kind).coefficients.numpy()
    np.testing.assert_allclose(kept if kind == "var" else kept.T, predictor(kind).coefficients, rtol=0, atol=1e-14)


def test_single_precision_is_enough_where_a_channel_hardly_moves():
    coefficients = np.repeat(-np.poly([0.999, 0.98, 0.95, 0.9, 0.8, 0.6])[1:, None], CHANNELS, axis=1)
    intercept = 5 * (1 - coefficients.sum(axis=0))
    steps = 1e-4 * np.random.default_rng(0).standard_normal((60, CHANNELS))
    x = (5 + steps.cumsum(axis=0)).astype(np.float32)
    found = LinearSkip(torch.tensor(coefficients), torch.tensor(intercept)).float()(torch.tensor(x[None]))
    expected = AutoRegression(coefficients.T, intercept).predict(x.astype(np.float64))
    assert np.abs(coefficients).sum(axis=0).min() > 30
    np.testing.assert_allclose(found[0, :-1].numpy(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_starts_as_the_autoregression(kind):
    net, x = network(kind, trained=False), samples()
    prediction, _ = net(x, net.initial_state(BATCH))
    torch.testing.assert_close(prediction[:, ORDER - 1 : -1], linear(kind, x), rtol=0, atol=1e-12)
    single, _ = net.float()(x.float(), net.initial_state(BATCH))
    torch.testing.assert_close(single.double(), prediction, rtol=1e-6, atol=5e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gated", [True, False])
def test_adds_the_read_out_of_the_innovations(kind, gated):
    net, x = network(kind), samples()
    prediction, _ = net(x, net.initial_state(BATCH), gated=gated)
    rested = torch.cat([x[:, :1].expand(-1, ORDER, -1), x, torch.zeros_like(x[:, :1])], dim=1)
    of_each = linear(kind, rested)
    hidden, _ = net.recurrent((x - of_each[:, :-1]) / net.residual_scale, net.recurrent.initial_state(BATCH))
    correction = net.residual_scale * (hidden @ net.head.weight.T + net.head.bias)
    expected = of_each[:, 1:] + (net.gate if gated else 1.0) * correction
    torch.testing.assert_close(prediction, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("pieces", [[1] * STEPS, [2, 1, 7, 2], [5, 7]])
def test_streaming_is_the_whole_at_once(cell, pieces):
    net, x = network(cell=cell), samples()
    whole, end = net(x, net.initial_state(BATCH))
    state, parts = net.initial_state(BATCH), []
    for piece in x.split(pieces, dim=1):
        prediction, state = net(piece, state)
        parts.append(prediction)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-12)
    for found, expected in zip(state, end, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(state[-1].transpose(0, 1), x[:, -ORDER:], rtol=0, atol=0)


def test_known_samples_before_the_first_replace_the_rest():
    net, x = network(trained=False), samples()
    *layers, past = net.initial_state(BATCH)
    assert past.isnan().all()
    prediction, _ = net(x[:, ORDER:], (*layers, x[:, :ORDER].transpose(0, 1)))
    torch.testing.assert_close(prediction[:, :-1], linear("ar", x)[:, 1:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_skip_is_saved_but_not_trained(kind):
    net, x = network(kind), samples()
    before = {name: value.clone() for name, value in net.named_buffers()}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    prediction, _ = net(x, net.initial_state(BATCH))
    prediction.square().mean().backward()
    optimizer.step()
    frozen = ("skip.corrections", "skip.intercept", "residual_scale", "gate")
    assert set(before) == set(frozen)
    assert not any(buffer.requires_grad for buffer in net.buffers())
    assert not set(frozen) & set(dict(net.named_parameters()))
    for name, value in net.named_buffers():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    fresh = NextStepNetwork(
        cell="gru", n_channels=CHANNELS, hidden=HIDDEN, layers=2, output="ar",
        skip=LinearSkip(torch.zeros_like(net.skip.coefficients), torch.zeros(CHANNELS)),
    ).double()  # fmt: skip
    fresh.load_state_dict(net.state_dict())
    torch.testing.assert_close(fresh(x, fresh.initial_state(BATCH))[0], net(x, net.initial_state(BATCH))[0])


def test_a_closed_gate_leaves_the_autoregression_and_an_open_one_the_network():
    net, x = network(), samples()
    net.gate.copy_(torch.tensor([0.0, 1.0, 0.0, 1.0]))
    gated, free = (net(x, net.initial_state(BATCH), gated=gated)[0] for gated in (True, False))
    torch.testing.assert_close(gated[:, ORDER - 1 : -1, ::2], linear("ar", x)[..., ::2], rtol=0, atol=1e-12)
    torch.testing.assert_close(gated[..., 1::2], free[..., 1::2])
    assert (gated[..., ::2] - free[..., ::2]).abs().max() > 0.1


@pytest.mark.parametrize(("output", "has"), [("ar", False), ("residual", True)])
def test_only_the_ar_output_has_a_skip(output, has):
    with pytest.raises(ValueError, match=f"output '{output}' {'with' if has else 'without'} a skip"):
        NextStepNetwork(cell="gru", n_channels=CHANNELS, hidden=HIDDEN, output=output, skip=skip("ar") if has else None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", ["gru", "peephole-lstm"])
def test_transition_steps_and_reads_out_as_the_network(kind, cell):
    net, x = network(kind, cell=cell), samples()
    transition = NextStepTransition(net, dt_s=1e-4)
    assert transition.n_state == transition.layers.n_state + ORDER * CHANNELS
    assert not transition.bounded
    expected, _ = net(x, net.initial_state(BATCH))
    layers = torch.zeros(BATCH, transition.layers.n_state, dtype=torch.float64)
    state = torch.cat([layers, x[:, 0].repeat(1, ORDER)], dim=1)
    for t in range(STEPS):
        state = transition.step(state, x[:, t])
        torch.testing.assert_close(transition.readout(state, x[:, t]), expected[:, t], rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_derivatives_of_the_transition_agree_with_autograd(kind, cell):
    transition = NextStepTransition(network(kind, cell=cell), dt_s=1e-4)
    torch.manual_seed(2)
    state = torch.randn(BATCH, transition.n_state, dtype=torch.float64)
    inputs = torch.randn(BATCH, CHANNELS, dtype=torch.float64)

    def step(state: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        return NextStepTransition.step.__wrapped__(transition, state[None], inputs[None])[0]

    by_state, by_input = torch.func.jacrev(step, (0, 1)), transition.jacobian_input(state, inputs)
    for point in range(BATCH):
        expected_state, expected_input = by_state(state[point], inputs[point])
        found = transition.jacobian_state(state, inputs)[point]
        torch.testing.assert_close(found, expected_state, rtol=0, atol=1e-12)
        torch.testing.assert_close(by_input[point], expected_input, rtol=0, atol=1e-12)

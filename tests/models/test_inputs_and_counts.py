"""Measured inputs beside the samples, and counts behind a log-linear read-out."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from neurofit.models import CountScale, LinearSkip, NextStepNetwork, NextStepTransition

CHANNELS, INPUTS, HIDDEN = 3, 2, 4
OUTPUTS = ("absolute", "residual", "ar", "arx", "poisson")


def random(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64)


def network(output: str, *, cell: str = "gru", n_inputs: int = INPUTS) -> NextStepNetwork:
    """A network with random weights; `arx` is the ar output whose autoregression is driven by the inputs."""
    torch.manual_seed(0)
    skip = LinearSkip(
        random(2, CHANNELS) / 3, random(CHANNELS), random(3, CHANNELS, INPUTS) if output == "arx" else None
    )
    output = "ar" if output == "arx" else output
    made = NextStepNetwork(
        cell=cell, n_channels=CHANNELS, hidden=HIDDEN, output=output, n_inputs=n_inputs, layers=2,
        residual_scale=torch.rand(CHANNELS) + 0.5, skip=skip if output == "ar" else None,
        counts=CountScale(*torch.rand(3, CHANNELS)) if output == "poisson" else None,
    ).double()  # fmt: skip
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.5)
    return made


@pytest.mark.parametrize("output", OUTPUTS)
def test_inputs_are_seen_after_their_step_and_never_before(output):
    net = network(output)
    x, u = (torch.randn(2, 9, n, dtype=torch.float64) for n in (CHANNELS, INPUTS))
    before, _ = net(x, net.initial_state(2), u)
    u[:, 4] += 1
    after, _ = net(x, net.initial_state(2), u)
    torch.testing.assert_close(before[:, :4], after[:, :4], rtol=0, atol=0)
    assert (before[:, 4:] != after[:, 4:]).all()


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("cell", ["gru", "peephole-lstm"])
def test_the_transition_is_the_network_and_autograd_knows_its_derivatives(output, cell):
    net = network(output, cell=cell)
    transition = NextStepTransition(net, dt_s=1e-3)
    assert transition.n_input == CHANNELS + INPUTS
    x, u = (torch.randn(2, 5, n, dtype=torch.float64) for n in (CHANNELS, INPUTS))
    expected, _ = net(x, net.initial_state(2), u)
    state = torch.zeros(2, transition.n_state, dtype=torch.float64)
    both = torch.cat([x, u], dim=2)
    if net.skip is not None:
        state[:, transition.layers.n_state :] = both[:, 0, : transition.width].repeat(1, net.skip.order)
    for t in range(5):
        state = transition.step(state, both[:, t])
        torch.testing.assert_close(transition.readout(state, both[:, t]), net.expected(expected[:, t]))
    step = NextStepTransition.step.__wrapped__
    by_state, by_input = torch.func.jacrev(lambda s, i: step(transition, s[None], i[None])[0], (0, 1))(
        state[0], both[0, 0]
    )
    torch.testing.assert_close(transition.jacobian_state(state, both[:, 0])[0], by_state, rtol=0, atol=1e-12)
    torch.testing.assert_close(transition.jacobian_input(state, both[:, 0])[0], by_input, rtol=0, atol=1e-12)


def test_a_driven_autoregression_is_its_equation_and_is_read_back():
    own, intercept, driving = random(2, CHANNELS), random(CHANNELS), random(3, CHANNELS, INPUTS)
    skip = LinearSkip(own, intercept, driving)
    x, u = (torch.randn(1, 8, n, dtype=torch.float64) for n in (CHANNELS, INPUTS))
    found = skip(torch.cat([x, u], dim=2))
    assert (skip.order, found.shape) == (3, (1, 6, CHANNELS))
    for i, t in enumerate(range(2, 8)):
        expected = intercept + sum(own[k] * x[0, t - k] for k in range(2))
        expected = expected + sum(driving[k] @ u[0, t - k] for k in range(3))
        torch.testing.assert_close(found[0, i], expected)
    again = LinearSkip.from_state({f"skip.{name}": part for name, part in skip.state_dict().items()}, prefix="skip.")
    assert torch.equal(again(torch.cat([x, u], dim=2)), found)


def test_missing_inputs_are_refused():
    net = network("residual")
    with pytest.raises(ValueError, match="2 measured inputs"):
        net(torch.zeros(1, 2, CHANNELS, dtype=torch.float64), net.initial_state(1))


def test_a_poisson_network_starts_at_the_training_mean():
    mean, std, train_mean = torch.tensor([0.1, 0.5, 2.0]), torch.tensor([0.3, 0.7, 1.1]), torch.tensor([0.2, 0.5, 3.0])
    scale = CountScale(mean, std, train_mean)
    net = NextStepNetwork(cell="gru", n_channels=3, hidden=4, output="poisson", counts=scale)
    read_out, _ = net(torch.randn(2, 5, 3), net.initial_state(2))
    torch.testing.assert_close(read_out.exp(), train_mean.expand(2, 5, 3))
    torch.testing.assert_close(net.expected(read_out), ((train_mean - mean) / std).expand(2, 5, 3))


def test_counts_and_model_space_are_inverse_and_the_loss_is_that_of_scipy():
    from scipy.stats import poisson

    scale = CountScale(*torch.rand(3, CHANNELS, dtype=torch.float64).add(0.1))
    counts = torch.poisson(torch.full((50, CHANNELS), 1.5, dtype=torch.float64))
    x = (counts - scale.mean) / scale.std
    torch.testing.assert_close(scale.counts(x), counts)
    log_rates = torch.randn(50, CHANNELS, dtype=torch.float64)
    loss = functional.poisson_nll_loss(log_rates, scale.counts(x), log_input=True, full=False)
    zero = functional.poisson_nll_loss(torch.zeros_like(log_rates), scale.counts(x), log_input=True, full=False)
    expected = poisson.logpmf(counts.numpy(), 1.0).mean() - poisson.logpmf(counts.numpy(), log_rates.exp()).mean()
    assert float(loss - zero) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("output", ["ar", "residual"])
def test_only_the_poisson_output_has_counts(output):
    with pytest.raises(ValueError, match="poisson"):
        NextStepNetwork(
            cell="gru", n_channels=2, hidden=3, output=output, counts=CountScale(*torch.ones(3, 2)),
            skip=LinearSkip(torch.ones(1, 2), torch.zeros(2)) if output == "ar" else None,
        )  # fmt: skip

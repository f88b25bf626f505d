"""The response that channels share: its equation, its blocks, and the network and the transition around it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurofit.models import LinearSkip, NextStepNetwork, NextStepTransition, shared_response
from neurofit.models.shared_response import SharedResponse

CHANNELS, HIDDEN, LAGS, ORDER = 3, 4, 5, 2


def network(cell: str = "gru", *, driven: bool = False) -> NextStepNetwork:
    torch.manual_seed(0)
    own, intercept = torch.rand(ORDER, CHANNELS).double() / 3, torch.rand(CHANNELS).double()
    skip = LinearSkip(own, intercept, torch.rand(3, CHANNELS, 1).double() if driven else None)
    made = NextStepNetwork(
        cell=cell, n_channels=CHANNELS, hidden=HIDDEN, output="ar", skip=skip, own_lags=LAGS, n_inputs=int(driven),
        residual_scale=torch.rand(CHANNELS) + 0.5,
    ).double()  # fmt: skip
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.5)
    return made


def test_it_is_its_equation():
    response = SharedResponse(CHANNELS, LAGS).double()
    for parameter in response.parameters():
        nn.init.normal_(parameter)
    e = torch.randn(2, LAGS - 1 + 7, CHANNELS, dtype=torch.float64)
    found = response(e)
    assert found.shape == (2, 7, CHANNELS)
    for t in range(7):
        for c in range(CHANNELS):
            hidden = torch.relu(response.first(e[:, t : t + LAGS, c]))
            expected = response.gain[c] * response.last(torch.relu(response.second(hidden)))[:, 0]
            torch.testing.assert_close(found[:, t, c], expected)


def test_blocks_give_the_same_values_and_gradients(monkeypatch):
    torch.manual_seed(0)
    response = SharedResponse(CHANNELS, LAGS).double()
    for parameter in response.parameters():
        nn.init.normal_(parameter)
    e = torch.randn(2, 20, CHANNELS, dtype=torch.float64, requires_grad=True)
    leaves = [e, *response.parameters()]
    whole = response(e)
    gradients = torch.autograd.grad(whole.square().sum(), leaves)
    monkeypatch.setattr(shared_response, "BLOCK_ENTRIES", 1)
    cut = response(e)
    torch.testing.assert_close(cut, whole)
    for one, other in zip(torch.autograd.grad(cut.square().sum(), leaves), gradients, strict=True):
        torch.testing.assert_close(one, other)
    with torch.no_grad():
        torch.testing.assert_close(response(e), whole)


def test_it_starts_at_the_autoregression():
    torch.manual_seed(0)
    skip = LinearSkip(torch.rand(ORDER, CHANNELS), torch.rand(CHANNELS))
    made = NextStepNetwork(cell="gru", n_channels=CHANNELS, hidden=HIDDEN, output="ar", skip=skip, own_lags=LAGS)
    x = torch.randn(2, 30, CHANNELS)
    read_out, _ = made(x, made.initial_state(2))
    torch.testing.assert_close(read_out[:, ORDER:], skip(x)[:, 1:])


@pytest.mark.parametrize("driven", [False, True])
def test_time_may_be_cut_anywhere(driven):
    made = network(driven=driven)
    x, u = torch.randn(2, 23, CHANNELS, dtype=torch.float64), torch.randn(2, 23, 1, dtype=torch.float64)
    whole, last = made(x, made.initial_state(2), u if driven else None)
    state, parts = made.initial_state(2), []
    for start, stop in ((0, 1), (1, 2), (2, 9), (9, 23)):
        part, state = made(x[:, start:stop], state, u[:, start:stop] if driven else None)
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole)
    for one, other in zip(state, last, strict=True):
        torch.testing.assert_close(one, other)


def test_a_channel_responds_to_itself_alone():
    made = network()
    nn.init.zeros_(made.head.weight)
    x = torch.randn(1, 30, CHANNELS, dtype=torch.float64)
    before, _ = made(x, made.initial_state(1))
    x[:, 20, 1] += 1
    after, _ = made(x, made.initial_state(1))
    changed = (before != after)[0]
    assert not changed[:20].any()
    assert not changed[:, [0, 2]].any()
    assert changed[20 : 20 + LAGS, 1].all()


@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_transition_is_the_network_and_autograd_knows_its_derivatives(cell, driven):
    made = network(cell, driven=driven)
    transition = NextStepTransition(made, dt_s=1e-3)
    x, u = torch.randn(2, 12, CHANNELS, dtype=torch.float64), torch.randn(2, 12, 1, dtype=torch.float64)
    expected, _ = made(x, made.initial_state(2), u if driven else None)
    both = torch.cat([x, u], dim=2) if driven else x
    state = torch.zeros(2, transition.n_state, dtype=torch.float64)
    state[:, transition.layers.n_state :] = both[:, 0, : transition.width].repeat(1, made.history)
    for t in range(12):
        state = transition.step(state, both[:, t])
        torch.testing.assert_close(transition.readout(state, both[:, t]), expected[:, t])
    step = NextStepTransition.step.__wrapped__
    jacobians = torch.func.jacrev(lambda s, i: step(transition, s[None], i[None])[0], (0, 1))
    by_state, by_input = jacobians(state[0], both[0, 0])
    torch.testing.assert_close(transition.jacobian_state(state, both[:, 0])[0], by_state, rtol=0, atol=1e-12)
    torch.testing.assert_close(transition.jacobian_input(state, both[:, 0])[0], by_input, rtol=0, atol=1e-12)

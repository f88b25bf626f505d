"""One step of a fitted network as a map, and its closed-form derivatives against autograd in float64."""

from __future__ import annotations

import pytest
import torch

from neurofit.models import NextStepNetwork, NextStepTransition, Transition

CHANNELS, HIDDEN, BATCH = 3, 4, 5
MEMORIES = {"rnn": 1, "gru": 1, "lstm": 2, "peephole-lstm": 2}


def example(cell: str, *, layers: int = 2, bias: bool = True, output: str = "residual") -> NextStepTransition:
    torch.manual_seed(0)
    scale = torch.rand(CHANNELS) + 0.5
    network = NextStepNetwork(
        cell=cell, n_channels=CHANNELS, hidden=HIDDEN, layers=layers, bias=bias, output=output, residual_scale=scale
    ).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_()
    return NextStepTransition(network, dt_s=1e-4)


def points(transition: Transition) -> tuple[torch.Tensor, torch.Tensor]:
    shape = {"dtype": torch.float64}
    return torch.randn(BATCH, transition.n_state, **shape), torch.randn(BATCH, transition.n_input, **shape)


@pytest.mark.parametrize("cell", MEMORIES)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_derivatives_agree_with_autograd(cell, layers, bias):
    transition = example(cell, layers=layers, bias=bias)
    state, inputs = points(transition)
    with_gradient = NextStepTransition.step.__wrapped__

    def step(state: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        return with_gradient(transition, state[None], inputs[None])[0]

    by_state, by_input = torch.func.jacrev(step, (0, 1)), transition.jacobian_input(state, inputs)
    for point in range(BATCH):
        expected_state, expected_input = by_state(state[point], inputs[point])
        found = transition.jacobian_state(state, inputs)[point]
        torch.testing.assert_close(found, expected_state, rtol=0, atol=1e-12)
        torch.testing.assert_close(by_input[point], expected_input, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", MEMORIES)
@pytest.mark.parametrize("output", ["residual", "absolute"])
def test_steps_and_readouts_are_the_network(cell, output):
    transition = example(cell, output=output)
    assert transition.n_state == 2 * MEMORIES[cell] * HIDDEN
    assert transition.bounded == (MEMORIES[cell] == 1)
    network = transition.network
    x = torch.randn(BATCH, 6, CHANNELS, dtype=torch.float64)
    expected, last = network(x, network.initial_state(BATCH))
    state = torch.zeros(BATCH, transition.n_state, dtype=torch.float64)
    for t in range(x.shape[1]):
        state = transition.step(state, x[:, t])
        torch.testing.assert_close(transition.readout(state, x[:, t]), expected[:, t], rtol=0, atol=1e-12)
    layers = state.reshape(BATCH, 2, MEMORIES[cell], HIDDEN)
    for part, tensor in enumerate(last):
        torch.testing.assert_close(layers[:, :, part].transpose(0, 1), tensor, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_bounded_states_stay_bounded(cell):
    transition = example(cell)
    state = torch.ones(BATCH, transition.n_state, dtype=torch.float64)
    for _ in range(50):
        state = transition.step(state, 100 * torch.randn(BATCH, CHANNELS, dtype=torch.float64))
        assert state.abs().max() <= 1


def test_a_cell_without_derivatives_is_refused():
    with pytest.raises(ValueError, match="no derivatives of Keras2015GRULayer"):
        example("gru-keras2015")

"""The next-step network: persistence before training, and weights that plain torch can load."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurofit.models import CELLS, NextStepNetwork

CHANNELS, HIDDEN = 5, 6


def network(**options) -> NextStepNetwork:
    torch.manual_seed(1)
    return NextStepNetwork(n_channels=CHANNELS, hidden=HIDDEN, **options)


@pytest.mark.parametrize("cell", CELLS)
def test_residual_output_starts_as_persistence_to_the_last_bit(cell):
    net = network(cell=cell, layers=2, residual_scale=torch.rand(CHANNELS) + 0.1)
    x = 3 * torch.randn(4, 9, CHANNELS)
    prediction, _ = net(x, net.initial_state(4))
    assert torch.equal(prediction, x)


def test_residual_output_adds_the_scaled_difference():
    scale = torch.rand(CHANNELS) + 0.1
    net = network(cell="gru", residual_scale=scale)
    nn.init.normal_(net.head.weight)
    nn.init.normal_(net.head.bias)
    x = torch.randn(4, 9, CHANNELS)
    prediction, state = net(x, net.initial_state(4))
    hidden, last = net.recurrent(x, net.initial_state(4))
    torch.testing.assert_close(prediction, x + scale * (hidden @ net.head.weight.T + net.head.bias))
    torch.testing.assert_close(state, last)


def test_absolute_output_is_the_linear_read_out():
    net = network(cell="lstm", output="absolute")
    x = torch.randn(4, 9, CHANNELS)
    prediction, _ = net(x, net.initial_state(4))
    hidden, _ = net.recurrent(x, net.initial_state(4))
    torch.testing.assert_close(prediction, hidden @ net.head.weight.T + net.head.bias)
    assert prediction.abs().max() > 0.01


def test_scale_is_saved_but_not_trained():
    scale = torch.arange(1.0, CHANNELS + 1)
    net = network(cell="gru", residual_scale=scale)
    assert "residual_scale" not in dict(net.named_parameters())
    fresh = network(cell="gru")
    fresh.load_state_dict(net.state_dict())
    assert torch.equal(fresh.residual_scale, scale)
    scale[0] = 100
    assert net.residual_scale[0] == 1


def test_weights_of_a_gru_load_into_plain_torch():
    net = network(cell="gru", layers=2, output="absolute")
    weights = net.state_dict()
    gru, head = nn.GRU(CHANNELS, HIDDEN, num_layers=2, batch_first=True), nn.Linear(HIDDEN, CHANNELS)
    gru.load_state_dict({key.rpartition(".")[2]: value for key, value in weights.items() if "recurrence" in key})
    head.load_state_dict({key.rpartition(".")[2]: value for key, value in weights.items() if key.startswith("head")})
    x = torch.randn(4, 9, CHANNELS)
    torch.testing.assert_close(net(x, net.initial_state(4))[0], head(gru(x)[0]))

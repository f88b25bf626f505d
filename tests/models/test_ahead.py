"""Forecasts from fixed distances against rollouts of each prefix by itself, and against loops over single samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neurofit.linear import AutoRegression, Persistence, TrainingMean, VectorAutoRegression
from neurofit.models import CELLS, LinearSkip, NextStepNetwork, ahead
from neurofit.models.ahead import forecast_ahead, linear_forecast_ahead
from neurofit.models.counts import CountScale
from neurofit.models.rollout import linear_forecast

TIME, CHANNELS, FIRST, HORIZONS = 16, 3, 9, (1, 4, 7)


def truth(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(TIME, CHANNELS))


def skip(order: int = 2) -> LinearSkip:
    rng = np.random.default_rng(3)
    return LinearSkip(torch.tensor(0.3 * rng.normal(size=(order, CHANNELS))), torch.tensor(rng.normal(size=CHANNELS)))


def random_network(cell: str = "gru", output: str = "ar", n_inputs: int = 0) -> NextStepNetwork:
    torch.manual_seed(1)
    counts = CountScale(torch.full((CHANNELS,), 0.5), torch.ones(CHANNELS), torch.full((CHANNELS,), 0.5))
    net = NextStepNetwork(
        cell=cell,
        n_channels=CHANNELS,
        hidden=5,
        layers=2,
        output=output,
        n_inputs=n_inputs,
        skip=skip() if output == "ar" else None,
        counts=counts if output == "poisson" else None,
    ).double()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.5)
    return net


def literal(net: NextStepNetwork, values: torch.Tensor, inputs: torch.Tensor | None = None) -> torch.Tensor:
    """One prefix after the other, one sample after the other."""
    rows = torch.empty(len(HORIZONS), TIME - FIRST, CHANNELS, dtype=values.dtype)
    for i, h in enumerate(HORIZONS):
        for target in range(FIRST, TIME):
            samples, state = list(values[: target - h + 1]), net.initial_state(1)
            for step in range(target):
                driven = None if inputs is None else inputs[None, step : step + 1]
                read_out, state = net(samples[step][None, None], state, driven)
                if step >= target - h:
                    samples.append(net.expected(read_out)[0, 0])
            rows[i, target - FIRST] = samples[-1]
    return rows.detach()


@pytest.mark.parametrize("output", ["residual", "absolute", "ar"])
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_and_output_is_that_of_a_loop_over_prefixes(cell, output):
    net, values = random_network(cell, output), torch.from_numpy(truth())
    found = forecast_ahead(net, values, first=FIRST, horizons=HORIZONS)
    torch.testing.assert_close(found, literal(net, values), rtol=1e-9, atol=1e-11)
    assert (found[1:] - found[:-1]).abs().max() > 0.01
    assert not found.requires_grad


@pytest.mark.parametrize("output", ["ar", "poisson"])
def test_measured_inputs_are_those_of_the_steps_on_the_way(output):
    net, values = random_network(output=output, n_inputs=2), torch.from_numpy(truth())
    inputs = torch.from_numpy(np.random.default_rng(5).normal(size=(TIME, 2)))
    found = forecast_ahead(net, values, first=FIRST, horizons=HORIZONS, inputs=inputs)
    torch.testing.assert_close(found, literal(net, values, inputs), rtol=1e-9, atol=1e-11)
    later = inputs.clone()
    later[TIME - 2 :] += 1
    changed = forecast_ahead(net, values, first=FIRST, horizons=HORIZONS, inputs=later) != found
    assert changed[:, -1].all()
    assert not changed[:, :-1].any()


@pytest.mark.parametrize(
    "predictor",
    [
        Persistence(),
        TrainingMean(),
        AutoRegression(np.array([[0.5, -0.2, 0.1], [0.9, -0.5, 0.2], [0.1, 0.2, 0.3]]), np.array([0.1, 0.0, -0.2])),
        VectorAutoRegression(0.3 * np.random.default_rng(2).normal(size=(2, 3, 3)), np.array([0.1, 0.0, -0.2]), 1.0),
    ],
)
def test_linear_predictors_are_those_of_a_loop_over_prefixes(predictor):
    values = truth()
    found = linear_forecast_ahead(predictor, values, first=FIRST, horizons=HORIZONS)
    for i, h in enumerate(HORIZONS):
        for target in range(FIRST, TIME):
            expected = linear_forecast(predictor, values[None, : target - h + 1], steps=h)[0, -1]
            np.testing.assert_allclose(found[i, target - FIRST], expected, rtol=1e-12, atol=1e-14)


class Driven:
    """x_{t+1} = 0.5 x_t + u_t + 2 u_{t-1}."""

    order, n_inputs = 2, 1

    def predict(self, window, inputs=None):
        return 0.5 * window[1:-1] + inputs[1:-1] + 2 * inputs[:-2]


def test_inputs_of_linear_predictors_are_those_of_the_steps_on_the_way():
    values, inputs = truth(), np.random.default_rng(5).normal(size=(TIME, 1))
    found = linear_forecast_ahead(Driven(), values, first=FIRST, horizons=HORIZONS, inputs=inputs)
    for i, h in enumerate(HORIZONS):
        for target in range(FIRST, TIME):
            expected = values[target - h]
            for step in range(target - h, target):
                expected = 0.5 * expected + inputs[step] + 2 * inputs[step - 1]
            np.testing.assert_allclose(found[i, target - FIRST], expected, rtol=1e-12)


@pytest.mark.parametrize("entries", [1, 400])
def test_batches_are_of_no_consequence(entries, monkeypatch):
    net, values = random_network(n_inputs=1), torch.from_numpy(truth())
    model = AutoRegression(np.array([[0.5, -0.2], [0.9, -0.5], [0.1, 0.2]]), np.zeros(CHANNELS))

    def both():
        options = {"first": FIRST, "horizons": HORIZONS}
        found = forecast_ahead(net, values, inputs=values[:, :1], **options)
        return found, torch.from_numpy(linear_forecast_ahead(model, values.numpy(), **options))

    whole = both()
    monkeypatch.setattr(ahead, "BATCH_ENTRIES", entries)
    monkeypatch.setattr(ahead, "WARM_UP_PIECE", 2)
    torch.testing.assert_close(both(), whole, rtol=1e-12, atol=1e-14)


def test_autoregression_of_order_one_decays():
    values, share = truth(), np.array([0.9, -0.5, 0.2])
    found = linear_forecast_ahead(AutoRegression(share[:, None], np.zeros(3)), values, first=FIRST, horizons=HORIZONS)
    for i, h in enumerate(HORIZONS):
        np.testing.assert_allclose(found[i], share**h * values[FIRST - h : TIME - h], rtol=1e-12)


def test_a_network_that_has_learnt_nothing_on_an_autoregression_forecasts_as_that_does():
    net, values = random_network(), truth()
    nn.init.zeros_(net.head.weight)
    nn.init.zeros_(net.head.bias)
    coefficients, intercept = skip().coefficients.double().numpy().T, skip().intercept.double().numpy()
    found = forecast_ahead(net, torch.from_numpy(values), first=FIRST, horizons=HORIZONS)
    expected = linear_forecast_ahead(AutoRegression(coefficients, intercept), values, first=FIRST, horizons=HORIZONS)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("first", "horizons"), [(9, ()), (9, (0, 2)), (9, (10,)), (TIME, (3,))])
def test_impossible_forecasts_are_refused(first, horizons):
    with pytest.raises(ValueError, match="before the first forecast"):
        forecast_ahead(random_network(), torch.from_numpy(truth()), first=first, horizons=horizons)
    with pytest.raises(ValueError, match="before the first forecast"):
        linear_forecast_ahead(Persistence(), truth(), first=first, horizons=horizons)


def test_the_order_needs_samples_too():
    model = AutoRegression(np.full((CHANNELS, 3), 0.1), np.zeros(CHANNELS))
    linear_forecast_ahead(model, truth(), first=9, horizons=(7,))
    with pytest.raises(ValueError, match="horizons"):
        linear_forecast_ahead(model, truth(), first=9, horizons=(8,))

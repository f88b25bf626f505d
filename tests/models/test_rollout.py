"""Rollouts against companion matrices, closed forms and networks stepped one sample at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neurofit.linear import AutoRegression, Persistence, TrainingMean, VectorAutoRegression
from neurofit.models import CELLS, LinearSkip, NextStepNetwork
from neurofit.models.rollout import WARM_UP_PIECE, forecast, linear_forecast

BATCH, TIME, CHANNELS, STEPS = 4, 12, 3, 9


def history(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(BATCH, TIME, CHANNELS))


def network(**options) -> NextStepNetwork:
    torch.manual_seed(1)
    return NextStepNetwork(n_channels=CHANNELS, hidden=7, **options)


def companion_forecast(lags: np.ndarray, intercept: np.ndarray, past: np.ndarray, steps: int) -> np.ndarray:
    """Powers of the companion matrix of x_t = b + sum_k lags[k] x_{t-1-k} with a constant 1 as last entry."""
    order, channels = len(lags), len(intercept)
    size = order * channels
    companion = np.eye(size + 1, k=-channels)
    companion[size] = 0
    companion[size, size] = 1
    companion[:channels, :size] = np.concatenate(list(lags), axis=1)
    companion[:channels, size] = intercept
    state = np.append(past[::-1][:order].ravel(), 1)
    return np.stack([(np.linalg.matrix_power(companion, h) @ state)[:channels] for h in range(1, steps + 1)])


@pytest.mark.parametrize("order", [1, 2, 5])
def test_vector_autoregression_is_the_power_of_its_companion_matrix(order):
    rng = np.random.default_rng(order)
    lags, intercept = 0.3 * rng.normal(size=(order, CHANNELS, CHANNELS)), rng.normal(size=CHANNELS)
    forecasts = linear_forecast(VectorAutoRegression(lags, intercept, 0.0), history(), steps=STEPS)
    expected = [companion_forecast(lags, intercept, past, STEPS) for past in history()]
    np.testing.assert_allclose(forecasts, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("order", [1, 5, TIME])
def test_autoregression_is_the_power_of_its_companion_matrix(order):
    rng = np.random.default_rng(order)
    coefficients, intercept = 0.3 * rng.normal(size=(CHANNELS, order)), rng.normal(size=CHANNELS)
    forecasts = linear_forecast(AutoRegression(coefficients, intercept), history(), steps=STEPS)
    lags = np.stack([np.diag(column) for column in coefficients.T])
    expected = [companion_forecast(lags, intercept, past, STEPS) for past in history()]
    np.testing.assert_allclose(forecasts, expected, rtol=1e-9, atol=1e-12)


def test_trivial_answers_stay_where_they_are():
    past = history().astype(np.float32)
    copied = linear_forecast(Persistence(), past, steps=STEPS)
    np.testing.assert_array_equal(copied, np.repeat(past[:, -1:], STEPS, axis=1))
    mean = linear_forecast(TrainingMean(), past, steps=STEPS)
    np.testing.assert_array_equal(mean, np.zeros((BATCH, STEPS, CHANNELS)))
    assert copied.dtype == mean.dtype == np.float32


def test_linear_forecasts_leave_the_history_alone_and_refuse_a_short_one():
    past, before = history(), history()
    model = AutoRegression(np.full((CHANNELS, 4), 0.1), np.zeros(CHANNELS))
    linear_forecast(model, past, steps=2)
    np.testing.assert_array_equal(past, before)
    with pytest.raises(ValueError, match="needs 4 samples of history, got 3"):
        linear_forecast(model, past[:, :3], steps=2)


@pytest.mark.parametrize("cell", CELLS)
def test_network_before_training_stays_at_the_last_value(cell):
    past = torch.from_numpy(history()).float()
    predictions = forecast(network(cell=cell), past, steps=STEPS)
    assert torch.equal(predictions, past[:, -1:].expand(-1, STEPS, -1))


def skip_of(order: int) -> LinearSkip:
    coefficients = torch.from_numpy(0.3 * np.random.default_rng(5).normal(size=(order, CHANNELS)))
    return LinearSkip(coefficients, torch.full((CHANNELS,), 0.1, dtype=torch.float64))


def test_network_on_an_autoregression_before_training_is_that_autoregression():
    skip = skip_of(3)
    net = network(cell="gru", output="ar", skip=skip).double()
    model = AutoRegression(skip.coefficients.numpy().T, skip.intercept.numpy())
    predictions = forecast(net, torch.from_numpy(history()), steps=STEPS)
    np.testing.assert_allclose(predictions, linear_forecast(model, history(), steps=STEPS), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("output", ["residual", "absolute", "ar"])
@pytest.mark.parametrize("cell", CELLS)
def test_network_is_that_of_a_loop_over_samples(cell, output):
    net = network(cell=cell, layers=2, output=output, skip=skip_of(2) if output == "ar" else None).double()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.7)
    time = 2 * WARM_UP_PIECE + 3
    past = torch.from_numpy(np.random.default_rng(6).normal(size=(2, time, CHANNELS)))
    predictions = forecast(net, past, steps=STEPS)
    for start in range(2):
        samples = list(past[start])
        state = net.initial_state(1)
        for step in range(time + STEPS - 1):
            with torch.no_grad():
                prediction, state = net(samples[step][None, None], state)
            if step >= time - 1:
                samples.append(prediction[0, 0])
        torch.testing.assert_close(predictions[start], torch.stack(samples[time:]), rtol=1e-7, atol=1e-9)
    assert (predictions[:, 1:] - predictions[:, :-1]).abs().max() > 0.01


def test_first_forecast_is_the_one_step_prediction_and_longer_ones_begin_alike():
    net = network(cell="gru", output="absolute")
    past = torch.from_numpy(history()).float()
    one_step, _ = net(past, net.initial_state(BATCH))
    long = forecast(net, past, steps=STEPS)
    torch.testing.assert_close(long[:, 0], one_step[:, -1])
    assert torch.equal(forecast(net, past, steps=3), long[:, :3])
    assert not long.requires_grad


def test_history_takes_the_precision_of_the_network_and_must_not_be_empty():
    net = network(cell="gru").double()
    assert forecast(net, torch.zeros(2, 3, CHANNELS), steps=1).dtype == torch.float64
    with pytest.raises(ValueError, match="at least one sample"):
        forecast(net, torch.zeros(2, 0, CHANNELS), steps=1)

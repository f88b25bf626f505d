"""Free runs: pieces, measured inputs, and processes driven by noise whose variance and spectrum are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import linalg, signal
from torch import nn

from neurofit.linear import AutoRegression, VectorAutoRegression, fit_innovation_noise
from neurofit.models import LinearSkip, NextStepNetwork
from neurofit.models.rollout import FreeRun, forecast, linear_forecast

CHANNELS, INPUTS = 3, 2


def network(**options) -> NextStepNetwork:
    torch.manual_seed(1)
    net = NextStepNetwork(cell="gru", n_channels=CHANNELS, hidden=7, **options).double()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.7)
    return net


def noise_after(sampler):
    """Each sample is the expected one and an innovation."""
    return lambda last, expected: expected + sampler.next()


def test_pieces_are_the_whole_and_inputs_are_those_of_a_loop():
    net = network(output="absolute", n_inputs=INPUTS)
    rng = np.random.default_rng(0)
    past, driven = torch.tensor(rng.normal(size=(2, 70, CHANNELS))), torch.tensor(rng.normal(size=(2, 90, INPUTS)))
    whole = forecast(net, past, steps=20, inputs=driven)
    run = FreeRun(net, past, inputs=driven)
    torch.testing.assert_close(torch.cat([run.next(7), run.next(13)], dim=1), whole)
    samples, state = list(past.unbind(1)), net.initial_state(2)
    with torch.no_grad():
        for step in range(89):
            read_out, state = net(samples[step][:, None], state, driven[:, step : step + 1])
            if step >= 69:
                samples.append(read_out[:, 0])
    torch.testing.assert_close(whole, torch.stack(samples[70:], dim=1), rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(run.hidden.shape, torch.Size([2, 7]))


def test_follow_decides_the_next_sample_from_the_last_and_the_expected_one():
    net, past = network(output="residual"), torch.zeros(2, 5, CHANNELS, dtype=torch.float64)
    seen = []

    def follow(last, expected):
        seen.append((last.copy(), expected.copy()))
        return expected + 1

    made = FreeRun(net, past, follow=follow).next(4).numpy()
    assert_allclose(made, np.stack([expected + 1 for _, expected in seen], axis=1))
    assert_allclose(made[:, :3], np.stack([last for last, _ in seen[1:]], axis=1))
    with torch.no_grad():
        one_step, _ = net(torch.cat([past, torch.from_numpy(made[:, :1])], dim=1), net.initial_state(2))
    assert_allclose(seen[1][1], one_step[:, -1], rtol=1e-6)


def test_an_autoregression_of_order_one_has_its_known_variance_and_spectrum():
    coefficients = np.array([0.9, -0.5, 0.0])
    rows = np.random.default_rng(1).standard_normal((4000, CHANNELS)) * [1.0, 2.0, 0.5]
    noise = fit_innovation_noise([rows])
    ar = AutoRegression(coefficients[:, None], np.zeros(CHANNELS))
    for draw in ("gaussian", "resampled"):
        follow = noise_after(noise.sampler(draw, runs=40, seed=2))
        made = linear_forecast(ar, np.zeros((40, 1, CHANNELS)), steps=1500, follow=follow)[:, 100:]
        assert_allclose(made.var(axis=(0, 1)), rows.var(axis=0) / (1 - coefficients**2), rtol=0.06)
        frequency, density = signal.welch(made, nperseg=64, axis=1)
        gain = np.abs(1 - coefficients[:, None] * np.exp(-2j * np.pi * frequency)) ** 2
        expected = 2 * rows.var(axis=0)[:, None] / gain
        assert_allclose(10 * np.log10(density.mean(axis=0).T[:, 3:-1] / expected[:, 3:-1]), 0, atol=0.6)


def test_a_network_on_a_vector_autoregression_has_the_covariance_of_the_lyapunov_equation():
    matrix = np.array([[0.5, 0.3, 0.0], [-0.2, 0.6, 0.2], [0.0, 0.0, -0.7]])
    root = np.array([[1.0, 0, 0], [0.8, 0.5, 0], [0.0, 0.3, 1.0]])
    noise = fit_innovation_noise([np.random.default_rng(3).standard_normal((6000, CHANNELS)) @ root.T])
    expected = linalg.solve_discrete_lyapunov(matrix, np.cov(noise.rows.T))
    skip = LinearSkip(torch.from_numpy(matrix[None]), torch.zeros(CHANNELS, dtype=torch.float64))
    net = NextStepNetwork(cell="gru", n_channels=CHANNELS, hidden=2, output="ar", skip=skip).double()
    past = torch.zeros(60, 2, CHANNELS, dtype=torch.float64)
    follow = noise_after(noise.sampler("resampled", runs=60, seed=4))
    made = FreeRun(net, past, follow=follow).next(700)[:, 50:].numpy()
    assert_allclose(np.cov(made.reshape(-1, CHANNELS).T), expected, rtol=0.08, atol=0.08)
    var = VectorAutoRegression(matrix[None], np.zeros(CHANNELS), 0.0)
    follow = noise_after(noise.sampler("resampled", runs=60, seed=4))
    linear = linear_forecast(var, past.numpy(), steps=700, follow=follow)[:, 50:]
    assert_allclose(made, linear, rtol=1e-6, atol=1e-9)


def test_a_run_that_explodes_is_handed_on_as_it_is():
    ar = AutoRegression(np.full((CHANNELS, 1), 3.0), np.zeros(CHANNELS))
    with np.errstate(over="ignore"):
        made = linear_forecast(ar, np.ones((1, 1, CHANNELS), np.float32), steps=200)
    assert np.isinf(made[:, -1]).all()
    with pytest.raises(ValueError, match="at least one sample"):
        FreeRun(network(output="residual"), torch.zeros(1, 0, CHANNELS))

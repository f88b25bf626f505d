"""Autoregressions: recovery of known ones, prediction by hand, choice of the order, degenerate channels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from neurofit.linear import AutoRegression, ar_errors, channel_moments, fit_ar, solve_ar, whiten


def second_order(n: int, seed: int, channels: int = 3) -> NDArray[np.float64]:
    """x_t = 1.5 x_{t-1} - 0.7 x_{t-2} + e_t around 0, e of variance 1."""
    noise = np.random.default_rng(seed).normal(size=(n + 500, channels))
    return lfilter([1.0], [1.0, -1.5, 0.7], noise, axis=0)[500:]


def test_recovers_a_second_order_autoregression() -> None:
    train = channel_moments([(second_order(20_000, 0) + 2, True)], order=20)
    validation = channel_moments([(second_order(20_000, 1) + 2, True)], order=20)
    fitted = solve_ar(train, order=2)
    np.testing.assert_allclose(fitted.coefficients, np.tile([1.5, -0.7], (3, 1)), atol=0.02)
    np.testing.assert_allclose(fitted.intercept / (1 - fitted.coefficients.sum(axis=1)), 2, atol=0.15)
    chosen = fit_ar(train, validation)
    assert 2 <= chosen.order <= 6
    assert ar_errors(chosen, validation).mean() / validation.rows == pytest.approx(1, abs=0.03)


def test_prediction_by_hand() -> None:
    model = AutoRegression(np.array([[0.5, 0.25], [1.0, -1.0]]), np.array([1.0, 0.0]))
    window = np.array([[4.0, 1.0], [2.0, 3.0], [8.0, 5.0], [0.0, 0.0]])
    np.testing.assert_array_equal(model.predict(window), [[3.0, 2.0], [5.5, 2.0]])
    assert model.predict(window.astype(np.float32)).dtype == np.float32


def test_errors_from_moments_are_those_of_the_predictions() -> None:
    model = solve_ar(channel_moments([(second_order(500, 2), True)], order=5), order=3)
    held_out = second_order(400, 3) + 1
    expected = np.square(whiten(model, held_out[5 - 3 :])).sum(axis=0)
    np.testing.assert_allclose(ar_errors(model, channel_moments([(held_out, True)], order=5)), expected, rtol=1e-10)


def test_the_order_is_the_best_on_validation_not_on_training() -> None:
    train, held_out = second_order(80, 4, channels=1), second_order(3000, 5, channels=1)
    moments, validation = (channel_moments([(data, True)], order=20) for data in (train, held_out))
    chosen = fit_ar(moments, validation)
    direct = [np.square(whiten(solve_ar(moments, order=p), held_out[20 - p :])).sum() for p in range(1, 21)]
    assert chosen.order == 1 + int(np.argmin(direct))
    training = [ar_errors(solve_ar(moments, order=p), moments).sum() for p in range(1, 21)]
    assert chosen.order < 1 + int(np.argmin(training))


@pytest.mark.parametrize("level", [0.0, 3.0, -1e4])
def test_constant_channel(level: float) -> None:
    data = second_order(2000, 6)
    alone = solve_ar(channel_moments([(data, True)], order=10), order=10)
    data[:, 1] = level
    fitted = solve_ar(channel_moments([(data, True)], order=10), order=10)
    np.testing.assert_allclose(fitted.predict(data)[:, 1], level, rtol=1e-9)
    np.testing.assert_allclose(fitted.coefficients[[0, 2]], alone.coefficients[[0, 2]], rtol=1e-12)


def test_noiseless_sine_is_predicted_although_its_gram_is_singular() -> None:
    sine = np.sin(0.1 * np.arange(3000))[:, None]
    fitted = solve_ar(channel_moments([(sine, True)], order=20), order=20)
    assert np.abs(whiten(fitted, sine)).max() < 1e-5

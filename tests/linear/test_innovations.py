"""Whitening with the true model gives back the noise that drove it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from neurofit.linear import AutoRegression, TrainingMean, innovation_moments, whiten


def test_whitening_undoes_the_filter() -> None:
    noise = np.random.default_rng(0).normal(size=(500, 2))
    filtered = lfilter([1.0], [1.0, -1.2, 0.5], noise, axis=0)
    model = AutoRegression(np.tile([1.2, -0.5], (2, 1)), np.zeros(2))
    np.testing.assert_allclose(whiten(model, filtered), noise[2:], atol=1e-12)


def test_moments_over_segments() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(3, 2, size=(400, 2)), rng.normal(3, 2, size=(300, 2))
    model = AutoRegression(np.array([[0.5], [-1.0]]), np.array([1.0, 0.0]))
    moments = innovation_moments(model, [(first[:150], True), (first[150:], False), (second, True)])
    expected = np.concatenate([whiten(model, first), whiten(model, second)])
    assert moments.rows == 698
    np.testing.assert_allclose(moments.mean, expected.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.variance, expected.var(axis=0), rtol=1e-10)


def test_innovations_of_the_mean_are_the_signal() -> None:
    window = np.random.default_rng(2).normal(size=(10, 3)).astype(np.float32)
    np.testing.assert_array_equal(whiten(TrainingMean(), window), window)


def test_too_short_data_are_refused() -> None:
    with pytest.raises(ValueError, match="longer than 1 rows"):
        innovation_moments(AutoRegression(np.ones((2, 1)), np.zeros(2)), [(np.zeros((1, 2)), True)])

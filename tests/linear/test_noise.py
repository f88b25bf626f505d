"""Noise to drive free runs: covariances, likelihoods and variances known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.decomposition import FactorAnalysis

from neurofit.linear.noise import InnovationNoise, fit_innovation_noise, log_likelihood

CHANNELS = 6


def factor_rows(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a two-factor model with scales of their own, and their covariance."""
    rng = np.random.default_rng(seed)
    loadings = np.array([[0.8, 0], [0.8, 0], [-0.8, 0], [0, 0.8], [0, 0.8], [0, -0.8]])
    own = 1 - np.square(loadings).sum(axis=1)
    scale = np.array([1.0, 2.0, 0.5, 10.0, 1.0, 0.1])
    drawn = rng.standard_normal((rows, 2)) @ loadings.T + np.sqrt(own) * rng.standard_normal((rows, CHANNELS))
    return drawn * scale + 3.0, (loadings @ loadings.T + np.diag(own)) * np.outer(scale, scale)


def correlation(covariance: np.ndarray) -> np.ndarray:
    deviation = np.sqrt(np.diagonal(covariance))
    return covariance / np.outer(deviation, deviation)


def drawn(noise: InnovationNoise, draw: str, steps: int, runs: int = 50, seed: int = 3) -> np.ndarray:
    sampler = noise.sampler(draw, runs=runs, seed=seed)
    return np.stack([sampler.next() for _ in range(steps)], axis=1)


def test_the_gaussian_has_the_covariance_of_the_residuals_and_their_rank():
    rows, true = factor_rows(6000)
    noise = fit_innovation_noise([rows[:2500], rows[2500:]])
    assert noise.rank == 2
    assert_allclose(np.diagonal(noise.covariance()), rows.var(axis=0), rtol=1e-5)
    assert_allclose(correlation(noise.covariance()), correlation(true), atol=0.06)
    sampled = drawn(noise, "gaussian", 400).reshape(-1, CHANNELS)
    assert_allclose(correlation(np.cov(sampled.T)), correlation(noise.covariance()), atol=0.03)
    assert_allclose(sampled.std(axis=0), noise.scale, rtol=0.02)
    assert_allclose(sampled.mean(axis=0) / noise.scale, 0, atol=0.03)


def test_independent_channels_share_no_axis():
    assert fit_innovation_noise([np.random.default_rng(1).standard_normal((4000, 20))]).rank == 0


def test_likelihood_is_that_of_scipy_and_close_to_maximum_likelihood_factors():
    rows, _ = factor_rows(3000, seed=2)
    standard = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    noise = fit_innovation_noise([rows])
    loadings = noise.loadings.astype(np.float64)
    covariance = loadings @ loadings.T + np.diag(1 - np.square(loadings).sum(axis=1))
    own = log_likelihood(loadings, standard) - 0.5 * CHANNELS * np.log(2 * np.pi)
    expected = stats.multivariate_normal(np.zeros(CHANNELS), covariance).logpdf(standard).mean()
    assert_allclose(own, expected, rtol=1e-10)
    best = FactorAnalysis(2).fit(standard).score(standard)
    assert best - 0.05 < own < best + 1e-3


def test_resampled_blocks_are_consecutive_rows_of_one_stretch():
    rows = np.arange(60.0)[:, None] * [1.0, -2.0]
    noise = InnovationNoise(np.ones(2), np.zeros((2, 0)), rows.astype(np.float32), np.array([0, 25]), 7)
    blocks = drawn(noise, "resampled", 7 * 300, runs=2).reshape(2 * 300, 7, 2)
    assert_array_equal(np.diff(blocks[..., 0], axis=1), 1)
    assert_array_equal(blocks[..., 1], -2 * blocks[..., 0])
    first = blocks[:, 0, 0]
    assert not ((first > 25 - 7) & (first < 25)).any()
    assert set(first) == {*range(19), *range(25, 54)}


def test_resampled_innovations_keep_variance_tails_and_what_channels_share():
    rng = np.random.default_rng(4)
    rows = rng.standard_t(3, size=(3000, 1)) @ np.ones((1, 3)) + 0.1 * rng.standard_normal((3000, 3)) + 5
    noise = fit_innovation_noise([rows])
    sampled = drawn(noise, "resampled", 400).reshape(-1, 3)
    assert_allclose(sampled.mean(axis=0), 0, atol=0.1)
    assert_allclose(np.cov(sampled.T), np.cov(rows.T), rtol=0.2)
    assert sampled.min() >= (rows - rows.mean(axis=0)).min() - 1e-4


def test_blocks_are_as_long_as_bursts():
    rng = np.random.default_rng(5)
    size = np.repeat(rng.random(400) < 0.1, 20)[:, None] * 10 + 0.1
    bursts, calm = size * rng.standard_normal((8000, 4)), rng.standard_normal((8000, 4))
    assert 14 <= fit_innovation_noise([bursts]).block <= 40
    assert fit_innovation_noise([calm]).block == 1


def test_seeds_decide_and_states_come_back():
    noise = fit_innovation_noise([factor_rows(500)[0]])
    back = InnovationNoise.from_state({name: array.copy() for name, array in noise.state().items()})
    for draw in ("gaussian", "resampled"):
        assert_array_equal(drawn(noise, draw, 20), drawn(back, draw, 20))
        assert not np.array_equal(drawn(noise, draw, 20), drawn(noise, draw, 20, seed=4))


def test_long_residuals_are_cut_evenly(monkeypatch):
    monkeypatch.setattr("neurofit.linear.noise.KEPT_ENTRIES", 40 * CHANNELS)
    rows = factor_rows(300)[0]
    noise = fit_innovation_noise([rows[:200], rows[200:]])
    assert_array_equal(noise.starts, [0, 20])
    assert_allclose(noise.rows[20:], rows[200:220] - rows.mean(axis=0), rtol=1e-4, atol=1e-5)
    assert_allclose(noise.scale, rows.std(axis=0), rtol=1e-5)


def test_what_cannot_be_drawn_from_is_refused():
    with pytest.raises(ValueError, match="at least three rows"):
        fit_innovation_noise([np.zeros((2, 3))])
    with pytest.raises(ValueError, match="finite"):
        fit_innovation_noise([np.full((9, 3), np.nan)])
    still = fit_innovation_noise([np.ones((50, 2))])
    assert_array_equal(drawn(still, "gaussian", 5), 0)

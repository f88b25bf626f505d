"""Autocorrelation times against closed forms, intervals against simulated coverage."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from neurofit.metrics import block_bootstrap, integrated_autocorrelation_time


def first_order(phi: float, n: int, seed: int) -> NDArray[np.float64]:
    """A first-order autoregression around 0."""
    return lfilter([1.0], [1.0, -phi], np.random.default_rng(seed).normal(size=n + 500))[500:]


def mean_of_first(means: NDArray[np.float64]) -> NDArray[np.float64]:
    return means[:, 0]


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8, 0.95])
def test_autocorrelation_time_of_a_first_order_autoregression(phi: float) -> None:
    tau = integrated_autocorrelation_time(5 + first_order(phi, 200_000, seed=1))
    assert tau == pytest.approx((1 + phi) / (1 - phi), rel=0.1)


def test_autocorrelation_time_is_at_least_one_step() -> None:
    assert integrated_autocorrelation_time(first_order(-0.5, 10_000, seed=2)) == 1
    assert integrated_autocorrelation_time(np.full(1000, 0.1)) == 1
    assert integrated_autocorrelation_time(np.array([3.0])) == 1


def test_interval_of_an_independent_mean_is_the_normal_one() -> None:
    series = np.random.default_rng(3).normal(2, 1, size=(20_000, 1))
    interval = block_bootstrap(series, mean_of_first, resamples=4000)
    assert interval.ci95 is not None
    half = 1.96 / np.sqrt(20_000)
    assert interval.ci95 == pytest.approx((series.mean() - half, series.mean() + half), abs=0.15 * half)


def test_coverage_on_correlated_means() -> None:
    hits = 0
    for seed in range(200):
        interval = block_bootstrap(first_order(0.7, 3000, seed)[:, None], mean_of_first, resamples=300, seed=seed)
        assert interval.ci95 is not None
        hits += interval.ci95[0] < 0 < interval.ci95[1]
    assert 0.88 <= hits / 200 <= 0.99


def test_paired_series_are_resampled_together() -> None:
    model = 1 + first_order(0.5, 3000, seed=4) ** 2
    interval = block_bootstrap(np.stack([model, 2 * model], axis=1), lambda means: means[:, 0] / means[:, 1])
    assert interval.ci95 == pytest.approx((0.5, 0.5), abs=1e-12)


def test_same_seed_same_interval() -> None:
    series = first_order(0.5, 2000, seed=5)[:, None]
    assert block_bootstrap(series, mean_of_first) == block_bootstrap(series, mean_of_first)
    assert block_bootstrap(series, mean_of_first) != block_bootstrap(series, mean_of_first, seed=1)


def test_too_few_blocks_give_a_reason() -> None:
    interval = block_bootstrap(np.random.default_rng(6).normal(size=(50, 1)), mean_of_first)
    assert interval.ci95 is None
    assert interval.note is not None
    assert interval.note.startswith("50 steps hold ")
    trend = block_bootstrap(np.arange(5000.0)[:, None], mean_of_first)
    assert trend.ci95 is None


def test_undefined_resamples_give_a_reason() -> None:
    series = np.zeros((3000, 1))
    series[0] = 1
    interval = block_bootstrap(series, lambda means: 1 / means[:, 0])
    assert interval.ci95 is None
    assert interval.note is not None
    assert "not finite" in interval.note

"""Matching against bipartite matching, van Rossum against integration, intervals against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.stats import ks_2samp

from neurofit.metrics import SpikeThresholds, fair_horizon, ks_distance, spike_f1, threshold_crossings
from neurofit.metrics import van_rossum_distance as van_rossum

NONE = np.empty(0)


def train(rng: np.random.Generator, n: int, duration_s: float = 1.0) -> NDArray[np.float64]:
    return np.sort(rng.uniform(0, duration_s, n))


def brute_force_pairs(true: NDArray[np.float64], predicted: NDArray[np.float64], tolerance_s: float) -> int:
    close = np.abs(true[:, None] - predicted) <= tolerance_s
    return int((maximum_bipartite_matching(csr_array(close)) >= 0).sum())


def literal_van_rossum(a: NDArray[np.float64], b: NDArray[np.float64], tau_s: float) -> float:
    """Integration of the filtered traces on a fine grid (midpoints)."""
    step = tau_s / 2000
    grid = np.arange(0, 1 + 12 * tau_s, step) + step / 2
    trace = np.zeros(grid.size)
    for times, sign in ((a, 1), (b, -1)):
        for time in times:
            trace += sign * np.where(grid >= time, np.exp(-np.maximum(grid - time, 0) / tau_s), 0)
    return math.sqrt(2 / tau_s * np.sum(trace**2) * step)


def test_matching_is_as_large_as_can_be() -> None:
    rng = np.random.default_rng(0)
    partial = 0
    for _ in range(300):
        true, predicted = train(rng, rng.integers(1, 9)), train(rng, rng.integers(1, 9))
        matched = spike_f1([true], [predicted], 0.08).matched[0]
        assert matched == brute_force_pairs(true, predicted, 0.08)
        partial += 0 < matched < min(len(true), len(predicted))
    assert partial > 100


def test_one_spike_matches_once() -> None:
    burst = np.array([0.0999, 0.1, 0.1001])
    score = spike_f1([np.array([0.1])], [burst], 0.001)
    assert (score.f1, score.precision, score.recall) == (0.5, 1 / 3, 1)


def test_f1_is_pooled_over_channels() -> None:
    true = [np.array([0.1, 0.2, 0.3]), NONE, np.array([0.5]), NONE]
    predicted = [np.array([0.1004, 0.25]), NONE, NONE, np.array([0.7])]
    score = spike_f1(true, predicted, 0.0005)
    np.testing.assert_array_equal(score.matched, [1, 0, 0, 0])
    assert score.f1 == 2 * 1 / (4 + 3)
    assert (score.precision, score.recall) == (1 / 3, 1 / 4)
    np.testing.assert_array_equal(score.channel_f1, [2 / 5, np.nan, 0, 0])


def test_f1_without_spikes() -> None:
    empty = spike_f1([NONE], [NONE], 0.001)
    assert math.isnan(empty.f1)
    assert math.isnan(empty.recall)
    one_sided = spike_f1([np.array([0.1])], [NONE], 0.001)
    assert (one_sided.f1, one_sided.recall) == (0, 0)
    assert math.isnan(one_sided.precision)
    with pytest.raises(ValueError, match="2 channels, predicted ones of 1"):
        spike_f1([NONE, NONE], [NONE], 0.001)


def test_the_tolerance_is_inclusive_on_a_grid() -> None:
    steps = np.arange(1, 20_000, 37)
    assert spike_f1([steps / 1e4], [(steps + 5) / 1e4], 0.0005).f1 == 1
    assert spike_f1([steps / 1e4], [(steps + 6) / 1e4], 0.0005).f1 == 0


def test_only_from_the_fair_horizon_on_does_persistence_score_nothing() -> None:
    assert fair_horizon(0.0005, rate_hz=1e4) == 10
    assert fair_horizon(0.001, rate_hz=1e4) == 15
    assert fair_horizon(0.001, rate_hz=500) == 6
    values = np.random.default_rng(1).normal(size=(5000, 2))
    values[100::250] = 20
    thresholds = SpikeThresholds(np.zeros(2), np.full(2, 10.0), 1)
    times = [train / 1e4 for train in threshold_crossings(values, thresholds, rate_hz=1e4)]
    for horizon, expected in ((1, 1.0), (5, 1.0), (fair_horizon(0.0005, rate_hz=1e4), 0.0)):
        copied = threshold_crossings(values[:-horizon], thresholds, rate_hz=1e4)
        predicted = [(train + horizon) / 1e4 for train in copied]
        assert spike_f1(times, predicted, 0.0005).f1 == expected


@pytest.mark.parametrize("tau_s", [0.005, 0.02, 0.3])
def test_van_rossum_is_the_integral(tau_s: float) -> None:
    rng = np.random.default_rng(2)
    for n_a, n_b in ((6, 9), (1, 1), (0, 4)):
        a, b = train(rng, n_a), train(rng, n_b)
        assert van_rossum(a, b, tau_s) == pytest.approx(literal_van_rossum(a, b, tau_s), rel=2e-3)


def test_van_rossum_is_the_double_sum_of_kernels() -> None:
    rng = np.random.default_rng(3)
    a, b = train(rng, 300), train(rng, 250)

    def products(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
        return float(np.exp(-np.abs(p[:, None] - q) / 0.01).sum())

    expected = math.sqrt(products(a, a) + products(b, b) - 2 * products(a, b))
    assert van_rossum(a, b, 0.01) == pytest.approx(expected, rel=1e-10)


def test_van_rossum_of_known_pairs() -> None:
    spike = np.array([0.3])
    assert van_rossum(spike, NONE, 0.01) == 1
    assert van_rossum(spike, spike + 10, 0.01) == pytest.approx(math.sqrt(2))
    assert van_rossum(spike, spike + 0.002, 0.01) == pytest.approx(math.sqrt(2 - 2 * math.exp(-0.2)))
    assert van_rossum(np.arange(7.0), NONE, 0.01) == pytest.approx(math.sqrt(7))
    assert van_rossum(np.array([0.3, 0.3]), NONE, 0.01) == 2
    assert van_rossum(NONE, NONE, 0.01) == 0


def test_van_rossum_is_a_metric() -> None:
    rng = np.random.default_rng(4)
    a, b, c = (train(rng, 2000, 50.0) for _ in range(3))
    assert van_rossum(a, a, 0.02) == 0
    assert van_rossum(a, b, 0.02) == pytest.approx(van_rossum(b, a, 0.02), rel=1e-12)
    assert van_rossum(a, b, 0.02) <= van_rossum(a, c, 0.02) + van_rossum(c, b, 0.02)


def test_ks_distance_is_that_of_scipy() -> None:
    rng = np.random.default_rng(5)
    for scale, n in ((1.0, 40), (2.0, 200), (30.0, 7)):
        a, b = np.round(rng.exponential(1, 90), 1), np.round(rng.exponential(scale, n), 1)
        assert ks_distance(a, b) == pytest.approx(ks_2samp(a, b, method="asymp").statistic, rel=1e-12)


def test_ks_distance_at_its_ends() -> None:
    assert ks_distance(np.array([1.0, 2.0]), np.array([2.0, 1.0, 2.0, 1.0])) == 0
    assert ks_distance(np.array([1.0, 2.0]), np.array([3.0])) == 1
    assert math.isnan(ks_distance(NONE, np.array([1.0])))

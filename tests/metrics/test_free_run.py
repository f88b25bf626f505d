"""Free-run scores against processes whose spectra, amplitudes, rates and correlations are known."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from neurofit.metrics import (
    SpikeThresholds,
    correlation_rmse,
    free_run_scores,
    log_spectral_distance,
    std_ratio,
    unstable_runs,
)

SPIKES = SpikeThresholds(np.zeros(2), np.full(2, 5.0), 1)


def white(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=shape)


def first_order(phi: float, *shape: int, seed: int = 0) -> NDArray[np.float64]:
    """A first-order autoregression of variance 1 along the second axis."""
    return lfilter([math.sqrt(1 - phi**2)], [1, -phi], white(*shape, seed=seed), axis=1)


def pulses(intervals: list[int], steps: int) -> NDArray[np.float64]:
    """One run of two channels that are 0 and 10 for one step every so many steps."""
    values = np.zeros((1, steps, 2))
    for channel, interval in enumerate(intervals):
        values[0, interval::interval, channel] = 10
    return values


def test_the_truth_itself_scores_perfectly() -> None:
    truth = white(3, 1000, 2)
    truth[:, 20::50] = 10
    scores = free_run_scores(truth, truth, rate_hz=1000, thresholds=SPIKES)
    assert scores.true_rate_hz == pytest.approx(20)
    perfect = dataclasses.replace(scores, true_rate_hz=0)
    assert dataclasses.astuple(perfect) == (True, 3, 0, 1, 0, 0, 1, 0, 0)


@pytest.mark.parametrize("factor", [0.5, 2.0, 10.0])
def test_scaled_truth_is_a_known_number_of_decibels_away(factor: float) -> None:
    truth = white(2, 3000, 70).astype(np.float32)
    distance = log_spectral_distance(truth, np.float32(factor) * truth)
    np.testing.assert_allclose(distance, abs(20 * math.log10(factor)), rtol=1e-5)
    np.testing.assert_allclose(std_ratio(truth, np.float32(factor) * truth), factor, rtol=1e-5)


def test_spectral_distance_of_two_autoregressions() -> None:
    truth, generated = first_order(0.5, 1, 200_000, 2), first_order(0.9, 2, 100_000, 2, seed=1)
    omega = 2 * np.pi * np.arange(1, 257) / 512
    density = [(1 - phi**2) / np.abs(1 - phi * np.exp(-1j * omega)) ** 2 for phi in (0.9, 0.5)]
    expected = math.sqrt(np.mean((10 * np.log10(density[0] / density[1])) ** 2))
    np.testing.assert_allclose(log_spectral_distance(truth, generated), expected, rtol=0.03)
    assert expected > 5


def test_the_noise_of_the_estimate_is_as_documented() -> None:
    distance = log_spectral_distance(white(8, 3000, 20), white(8, 3000, 20, seed=1))
    windows = 8 * (2 * 3000 // 512 - 1)
    np.testing.assert_allclose(distance.mean(), 4.3 * math.sqrt(2.1 / windows), rtol=0.05)


def test_a_flat_line_is_as_far_as_the_dynamic_range() -> None:
    distance = log_spectral_distance(white(4, 3000, 3), np.zeros((4, 3000, 3)))
    np.testing.assert_allclose(distance, 80, atol=0.5)


def test_differences_below_the_dynamic_range_do_not_count() -> None:
    slow = np.sin(2 * np.pi * np.arange(4096) * 16 / 512)[None, :, None]
    assert log_spectral_distance(slow, slow + 1e-8 * white(1, 4096, 1))[0] == pytest.approx(0, abs=0.01)
    assert log_spectral_distance(slow, slow + 1e-2 * white(1, 4096, 1))[0] > 20


def test_short_runs_are_one_window_of_the_shorter_length() -> None:
    truth = white(5, 40, 2)
    np.testing.assert_allclose(log_spectral_distance(truth, 3 * truth), 20 * math.log10(3))
    assert np.isfinite(log_spectral_distance(truth, white(5, 900, 2))).all()


def test_constant_channels() -> None:
    truth, generated = white(2, 500, 3), white(2, 500, 3, seed=1)
    truth[:, :, 1], generated[:, :, 0] = 0.1, 0.1
    np.testing.assert_array_equal(np.isnan(std_ratio(truth, generated)), [False, True, False])
    np.testing.assert_array_equal(np.isnan(log_spectral_distance(truth, generated)), [False, True, False])
    assert std_ratio(truth, generated)[0] == pytest.approx(0, abs=1e-12)
    assert math.isfinite(free_run_scores(truth, generated, rate_hz=1000).lsd_db)
    flat = free_run_scores(np.ones((1, 9, 2)), white(1, 9, 2), rate_hz=1000)
    assert (flat.stable, flat.as_json()["std_ratio"], flat.as_json()["lsd_db"]) == (True, None, None)


def test_correlations_are_those_of_numpy() -> None:
    mixing = white(6, 6, seed=2)
    truth, generated = white(3, 700, 6) @ mixing, white(2, 900, 6, seed=1) * 3 + 5
    upper = np.triu_indices(6, 1)
    true, made = (np.corrcoef(values.reshape(-1, 6).T)[upper] for values in (truth, generated))
    expected = math.sqrt(np.mean((true - made) ** 2))
    assert correlation_rmse(truth, generated) == pytest.approx(expected, rel=1e-10)
    single = correlation_rmse(truth.astype(np.float32), generated.astype(np.float32))
    assert single == pytest.approx(expected, rel=1e-5)


def test_correlations_of_constant_and_single_channels() -> None:
    truth = np.repeat(white(1, 500, 1), 3, axis=2)
    truth[:, :, 2] = 7
    generated = truth.copy()
    generated[:, :, 1] = 0.1
    assert correlation_rmse(truth, generated) == pytest.approx(1)
    assert correlation_rmse(truth, truth) == pytest.approx(0, abs=1e-12)
    assert math.isnan(correlation_rmse(truth[:, :, :1], truth[:, :, :1]))


def test_rates_and_intervals_are_pooled() -> None:
    scores = free_run_scores(pulses([20, 60], 1201), pulses([20, 30], 2401), rate_hz=1000, thresholds=SPIKES)
    assert scores.true_rate_hz == pytest.approx((60 + 20) / 2 / 1.201)
    assert scores.rate_ratio == pytest.approx((120 + 80) / 2401 / ((60 + 20) / 1201))
    assert scores.isi_distance == pytest.approx(19 / 78)


def test_intervals_do_not_cross_from_run_to_run() -> None:
    truth = np.repeat(pulses([50, 50], 220), 3, axis=0)
    generated = pulses([50, 50], 1000)
    assert free_run_scores(truth, generated, rate_hz=1000, thresholds=SPIKES).isi_distance == 0


def test_no_spikes_in_one_or_both() -> None:
    silent, active = 0.1 * white(1, 600, 2), pulses([30, 30], 600)
    lost = free_run_scores(active, silent, rate_hz=1000, thresholds=SPIKES)
    assert lost.rate_ratio == 0
    assert math.isnan(lost.isi_distance)
    invented = free_run_scores(silent, active, rate_hz=1000, thresholds=SPIKES)
    assert (invented.true_rate_hz, invented.as_json()["rate_ratio"]) == (0, None)
    without = free_run_scores(active, active, rate_hz=1000)
    assert without.as_json()["true_rate_hz"] is None


def test_unstable_runs() -> None:
    truth, generated = white(2, 1000, 3), white(6, 1000, 3, seed=1)
    generated[0, 10, 1] = np.nan
    generated[1, 990:, 0] = np.inf
    generated[2, :, 2] *= 15
    generated[3, :, 2] += 11
    generated[4, :400] *= 100
    np.testing.assert_array_equal(unstable_runs(truth, generated), [True, True, True, True, False, False])
    np.testing.assert_array_equal(unstable_runs(20 * truth, generated), [True, True, False, False, False, False])
    np.testing.assert_array_equal(unstable_runs(0 * truth, generated), [True, True, True, True, False, False])


def test_runs_that_diverge_are_reported_and_not_scored() -> None:
    truth, generated = white(2, 500, 2), white(4, 500, 2, seed=1)
    generated[2, 300:, 0] = np.nan
    row = json.loads(json.dumps(free_run_scores(truth, generated, rate_hz=1e4, thresholds=SPIKES).as_json()))
    assert (row.pop("stable"), row.pop("runs"), row.pop("unstable_runs")) == (False, 4, 1)
    assert len(row) == 6
    assert set(row.values()) == {None}
    generated[2] = 1e30
    loud = free_run_scores(truth, generated, rate_hz=1e4)
    assert not loud.stable
    assert loud.std_ratio > 1e29


def test_arrays_that_do_not_fit_are_refused() -> None:
    truth = white(2, 50, 3)
    for generated in (truth[0], truth[:, :, :2], truth[:, :1], truth[:0]):
        with pytest.raises(ValueError, match=r"generated .* must be"):
            free_run_scores(truth, generated, rate_hz=1000)
    truth[0, 3, 1] = np.inf
    with pytest.raises(ValueError, match="truth holds values"):
        free_run_scores(truth, white(2, 50, 3), rate_hz=1000)

"""Jitter without resampling against jitter by resampling."""

from __future__ import annotations

import numpy as np
from surrogates import RATE_HZ, noise_voltages, poisson_spikes, vm_signal

from neurofit.connectivity.average_options import AverageWindows
from neurofit.connectivity.jitter import jitter_mean, jitter_variance, window_means
from neurofit.connectivity.spike_triggered_average import spike_triggered_average


def test_running_means_are_means() -> None:
    for columns in (3, 300):
        values = np.random.default_rng(0).standard_normal((50, columns))
        found = window_means(values, -2, 4)
        expected = [values[t - 2 : t + 5].mean(axis=0) for t in range(2, 46)]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_moments_are_those_of_all_alternatives() -> None:
    values = np.random.default_rng(1).standard_normal((30, 2))
    mean = jitter_mean(values, 4)
    variance = jitter_variance(values, mean, 4)
    assert len(mean) == 22
    np.testing.assert_allclose(mean[3], values[3:12].mean(axis=0))
    np.testing.assert_allclose(variance[3], values[3:12].var(axis=0))


def test_expectation_and_z_are_those_of_resampled_spikes() -> None:
    n_steps, jitter, early = 8000, 40, (10, 30)
    values = noise_voltages(3, n_steps, seed=2)
    spikes = poisson_spikes(3, n_steps, 60, seed=3)
    windows = AverageWindows(baseline_ms=(-1, 0), early_ms=(1, 3), late_ms=(3, 5), jitter_ms=4)
    found = spike_triggered_average(spikes, vm_signal(values), reduce=("jitter_z",), windows=windows)
    assert found.jitter_z is not None
    assert found.jitter_excess is not None
    steps = np.floor(spikes.times_of(0) * RATE_HZ + 1e-6).astype(int)
    steps = steps[(steps >= jitter) & (steps < n_steps - early[1] - jitter)]
    assert len(steps) == found.n_spikes[0]
    means = np.array([values[t + early[0] : t + early[1] + 1].mean(axis=0) for t in range(n_steps - early[1])])
    rng = np.random.default_rng(4)
    draws = 20_000
    moved = steps + rng.integers(-jitter, jitter + 1, (draws, len(steps)))
    null = np.array([means[each].mean(axis=0) for each in moved])
    excess = means[steps].mean(axis=0) - null.mean(axis=0)
    error = null.std(axis=0) / np.sqrt(draws)
    assert (np.abs(found.jitter_excess[:, 0] - excess) < 5 * error).all()
    np.testing.assert_allclose(found.jitter_z[:, 0], excess / null.std(axis=0), atol=0.06)

"""Connections from averages: planted ones are found with honest errors, and nothing is found where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest
from surrogates import noise_voltages, poisson_spikes, vm_signal

from neurofit.connectivity.sampling_noise import Autocovariance, pair_counts, standard_error
from neurofit.connectivity.searched_lags import searched_z
from neurofit.connectivity.sta_estimates import sta, sta_corrected
from neurofit_io import Spikes, spikes_from_lists

CELLS, STEPS = 24, 60_000
OFF = ~np.eye(CELLS, dtype=bool)


def planted(values: np.ndarray, spikes: Spikes, post: int, pre: int, size: float) -> np.ndarray:
    """A potential of 2 to 10 ms, half a sine, after every spike."""
    out, shape = values.copy(), size * np.sin(np.pi * np.arange(80) / 80)
    for step in np.floor(spikes.times_of(pre) * 1e4 + 1e-6).astype(int):
        stretch = out[step + 20 : step + 100, post]
        stretch += shape[: len(stretch)]
    return out


@pytest.mark.parametrize("estimate", [sta, sta_corrected])
@pytest.mark.parametrize("burst", [1, 3])
def test_nothing_is_found_in_independent_noise(estimate, burst: int) -> None:
    spikes = poisson_spikes(CELLS, STEPS, 90 // burst, seed=1, burst=burst)
    found = estimate(vm_signal(noise_voltages(CELLS, STEPS, seed=0)), spikes, blanked=False)
    z = found.z[OFF]
    assert abs(z.mean()) < 0.15
    # A search over lags that bursts make alike is allowed for as if they were not: z is then on the safe side.
    low, high = (0.6, 1.1) if (estimate, burst) == (sta, 3) else (0.9, 1.1)
    assert low < z.std() < high
    assert (np.abs(z) > 4.5).sum() == 0
    if burst == 1:
        assert kstest(z, "norm").pvalue > 1e-3
    assert not found.z.diagonal().any()


@pytest.mark.parametrize("size", [3.0, -3.0])
def test_a_planted_potential_is_found(size: float) -> None:
    spikes = poisson_spikes(CELLS, STEPS, 90, seed=2)
    vm = vm_signal(planted(noise_voltages(CELLS, STEPS, seed=3), spikes, 5, 9, size))
    for found in (sta(vm, spikes), sta_corrected(vm, spikes, blanked=False)):
        assert np.unravel_index(np.abs(found.z).argmax(), found.z.shape) == (5, 9)
        assert np.sign(found.z[5, 9]) == np.sign(size)
    raw = sta(vm, spikes)
    assert abs(raw.weight[5, 9] - size) < 4 * raw.se[5, 9]


def test_weight_of_the_corrected_average_within_its_error() -> None:
    """Expected: mean of the potential over 1 to 15 ms, less that over all places within 20 ms of the spike."""
    spikes = poisson_spikes(2, STEPS, 60, seed=4)
    potential = np.zeros(1000)
    potential[520:600] = 4 * np.sin(np.pi * np.arange(80) / 80)
    window = np.array([potential[t + 10 : t + 151].mean() for t in range(300, 701)])
    expected = window[200] - window.mean()
    error = []
    for seed in range(5, 17):
        vm = vm_signal(planted(noise_voltages(2, STEPS, seed=seed), spikes, 0, 1, 4.0))
        found = sta_corrected(vm, spikes, blanked=False)
        # Spikes within 20 ms of each other add a little of each other's potential, to both terms.
        error.append((found.weight[0, 1] - expected) / found.se[0, 1])
    assert abs(np.mean(error)) < 1.2
    assert 0.4 < np.std(error) < 1.7


def test_a_shared_slow_drift_is_no_connection() -> None:
    """Rates and voltages that rise together over half seconds fool the paper's average, not the corrected one."""
    rng, time = np.random.default_rng(6), np.arange(STEPS) / 1e4
    drift = np.sin(2 * np.pi * time)
    values = noise_voltages(CELLS, STEPS, seed=7) + 2 * drift[:, None]
    trains = [np.sort(time[rng.random(STEPS) < 1.5e-3 * (1 + drift)]) for _ in range(CELLS)]
    spikes, vm = spikes_from_lists(trains, stop_s=STEPS / 1e4), vm_signal(values)
    assert np.median(np.abs(sta(vm, spikes).z[OFF])) > 2
    corrected = sta_corrected(vm, spikes, blanked=False).z[OFF]
    assert corrected.std() < 1.2
    assert abs(corrected.mean()) < 0.3


def test_standard_error_is_that_of_repeated_noise() -> None:
    """Means over bursting spikes of 400 draws of noise with a memory of 10 ms."""
    train = np.sort(np.concatenate([np.arange(500, 19_000, 731) + k * 40 for k in range(3)]))
    means = []
    covariance = Autocovariance(1, 100)
    for seed in range(400):
        values = noise_voltages(1, 20_000, seed=seed, mean=0.0)
        means.append(values[train, 0].mean())
        if seed < 40:
            covariance = Autocovariance(1, 100) if seed == 0 else covariance
            covariance.add(values[::10])
    counts = pair_counts([train], grid=10, n_lags=100)
    found = standard_error(covariance.result(), counts, np.array([len(train)]))[0, 0]
    assert found == pytest.approx(np.std(means), rel=0.12)
    assert found > 1.3 * 2.0 / np.sqrt(len(train))


def test_autocovariance_in_blocks_is_that_of_the_whole() -> None:
    values = np.random.default_rng(8).standard_normal((500, 3)) + 0.2
    found = Autocovariance(3, 20)
    for start in (0, 7, 100, 333):
        stop = {0: 7, 7: 100, 100: 333, 333: 500}[start]
        found.add(values[start:stop])
    expected = [
        (values[lag:] * values[: len(values) - lag]).mean(axis=0) - values.mean(axis=0) ** 2 for lag in range(20)
    ]
    np.testing.assert_allclose(found.result(), expected, atol=1e-5)


def test_pairs_of_spikes_are_counted_both_ways() -> None:
    assert pair_counts([np.array([0, 10, 21, 500])], grid=10, n_lags=4).tolist() == [[4, 4, 2, 0]]


def test_largest_of_independent_and_of_equal_scores() -> None:
    """With one lag z is the score; with independent lags it is that of the least of as many chances."""
    np.testing.assert_allclose(searched_z(np.array([2.0, -0.5]), np.ones(50)), [2.0, -0.5], atol=0.06)
    rng = np.random.default_rng(9)
    scores = rng.standard_normal((4000, 30))
    best = np.take_along_axis(scores, np.abs(scores).argmax(axis=1)[:, None], 1)[:, 0]
    assert kstest(searched_z(best, np.eye(1, 30)[0]), "norm").pvalue > 1e-3
    far = searched_z(np.array([12.0, 13.0, np.nan]), np.eye(1, 30)[0])
    assert 11 < far[0] < far[1] < 13
    assert np.isnan(far[2])


def test_silent_cells_say_nothing() -> None:
    spikes = spikes_from_lists([[], [0.1, 0.2, 0.5]], stop_s=1.0)
    vm = vm_signal(noise_voltages(2, 10_000, seed=10))
    for found in (sta(vm, spikes), sta_corrected(vm, spikes)):
        assert found.z[1, 0] == 0
        assert np.isnan(found.se[1, 0])
        assert np.isfinite(found.se[0, 1])
        assert any("1 cells without a spike" in note for note in found.notes)

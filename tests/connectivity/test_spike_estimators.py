"""What is inferred from spikes alone, on cells with planted couplings: recovery, calibration, silence, messages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from neurofit.connectivity.correlogram import correlogram, window_and_jitter
from neurofit.connectivity.coupled_glm import glm
from neurofit.connectivity.estimate import Estimate
from neurofit.connectivity.linear_coupling import linear_coupling
from neurofit.connectivity.maxent import maxent
from neurofit.connectivity.partial_correlation import oas_shrinkage, partial_correlation
from neurofit.connectivity.spike_bins import Kernel, bin_counts, filtered_blocks, synaptic_kernel
from neurofit_io import RecordingError, RecordingWarning, Spikes
from neurofit_io.spikes import spikes_from_lists
from tests.connectivity.planted_network import planted_spikes

Method = Callable[..., Estimate]
DIRECTED: list[Method] = [correlogram, linear_coupling, glm]
ALL: list[Method] = [*DIRECTED, partial_correlation, maxent]


def poisson(cells: int, *, duration_s: float, rate_hz: float, seed: int) -> Spikes:
    rng = np.random.default_rng(seed)
    trains = [np.sort(rng.uniform(0, duration_s, rng.poisson(rate_hz * duration_s))) for _ in range(cells)]
    return spikes_from_lists(trains, stop_s=duration_s)


@pytest.fixture(scope="module")
def coupled() -> Spikes:
    """Cell 0 excites 1 and inhibits 2, 1 excites 3: 0 to 3 is a chain without a connection; 4 never fires."""
    weight = np.zeros((5, 5))
    weight[1, 0], weight[2, 0], weight[3, 1] = 1.2, -2.0, 1.2
    spikes = planted_spikes(weight, duration_s=120.0, rate_hz=12.0, seed=1)
    kept = spikes.units != 4
    return dataclasses.replace(spikes, times_s=spikes.times_s[kept], units=spikes.units[kept])


@pytest.mark.parametrize("method", DIRECTED, ids=lambda m: m.__name__)
def test_direction_sign_and_silence(method: Method, coupled: Spikes) -> None:
    estimate = method(coupled)
    assert (
        estimate.method
        == {"correlogram": "correlogram", "linear_coupling": "linear-coupling", "glm": "glm"}[method.__name__]
    )
    assert estimate.z[1, 0] > 8
    assert estimate.z[3, 1] > 8
    assert estimate.z[2, 0] < -4
    absent = np.abs(np.array([estimate.z[0, 1], estimate.z[0, 2], estimate.z[1, 3], estimate.z[2, 3]]))
    assert absent.max() < 4
    assert estimate.weight[1, 0] > 0 > estimate.weight[2, 0]
    assert not estimate.z.diagonal().any()
    assert not estimate.weight[4].any()
    assert not estimate.z[:, 4].any()
    assert np.isnan(estimate.se[4]).all()
    assert "1 of 5 cells never fire: their pairs are 0" in estimate.notes


def test_excess_counts_are_spikes_per_spike(coupled: Spikes) -> None:
    """The planted coupling adds 12 Hz x sum_l (exp(1.2 exp(-l / 5)) - 1) ms, of which lags 1 to 6 ms see six terms."""
    gain = 0.012 * np.expm1(1.2 * np.exp(-np.arange(60) / 5))
    by_lags = correlogram(coupled, bin_ms=1.0, jitter_ms=40.0)
    assert by_lags.weight[1, 0] == pytest.approx(gain[:6].sum(), rel=0.25)
    by_regression = linear_coupling(coupled, bin_ms=1.0, tau_ms=5.0, rise_ms=0.0, delay_ms=1.0)
    assert by_regression.weight[1, 0] == pytest.approx(gain.sum(), rel=0.25)


def test_the_glm_finds_the_planted_weights(coupled: Spikes) -> None:
    estimate = glm(coupled, tau_ms=5.0, rise_ms=0.0, delay_ms=1.0, prior_sd=10.0)
    for post, pre, planted in ((1, 0, 1.2), (3, 1, 1.2), (2, 0, -2.0), (3, 0, 0.0), (0, 2, 0.0)):
        assert abs(estimate.weight[post, pre] - planted) < 4 * estimate.se[post, pre]
        assert estimate.se[post, pre] < 0.5
    assert estimate.notes[0].startswith("4 of 4 cells converged")


def test_the_prior_of_the_glm_is_the_spread_of_the_couplings() -> None:
    weight = np.random.default_rng(0).normal(scale=0.5, size=(12, 12))
    np.fill_diagonal(weight, 0)
    kernel = {"tau_ms": 5.0, "rise_ms": 0.0, "delay_ms": 1.0}
    for planted, low, high in ((weight, 0.25, 0.75), (0 * weight, 0.01, 0.08)):
        note = glm(planted_spikes(planted, duration_s=60.0, rate_hz=12.0), **kernel).notes[1]
        assert low <= float(note.removeprefix("prior sd ").split(",")[0]) < high


@pytest.mark.parametrize("method", ALL, ids=lambda m: m.__name__)
def test_z_is_standard_normal_without_connections(method: Method) -> None:
    estimate = method(poisson(40, duration_s=60.0, rate_hz=12.0, seed=3))
    z = estimate.z[~np.eye(40, dtype=bool)]
    assert abs(z.mean()) < 0.15
    # Shrinkage and a prior that finds nothing to explain may only make less of chance than there is.
    assert (0.0 if method in (partial_correlation, maxent) else 0.85) < z.std() < 1.15
    assert np.isfinite(estimate.se[~np.eye(40, dtype=bool)]).all()


def test_partial_correlation_explains_a_common_cause_away() -> None:
    rng = np.random.default_rng(0)
    hub = np.sort(rng.uniform(0, 100, 1000))
    trains = [hub]
    for _ in range(2):
        copied = hub[rng.random(len(hub)) < 0.5]
        trains.append(np.sort(np.concatenate([copied, rng.uniform(0, 100, 500)])))
    estimate = partial_correlation(spikes_from_lists(trains, stop_s=100.0))
    np.testing.assert_allclose(estimate.weight, estimate.weight.T, atol=1e-12)
    assert estimate.z[0, 1] > 20
    assert abs(estimate.z[1, 2]) < estimate.z[0, 1] / 5
    assert "without direction" in estimate.notes[0]


def test_shrinkage_of_independent_and_of_dependent_counts() -> None:
    rng = np.random.default_rng(0)
    alone = np.corrcoef(rng.normal(size=(200, 30)).T)
    together = np.corrcoef((rng.normal(size=(200, 30)) + rng.normal(size=(200, 1))).T)
    assert oas_shrinkage(alone, 200) > 0.7
    assert oas_shrinkage(together, 200) < 0.1


@pytest.mark.parametrize("method", ALL, ids=lambda m: m.__name__)
def test_what_cannot_be_inferred_from(method: Method) -> None:
    with pytest.raises(RecordingError, match="no spikes"):
        method(spikes_from_lists([[], [], []], stop_s=5.0))
    with pytest.raises(RecordingError, match="1 cell"):
        method(spikes_from_lists([[1.0, 2.0]], stop_s=5.0))
    with pytest.raises(RecordingError, match="bin"):
        method(poisson(3, duration_s=5.0, rate_hz=10, seed=0), bin_ms=0.0)


def test_spikes_outside_the_recording_are_left_out_aloud() -> None:
    spikes = spikes_from_lists([[-1.0, 0.5, 1.5], [0.7, 9.0]], stop_s=2.0)
    with pytest.warns(RecordingWarning, match="2 of 5 spikes lie outside 0 to 2 s"):
        counts = bin_counts(spikes, 100.0)
    assert counts.sum() == 3


def test_options_that_make_no_sense() -> None:
    spikes = poisson(3, duration_s=5.0, rate_hz=10, seed=0)
    with pytest.raises(ValueError, match="rising lags"):
        correlogram(spikes, from_ms=6.0, to_ms=1.0)
    with pytest.raises(ValueError, match="rise < decay"):
        linear_coupling(spikes, tau_ms=1.0, rise_ms=2.0)
    with pytest.raises(RecordingError, match="3 bins for 3 cells; expected more bins than cells"):
        linear_coupling(spikes, bin_ms=1500.0, tau_ms=3000.0)
    with pytest.raises(RecordingError, match=r"need .* GB"):
        glm(spikes, memory_gb=1e-9)
    with pytest.raises(RecordingError, match="1 cell fires"):
        glm(spikes_from_lists([[0.5, 1.5], []], stop_s=5.0))


def test_kernel_and_filter_are_the_literal_sums() -> None:
    kernel = synaptic_kernel(bin_ms=0.5, tau_ms=4.0, rise_ms=1.0, delay_ms=1.2)
    ages = (np.arange(len(kernel.taps)) + kernel.first_lag) * 0.5 - 1.2
    shape = np.exp(-ages / 4.0) - np.exp(-ages / 1.0)
    assert kernel.first_lag == 3
    np.testing.assert_allclose(kernel.taps, shape / shape.sum(), rtol=1e-12)
    counts = bin_counts(poisson(4, duration_s=3.0, rate_hz=30, seed=2), 1.0)
    dense = counts.toarray()
    for taps in (kernel, Kernel(np.array([1.0, -2.0, 0.5, 3.0]), -2)):
        expected = np.zeros_like(dense)
        for t, lag in np.ndindex(len(dense), len(taps.taps)):
            source = t - taps.first_lag - lag
            if 0 <= source < len(dense):
                expected[t] += taps.taps[lag] * dense[source]
        together = np.concatenate([block for _, block in filtered_blocks(counts, taps)])
        np.testing.assert_allclose(together, expected, atol=1e-5)


def test_blocks_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    spikes = poisson(6, duration_s=20.0, rate_hz=20, seed=4)
    whole = [method(spikes) for method in DIRECTED]
    monkeypatch.setattr("neurofit.connectivity.spike_bins.BLOCK_ELEMENTS", 6 * 999)
    monkeypatch.setattr("neurofit.connectivity.glm_likelihood.BLOCK_ELEMENTS", 6 * 999)
    for method, expected in zip(DIRECTED, whole, strict=True):
        np.testing.assert_allclose(method(spikes).z, expected.z, atol=2e-3)
    np.testing.assert_allclose(glm(spikes, memory_gb=1e-4).z, whole[2].z, atol=2e-3)


def test_jittered_counts_are_what_jittering_gives() -> None:
    """The expectation against the mean over spikes jittered by hand."""
    rng = np.random.default_rng(0)
    pre, post = (np.unique(rng.integers(100, 1900, 150)) for _ in range(2))
    first, last, jitter = 2, 7, 5
    window, expected = window_and_jitter(first, last, jitter)
    lags = np.arange(first - jitter, last + jitter + 1)
    counts = np.array([np.isin(pre + lag, post).sum() for lag in lags])
    assert window @ counts == sum(np.isin(pre + lag, post).sum() for lag in range(first, last + 1))
    shifted = [
        sum(np.isin(pre + shift + lag, post).sum() for lag in range(first, last + 1))
        for shift in range(-jitter, jitter + 1)
    ]
    assert expected @ counts == pytest.approx(np.mean(shifted))

"""The planner against closed forms, drawn z, simulated potentials, and what was measured on simulated networks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from neurofit.connectivity.plan_options import PlanOptions
from neurofit.connectivity.planning import (
    duration_for_ap,
    expected_curve,
    expected_scores,
    spike_information,
    unit_peak_area,
)
from neurofit.connectivity.ranking import ranked_pairs
from neurofit_io import RecordingError

EQUAL = PlanOptions(rate_spread=0.0, weight_spread=0.0, excitatory_share=1.0)


def test_auc_of_equal_weights_in_closed_form() -> None:
    """a ~ N(mu, 1), b ~ N(0, 1): |a| > |b| where (a + b)(a - b) > 0, and both factors are N(mu, 2), independent."""
    for duration in (2.0, 10.0, 60.0):
        expected = expected_scores(EQUAL, duration)
        mu = EQUAL.epsp_mv / expected.se_e_mv
        right = norm.cdf(mu / math.sqrt(2))
        assert expected.auc == pytest.approx(right**2 + (1 - right) ** 2, abs=1e-4)
        # One-sided: the larger of two halves, ties at 0 counting one half.
        both_below = norm.cdf(0) * norm.cdf(-mu)
        below = norm.cdf(-mu / math.sqrt(2)) - _both_below_and_less(mu)
        assert expected.auc_dale == pytest.approx(1 - below - both_below / 2, abs=1e-4)


def _both_below_and_less(mu: float) -> float:
    """P(a < b < 0) by the trapezoid."""
    b = np.linspace(-12, 0, 20001)
    return float(np.trapezoid(norm.pdf(b) * norm.cdf(b - mu), b))


@pytest.mark.parametrize("duration_s", [6.0, 60.0])
def test_scores_are_those_of_drawn_z(duration_s: float) -> None:
    options, rng, n = PlanOptions(), np.random.default_rng(0), 400_000
    expected = expected_scores(options, duration_s)
    excites, edge = rng.random(n) < 0.8, rng.random(n) < options.density
    rate = rng.lognormal(-(0.35**2) / 2, 0.35, n)
    weight = rng.lognormal(-(0.8**2) / 2, 0.8, n)
    mu = weight * np.sqrt(rate) * np.where(excites, 0.39 / expected.se_e_mv, 1.4 / expected.se_i_mv)
    z = rng.standard_normal(n) + mu * edge
    for own, kind in ((np.ones(n, bool), ""), (excites, "_e"), (~excites, "_i")):
        ranked = ranked_pairs(np.abs(z[own]), edge[own])
        assert getattr(expected, f"auc{kind}") == pytest.approx(ranked.auc(), abs=0.006)
        assert getattr(expected, f"ap{kind}") == pytest.approx(ranked.ap(), abs=0.01)
    ranked = ranked_pairs(np.maximum(z, 0), edge)
    assert (expected.auc_dale, expected.ap_dale) == pytest.approx((ranked.auc(), ranked.ap()), abs=0.006)


def potential(time_s: np.ndarray, membrane: float, synapse: float) -> np.ndarray:
    """Response of a membrane to an exponential current, unscaled."""
    return np.exp(-time_s / membrane) - np.exp(-time_s / synapse)


def test_the_potential_has_a_peak_of_one() -> None:
    time_s = np.arange(0, 0.5, 1e-6)
    for membrane, synapse in ((0.008, 0.003), (0.008, 0.006), (0.003, 0.02)):
        shape = potential(time_s, membrane, synapse)
        area = np.abs(shape).sum() * 1e-6 / np.abs(shape).max()
        assert unit_peak_area(membrane, synapse) == pytest.approx(area, rel=1e-4)
    assert unit_peak_area(0.005, 0.005) == pytest.approx(unit_peak_area(0.005, 0.005001), rel=1e-3)


def test_information_where_noise_and_synapse_are_alike_is_that_of_white_noise() -> None:
    """Both pass the same filters: |H|^2 / S is constant, and J = 2 f_max a^2 / (2 (tau_m + tau_n) noise^2)."""
    options = PlanOptions(noise_tau_ms=3.0, highest_hz=200.0)
    expected = 2 * 200 * unit_peak_area(0.008, 0.003) ** 2 / (2 * 0.011 * options.noise_mv**2)
    assert spike_information(options, 3.0) == pytest.approx(expected, rel=1e-9)


def test_information_in_white_noise_is_the_energy_of_the_potential() -> None:
    """Background next to none: J = int h^2 dt / (sample variance), a matched filter."""
    options = PlanOptions(noise_mv=1e-6, measurement_noise_mv=2.0, highest_hz=1e5, bin_ms=0.001, sample_ms=0.005)
    time_s = np.arange(0, 0.5, 1e-6)
    shape = potential(time_s, 0.008, 0.003)
    energy = np.square(shape / shape.max()).sum() * 1e-6
    assert spike_information(options, 3.0) == pytest.approx(energy / (4 * 5e-6), rel=1e-3)


def test_the_standard_error_is_that_of_least_squares_on_drawn_noise() -> None:
    """Coloured noise of known spectrum, one presynaptic cell, generalised least squares below f_max, many draws."""
    rng, n, dt = np.random.default_rng(1), 20_000, 0.0005
    options = PlanOptions(neurons=2, sample_ms=0.5, rate_hz=20.0, highest_hz=300.0, noise_mv=4.0)
    spikes = (rng.random(n) < 20 * dt).astype(float)
    time_s = np.arange(0, 0.1, dt)
    kernel = potential(time_s, 0.008, 0.003)
    kernel /= kernel.max()
    frequency = np.fft.rfftfreq(n, dt)
    regressor = np.fft.rfft(spikes) * np.fft.rfft(kernel, n)
    low_pass = [1 / (1 + np.square(2 * np.pi * frequency * tau)) for tau in (0.008, 0.003)]
    power = 2 * 0.011 * 16 * low_pass[0] * low_pass[1]
    used = (frequency > 0) & (frequency < 300)
    amplitude = np.sqrt(power * n / dt / 2)
    estimates = []
    for _ in range(400):
        noise = amplitude * (rng.standard_normal(len(power)) + 1j * rng.standard_normal(len(power)))
        numerator = (np.conj(regressor) * noise / power)[used].real.sum()
        estimates.append(numerator / (np.abs(regressor) ** 2 / power)[used].sum())
    expected = expected_scores(replace(options, rate_hz=float(spikes.sum()) / (n * dt)), n * dt).se_e_mv
    assert np.std(estimates) == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize(
    ("duration_s", "changes", "measured"),
    [
        (6.0, {}, (0.770, 0.513)),
        (20.0, {}, (0.877, 0.734)),
        (60.0, {}, (0.947, 0.880)),
        (20.0, {"measurement_noise_mv": 1.0}, (0.818, 0.616)),
        (20.0, {"measurement_noise_mv": 5.0}, (0.743, 0.473)),
        (6.0, {"neurons": 2022, "density": 0.08, "rate_hz": 8.5, "epsp_mv": 0.195, "ipsp_mv": 0.83}, (0.616, 0.221)),
    ],
)
def test_agreement_with_what_was_measured(duration_s, changes, measured) -> None:
    """gls on simulated networks of 300 and 2022 cells (seeds 100 and 101); one cut-off, no other fit."""
    expected = expected_scores(PlanOptions(**changes), duration_s)
    assert (expected.auc, expected.ap) == pytest.approx(measured, abs=0.045)


def test_more_time_is_better_and_no_time_is_chance() -> None:
    curve = expected_curve(PlanOptions(), (0.1, 1, 6, 60, 600, 1e6))
    assert (curve[0].auc, curve[0].se_e_mv) == (pytest.approx(0.5), None)
    assert curve[0].ap == pytest.approx(0.1, abs=1e-4)
    assert curve[0].ap_dale == pytest.approx(0.1, abs=1e-3)
    for name in ("auc", "ap", "auc_dale", "ap_dale", "ap_e", "ap_i"):
        values = [getattr(expected, name) for expected in curve]
        assert (np.diff(values) > -1e-5).all()
        assert values[-1] == pytest.approx(1, abs=0.003)


def test_how_long_for_an_average_precision() -> None:
    options = PlanOptions()
    for dale in (False, True):
        length = duration_for_ap(options, 0.8, dale=dale)
        name = "ap_dale" if dale else "ap"
        assert getattr(expected_scores(options, length), name) >= 0.8
        assert getattr(expected_scores(options, 0.98 * length), name) < 0.8
    assert duration_for_ap(PlanOptions(epsp_mv=1e-6, ipsp_mv=1e-6), 0.8) is None


def test_one_kind_of_cells_only() -> None:
    expected = expected_scores(EQUAL, 6.0)
    assert (expected.auc_i, expected.ap_i) == (None, None)
    assert (expected.auc_e, expected.ap_e) == (expected.auc, expected.ap)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"density": 1.0}, "--density 1; expected above 0 and below 1"),
        ({"excitatory_share": -0.1}, "--excitatory-share -0.1; expected 0 to 1"),
        ({"rate_hz": 0.0}, "--rate-hz 0; expected above 0"),
        ({"noise_mv": math.nan}, "--noise-mv nan; expected above 0"),
        ({"weight_spread": -1.0}, "--weight-spread -1; expected at least 0"),
        ({"neurons": 1}, "--neurons 1; expected at least 2"),
    ],
)
def test_what_no_recording_can_be(changes, found) -> None:
    with pytest.raises(RecordingError) as error:
        expected_scores(PlanOptions(**changes), 6.0)
    assert str(error.value) == found

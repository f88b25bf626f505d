"""Widths of shapes whose width is known: triangles, Gaussians, spikes at edges."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neurofit.metrics import spike_width, spike_width_error

RATE_HZ = 10_000.0


@pytest.mark.parametrize("sign", [1, -1])
def test_triangle_between_samples(sign: int) -> None:
    steps = np.arange(200)
    rising, falling, height, baseline = 7, 22, 60.0, -70.0
    shape = np.interp(steps, [80 - rising, 80, 80 + falling], [0, height, 0])
    width = spike_width(sign * (shape + baseline), np.array([75]), baseline=sign * baseline, sign=sign, rate_hz=RATE_HZ)
    np.testing.assert_allclose(width, (rising + falling) / 2 / RATE_HZ, rtol=1e-12)


def test_gaussians_of_many_widths() -> None:
    steps, centres, deviations = np.arange(1000), [150.3, 500.0, 800.7], np.array([2.0, 5.0, 10.0])
    trace = sum(np.exp(-0.5 * ((steps - c) / s) ** 2) for c, s in zip(centres, deviations, strict=True))
    crossings = np.array([np.flatnonzero(steps > c - 1.1 * s)[0] for c, s in zip(centres, deviations, strict=True)])
    width = spike_width(np.asarray(trace, np.float32), crossings, baseline=0, sign=1, rate_hz=RATE_HZ)
    np.testing.assert_allclose(width, 2 * math.sqrt(2 * math.log(2)) * deviations / RATE_HZ, rtol=0.02)


def test_one_sample_spike() -> None:
    trace = np.zeros(100)
    trace[50] = 4
    np.testing.assert_allclose(spike_width(trace, np.array([50]), baseline=0, sign=1, rate_hz=1000), 1 / 1000)


def test_the_largest_peak_after_the_crossing_counts() -> None:
    trace = np.zeros(100)
    trace[48:56] = [2.0, 3.0, 2.9, 8.0, 10.0, 6.0, 1.0, 0.0]
    width = spike_width(trace, np.array([48]), baseline=0, sign=1, rate_hz=1000, window_s=0.02)
    left, right = 50 + (5 - 2.9) / (8 - 2.9), 53 + (6 - 5) / (6 - 1)
    np.testing.assert_allclose(width, (right - left) / 1000, rtol=1e-12)


def test_spikes_without_a_width_are_nan() -> None:
    trace = np.interp(np.arange(400), [100, 110, 120, 200, 210, 390, 399], [0, 10, 0, 0, 10, 10, 10])
    trace[115] = np.nan
    width = spike_width(trace, np.array([105, 205, 395]), baseline=0, sign=1, rate_hz=1000, window_s=0.05)
    assert np.isnan(width).all()
    below = spike_width(trace, np.array([160]), baseline=1, sign=1, rate_hz=1000, window_s=0.01)
    assert np.isnan(below).all()
    assert spike_width(trace, np.empty(0, np.intp), baseline=0, sign=1, rate_hz=1000).shape == (0,)


def test_spikes_at_the_ends_of_the_trace() -> None:
    trace = np.interp(np.arange(100), [0, 4, 10, 90, 97, 99], [0, 10, 0, 0, 10, 0])
    width = spike_width(trace, np.array([1, 94]), baseline=0, sign=1, rate_hz=1000)
    np.testing.assert_allclose(width, [5 / 1000, 4.5 / 1000], rtol=1e-12)


def test_width_error_is_the_difference_of_medians() -> None:
    true, predicted = np.array([0.001, np.nan, 0.003, 0.002]), np.array([0.005, 0.0035])
    assert spike_width_error(true, predicted) == pytest.approx(0.00425 - 0.002)
    assert spike_width_error(predicted, true) == pytest.approx(0.002 - 0.00425)
    assert math.isnan(spike_width_error(true, np.array([np.nan])))
    assert math.isnan(spike_width_error(np.empty(0), true))

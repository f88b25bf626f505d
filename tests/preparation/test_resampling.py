"""Decimation against scipy on the whole array; interpolation against numpy, never across a gap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.signal

from neurofit.preparation.resampling import anti_alias, decimated, even_stretches, interpolated, resampled_steps
from neurofit.preparation.splitting import Stretch
from neurofit_io import Clock, RecordingError, Signal
from neurofit_io.sources import array_source

VALUES = np.random.default_rng(0).standard_normal((503, 2))


@pytest.mark.parametrize("factor", [2, 3, 7])
@pytest.mark.parametrize("sizes", [[503], [1, 1, 1, 200, 300], [7] * 71 + [6]])
def test_decimation_equals_scipy_beyond_the_start(factor, sizes):
    edges = np.cumsum([0, *sizes])
    blocks = (VALUES[a:b] for a, b in itertools.pairwise(edges))
    out = np.concatenate(list(decimated(blocks, factor)))
    expected = scipy.signal.upfirdn(anti_alias(factor), VALUES, down=factor, axis=0)
    assert len(out) == -(-503 // factor)
    np.testing.assert_allclose(out[20:], expected[20 : len(out)], atol=1e-12)


def test_delay_is_ten_new_steps():
    smooth = np.sin(2 * np.pi * 0.002 * np.arange(3000))[:, None]
    out = next(decimated(iter([smooth]), 5))
    np.testing.assert_allclose(out[40:], smooth[::5][30:-10], atol=2e-3)
    zero_phase = scipy.signal.resample_poly(smooth, 1, 5, axis=0, window=anti_alias(5))
    np.testing.assert_allclose(out[40:], zero_phase[30:-10], atol=1e-12)


def test_what_would_be_folded_is_removed():
    fast = np.sin(2 * np.pi * 0.23 * np.arange(2000))[:, None]
    assert np.abs(next(decimated(iter([fast]), 4))[25:]).max() < 3e-3
    assert np.abs(fast[::4]).max() > 0.9


def test_decimation_looks_back_only_and_keeps_a_constant():
    changed = VALUES.copy()
    changed[300:] += 100
    before, after = (next(decimated(iter([v]), 3)) for v in (VALUES, changed))
    np.testing.assert_array_equal(before[:100], after[:100])
    np.testing.assert_allclose(next(decimated(iter([np.full((80, 1), -70.0)]), 4)), -70.0, rtol=1e-12)


def irregular(seed: int = 0, gap_at: int = 120) -> tuple[Signal, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    steps = random.uniform(0.08, 0.12, 299)
    steps[gap_at - 1] = 4.0
    times = np.concatenate([[2.0], 2 + np.cumsum(steps)])
    values = random.standard_normal((300, 2)).astype(np.float32)
    return Signal("x", "x", "", array_source(values), Clock(300, None, timestamps=array_source(times))), times, values


def test_irregular_samples_break_at_gaps_and_holes():
    signal, _, _ = irregular()
    assert not signal.clock.regular
    usable = (Stretch(0, 50), Stretch(53, 300))
    assert even_stretches(signal, usable, 10.0) == (Stretch(0, 50), Stretch(53, 120), Stretch(120, 300))


@pytest.mark.parametrize("rate_hz", [7.0, 10.0, 33.0])
@pytest.mark.parametrize("block_elements", [2, 26, 2**21])
def test_interpolation_is_that_of_numpy(monkeypatch, rate_hz, block_elements):
    monkeypatch.setattr("neurofit.preparation.resampling.BLOCK_ELEMENTS", block_elements)
    signal, times, values = irregular()
    stretch = Stretch(120, 300)
    out = np.concatenate(list(interpolated(signal, stretch, rate_hz)))
    wanted = np.arange(times[120], times[299] + 1e-9, 1 / rate_hz)
    assert len(out) == len(wanted) == resampled_steps(signal, stretch, rate_hz)
    for channel in range(2):
        expected = np.interp(wanted, times[120:], values[120:, channel])
        np.testing.assert_allclose(out[:, channel], expected, atol=1e-9)


def test_a_single_sample_stays():
    signal, _, values = irregular()
    np.testing.assert_array_equal(np.concatenate(list(interpolated(signal, Stretch(5, 6), 10.0))), values[5:6])


@pytest.mark.parametrize("rate_hz", [4.0, 0.0, -10.0, float("nan")])
def test_too_slow_a_rate_is_refused(rate_hz):
    signal, _, _ = irregular()
    with pytest.raises(RecordingError, match="slow it down with --decimate"):
        even_stretches(signal, (Stretch(0, 300),), rate_hz)

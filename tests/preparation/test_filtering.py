"""Filters by blocks against scipy on the whole array; lines against polyfit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.signal

from neurofit.preparation.filtering import filtered, fit_trend, referenced, sections
from neurofit.preparation.options import PrepareOptions
from neurofit_io import RecordingError

VALUES = np.random.default_rng(0).standard_normal((500, 3)).cumsum(axis=0) + np.array([-70.0, 0.0, 300.0])
RATE_HZ = 1000.0


def blocks(sizes):
    edges = np.cumsum([0, *sizes])
    assert edges[-1] == len(VALUES)
    return (VALUES[a:b] for a, b in itertools.pairwise(edges))


CUTS = [[500], [1, 7, 300, 192], [100] * 5]


@pytest.mark.parametrize("cuts", CUTS)
def test_band_pass_equals_scipy_on_the_whole(cuts):
    sos = sections(PrepareOptions(highpass_hz=5, lowpass_hz=200), RATE_HZ)
    out = np.concatenate(list(filtered(blocks(cuts), sos)))
    expected = VALUES
    for kind, hertz in (("highpass", 5), ("lowpass", 200)):
        design = scipy.signal.butter(4, hertz, kind, fs=RATE_HZ, output="sos")
        start = scipy.signal.sosfilt_zi(design)[:, :, None] * expected[0]
        expected, _ = scipy.signal.sosfilt(design, expected, axis=0, zi=start)
    np.testing.assert_allclose(out, expected, rtol=1e-9, atol=1e-9)


def test_gain_in_and_out_of_the_band():
    sos = sections(PrepareOptions(highpass_hz=20, lowpass_hz=200, notch_hz=60), RATE_HZ)
    _, response = scipy.signal.sosfreqz(sos, worN=[1.0, 20.0, 60.0, 110.0, 200.0, 480.0], fs=RATE_HZ)
    gain = np.abs(response)
    assert gain[[0, 2, 5]].max() < 1e-3
    assert abs(gain[3] - 1) < 0.02
    np.testing.assert_allclose(gain[[1, 4]], np.sqrt(0.5), atol=0.02)


def test_filters_look_back_only():
    sos = sections(PrepareOptions(lowpass_hz=50), RATE_HZ)
    changed = VALUES.copy()
    changed[300:] += 100
    before, after = (next(filtered(iter([v]), sos)) for v in (VALUES, changed))
    np.testing.assert_array_equal(before[:300], after[:300])
    assert np.abs(after[320:] - before[320:]).min() > 1


def test_a_constant_passes_without_ringing():
    resting = np.full((50, 2), -70.0)
    low = next(filtered(iter([resting]), sections(PrepareOptions(lowpass_hz=50), RATE_HZ)))
    high = next(filtered(iter([resting]), sections(PrepareOptions(highpass_hz=50), RATE_HZ)))
    np.testing.assert_allclose(low, -70.0, rtol=1e-10)
    np.testing.assert_allclose(high, 0.0, atol=1e-9)


def test_no_filter_asked_for():
    assert sections(PrepareOptions(), RATE_HZ) is None


@pytest.mark.parametrize(
    "options",
    [
        PrepareOptions(lowpass_hz=500), PrepareOptions(highpass_hz=0), PrepareOptions(notch_hz=-50),
        PrepareOptions(highpass_hz=200, lowpass_hz=20), PrepareOptions(notch_hz=float("nan")),
    ],
)  # fmt: skip
def test_impossible_frequencies_are_said(options):
    with pytest.raises(RecordingError, match="expected"):
        sections(options, RATE_HZ)


@pytest.mark.parametrize(("reference", "centre"), [("mean", np.mean), ("median", np.median)])
def test_reference_is_taken_over_channels(reference, centre):
    out = np.concatenate(list(referenced(blocks(CUTS[1]), reference)))
    for step in (0, 7, 8, 499):
        np.testing.assert_allclose(out[step], VALUES[step] - centre(VALUES[step]), rtol=1e-12)


@pytest.mark.parametrize("cuts", CUTS)
def test_line_is_that_of_polyfit_on_the_first_steps(cuts):
    steps = np.arange(500)
    slope, level = np.polyfit(steps[:350], VALUES[:350], 1)
    trend = fit_trend(blocks(cuts), 350, linear=True)
    removed = np.concatenate(list(trend.removed(blocks(cuts), 0)))
    np.testing.assert_allclose(removed, VALUES - level - steps[:, None] * slope, atol=1e-9)


def test_constant_trend_is_the_mean_of_the_first_steps():
    trend = fit_trend(blocks(CUTS[1]), 350, linear=False)
    removed = np.concatenate(list(trend.removed(iter([VALUES[100:]]), 100)))
    np.testing.assert_allclose(removed, VALUES[100:] - VALUES[:350].mean(axis=0), atol=1e-10)

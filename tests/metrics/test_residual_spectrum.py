"""Residual spectra against closed forms: a sine's line, white noise's level, Parseval's identity."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.metrics import residual_spectrum


def test_white_residuals_of_a_sine() -> None:
    rng = np.random.default_rng(0)
    seconds = np.arange(50_000)[:, None] / 1000
    sine = 2 * np.sin(2 * np.pi * 125 * seconds + np.array([[0.0, 1.0]]))
    noise = rng.normal(0, 0.5, sine.shape)
    spectrum = residual_spectrum(sine + noise, sine, np.zeros_like(sine), rate_hz=1000)
    assert spectrum.frequency_hz[-1] == 500
    assert spectrum.frequency_hz[np.argmax(spectrum.truth)] == 125
    np.testing.assert_allclose(spectrum.residual[2:-2], 2 * 0.25 / 1000, rtol=0.5)
    assert spectrum.residual[2:-2].mean() == pytest.approx(2 * 0.25 / 1000, rel=0.02)
    np.testing.assert_array_equal(spectrum.baseline_residual, spectrum.truth)
    width = spectrum.frequency_hz[1]
    assert spectrum.truth.sum() * width == pytest.approx(2 + 0.25, rel=0.02)


def test_short_stretch_is_one_window() -> None:
    values = np.random.default_rng(1).normal(size=(100, 2)).astype(np.float32)
    spectrum = residual_spectrum(values, values / 2, values, rate_hz=100)
    assert spectrum.frequency_hz.shape == (51,)
    np.testing.assert_allclose(spectrum.residual, spectrum.truth / 4, rtol=1e-5)
    assert not spectrum.baseline_residual.any()

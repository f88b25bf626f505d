"""Scores against scikit-learn, spectra against the periodogram by numpy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error as sklearn_mse
from sklearn.metrics import r2_score

from neurofit.metrics import ErrorSums, mean_squared_error, r2, residual_spectrum


def test_mse_and_r2_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(500, 5))
    truth -= truth.mean(axis=0)
    prediction = truth + rng.normal(0, 0.3, truth.shape)
    model, mean = ErrorSums(), ErrorSums()
    model.add(truth, prediction)
    mean.add(truth, np.zeros_like(truth))
    assert mean_squared_error(model).pooled == pytest.approx(sklearn_mse(truth, prediction), rel=1e-12)
    assert r2(model, mean).median == pytest.approx(np.median(r2_score(truth, prediction, multioutput="raw_values")))
    assert r2(model, mean).pooled == pytest.approx(r2_score(truth.ravel(), prediction.ravel()), abs=1e-12)


def test_one_window_is_the_tapered_periodogram() -> None:
    values = np.random.default_rng(1).normal(size=(64, 1))
    spectrum = residual_spectrum(values, 0 * values, 0 * values, rate_hz=8)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)
    density = np.abs(np.fft.rfft((values[:, 0] - values.mean()) * taper)) ** 2 / (8 * (taper**2).sum())
    density[1:-1] *= 2
    np.testing.assert_allclose(spectrum.truth, density, rtol=1e-10, atol=1e-15)

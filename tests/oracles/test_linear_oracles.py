"""Autoregressions against numpy's lstsq and scikit-learn's Ridge on the explicit lag-stacked design."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from neurofit.linear import channel_moments, population_moments, solve_ar, solve_var

MAX_ORDER, CHANNELS = 8, 4


def segments(seed: int = 0) -> list[NDArray[np.float64]]:
    """Three coloured segments of unequal length, one of them shorter than the highest order."""
    rng = np.random.default_rng(seed)
    noise = [rng.normal(size=(length, CHANNELS)) for length in (400, 6, 150)]
    return [x + 0.8 * np.roll(x, 1, axis=0) - 0.3 * np.roll(x, 2, axis=0) @ np.ones((4, 4)) / 4 + 0.5 for x in noise]


def slabs() -> list[tuple[NDArray[np.float64], bool]]:
    return [(s[i : i + 37], i == 0) for s in segments() for i in range(0, len(s), 37)]


def lag_design(order: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Targets (rows, channel) and regressors (rows, lag, channel) of the rows that the highest order can predict."""
    long = [s for s in segments() if len(s) > MAX_ORDER]
    targets = np.concatenate([s[MAX_ORDER:] for s in long])
    lags = [np.concatenate([s[MAX_ORDER - k : len(s) - k] for s in long]) for k in range(1, order + 1)]
    return targets, np.stack(lags, axis=1)


@pytest.mark.parametrize("order", range(1, MAX_ORDER + 1))
def test_every_order_is_least_squares(order: int) -> None:
    fitted = solve_ar(channel_moments(slabs(), order=MAX_ORDER), order=order)
    targets, past = lag_design(order)
    for channel in range(CHANNELS):
        design = np.column_stack([past[:, :, channel], np.ones(len(past))])
        expected = np.linalg.lstsq(design, targets[:, channel], rcond=None)[0]
        np.testing.assert_allclose(fitted.coefficients[channel], expected[:-1], atol=1e-8)
        assert fitted.intercept[channel] == pytest.approx(expected[-1], abs=1e-8)


@pytest.mark.parametrize("order", [1, 2, 3, 8])
def test_vector_autoregression_is_ridge_regression(order: int) -> None:
    penalties = (1e-6, 1e-2, 1.0)
    targets, past = lag_design(order)
    design = past.reshape(len(past), -1)
    mean_diagonal = np.square(design - design.mean(axis=0)).sum(axis=0).mean()
    for model in solve_var(population_moments(slabs(), order=MAX_ORDER), order=order, penalties=penalties):
        ridge = Ridge(alpha=model.penalty * mean_diagonal, solver="svd").fit(design, targets)
        np.testing.assert_allclose(
            model.coefficients, ridge.coef_.reshape(CHANNELS, order, -1).swapaxes(0, 1), atol=1e-8
        )
        np.testing.assert_allclose(model.intercept, ridge.intercept_, atol=1e-8)
        window = segments()[0]
        rows = np.stack([window[order - k : len(window) - k] for k in range(1, order + 1)], axis=1)
        np.testing.assert_allclose(model.predict(window), ridge.predict(rows.reshape(len(rows), -1)), atol=1e-7)


def test_unpenalised_vector_autoregression_is_least_squares() -> None:
    (model,) = solve_var(population_moments(slabs(), order=MAX_ORDER), order=3, penalties=[0.0])
    targets, past = lag_design(3)
    design = np.column_stack([past.reshape(len(past), -1), np.ones(len(past))])
    expected = np.linalg.lstsq(design, targets, rcond=None)[0]
    np.testing.assert_allclose(model.coefficients.transpose(0, 2, 1).reshape(12, 4), expected[:-1], atol=1e-8)
    np.testing.assert_allclose(model.intercept, expected[-1], atol=1e-8)

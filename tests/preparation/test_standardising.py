"""Model space and back, and errors in units of the training standard deviation from any model space."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.preparation import Standardiser
from neurofit.preparation.moments import moments_over
from neurofit.preparation.splitting import Stretch
from neurofit.preparation.standardising import floored, standardise
from neurofit_io import signal_from_array

VALUES = np.random.default_rng(1).normal([-70, 3, 0.1], [5, 0.7, 1.1], size=(300, 3)).astype(np.float32)
TRAIN = VALUES[:200].astype(np.float64)


def made(zscore: str) -> Standardiser:
    signal = signal_from_array(VALUES, name="x", rate_hz=1)
    train, everything = (moments_over(signal, (Stretch(0, stop),)) for stop in (200, 300))
    return standardise(train, everything, zscore)


@pytest.mark.parametrize(
    ("zscore", "mean", "std"),
    [
        ("train", TRAIN.mean(axis=0), TRAIN.std(axis=0)),
        ("all", VALUES.astype(float).mean(axis=0), VALUES.astype(float).std(axis=0)),
        ("all-global", VALUES.astype(float).mean(), VALUES.astype(float).std()),
        ("none", 0.0, 1.0),
    ],
)
def test_modes(zscore, mean, std):
    standardiser = made(zscore)
    np.testing.assert_allclose(standardiser.apply(VALUES), (VALUES - mean) / std, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(standardiser.undo(standardiser.apply(VALUES)), VALUES, rtol=1e-6, atol=1e-6)
    in_score_units = (standardiser.apply(VALUES) - standardiser.score_mean) * standardiser.score_scale
    np.testing.assert_allclose(in_score_units, (VALUES - TRAIN.mean(axis=0)) / TRAIN.std(axis=0), atol=1e-4)


def test_training_mode_is_its_own_score_unit():
    np.testing.assert_array_equal(made("train").score_scale, 1.0)
    np.testing.assert_array_equal(made("train").score_mean, 0.0)


def test_floor_is_a_twentieth_of_the_median():
    np.testing.assert_array_equal(floored(np.array([1.0, 2.0, 0.001, 3.0, 2.0])), [1.0, 2.0, 0.1, 3.0, 2.0])


def test_state_restores_every_bit():
    standardiser = made("all")
    restored = Standardiser.from_state(standardiser.state())
    np.testing.assert_array_equal(restored.apply(VALUES), standardiser.apply(VALUES))
    np.testing.assert_array_equal(restored.score_scale, standardiser.score_scale)


def test_any_leading_axes_and_any_block(monkeypatch):
    standardiser = made("train")
    whole = standardiser.apply(VALUES)
    monkeypatch.setattr("neurofit.preparation.standardising.BLOCK_ELEMENTS", 3 * 7)
    np.testing.assert_array_equal(standardiser.apply(VALUES.reshape(20, 15, 3)), whole.reshape(20, 15, 3))
    np.testing.assert_array_equal(standardiser.undo(whole[4]), standardiser.undo(whole)[4])

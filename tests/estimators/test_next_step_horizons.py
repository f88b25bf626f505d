"""Forecasts several steps ahead, against literal numpy and against one-step predictions."""

from __future__ import annotations

import numpy as np
import pytest
import var2
from numpy.testing import assert_allclose

from neurofit import NextStep
from neurofit.estimators import horizons
from neurofit_io import RecordingError


@pytest.fixture(scope="module")
def untrained() -> NextStep:
    """A residual network without training, which is persistence."""
    return NextStep(cell="gru", signal="vm", **{**var2.FAST, "epochs": 0}).fit(var2.recording(), show=False)


def test_an_untrained_residual_network_is_persistence_at_every_horizon(untrained):
    found = untrained.horizons(16)
    assert found.scores["network"].h == (1, 2, 4, 8, 16)
    for ours, persistence in zip(found.scores["orbit"].r2, found.scores["persistence"].r2, strict=True):
        assert_allclose(ours.pooled, persistence.pooled, rtol=0, atol=1e-5)
    # What is read out of the state beside it is chosen on validation, and may well be better.
    assert found.scores["network"].r2[-1].pooled >= found.scores["orbit"].r2[-1].pooled
    assert all(abs(score.pooled) < 1e-6 for score in found.scores["persistence"].skill)
    assert all(score.pooled == 0 for score in found.scores["mean"].r2)
    assert all(score.starts == horizons.STARTS for score in found.scores.values())


def test_persistence_is_what_numpy_says(untrained, monkeypatch):
    """All starts of the test span, in units of the training standard deviation."""
    monkeypatch.setattr(horizons, "STARTS", 10**6)
    series = untrained.series()
    (piece,) = series.scored("test")
    z = series.in_score_units(series.read(0, series.n_steps)).astype(np.float64)
    last = z[piece.start - 1 : piece.stop - 6]
    scores = untrained.horizons(6).scores["persistence"]
    assert scores.h == (1, 2, 4, 6)
    assert scores.starts == len(last)
    for h, score in zip(scores.h, scores.r2, strict=True):
        truth = z[piece.start - 1 + h : piece.stop - 6 + h]
        assert_allclose(score.pooled, 1 - np.square(truth - last).sum() / np.square(truth).sum(), rtol=1e-5)


def test_one_step_ahead_is_the_one_step_prediction(untrained, monkeypatch):
    monkeypatch.setattr(horizons, "STARTS", 10**6)
    ahead, one_step = untrained.horizons(1).scores, untrained.scores["test"]
    for name in ("ar", "var", "persistence", "mean"):
        assert_allclose(ahead[name].mse[0].pooled, one_step[f"mse_{name}"]["pooled"], rtol=1e-5)


def test_forecasts_do_not_depend_on_how_starts_are_batched(untrained, monkeypatch):
    whole = untrained.horizons(8).as_json()
    monkeypatch.setattr(horizons, "_BATCH_ENTRIES", 1)
    for name, curves in untrained.horizons(8).as_json().items():
        if name != "dt_ms":
            assert_allclose([s["pooled"] for s in curves["mse"]], [s["pooled"] for s in whole[name]["mse"]], rtol=1e-5)


@pytest.mark.parametrize(("steps", "message"), [(0, "--horizon 0; expected 1 or more"), (5000, "longest stretch has")])
def test_impossible_horizons_are_refused(untrained, steps, message):
    with pytest.raises(RecordingError, match=message):
        untrained.horizons(steps)

"""Horizon curves against closed forms of autoregressions and errors put in by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.signal import lfilter

from neurofit.metrics import horizon_scores, predictability_horizon

H = (1, 2, 4, 8)


def test_errors_put_in_by_hand() -> None:
    truth = np.zeros((40, 2, 2)) + np.array([2.0, 4.0])
    prediction = truth + np.array([[1.0, 1.0], [2.0, 0.0]])
    last = np.zeros((40, 2)) + np.array([2.0, 2.0])
    scores = horizon_scores(truth, prediction, last, h=(1, 3))
    assert [score.pooled for score in scores.mse] == [1, 2]
    assert [score.pooled for score in scores.skill] == [1 - 1 / 2, 1 - 2 / 2]
    assert [score.pooled for score in scores.r2] == pytest.approx([1 - 1 / 10, 1 - 2 / 10])
    assert scores.r2[1].median == pytest.approx((0 + 1) / 2)
    assert scores.starts == 40


def test_first_order_autoregression() -> None:
    phi, rng = 0.8, np.random.default_rng(0)
    x = lfilter([np.sqrt(1 - phi**2)], [1, -phi], rng.normal(size=(200_000, 3)), axis=0)[1000:]
    starts = np.arange(0, len(x) - 9, 60)
    truth = np.stack([x[starts + steps] for steps in H], axis=1)
    prediction = np.stack([phi**steps * x[starts] for steps in H], axis=1)
    scores = horizon_scores(truth, prediction, x[starts], h=H)
    for steps, skill, r2 in zip(H, scores.skill, scores.r2, strict=True):
        assert r2.pooled == pytest.approx(phi ** (2 * steps), abs=0.03)
        assert skill.pooled == pytest.approx(1 - (1 - phi ** (2 * steps)) / (2 - 2 * phi**steps), abs=0.03)
        assert r2.ci95 is not None
        assert r2.ci95[0] < phi ** (2 * steps) < r2.ci95[1]
    assert scores.predictability_horizon == 4


def test_the_references_score_zero() -> None:
    rng = np.random.default_rng(1)
    truth, last = rng.normal(size=(100, 2, 3)).astype(np.float32), rng.normal(size=(100, 3)).astype(np.float32)
    copied = horizon_scores(truth, np.repeat(last[:, None], 2, axis=1), last, h=(1, 2))
    assert [score.pooled for score in copied.skill] == [0, 0]
    mean = horizon_scores(truth, np.zeros_like(truth), last, h=(1, 2))
    assert [score.pooled for score in mean.r2] == [0, 0]
    assert mean.predictability_horizon == 0


@pytest.mark.parametrize(
    ("r2", "horizon"),
    [
        ([0.9, 0.5, 0.06, 0.05], 4),
        ([0.9, 0.0, 0.2, -1.0], 4),
        ([0.05, 0.0, -1.0, math.nan], 0),
        ([math.nan, 0.3, math.nan, math.nan], 2),
    ],
)
def test_predictability_horizon(r2: list[float], horizon: int) -> None:
    assert predictability_horizon(H, r2) == horizon


def test_threshold_of_the_predictability_horizon() -> None:
    assert predictability_horizon(H, [0.9, 0.5, 0.3, 0.2], threshold=0.4) == 2


def test_forecasts_that_diverge_are_reported() -> None:
    truth, last = np.random.default_rng(2).normal(size=(50, 2, 2)), np.zeros((50, 2))
    prediction = truth.copy()
    prediction[:3, 1, 0], prediction[3, 1] = np.inf, np.nan
    scores = horizon_scores(truth, prediction, last, h=(1, 2))
    assert scores.r2[0].pooled == 1
    assert math.isnan(scores.r2[1].pooled)
    assert scores.mse[1].note == "4 of 50 forecasts are not finite"
    row = json.loads(json.dumps(scores.as_json(), allow_nan=False))
    assert row["r2"][1] == {"pooled": None, "median": None, "ci95": None, "note": scores.mse[1].note}
    assert (row["h"], row["predictability_horizon"], row["starts"]) == ([1, 2], 1, 50)


def test_shapes_and_horizons_that_do_not_fit_are_refused() -> None:
    truth, last = np.zeros((5, 2, 3)), np.zeros((5, 3))
    for arguments in ((truth, truth[:4], last), (truth, truth, last[:, :1]), (truth[:, :1], truth[:, :1], last)):
        with pytest.raises(ValueError, match="one h for every horizon"):
            horizon_scores(*arguments, h=(1, 2))
    for wrong in ((2, 1), (0, 1), (1, 1)):
        with pytest.raises(ValueError, match="rise from at least 1"):
            horizon_scores(truth, truth, last, h=wrong)

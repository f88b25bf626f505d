"""Scores against values worked out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from neurofit.metrics import ErrorSums, Score, channel_skill, loss_eq2, mean_squared_error, r2, skill


def sums_of(errors: NDArray[np.float64]) -> ErrorSums:
    """Sums of a predictor that errs by these amounts, (time, channel)."""
    sums = ErrorSums()
    sums.add(errors, np.zeros_like(errors))
    return sums


def constant(*errors: float, steps: int = 100) -> ErrorSums:
    """Sums of a predictor with one constant error a channel."""
    return sums_of(np.tile(errors, (steps, 1)))


def test_mean_squared_error() -> None:
    score = mean_squared_error(constant(1, 2, 6))
    assert (score.pooled, score.median) == (pytest.approx(41 / 3), 4)
    assert score.ci95 == pytest.approx((41 / 3, 41 / 3))
    assert score.note is None


def test_skill_is_the_ratio_of_pooled_errors_and_the_median_that_of_channels() -> None:
    score = skill(constant(1, 1, 1), constant(1, 2, 10))
    assert score.pooled == pytest.approx(1 - 3 / 105)
    assert score.median == pytest.approx(0.75)
    assert score.ci95 == pytest.approx((1 - 3 / 105, 1 - 3 / 105))


def test_skill_is_against_the_best_reference_for_every_channel() -> None:
    model, weak, strong = constant(1, 1), constant(1, 10), constant(3, 2)
    assert skill(model, weak, strong) == skill(model, strong)
    assert skill(model, weak, strong).median == pytest.approx((8 / 9 + 3 / 4) / 2)


def test_r2_of_a_known_signal_to_noise_ratio() -> None:
    rng = np.random.default_rng(0)
    signal, noise = rng.normal(0, 2, (20_000, 3)), rng.normal(0, 1, (20_000, 3))
    score = r2(sums_of(noise), sums_of(signal + noise))
    assert score.pooled == pytest.approx(0.8, abs=0.01)
    assert score.ci95 is not None
    assert score.ci95[0] < score.pooled < score.ci95[1]
    assert score.ci95[1] - score.ci95[0] < 0.02


def test_loss_of_equation_2_sums_over_channels() -> None:
    assert loss_eq2(sums_of(np.array([[1.0, 2.0], [3.0, 0.0]]))) == (5 + 9) / 2


def test_channels_in_which_the_reference_is_perfect_are_left_out_of_the_median() -> None:
    model, reference = constant(1, 1, 1), constant(0, 2, 2)
    np.testing.assert_array_equal(channel_skill(model, reference), [np.nan, 0.75, 0.75])
    score = skill(model, reference)
    assert (score.median, score.pooled) == (0.75, 1 - 3 / 8)


def test_perfect_reference_leaves_the_score_undefined() -> None:
    score = skill(constant(1), constant(0))
    assert math.isnan(score.pooled)
    assert score.as_json() == {"pooled": None, "median": None, "ci95": None, "note": "the reference makes no error"}


def test_scores_of_different_time_are_not_compared() -> None:
    with pytest.raises(ValueError, match="100 steps x 1 channels, reference on 99 x 1"):
        skill(constant(1), constant(1, steps=99))
    with pytest.raises(ValueError, match="at least one"):
        skill(constant(1))


def test_json() -> None:
    assert json.dumps(Score(0.5, 0.25, (0.1, 0.9)).as_json()) == '{"pooled": 0.5, "median": 0.25, "ci95": [0.1, 0.9]}'
    short = mean_squared_error(constant(1, steps=10)).as_json()
    assert (short["pooled"], short["ci95"]) == (1.0, None)
    assert short["note"].startswith("10 steps hold 3 blocks of 3 steps")

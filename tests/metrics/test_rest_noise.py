"""Noise at rest against literal loops and errors put in by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neurofit.metrics import rest_mask, rest_noise


def test_mask_is_that_of_a_literal_loop() -> None:
    rng = np.random.default_rng(0)
    spikes = [np.sort(rng.choice(300, n, replace=False)) for n in (0, 1, 12)] + [np.array([0, 299])]
    mask = rest_mask(spikes, steps=300, guard_steps=7)
    for channel, train in enumerate(spikes):
        for step in range(300):
            assert mask[step, channel] == all(abs(step - spike) > 7 for spike in train)


def test_spikes_outside_the_stretch_count_as_far_as_they_reach() -> None:
    wide = rest_mask([np.array([3, 20, 81, 99])], steps=100, guard_steps=7)
    cut = rest_mask([np.array([3, 20, 81, 99]) - 25], steps=55, guard_steps=7)
    np.testing.assert_array_equal(cut, wide[25:80])
    assert cut.sum() == 55 - 3 - 6


def test_only_resting_errors_count() -> None:
    truth = np.zeros((6000, 2))
    spikes = [np.array([100, 5000]), np.empty(0, np.intp)]
    prediction, persistence = np.tile([0.5, 2.0], (6000, 1)), truth + 1.0
    prediction[70:131, 0] = persistence[4970:5031, 0] = 1e3
    score = rest_noise(truth, prediction, persistence, spikes, rate_hz=1e4)
    counts = np.array([6000 - 122, 6000])
    assert score.median == (0.5 + 2) / 2
    assert score.pooled == pytest.approx(math.sqrt((0.25 * counts[0] + 4 * counts[1]) / counts.sum()))
    prediction[131, 0] = 1e3
    assert rest_noise(truth, prediction, persistence, spikes, rate_hz=1e4).pooled > 2 * score.pooled


def test_ratio_of_known_noises_with_its_interval() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(9000, 4)).astype(np.float32)
    prediction = truth + 0.3 * rng.normal(size=truth.shape).astype(np.float32)
    persistence = truth + 0.6 * rng.normal(size=truth.shape).astype(np.float32)
    spikes = [np.array([500, 5000])] * 4
    score = rest_noise(truth, prediction, persistence, spikes, rate_hz=1e4)
    assert score.pooled == pytest.approx(0.5, rel=0.02)
    assert score.ci95 is not None
    assert score.ci95[0] < 0.5 < score.ci95[1]
    assert rest_noise(truth, persistence, persistence, spikes, rate_hz=1e4).pooled == 1


def test_channels_that_cannot_be_scored_are_left_out() -> None:
    truth = np.zeros((200, 3))
    persistence = np.tile([1.0, 1.0, 0.0], (200, 1))
    spikes = [np.empty(0, np.intp), np.arange(0, 200, 3), np.empty(0, np.intp)]
    score = rest_noise(truth, truth + 0.25, persistence, spikes, rate_hz=1000)
    assert score.median == 0.25
    never = rest_noise(truth[:, 1:2], truth[:, 1:2] + 1, persistence[:, 1:2], spikes[1:2], rate_hz=1000)
    assert math.isnan(never.pooled)
    assert never.note == "persistence makes no error at rest"


def test_a_prediction_that_diverged_is_reported() -> None:
    truth = np.zeros((200, 2))
    prediction = truth.copy()
    prediction[150:, 1], prediction[10, 0] = np.nan, np.inf
    spikes = [np.array([10]), np.empty(0, np.intp)]
    score = rest_noise(truth, prediction, truth + 1, spikes, rate_hz=1000)
    assert (score.note, score.as_json()["pooled"]) == ("50 predicted steps are not finite", None)


def test_other_shapes_are_refused() -> None:
    truth, spikes = np.zeros((20, 2)), [np.empty(0, np.intp)] * 2
    for arguments in ((truth, truth[:1], truth, spikes), (truth, truth, truth[:, :1], spikes), (*[truth] * 3, [])):
        with pytest.raises(ValueError, match="must be the same"):
            rest_noise(*arguments, rate_hz=1000)

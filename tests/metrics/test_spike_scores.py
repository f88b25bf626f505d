"""All spike scores together, on trains of Gaussian spikes placed by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from neurofit.metrics import SpikeThresholds, spike_scores

THRESHOLDS = SpikeThresholds(np.zeros(2), np.full(2, 5.0), 1)
PLACES = np.arange(500, 9000, 1000)
GAUSSIAN = 2 * math.sqrt(2 * math.log(2))


def spiking(places: list[NDArray[np.intp]], *, deviation: float) -> NDArray[np.float64]:
    """(10,000 steps, 2 channels) of spikes 10 high."""
    steps = np.arange(10_000)[:, None]
    channels = [np.exp(-0.5 * ((steps - at) / deviation) ** 2).sum(axis=1) for at in places]
    return 10 * np.stack(channels, axis=1)


def test_spikes_that_last_longer_and_come_late() -> None:
    truth = spiking([PLACES, PLACES[:4] + 200], deviation=4)
    prediction = spiking([PLACES + 7, PLACES[:4] + 207], deviation=6)
    scores = spike_scores(truth, prediction, THRESHOLDS, rate_hz=1e4)
    lag = 7 - math.floor(6 * GAUSSIAN / 2) + math.floor(4 * GAUSSIAN / 2)
    assert [found.f1 for found in scores.matches.values()] == [1.0, 1.0]
    expected = [math.sqrt(2 - 2 * math.exp(-lag / 10_000 / tau)) for tau in (0.001, 0.005, 0.02)]
    assert list(scores.van_rossum.values()) == pytest.approx(expected, rel=1e-3)
    np.testing.assert_allclose(scores.true_width_s, 4 * GAUSSIAN / 1e4, rtol=0.02)
    np.testing.assert_allclose(scores.width_error_s, 2 * GAUSSIAN / 1e4, rtol=0.02)


def test_tolerances_and_json() -> None:
    truth = spiking([PLACES, np.empty(0, np.intp)], deviation=4)
    prediction = spiking([PLACES[:6] + 8, np.empty(0, np.intp)], deviation=4)
    row = spike_scores(truth, prediction, THRESHOLDS, rate_hz=1e4).as_json()
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert (row["true_spikes"], row["predicted_spikes"]) == (9, 6)
    assert row["f1"][0] == {"tolerance_ms": 0.5, "pooled": 0.0, "median": 0.0, "precision": 0.0, "recall": 0.0}
    assert row["f1"][1] == {"tolerance_ms": 1, "pooled": 0.8, "median": 0.8, "precision": 1, "recall": 6 / 9}
    assert [entry["tau_ms"] for entry in row["van_rossum"]] == [1, 5, 20]
    assert row["width_error_ms"] == pytest.approx(0, abs=1e-9)


def test_no_predicted_spikes_is_about_one_and_no_true_ones_undefined() -> None:
    truth = spiking([PLACES, PLACES + 300], deviation=4)
    silent = spike_scores(truth, np.zeros_like(truth), THRESHOLDS, rate_hz=1e4)
    assert list(silent.van_rossum.values()) == pytest.approx([1, 1, 1], abs=0.01)
    assert silent.as_json()["width_error_ms"] is None
    invented = spike_scores(np.zeros_like(truth), truth, THRESHOLDS, rate_hz=1e4).as_json()
    assert invented["van_rossum"][0]["pooled"] is None
    assert (invented["f1"][0]["pooled"], invented["f1"][0]["recall"]) == (0, None)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="must be the same"):
        spike_scores(np.zeros((9, 2)), np.zeros((8, 2)), THRESHOLDS, rate_hz=1e4)

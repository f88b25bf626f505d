"""All spike scores together, on trains of Gaussian spikes placed by hand."""

from __future__ import annotations

import itertools
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
    shares = {"pooled": 0.0, "median": 0.0, "precision": 0.0, "recall": 0.0}
    assert row["f1"][0].pop("chance") < 0.2
    assert row["f1"][1].pop("chance") < 0.2
    assert row["f1"][0] == {"tolerance_ms": 0.5, **shares, "ci95": None, "note": "no spike is matched"}
    low, high = row["f1"][1].pop("ci95")
    assert row["f1"][1] == {"tolerance_ms": 1, "pooled": 0.8, "median": 0.8, "precision": 1, "recall": 6 / 9}
    assert 0.4 < low < 0.8 < high <= 1
    assert [entry["tau_ms"] for entry in row["van_rossum"]] == [1, 5, 20]
    assert row["width_error_ms"] == pytest.approx(0, abs=1e-9)


def test_stretches_have_nothing_to_do_with_each_other() -> None:
    """Spikes on both sides of a border neither match nor last, and the parts add up to the whole."""
    truth = spiking([PLACES, PLACES + 300], deviation=4)
    prediction = spiking([PLACES + 7, PLACES[:3] + 300], deviation=5)
    truth[4000:4004, 0] = prediction[3996:4000, 0] = 9
    starts, options = (0, 4000, 7700), {"rate_hz": 1e4, "tolerances_s": (0.001,), "taus_s": (0.005,)}
    whole = spike_scores(truth, prediction, THRESHOLDS, starts=starts, **options)
    parts = [
        spike_scores(truth[i:j], prediction[i:j], THRESHOLDS, **options)
        for i, j in itertools.pairwise([*starts, 10_000])
    ]
    for name in ("matched", "true", "predicted"):
        np.testing.assert_array_equal(
            getattr(whole.matches[0.001], name), sum(getattr(part.matches[0.001], name) for part in parts)
        )
    spikes = [part.matches[0.001].true.sum() for part in parts]
    squares = sum(n * part.van_rossum[0.005] ** 2 for n, part in zip(spikes, parts, strict=True))
    assert whole.van_rossum[0.005] == pytest.approx(math.sqrt(squares / sum(spikes)))
    joined = spike_scores(truth, prediction, THRESHOLDS, **options)
    assert joined.matches[0.001].matched[0] == whole.matches[0.001].matched[0] + 1


def test_the_interval_of_f1_holds_its_value_in_most_recordings() -> None:
    """True F1 is 0.5: half of the true spikes are predicted, and as many spikes are invented."""
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(40):
        truth, prediction = np.zeros((2, 20_000, 2))
        places = np.flatnonzero(rng.random(19_000) < 0.01)[::2]
        hits = rng.random(places.size)
        truth[places[hits < 2 / 3], 0] = prediction[places[hits > 1 / 3], 0] = 9
        scores = spike_scores(truth, prediction, THRESHOLDS, rate_hz=1e4, tolerances_s=(0.0,), taus_s=(), seed=seed)
        interval = scores.f1_intervals[0.0].ci95
        assert interval is not None
        held += interval[0] < 0.5 < interval[1]
    assert 34 <= held <= 40


def test_chance_is_what_spikes_at_random_times_score() -> None:
    """A prediction with a spike every 20 steps hits 11 of 20 true spikes within 5 steps, whatever it knows."""
    truth, prediction = np.zeros((2, 20_000, 2))
    truth[np.arange(50, 19_900, 60) + np.random.default_rng(3).integers(0, 40, 331)] = 9
    prediction[10::20] = 9
    scores = spike_scores(truth, prediction, THRESHOLDS, rate_hz=1e4, tolerances_s=(0.0005,), taus_s=(), refractory_s=0)
    found = scores.matches[0.0005]
    expected = 2 * 11 / 20 * found.true[0] / (found.true[0] + found.predicted[0])
    assert scores.f1_chance[0.0005] == pytest.approx(expected, rel=0.05)
    assert scores.matches[0.0005].f1 == pytest.approx(expected, rel=0.15)
    perfect = spike_scores(truth, truth, THRESHOLDS, rate_hz=1e4, tolerances_s=(0.0005,), taus_s=())
    assert perfect.f1_chance[0.0005] < 0.25
    assert perfect.matches[0.0005].f1 == 1


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

"""Spike and rest scores of predictors whose scores are known: copies, oracles and networks that have learnt nothing."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import median_abs_deviation

from neurofit.estimators import spikes
from neurofit.estimators.spike_report import SpikeReport
from neurofit.estimators.spike_scene import SpikeScene, spike_scene
from neurofit.estimators.spikes import measure_spikes
from neurofit.linear import AutoRegression, LinearPredictor, Persistence, TrainingMean
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries, PrepareOptions, prepare
from neurofit_io import Provenance, Recording, RecordingError, RecordingWarning, signal_from_array

STEPS, PERIOD, TRAIN = 6000, 200, 4200 - 420 - 200
SHAPE = np.array([3.0, 14.0, 30.0, 20.0, 10.0, 4.0])


@dataclass(frozen=True)
class Repeats:
    """Whoever knows the period knows everything."""

    order: int = PERIOD

    def predict(self, window: NDArray[Any]) -> NDArray[Any]:
        return window[: len(window) - self.order]


def spiking(steps: int = STEPS, period: int = PERIOD, sign: int = 1) -> NDArray[np.float32]:
    """Noise that repeats, (steps, 3): the first channel spikes in the middle of a period, the second twice."""
    cycle = np.random.default_rng(0).normal(size=(period, 3))
    for at, channel in ((100, 0), (50, 1), (150, 1)):
        cycle[at : at + len(SHAPE), channel] += SHAPE
    return (-65 + sign * np.tile(cycle, (-(-steps // period), 1))[:steps]).astype(np.float32)


def prepared(values: NDArray[Any] | None = None, *, name: str = "vm", rate_hz: float = 1e4, **options: Any):
    values = spiking() if values is None else values
    signals = {name: signal_from_array(values, name=name, rate_hz=rate_hz, unit="mV" if name == "vm" else "uV")}
    if "inputs" in options:
        signals["current"] = signal_from_array(values[:, :1] + 1, name="current", rate_hz=rate_hz)
    return prepare(Recording(Provenance(Path("memory"), "memory"), signals), PrepareOptions(signal=name, **options))


def scene_of(series: PreparedSeries, most: int = 10**6) -> SpikeScene:
    return spike_scene(series, "test", ahead=15, most=most, longest_step_ms=1)


def persistent_network(channels: int = 3, **options: Any) -> NextStepNetwork:
    """A residual network that has learnt nothing is persistence."""
    torch.manual_seed(0)
    return NextStepNetwork(cell="gru", n_channels=channels, hidden=4, output="residual", **options)


def measured(series: PreparedSeries | None = None, **more: LinearPredictor) -> SpikeReport:
    predictors = {"persistence": Persistence(), "mean": TrainingMean(), "ar": Repeats(), **more}
    return measure_spikes(persistent_network(), predictors, series or prepared(), span="test", seed=0)


@pytest.fixture(scope="module")
def report() -> SpikeReport:
    return measured()


def test_persistence_has_every_spike_late(report):
    """1.5 ms late with h = 15 at 0.1 ms, 1 ms late with h = 10: beyond either tolerance."""
    row = report.as_json()["predictors"]["persistence"]
    assert [(found["tolerance_ms"], found["h"], found["pooled"]) for found in row["f1"]] == [(0.5, 10, 0), (1.0, 15, 0)]
    assert row["van_rossum"][0]["pooled"] == pytest.approx(math.sqrt(2 - 2 * math.exp(-1.5)), rel=0.01)
    assert [found["median"] for found in row["width_error"]] == pytest.approx([0, 0], abs=1e-6)
    assert row["rest_noise"]["pooled"] == 1


def test_a_network_that_has_learnt_nothing_scores_as_persistence(report):
    rows = report.as_json()["predictors"]
    assert rows["network"]["f1"] == rows["persistence"]["f1"]
    assert rows["network"]["van_rossum"] == rows["persistence"]["van_rossum"]
    assert rows["network"]["rest_noise"]["pooled"] == pytest.approx(1, abs=1e-5)


def test_who_knows_everything_scores_all(report):
    row = report.as_json()["predictors"]["ar"]
    for found in row["f1"]:
        assert (found["pooled"], found["precision"], found["recall"]) == (1, 1, 1)
        assert found["chance"] < 0.5
    assert [found["pooled"] for found in row["van_rossum"]] == [0, 0, 0]
    assert [found["median"] for found in row["width_error"]] == [0, 0]
    assert row["rest_noise"]["pooled"] == 0


def test_the_mean_is_silent_and_restless(report):
    row = report.as_json()["predictors"]["mean"]
    assert [found["predicted_spikes"] for found in row["f1"]] == [0, 0]
    assert [(found["pooled"], found["precision"]) for found in row["f1"]] == [(0, None)] * 2
    assert row["van_rossum"][0]["pooled"] == pytest.approx(1, abs=0.02)
    assert [found["median"] for found in row["width_error"]] == [None, None]
    # Noise of variance 1: rmse 1 around the mean, sqrt(2) from a sample to the next.
    assert row["rest_noise"]["median"] == pytest.approx(math.sqrt(0.5), rel=0.1)


def test_true_spikes_are_those_put_in_and_thresholds_those_of_training(report):
    assert report.steps == STEPS - 4200 - 200 - 14
    np.testing.assert_array_equal(report.true_spikes, [8, 16, 0])
    values = spiking()
    series = prepared(values)
    values[4200:] *= 3
    scene = scene_of(prepared(values))
    train = spiking()[:TRAIN].astype(np.float64)
    level = np.median(train, axis=0) + 5 * median_abs_deviation(train, axis=0, scale="normal")
    expected = (level - series.standardiser.train_mean) / series.standardiser.train_std
    np.testing.assert_allclose(scene.thresholds.level, expected, rtol=1e-5)


def test_rest_noise_is_that_of_a_literal_loop():
    """Spikes before the first scored step count, and errors within 3 ms of a spike do not."""
    series, model = prepared(), AutoRegression(np.full((3, 2), 0.3), np.full(3, 0.1))
    found = measured(series, ar=model).scores["ar"].rest_noise
    z = series.in_score_units(series.read(0, STEPS)).astype(np.float64)
    level = scene_of(series).thresholds.level
    own = reference = 0.0
    for channel in range(3):
        crossings = [t for t in range(1, STEPS) if z[t - 1, channel] < level[channel] <= z[t, channel]]
        for t in range(4200 + 200 + 14, STEPS):
            if all(abs(t - spike) > 30 for spike in crossings):
                own += (z[t, channel] - 0.1 - 0.3 * z[t - 1, channel] - 0.3 * z[t - 2, channel]) ** 2
                reference += (z[t, channel] - z[t - 1, channel]) ** 2
    assert found.pooled == pytest.approx(math.sqrt(own / reference), rel=1e-5)


@pytest.mark.parametrize("name", ["extracellular", "lfp"])
def test_extracellular_spikes_point_downwards(name):
    down, up = (measured(prepared(spiking(sign=sign), name=name)) for sign in (-1, 1))
    assert down.true_spikes.sum() == 24
    assert up.true_spikes.sum() == 0
    assert "below" in down.threshold


def test_stretches_are_shared_out_and_do_not_touch(monkeypatch):
    values = spiking(12_000)
    values[[9000, 10_100]] = np.nan
    with pytest.warns(RecordingWarning, match="2 of 12000 steps"):
        series = prepared(values)
    lengths = [piece.stop - piece.start - 14 for piece in series.scored("test")]
    whole = measured(series)
    assert (whole.steps, whole.bounded, len(lengths)) == (sum(lengths), False, 3)
    assert scene_of(series).starts == (0, lengths[0], lengths[0] + lengths[1])
    row = whole.as_json()["predictors"]["persistence"]["f1"]
    assert [found["pooled"] for found in row] == [0, 0]
    monkeypatch.setattr(spikes, "MOST_ENTRIES", 3 * 900)
    part = measured(series)
    assert (part.steps, part.bounded) == (900, True)
    assert scene_of(series, 900).starts == (0, 300, 600)
    assert lengths[0] == min(lengths)
    assert scene_of(series, 3 * lengths[0] + 60).starts == (0, lengths[0], 2 * lengths[0] + 30)
    assert 0 < part.true_spikes.sum() < whole.true_spikes.sum()
    assert "the first of each stretch" in part.table("gru")


def test_measured_inputs_reach_the_network():
    series = prepared(inputs="current")
    network = persistent_network(n_inputs=1)
    torch.nn.init.normal_(network.head.weight)
    found = measure_spikes(network, {"persistence": Persistence()}, series, span="test", seed=0)
    network.recurrent.recurrence.weight_ih_l0.data[:, 3] = 0
    blind = measure_spikes(network, {"persistence": Persistence()}, series, span="test", seed=0)
    assert found.scores["network"].rest_noise.pooled != blind.scores["network"].rest_noise.pooled


def test_json_and_table(report):
    row = report.as_json()
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert (row["true_spikes"], row["spiking_channels"], row["note"]) == (24, 2, None)
    lines = report.table("gru").splitlines()
    header = "spikes within 0.5 ms, h = 10 F1 95 % interval chance precision recall predicted"
    assert " ".join(lines[0].split()) == header
    assert [line.split()[0] for line in lines[1:5]] == ["gru", "persistence", "mean", "ar"]
    assert lines[4].split()[1] == "1"
    assert any("24 true spikes in 2 of 3 channels" in line for line in lines)


def test_silence_is_said():
    silent = measured(prepared(np.random.default_rng(1).uniform(size=(STEPS, 3)).astype(np.float32)))
    row = silent.as_json()
    assert row["note"].startswith(f"no true spike in the {silent.steps} scored steps")
    assert row["predictors"]["persistence"]["f1"][0]["pooled"] is None
    assert row["predictors"]["persistence"]["rest_noise"]["pooled"] == 1
    assert "n/a: no spike is matched" in silent.table("gru")
    assert silent.examples == ()
    silent.figure("gru")


def test_a_tolerance_below_a_step_is_not_scored():
    found = measured(prepared(rate_hz=1500, gap_ms=200 / 1.5)).as_json()["predictors"]["ar"]["f1"]
    assert found[0]["pooled"] is None
    assert found[0]["note"] == "a tolerance of 0.5 ms is shorter than a step of 0.666667 ms"
    assert (found[1]["h"], found[1]["pooled"]) == (7, 1)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ({"name": "calcium"}, "kind calcium; expected a voltage: vm, extracellular, lfp"),
        ({"rate_hz": 500}, "steps of 2 ms; expected steps of at most 1 ms"),
        ({"values": spiking(800), "train_fraction": 0.74}, "longest stretch has 8 steps; expected at least 15"),
    ],
)
def test_what_cannot_be_scored_is_refused(series, message):
    with pytest.raises(RecordingError, match=message):
        measured(prepared(**series))

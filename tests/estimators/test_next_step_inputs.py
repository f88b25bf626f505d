"""Fits with measured inputs and of spike counts, from the recording to the scores."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import var2

from neurofit.estimators import NextStep
from neurofit.estimators.tables import table_text, verdict
from neurofit_io import Recording, RecordingError, signal_from_array, spikes_from_lists

STEPS = 3000


def driven(seed: int = 0, *, steps: int = STEPS, rate_hz: float = 1000.0, input_steps: int | None = None) -> Recording:
    """Two channels that a square input drives through a rectifier, x_{t+1} = 0.8 x_t + max(u_t, 0) + noise."""
    rng = np.random.default_rng(seed)
    u = np.repeat(rng.standard_normal(steps // 10), 10)
    x = np.zeros((steps, 2))
    for t in range(steps - 1):
        x[t + 1] = 0.8 * x[t] + max(u[t], 0) + 0.02 * rng.standard_normal(2)
    recording = var2.recording(x.astype(np.float32))
    rows = u[:input_steps, None].astype(np.float32)
    current = signal_from_array(rows, name="current", rate_hz=rate_hz, unit="pA", start_s=2.0)
    return dataclasses.replace(recording, signals={**recording.signals, "current": current})


def fit(recording: Recording, **options: object) -> NextStep:
    given = {**var2.FAST, "signal": "vm", "inputs": "current", "output": "ar", "epochs": 12, "lr": 0.01, "hidden": 16}
    return NextStep(**{**given, **options}).fit(recording, show=False)


def test_a_network_with_inputs_beats_the_linear_answer_with_inputs():
    model = fit(driven())
    test = model.scores["test"]
    assert test["mse_arx"]["pooled"] < 0.5 * test["mse_ar"]["pooled"]
    assert test["network"]["mse"]["pooled"] < 0.8 * test["mse_arx"]["pooled"]
    best = min(test[f"mse_{name}"]["pooled"] for name in ("ar", "var", "arx"))
    assert test["network"]["skill_ar"]["pooled"] == pytest.approx(1 - test["network"]["mse"]["pooled"] / best)
    assert "arx" in table_text(test, "gru")
    assert "arx" in verdict(test, model.fitted.validation_loss, "gru", "test")
    assert model.network().n_inputs == model.network().skip.n_inputs == 1


@pytest.mark.parametrize("state", ["carried", "zero"])
def test_without_training_it_is_the_linear_answer_with_inputs(state):
    test = fit(driven(), epochs=0, state=state).scores["test"]
    assert test["network"]["mse"]["pooled"] == pytest.approx(test["mse_arx"]["pooled"], rel=1e-5)


@pytest.mark.parametrize("output", ["residual", "absolute"])
def test_every_output_takes_inputs(output):
    with_inputs, without = (fit(driven(), output=output, epochs=20, **more) for more in ({}, {"inputs": ()}))
    mse = [model.scores["test"]["network"]["mse"]["pooled"] for model in (with_inputs, without)]
    assert mse[0] < 0.8 * mse[1]


def test_another_recording_brings_its_own_inputs():
    model, other = fit(driven()), driven(seed=1)
    prediction = model.predict(other)
    assert prediction.evaluation.pooled_loss()["network"] < 0.5 * prediction.evaluation.pooled_loss()["ar"]
    bare = var2.recording(other.signals["vm"].read(0, STEPS))
    with pytest.raises(RecordingError, match="no signal 'current'"):
        model.predict(bare)


@pytest.mark.parametrize(
    ("changes", "found"),
    [({"rate_hz": 500.0}, "3000 steps at 500 Hz"), ({"input_steps": 2999}, "2999 steps at 1000 Hz")],
)
def test_inputs_of_another_rate_or_length_are_refused(changes, found):
    with pytest.raises(RecordingError, match=f"input current has {found}; expected 3000 steps at 1000 Hz") as error:
        fit(driven(**changes))
    assert "\n" not in str(error.value)


def spiking(seed: int = 0, *, seconds: float = 60.0) -> Recording:
    """Five units whose common rate a slow wave modulates."""
    rng = np.random.default_rng(seed)
    times = np.arange(0, seconds, 1e-3)
    rate_hz = 20 * np.exp(1.2 * np.sin(2 * np.pi * times / 1.3))
    trains = [times[rng.random(len(times)) < rate_hz * 1e-3] for _ in range(5)]
    return Recording(var2.recording().provenance, {}, {"spikes": spikes_from_lists(trains, stop_s=seconds)})


def test_counts_are_predicted_by_their_likelihood():
    options = {
        **var2.FAST,
        "output": "poisson",
        "signal": "spikes",
        "bin_ms": 20.0,
        "epochs": 15,
        "hidden": 32,
        "lr": 0.01,
    }
    model = NextStep(**options).fit(spiking(), show=False)
    test = model.scores["test"]
    bits = test["network"]["bits_per_spike"]["pooled"]
    assert test["bits_per_spike_mean"]["pooled"] == 0
    assert bits > test["bits_per_spike_persistence"]["pooled"]
    assert bits > max(0.25, 0.95 * test["bits_per_spike_ar"]["pooled"])
    assert "bits per spike" in table_text(test, "gru")
    assert f"{bits:.4g} bits per spike over the mean rate" in verdict(test, model.fitted.validation_loss, "gru", "test")
    rows = model.run.metrics()
    assert model.fitted.validation_loss["network"] == pytest.approx(min(row["validation"] for row in rows), rel=1e-6)
    values = model.predict().values
    assert (values > 0).all()
    assert values.mean() == pytest.approx(model.predict().truth.mean(), rel=0.2)


def test_an_untrained_poisson_network_is_the_training_mean():
    options = {**var2.FAST, "output": "poisson", "signal": "spikes", "bin_ms": 20.0, "epochs": 0}
    test = NextStep(**options).fit(spiking(), show=False).scores["test"]
    assert test["network"]["bits_per_spike"]["pooled"] == pytest.approx(0, abs=1e-5)
    assert test["network"]["mse"]["pooled"] == pytest.approx(test["mse_mean"]["pooled"], rel=1e-5)


def test_a_voltage_has_no_counts():
    with pytest.raises(RecordingError, match="--output poisson on vm, which is vm; expected counts of spikes"):
        var2.fit(output="poisson")


def test_runs_with_inputs_forecast_and_generate():
    model = fit(driven())
    scores = model.horizons(8).scores
    assert {"network", "orbit", "arx"} <= set(scores)
    assert scores["network"].r2[-1].pooled >= scores["ar"].r2[-1].pooled
    made = model.generate(100, runs=3)
    assert made.values.shape == (3, 100, 2)
    assert made.scores["network"].stable
    with pytest.raises(RecordingError, match="inputs measured for 880 steps"):
        model.generate(10**5)

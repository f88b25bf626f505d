"""Closed loops of fitted networks: forecasts, generated runs, what they are scored by and what they leave behind."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
import var2
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import load_file, save_file
from scipy.signal import lfilter

from neurofit import NextStep
from neurofit.estimators import closed_loop as closed_loops
from neurofit.estimators.closed_loop import ClosedLoop, fit_closed_loop
from neurofit.estimators.free_run import DrivenStep, PoissonStep, begin, channel_autoregression, stretches
from neurofit.estimators.generated import Generated
from neurofit.estimators.generation import generate
from neurofit.estimators.generation_report import report_generation
from neurofit.estimators.horizons import measure_horizons
from neurofit.models import CountScale, NextStepNetwork
from neurofit.models.rollout import FreeRun, forecast, linear_forecast
from neurofit_io import RecordingError, load, signal_from_array


@pytest.fixture(scope="module")
def on_ar() -> NextStep:
    """A network on the vector autoregression that made the recording, fitted for two epochs."""
    return var2.fit(output="ar")


@pytest.fixture(scope="module")
def loop(on_ar: NextStep) -> ClosedLoop:
    found = fit_closed_loop(on_ar.network(), on_ar.fitted.baselines.ar, on_ar.series(), seed=0)
    assert found is not None
    return found


def generated(model: NextStep, loop: ClosedLoop | None, **options) -> Generated:
    chosen = {"span": "test", "steps": 300, "runs": 4, "seed": 0, **options}
    return generate(model.network(), loop, model.fitted.baselines.ar, model.series(), **chosen)


def test_noise_is_fitted_to_the_validation_residuals_of_the_predictor_at_its_gain(on_ar, loop):
    (piece,) = on_ar.series().scored("validation")
    network = on_ar.predict(start=piece.start, steps=piece.stop - piece.start).network
    ar = on_ar.predict(start=piece.start, steps=piece.stop - piece.start, predictor="ar").values
    truth = on_ar.series().read_physical(piece.start, piece.stop)
    missed = (truth - loop.gain * network - (1 - loop.gain) * ar) / on_ar.series().standardiser.train_std
    assert loop.noise is not None
    assert_allclose(loop.noise.scale, missed.std(axis=0), rtol=1e-3)
    assert_allclose(loop.linear_noise.scale, ((truth - ar) / var2.SCALE).std(axis=0) * var2.SCALE
                    / on_ar.series().standardiser.train_std, rtol=1e-3)  # fmt: skip
    assert_allclose(loop.noise.rows, missed - missed.mean(axis=0), atol=1e-3)


def test_a_driven_step_lies_between_the_autoregression_and_the_network(on_ar):
    series, ar = on_ar.series(), on_ar.fitted.baselines.ar
    values = np.stack([series.read(500, 540), series.read(900, 940)])
    for gain in (0.0, 0.25, 1.0):
        inputs = np.empty((2, 40, 0), np.float32)
        step = DrivenStep(ar, gain, None, values, inputs, series)
        samples = begin(on_ar.network(), values, inputs, step).next(5).numpy()
        past = values
        for h in range(5):
            linear = linear_forecast(ar, past, steps=1)[:, 0]
            own = forecast(on_ar.network(), torch.from_numpy(past), steps=1)[:, 0].numpy()
            assert_allclose(samples[:, h], gain * own + (1 - gain) * linear, rtol=1e-4, atol=1e-4)
            past = np.concatenate([past, samples[:, h : h + 1]], axis=1)


@pytest.mark.parametrize("chosen", ["loop", "wild"])
def test_the_gain_keeps_a_network_that_bursts_on_its_own_calm(on_ar, loop, chosen):
    assert loop.gain == 1.0
    if chosen == "wild":
        network = on_ar.network()
        with torch.no_grad():
            network.head.bias.fill_(20.0)
        wild = fit_closed_loop(network, on_ar.fitted.baselines.ar, on_ar.series(), seed=0)
        assert wild is not None
        assert wild.gain < 1.0


def test_forecasts_are_no_worse_than_the_autoregression_or_the_mean_where_they_were_chosen(on_ar, loop):
    series, baselines = on_ar.series(), on_ar.fitted.baselines
    options = {"span": "validation", "steps": 32, "seed": 0}
    network = on_ar.network()
    found = measure_horizons(network, baselines.predictors(), series, direct=loop.direct, **options).scores
    for own, ar in zip(found["network"].r2, found["ar"].r2, strict=True):
        assert own.pooled >= max(0, ar.pooled) - 0.02
    orbit = measure_horizons(network, baselines.predictors(), series, **options).scores["network"]
    assert [score.pooled for score in orbit.r2] == [score.pooled for score in found["orbit"].r2]
    assert_allclose(found["network"].r2[0].pooled, orbit.r2[0].pooled, rtol=1e-6)


def test_a_network_whose_orbit_explodes_still_forecasts(on_ar):
    network = on_ar.network()
    with torch.no_grad():
        network.residual_scale.mul_(1e3)
    series, baselines = on_ar.series(), on_ar.fitted.baselines
    wild = fit_closed_loop(network, baselines.ar, series, seed=0)
    assert wild is not None
    predictors = baselines.predictors()
    found = measure_horizons(network, predictors, series, span="test", steps=16, seed=0, direct=wild.direct).scores
    for own, orbit, ar in zip(found["network"].r2[1:], found["orbit"].r2[1:], found["ar"].r2[1:], strict=True):
        assert own.pooled >= max(0, ar.pooled) - 0.1
        assert not orbit.pooled > own.pooled


def test_closed_loops_come_back_from_a_file(loop, tmp_path, on_ar):
    save_file({name: np.ascontiguousarray(array) for name, array in loop.state().items()}, tmp_path / "loop")
    back = ClosedLoop.from_state(load_file(tmp_path / "loop"))
    for mode in ("sample", "forecast"):
        assert_array_equal(generated(on_ar, back, mode=mode).values, generated(on_ar, loop, mode=mode).values)


@pytest.mark.parametrize("innovations", ["resampled", "gaussian"])
def test_samples_have_the_amplitude_spectrum_and_correlations_of_the_recording(on_ar, loop, innovations):
    made = generated(on_ar, loop, innovations=innovations, steps=1000)
    scores = made.scores["network"]
    assert scores.stable
    assert 0.8 < scores.std_ratio < 1.25
    assert scores.lsd_db < made.scores["truth"].lsd_db + 1.5
    assert scores.correlation_rmse < 0.15
    assert made.values.shape == (4, 1000, var2.CHANNELS)
    assert (made.diverged_at == -1).all()


def test_seeds_decide_samples_and_orbits_are_forecasts_of_the_network(on_ar, loop):
    one, again, other = (generated(on_ar, loop, seed=seed).values for seed in (0, 0, 1))
    assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    orbit, series = generated(on_ar, loop, mode="orbit", runs=2), on_ar.series()
    first = round((orbit.start_s[0] - 2.0) * var2.RATE_HZ)
    past = torch.from_numpy(series.read(first - series.warmup_steps, first)[None].copy())
    expected = series.standardiser.undo(forecast(on_ar.network(), past, steps=300).numpy())
    assert_allclose(orbit.values[:1], expected, rtol=1e-4, atol=1e-3)
    assert (orbit.innovations, orbit.gain) == ("none", 1.0)


def test_forecasts_start_with_the_one_step_prediction_and_end_at_the_mean(on_ar, loop):
    made, series = generated(on_ar, loop, mode="forecast", runs=3, steps=400), on_ar.series()
    for start_s, run in zip(made.start_s, made.values, strict=True):
        first = round((start_s - 2.0) * var2.RATE_HZ)
        assert_allclose(run[0], on_ar.predict(start=first, steps=1).network[0], rtol=1e-3, atol=1e-3)
    mean, std = series.standardiser.train_mean, series.standardiser.train_std
    assert np.abs((made.values[:, -1] - mean) / std).max() < 0.2


def test_a_run_that_diverges_is_reported_with_its_step(on_ar, loop):
    model = var2.fit(output="ar", epochs=0)
    network = model.network()
    with torch.no_grad():
        network.skip.corrections.mul_(-30.0)
    made = generate(
        network, loop, model.fitted.baselines.ar, model.series(), span="test", steps=300, mode="orbit", runs=2, seed=0
    )
    assert not made.scores["network"].stable
    assert ((made.diverged_at >= 0) & (made.diverged_at < 100)).all()
    assert "2 of 2 runs diverged, the first at step" in made.table("gru")
    assert not np.isfinite(made.values).all()
    json.dumps(made.as_json(), allow_nan=False)


def test_runs_are_a_recording_with_a_sweep_each(on_ar, loop, tmp_path):
    made = generated(on_ar, loop, runs=2)
    file = report_generation(made, "gru", tmp_path)
    signal = load(file).signals["vm_generated"]
    assert_array_equal(signal.read(0, 600), made.values.reshape(600, -1))
    assert [segment.start for segment in signal.clock.segments] == [0, 300]
    assert_allclose([segment.start_s for segment in signal.clock.segments], made.start_s)
    written = json.loads((tmp_path / "generated.json").read_text())
    assert written["runs"] == 2
    assert set(written) >= {"network", "ar", "truth", "gain", "innovations", "diverged_at"}
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert drawn == {f"generated_{what}.png" for what in ("traces", "spectra", "intervals")}


def test_truth_is_cut_into_stretches_that_do_not_overlap(on_ar):
    series = on_ar.series()
    (piece,) = series.scored("test")
    cut = stretches(series, "test", 100)
    assert cut.shape == ((piece.stop - piece.start) // 100, 100, var2.CHANNELS)
    z = series.in_score_units(series.read(piece.start, piece.stop)).astype(np.float32)
    assert_array_equal(cut.reshape(-1, var2.CHANNELS), z[: cut.shape[0] * 100])
    assert stretches(series, "test", 600).shape[:2] == (1, piece.stop - piece.start)
    assert len(stretches(series, "test", 100, entries=300 * var2.CHANNELS)) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 1}, "--generate 1 with 4 runs; expected 2 or more steps"),
        ({"runs": 0}, "with 0 runs"),
        ({"loop": None}, "in mode sample from a run without innovations.*fit again"),
        ({"loop": None, "mode": "forecast"}, "in mode forecast from a run without innovations"),
    ],
)
def test_what_cannot_be_generated_is_refused(on_ar, loop, options, message):
    with pytest.raises(RecordingError, match=message):
        generated(on_ar, **{"loop": loop, **options})


def test_without_a_validation_span_nothing_is_fitted():
    model = var2.fit(epochs=0, validation_fraction=0.0, keep="last", patience=None)
    assert fit_closed_loop(model.network(), model.fitted.baselines.ar, model.series(), seed=0) is None
    assert generated(model, None, mode="orbit", steps=20).values.shape == (4, 20, var2.CHANNELS)


def test_gains_are_tried_from_the_network_down(on_ar, monkeypatch):
    """With a bound on the ratios that nothing meets, the autoregression is left."""
    monkeypatch.setattr(closed_loops, "MOST_RATIO", 1.0)
    found = fit_closed_loop(on_ar.network(), on_ar.fitted.baselines.ar, on_ar.series(), seed=0)
    assert found is not None
    assert found.gain == 0.0
    assert found.noise is not None
    assert_array_equal(found.noise.rows, found.linear_noise.rows)


def test_measured_inputs_drive_forecasts_and_samples():
    """A current that a channel follows: what knows it forecasts far ahead, what does not only knows the mean."""
    rng = np.random.default_rng(0)
    u = np.repeat(rng.standard_normal(300), 10)
    x = lfilter([0, 1.0], [1, -0.8], np.stack([u, -u], axis=1), axis=0) + 0.1 * rng.standard_normal((3000, 2))
    current = signal_from_array(u[:, None].astype(np.float32), name="current", rate_hz=1000.0, unit="pA", start_s=2.0)
    plain = var2.recording(x.astype(np.float32))
    recording = dataclasses.replace(plain, signals={**plain.signals, "current": current})
    options = {"signal": "vm", "inputs": "current", "output": "ar"}
    model = NextStep(**{**var2.FAST, **options}).fit(recording, show=False)
    network, series, predictors = model.network(), model.series(), model.fitted.baselines.predictors()
    arx = channel_autoregression(predictors)
    assert arx is predictors["arx"]
    loop = fit_closed_loop(network, arx, series, seed=0)
    assert loop is not None
    found = measure_horizons(network, predictors, series, span="test", steps=32, seed=0, direct=loop.direct).scores
    last = {name: scores.r2[-1].pooled for name, scores in found.items()}
    assert last["network"] > last["arx"] - 0.02 > 0.9
    assert last["ar"] < 0.2
    common = {"span": "test", "steps": 500, "runs": 2, "seed": 0}
    for gain in (0.0, 0.5, 1.0):
        made = generate(network, dataclasses.replace(loop, gain=gain), arx, series, **common)
        first = round((made.start_s[0] - 2.0) * 1000)
        truth = series.read_physical(first, first + 500)
        assert np.corrcoef(made.values[0].ravel(), truth.ravel())[0, 1] > 0.9
        assert set(made.scores) == {"network", "arx", "truth"}
    with pytest.raises(RecordingError, match="--generate 5000 with inputs measured for"):
        generate(network, loop, arx, series, **{**common, "steps": 5000})


def test_counts_are_poisson_with_the_expected_rate():
    rates = torch.tensor([0.2, 1.0, 7.0])
    network = NextStepNetwork(
        cell="gru", n_channels=3, hidden=2, output="poisson", counts=CountScale(rates, rates.sqrt(), rates)
    )
    run = FreeRun(network, torch.zeros(50, 2, 3), follow=PoissonStep(network, seed=0))
    counts = run.next(200).numpy() * np.sqrt(rates.numpy()) + rates.numpy()
    assert_allclose(counts, np.round(counts), atol=1e-4)
    assert_allclose(counts.mean(axis=(0, 1)), rates, rtol=0.05)
    assert_allclose(counts.var(axis=(0, 1)), rates, rtol=0.06)
    step = PoissonStep(network, seed=0)
    beyond = step(np.zeros((1, 3)), np.array([[np.inf, np.nan, 1.0]]))
    assert np.isnan(beyond[0, :2]).all()
    assert np.isfinite(beyond[0, 2])

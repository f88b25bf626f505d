"""A fit with the ar output: it starts as the better autoregression, and its gate never lets a channel fall below it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
import var2
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from neurofit.estimators import NextStep
from neurofit.estimators.ar_output import better_autoregression, in_model_space, innovation_size, set_gate
from neurofit.estimators.baselines import fit_series_baselines
from neurofit.estimators.evaluation import evaluate, predicted_slabs
from neurofit.estimators.next_step_program import NextStepProgram
from neurofit.linear import AutoRegression, Baselines, VectorAutoRegression
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries, PrepareOptions, prepare
from neurofit_io import Clock, Provenance, Recording, Segment, Signal
from neurofit_io.sources import array_source

Linear = AutoRegression | VectorAutoRegression
SWEEPS = (Segment(0, 700, 2.0), Segment(700, 3000, 5.0))


def prepared(**options: object) -> PreparedSeries:
    return prepare(var2.recording(), PrepareOptions(**options))  # type: ignore[arg-type]


def fitted_on(series: PreparedSeries, kind: str) -> Linear:
    baselines = fit_series_baselines(series)
    assert baselines.var is not None
    return baselines.ar if kind == "ar" else baselines.var


def network(series: PreparedSeries, linear: Linear, *, trained: bool = False) -> NextStepNetwork:
    torch.manual_seed(0)
    scale = torch.from_numpy(innovation_size(linear, series))
    net = NextStepNetwork(
        cell="gru", n_channels=6, hidden=8, output="ar", residual_scale=scale, skip=in_model_space(linear, series)
    )
    if trained:
        torch.nn.init.normal_(net.head.weight, std=0.2)
    return net


def predictions(
    net: NextStepNetwork, linear: Linear, series: PreparedSeries
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Truth, network and autoregression over the validation span, (steps, channels)."""
    (piece,) = series.scored("validation")
    slabs = list(predicted_slabs(net, {"linear": linear}, series, piece))
    of = [(slab.truth, slab.predictions["network"], slab.predictions["linear"]) for slab in slabs]
    truth, by_network, by_linear = (np.concatenate(parts) for parts in zip(*of, strict=True))
    return truth, by_network, by_linear


def channel_mse(truth: NDArray[np.float64], prediction: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.square(truth - prediction).mean(axis=0)


@pytest.mark.parametrize("kind", ["ar", "var"])
@pytest.mark.filterwarnings("ignore:leak")
@pytest.mark.parametrize("zscore", ["train", "all", "none"])
def test_before_training_it_is_the_autoregression(kind, zscore):
    series = prepared(zscore=zscore)
    linear = fitted_on(series, kind)
    _, by_network, by_linear = predictions(network(series, linear), linear, series)
    assert_allclose(by_network, by_linear, rtol=0, atol=1e-6 if zscore != "none" else 1e-5)


def test_zero_epochs_are_the_better_autoregression():
    model = var2.fit(output="ar", epochs=0)
    assert better_autoregression(model.fitted.baselines) is not None
    scores = model.scores["test"]
    assert scores["network"]["mse"]["pooled"] == pytest.approx(scores["mse_var"]["pooled"], rel=1e-6)
    assert scores["mse_var"]["pooled"] < 0.99 * scores["mse_ar"]["pooled"]
    assert scores["network"]["skill_ar"]["pooled"] == pytest.approx(0, abs=1e-6)


def test_the_better_autoregression_is_chosen_on_validation():
    baselines = fit_series_baselines(prepared())
    assert better_autoregression(baselines) is baselines.var
    worse = dataclasses.replace(baselines, validation_mse={**baselines.validation_mse, "var": 1.0})
    assert better_autoregression(worse) is baselines.ar
    alone = Baselines(baselines.ar, None, "none", {"ar": 1.0})
    assert better_autoregression(alone) is baselines.ar


def test_the_scale_is_the_size_of_the_training_innovations():
    series = prepared(zscore="none")
    linear = fitted_on(series, "ar")
    (span,) = series.spans["train"]
    window = series.in_score_units(series.read(*span).astype(np.float64))
    missed = (window[linear.order :] - linear.predict(window)) * var2.var2()[: span.stop].std(axis=0)
    assert_allclose(innovation_size(linear, series), missed.std(axis=0), rtol=1e-4)


@pytest.mark.filterwarnings("ignore:1 of 6 channels vary less")
def test_a_channel_that_rests_in_training_has_no_tiny_scale():
    values = var2.var2()
    values[:, 2] = 3.0 + 1e-5 * (np.arange(len(values)) % 2)
    series = prepare(var2.recording(values), PrepareOptions(zscore="none"))
    linear = fitted_on(series, "ar")
    sizes = innovation_size(linear, series)
    assert sizes[2] == pytest.approx(0.05 * np.median(sizes), rel=1e-6)


@pytest.mark.parametrize("carried", [True, False])
def test_chunks_look_back_on_the_truth_before_them(carried):
    values = var2.var2()
    clock = Clock(len(values), var2.RATE_HZ, sweeps=SWEEPS)
    signal = Signal("vm", "vm", "mV", array_source(values), clock)
    series = prepare(Recording(Provenance(Path("memory"), "memory"), {"vm": signal}), PrepareOptions())
    linear = fitted_on(series, "var")
    program = NextStepProgram(
        network(series, linear), series, chunk=50, batch=7, carried=carried, patience=None, seed=0, linear=linear
    )
    begins = {stretch.start for stretch in series.spans["train"]}
    seen = set()
    for batch, _ in zip(program.batches(0), range(program.updates_per_epoch), strict=False):
        state = program._start(batch)
        for column, start in enumerate(batch.starts.tolist()):
            past, seen = state[-1][:, column], seen | {start}
            if start in begins:
                assert past.isnan().all()
            else:
                assert_array_equal(past.numpy(), series.read(start - linear.order, start))
        program.step(batch)
    assert begins < seen


def test_the_training_loss_is_of_open_channels():
    series = prepared()
    linear = fitted_on(series, "ar")
    losses = []
    for gate in (0.0, 1.0):
        net = network(series, linear, trained=True)
        net.gate.fill_(gate)
        program = NextStepProgram(net, series, chunk=50, batch=4, carried=True, patience=None, seed=0, linear=linear)
        losses.append(program.step(next(program.batches(0)))["train"].item())
        assert net.head.weight.grad is not None
        assert net.head.weight.grad.abs().max() > 0
    assert losses[0] == losses[1]


def test_the_gate_is_the_bounded_least_squares_of_each_channel():
    series = prepared()
    linear = fitted_on(series, "ar")
    net = network(series, linear, trained=True)
    with torch.no_grad():
        net.head.weight[3] = 0
    truth, by_network, by_linear = predictions(net, linear, series)
    found = set_gate(net, linear, series, "validation")
    for channel in range(6):
        d, r = by_network[:, channel] - by_linear[:, channel], truth[:, channel] - by_linear[:, channel]
        expected = lsq_linear(d[:, None], r, bounds=(0, 1)).x[0]
        if channel != 3:
            assert net.gate[channel].item() == pytest.approx(expected, abs=1e-5)
    assert found == pytest.approx(channel_mse(*predictions(net, linear, series)[:2]).mean(), rel=1e-6)


@pytest.mark.parametrize("options", [{"lr": 0.1, "keep": "last"}, {"lr": 0.01, "state": "zero", "zscore": "none"}])
def test_no_channel_is_worse_on_validation_than_its_autoregression(options):
    model = var2.fit(output="ar", **options)
    net, linear, series = model.network(), better_autoregression(model.fitted.baselines), model.series()
    truth, by_network, by_linear = predictions(net, linear, series)
    assert (channel_mse(truth, by_network) <= channel_mse(truth, by_linear) * (1 + 1e-6)).all()
    chosen = net.gate.clone()
    assert (chosen < 1).any()
    net.gate.fill_(1.0)
    assert (channel_mse(truth, predictions(net, linear, series)[1]) > channel_mse(truth, by_linear)).any()
    mse = model.fitted.validation_loss
    assert mse["network"] <= min(mse.values()) * (1 + 1e-6)


def test_it_finds_what_is_not_linear():
    model = var2.fit(rectified(), output="ar", epochs=30, hidden=16, lr=0.01)
    assert model.scores["test"]["network"]["skill_ar"]["pooled"] > 0.1
    assert model.fitted.predictor == "network"


def rectified(steps: int = var2.STEPS) -> NDArray[np.float32]:
    """Autoregressions, all but the first driven by the size of the first one's last innovation."""
    noise = np.random.default_rng(0).standard_normal((steps, var2.CHANNELS))
    x = np.zeros((steps, var2.CHANNELS))
    for t in range(1, steps):
        x[t] = 0.5 * x[t - 1] + noise[t]
        x[t, 1:] += 2 * np.abs(noise[t - 1, 0])
    return x.astype(np.float32)


def test_without_a_validation_span_all_channels_stay_open():
    model = var2.fit(output="ar", validation_fraction=0.0, keep="last", patience=None)
    assert_array_equal(model.network().gate.cpu().numpy(), 1.0)


def test_a_loaded_run_and_its_snapshots_predict_as_the_fitted_one(tmp_path):
    model = var2.fit(output="ar", out=tmp_path / "run", snapshot_epochs=(1, 2), lr=0.02)
    loaded = NextStep.load(tmp_path / "run")
    series = model.series()
    for epoch, row in ((1, 0), (2, 1)):
        of_epoch = evaluate(loaded.network(epoch), loaded.fitted.baselines, series, "validation")
        expected = model.run.metrics()[row]["validation"]
        assert of_epoch.pooled_loss()["network"] == pytest.approx(expected, rel=1e-6)
    scored = loaded.score(var2.recording(), span="test")
    assert scored["network"] == model.scores["test"]["network"]
    values = loaded.predict(var2.recording(), span="test", predictor="network").values
    assert_array_equal(values, model.predict(predictor="network").values)


class Killed(Exception):
    """The end of a life."""


@pytest.mark.parametrize("state", ["carried", "zero"])
def test_a_resumed_fit_ends_in_the_same_bytes(tmp_path, monkeypatch, state):
    options = {"output": "ar", "state": state, "lr": 0.02, "checkpoint_every_s": 0.0, "epochs": 3}
    var2.fit(out=tmp_path / "whole", **options)
    step = NextStepProgram.step
    for updates in (3, 5, 4):
        left = iter(range(updates))

        def mortal(self, batch, left=left):
            if next(left, None) is None:
                raise Killed
            return step(self, batch)

        monkeypatch.setattr(NextStepProgram, "step", mortal)
        with pytest.raises(Killed):
            NextStep(**var2.FAST | options).fit(var2.recording(), out=tmp_path / "cut", resume="auto", show=False)
    monkeypatch.setattr(NextStepProgram, "step", step)
    NextStep(**var2.FAST | options).fit(var2.recording(), out=tmp_path / "cut", resume="must", show=False)
    for file in ("model.safetensors", "scores.json", "fitted.safetensors"):
        assert (tmp_path / "cut" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()

"""The streamed evaluation against one that takes one step at a time, and against numpy."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import pytest
import torch
import var2
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from neurofit.estimators import NextStep, evaluation
from neurofit.estimators.evaluation import evaluate, network_loss, predicted_slabs
from neurofit.linear import Baselines
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries

RTOL = 2e-5


def trained(steps: int, **options: object) -> tuple[NextStepNetwork, Baselines, PreparedSeries]:
    """A fitted network, its baselines and its series."""
    model = var2.fit(var2.var2(steps=steps), **options)
    return model.network(), model.fitted.baselines, model.series()


def slowly(
    network: NextStepNetwork, baselines: Baselines, series: PreparedSeries, span: str
) -> Mapping[str, NDArray[np.float64]]:
    """Errors (steps, channels) of every predictor by name, one step at a time in float64."""
    double = copy.deepcopy(network).double()
    scale, mean = series.score_scale, series.score_mean
    errors: dict[str, list[NDArray[np.float64]]] = {name: [] for name in ("network", *baselines.predictors())}
    for piece in series.scored(span):
        state = double.initial_state(1)
        with torch.no_grad():
            for t in range(piece.warm, piece.stop - 1):
                x = torch.from_numpy(series.read(t, t + 1).astype(np.float64))[None]
                prediction, state = double(x, state)
                if t + 1 < piece.start:
                    continue
                truth = (series.read(t + 1, t + 2)[0].astype(np.float64) - mean) * scale
                errors["network"].append((prediction[0, 0].numpy() - mean) * scale - truth)
                for name, predictor in baselines.predictors().items():
                    window = (series.read(t + 1 - predictor.order, t + 2).astype(np.float64) - mean) * scale
                    errors[name].append(predictor.predict(window)[0] - truth)
    return {name: np.array(rows) for name, rows in errors.items()}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"zscore": "none"},
        {"model": "lstm", "layers": 2, "zscore": "all-global"},
        {"model": "peephole-lstm", "output": "absolute", "zscore": "all"},
    ],
    ids=["train", "none", "all-global", "all"],
)
@pytest.mark.filterwarnings("ignore:leak:neurofit_io.RecordingWarning")
def test_streamed_evaluation_is_the_literal_loop(options, monkeypatch):
    network, baselines, series = trained(1000, **options)
    monkeypatch.setattr(evaluation, "SLAB_ENTRIES", 1)
    for span in ("validation", "test"):
        literal = slowly(network, baselines, series, span)
        streamed = evaluate(network, baselines, series, span)
        assert streamed.sums.keys() == literal.keys() == {"network", "persistence", "mean", "ar", "var"}
        for name, errors in literal.items():
            assert_allclose(streamed.sums[name].channel_mse, np.square(errors).mean(axis=0), rtol=RTOL)
            assert_allclose(streamed.sums[name].losses, np.square(errors).mean(axis=1), rtol=1e-2, atol=1e-4)
            assert streamed.sums[name].n_steps == len(errors)


def test_scores_do_not_depend_on_the_slabs(fitted, monkeypatch):
    network, baselines, series = fitted.network(), fitted.fitted.baselines, fitted.series()
    whole, mse = evaluate(network, baselines, series, "test"), network_loss(network, series, "test")
    monkeypatch.setattr(evaluation, "SLAB_ENTRIES", 1)
    assert len(list(predicted_slabs(network, {}, series, series.scored("test")[0]))) > 3
    cut = evaluate(network, baselines, series, "test")
    for name, expected in whole.pooled_loss().items():
        assert_allclose(cut.pooled_loss()[name], expected, rtol=1e-6)
    assert_allclose(network_loss(network, series, "test"), mse, rtol=1e-6)
    assert_allclose(mse, whole.pooled_loss()["network"], rtol=1e-12)


def test_the_state_is_warm_when_scoring_begins(fitted):
    network, series = fitted.network(), fitted.series()
    piece = series.scored("test")[0]
    assert piece.start - piece.warm == series.warmup_steps == 20
    cold = piece._replace(warm=piece.start - 1)
    first = [next(iter(predicted_slabs(network, {}, series, each))).predictions["network"] for each in (piece, cold)]
    assert np.abs(first[0][0] - first[1][0]).max() > 1e-3
    assert_allclose(first[0][200:], first[1][200:], atol=1e-4)


@pytest.mark.parametrize("zscore", ["train", "all", "all-global", "none"])
@pytest.mark.filterwarnings("ignore:leak:neurofit_io.RecordingWarning")
def test_errors_of_persistence_and_mean_are_those_of_numpy(zscore):
    values = var2.var2().astype(np.float64)
    sums = evaluate(*trained(3000, zscore=zscore, epochs=0), "test").sums
    train, first = values[: 1890 - 20], 2100 + 20
    units = (values - train.mean(axis=0)) / train.std(axis=0)
    assert_allclose(sums["mean"].channel_mse, np.square(units[first:]).mean(axis=0), rtol=1e-4)
    steps = np.square(np.diff(units, axis=0)[first - 1 :]).mean(axis=0)
    assert_allclose(sums["persistence"].channel_mse, steps, rtol=1e-4)


def test_nothing_is_predicted_across_a_gap():
    values = var2.var2()
    values[2500:2503, 1] = np.nan
    with pytest.warns(match="3 of 3000 steps"):
        model = var2.fit(values)
    with pytest.warns(match="3 of 3000 steps"):
        prediction = model.predict(span="test")
    first, second = prediction.segments
    assert (first.stop, second.stop) == (2500 - (2097 + 20), len(prediction.values))
    assert second.start_s == pytest.approx(2.0 + (2503 + 20) / 1000)
    assert np.isfinite(prediction.values).all()


def test_a_loaded_model_scores_like_the_fitted_one(fitted, tmp_path):
    fitted.save(tmp_path / "kept")
    loaded = NextStep.load(tmp_path / "kept")
    assert loaded.score(var2.recording()) == fitted.score(var2.recording())

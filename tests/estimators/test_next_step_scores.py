"""`scores.json`: its names, its identities, who predicts, and that nothing looked at the test span."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import var2
from numpy.testing import assert_array_equal
from safetensors.numpy import load_file

from neurofit.estimators import NextStep
from neurofit.estimators.tables import table_text, verdict
from neurofit_io import RecordingWarning

SCORED = ("mse", "r2", "mse_persistence", "mse_mean", "mse_ar", "mse_var", "skill_persistence", "skill_ar")
NAMES = {*SCORED, "loss_eq2", "n_channels", "n_steps", "seed"}


def pooled(scores: Mapping[str, Any], name: str) -> float:
    return scores[name]["pooled"]


def test_names_and_shapes(fitted):
    scores = fitted.scores
    assert set(scores) == {"test", "validation"}
    for span in scores.values():
        assert set(span) == NAMES | {"predictor", "network"}
        for name in SCORED:
            assert set(span[name]) >= {"pooled", "median", "ci95"}
            if span[name]["ci95"] is None:
                assert "an interval needs 20" in span[name]["note"]
        assert set(span["network"]) == {"mse", "r2", "skill_persistence", "skill_ar", "loss_eq2"}
    test = scores["test"]
    low, high = test["mse"]["ci95"]
    assert low < pooled(test, "mse") < high
    assert (test["n_channels"], test["n_steps"], test["seed"]) == (6, 3000 - 2120, 0)
    assert test["mse_mean"]["pooled"] == pytest.approx(1.0, rel=0.5)


def test_identities(fitted):
    for span in fitted.scores.values():
        for own in (span, span["network"]):
            mse = pooled(own, "mse")
            best = min(pooled(span, "mse_ar"), pooled(span, "mse_var"))
            assert pooled(own, "skill_persistence") == pytest.approx(1 - mse / pooled(span, "mse_persistence"))
            assert pooled(own, "skill_ar") == pytest.approx(1 - mse / best)
            assert pooled(own, "r2") == pytest.approx(1 - mse / pooled(span, "mse_mean"))
            assert own["loss_eq2"] == pytest.approx(span["n_channels"] * mse)


def test_var_is_null_with_a_reason_when_there_are_too_few_rows():
    model = var2.fit(np.random.default_rng(0).standard_normal((300, 100)).astype(np.float32), chunk=20)
    var = model.scores["test"]["mse_var"]
    assert {**var, "note": ""} == {"pooled": None, "median": None, "ci95": None, "note": ""}
    assert var["note"].startswith("100 channels at order 1 need 200 training rows, ")
    assert var["note"] in table_text(model.scores["test"], "gru")
    assert "ar " in verdict(model.scores["test"], model.fitted.validation_loss, "gru", "test")


def test_a_network_that_loses_says_so_and_a_baseline_predicts(fitted):
    validation, test = fitted.scores["validation"], fitted.scores["test"]
    assert fitted.fitted.predictor == test["predictor"] == "var"
    assert test["mse"] == test["mse_var"]
    assert pooled(test, "skill_ar") == 0
    assert pooled(test["network"], "mse") > pooled(test, "mse")
    for baseline in ("persistence", "mean", "ar", "var"):
        assert pooled(validation, "mse") <= pooled(validation, f"mse_{baseline}")
    line = verdict(test, fitted.fitted.validation_loss, "gru", "test")
    assert "On validation the gru loses to var" in line
    assert "this run predicts with var" in line
    assert "\n" not in line


def test_a_network_that_wins_predicts():
    x = np.full((1500, 1), 0.2)
    for t in range(1, 1500):
        x[t] = 1 - 1.9 * x[t - 1] ** 2
    model = var2.fit(x.astype(np.float32), hidden=16, chunk=20, batch=4, epochs=10, lr=1e-2, output="absolute")
    test = model.scores["test"]
    assert test["predictor"] == "network"
    assert pooled(test, "skill_ar") > 0.5
    assert {name: test[name] for name in test["network"]} == test["network"]
    assert "loses" not in verdict(test, model.fitted.validation_loss, "gru", "test")


def test_an_undefined_skill_is_said_as_such(fitted):
    scores = fitted.scores["test"]
    scores["network"]["skill_ar"] = {"pooled": None, "median": None, "ci95": None, "note": "no error"}
    assert "best autoregression n/a" in verdict(scores, fitted.fitted.validation_loss, "gru", "test")


PAPER: dict[str, Any] = {"preset": "nayebi2015", "hidden": 8, "chunk": 100, "epochs": 2}


def state(model: NextStep) -> dict[str, np.ndarray]:
    """Weights, standardiser and baselines."""
    assert model.run is not None
    return load_file(model.run.model_path) | load_file(model.run.path / "fitted.safetensors")


@pytest.mark.filterwarnings("ignore:leak. statistics:neurofit_io.RecordingWarning")
def test_the_preset_follows_the_paper():
    model = NextStep(**PAPER, device="cpu").fit(var2.recording(), show=False)
    series = model.series()
    assert (series.spans["train"], series.spans["test"]) == (((0, 2100),), ((2100, 3000),))
    assert series.validation_is_test
    assert set(model.scores) == {"test"}
    assert model.scores["test"]["n_steps"] == 900
    assert model.scores["test"]["predictor"] == model.fitted.predictor == "network"
    z = var2.var2().astype(np.float64)
    expected = ((z - z.mean(axis=0)) / z.std(axis=0)).astype(np.float32)
    np.testing.assert_allclose(series.read(0, 3000), expected, atol=1e-5)
    assert model.run is not None
    assert [row["update"] for row in model.run.metrics()] == [1, 2]


@pytest.mark.parametrize("options", [{}, {**PAPER, "zscore": "train"}], ids=["default", "nayebi2015"])
def test_nothing_of_the_test_span_is_in_the_weights_or_the_baselines(options):
    values = var2.var2()
    other = values.copy()
    other[2100:] = 3 * values[2100:][::-1] + 1
    one, two = (var2.fit(each, **options) for each in (values, other))
    assert one.scores["test"]["mse"] != two.scores["test"]["mse"]
    first, second = state(one), state(two)
    assert first.keys() == second.keys()
    for name in first:
        assert_array_equal(first[name], second[name])


def test_choosing_weights_on_the_test_span_is_called_a_leak():
    with pytest.warns(RecordingWarning, match=r"weights are chosen on the test span \(--keep best and --patience\)"):
        var2.fit(validation_fraction=0.0, epochs=1)
    var2.fit(validation_fraction=0.0, epochs=1, keep="last", patience=None)

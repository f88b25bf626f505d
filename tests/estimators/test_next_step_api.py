"""`NextStep` in Python: sklearn verbs, folders, and errors that say what to do."""

from __future__ import annotations

import dataclasses
import gc
import json
from pathlib import Path
from typing import Literal, get_args, get_type_hints

import numpy as np
import pytest
import torch
import var2
from numpy.testing import assert_array_equal
from safetensors.torch import load_file

from neurofit.estimators import FitOptions, NextStep, NextStepOptions
from neurofit.estimators.options import check, fit_options
from neurofit.estimators.stored import FILE, Fitted
from neurofit.models import NextStepNetwork
from neurofit.preparation import PrepareOptions
from neurofit.training import TrainOptions
from neurofit_io import RecordingError, save


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording as a file."""
    return save(var2.recording(), tmp_path_factory.mktemp("file") / "recording.h5")


def test_fit_and_predict_in_one_line_predicts_the_test_span_of_the_same_recording():
    model = NextStep(cell="gru", signal="vm", **var2.FAST).fit(var2.recording(), show=False)
    prediction = model.predict(var2.recording())
    assert prediction.provenance["span"] == "test"
    assert prediction.values.shape == model.predict().values.shape


def test_everything_is_reached_from_the_package():
    import neurofit

    assert neurofit.NextStep is NextStep


def test_fit_on_a_path_and_save_and_load(file, tmp_path):
    model = NextStep(cell="lstm", **var2.FAST).fit(file, show=False)
    model.save(tmp_path / "kept")
    loaded = NextStep.load(tmp_path / "kept")
    assert loaded.options == model.options
    assert loaded.scores == model.scores
    assert_array_equal(loaded.predict().values, model.predict().values)
    with pytest.raises(RecordingError, match="something is there already; expected a new folder"):
        model.save(tmp_path / "kept")


def test_a_run_without_a_folder_goes_with_its_model():
    model = var2.fit(epochs=0)
    folder = model.run.path
    assert folder.exists()
    del model
    gc.collect()
    assert not folder.exists()


def test_weights_load_in_plain_torch(fitted):
    weights = fitted.state_dict()
    network = NextStepNetwork(cell="gru", n_channels=6, hidden=8)
    network.load_state_dict(weights)
    recurrence = torch.nn.GRU(6, 8, batch_first=True)
    recurrence.load_state_dict({key.split(".")[-1]: value for key, value in weights.items() if "recurrence" in key})
    x = torch.from_numpy(np.array(fitted.series().read(0, 100)))[None]
    with torch.no_grad():
        hidden = recurrence(x)[0]
        change = hidden @ weights["head.weight"].T + weights["head.bias"]
        expected = x + weights["residual_scale"] * change
        found, _ = network(x, network.initial_state(1))
    torch.testing.assert_close(found, expected)
    assert weights.keys() == load_file(fitted.run.model_path).keys()


def test_not_fitted():
    model = NextStep()
    for call in (model.predict, model.score, model.state_dict, lambda: model.scores, lambda: model.save("x")):
        with pytest.raises(RecordingError, match=r"^the model is not fitted; call fit first, or NextStep.load$"):
            call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hiden": 8}, r"unknown option hiden; expected one of allow_external, bad_trials, batch, .*hidden"),
        ({"cell": "gruu"}, r"model 'gruu'; expected one of 'gru', 'lstm', 'peephole-lstm'"),
        ({"zscore": "trian"}, r"zscore 'trian'; expected one of 'train', 'all', 'all-global', 'none'"),
        ({"hidden": "all"}, r"hidden 'all'; expected one of 'channels'"),
        ({"device": "gpu"}, r"device 'gpu'; expected one of 'auto', 'cpu'"),
        ({"preset": "nayebi"}, r"--preset nayebi; expected nayebi2015"),
    ],
)
def test_an_unknown_option_or_word_names_the_known_ones(options, message):
    with pytest.raises(RecordingError, match=message):
        NextStep(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": 0}, "--hidden 0; expected 1 or more"),
        ({"layers": 0}, "--layers 0; expected 1 or more"),
        ({"chunk": -1}, "--chunk -1; expected 1 or more"),
        ({"batch": 0}, "--batch 0; expected 1 or more"),
        ({"epochs": -1}, "--epochs -1; expected 0 or more"),
        ({"patience": 0}, "--patience 0; expected 1 or more"),
        ({"seed": -1}, "--seed -1; expected 0 or more"),
        ({"snapshot_epochs": (0, 1)}, "--snapshot-epochs 0; expected 1 or more"),
        ({"lr": float("nan")}, "--lr nan; expected a finite number"),
        ({"clip": 0.0}, "--clip 0; expected a number above 0"),
    ],
)
def test_numbers_out_of_range(options, message):
    with pytest.raises(RecordingError, match=message):
        var2.fit(**options)


def test_the_defaults_are_in_range():
    check(FitOptions())
    check(fit_options("nayebi2015"))


def test_options_survive_json():
    options = fit_options("nayebi2015", hidden=12, snapshot_epochs=(1, 2), zscore="none", rate_hz=10.0)
    assert FitOptions.from_json(json.loads(json.dumps(options.as_json()))) == options
    assert (options.network.hidden, options.network.output, options.load.rate_hz) == (12, "absolute", 10.0)


def test_no_two_groups_share_an_option():
    kinds = [get_type_hints(FitOptions)[f.name] for f in dataclasses.fields(FitOptions)]
    names = [f.name for kind in kinds if dataclasses.is_dataclass(kind) for f in dataclasses.fields(kind)]
    assert {NextStepOptions, PrepareOptions, TrainOptions} < set(kinds)
    assert len(names) == len(set(names)) > 40


def test_every_cell_on_offer_can_be_made():
    models = get_args(get_type_hints(NextStepOptions)["model"])
    assert Literal[models] == get_type_hints(NextStepOptions)["model"]
    for model in models:
        network = NextStepNetwork(cell=model, n_channels=2, hidden=3)
        assert network(torch.zeros(1, 4, 2), network.initial_state(1))[0].shape == (1, 4, 2)


def test_hidden_units_follow_the_channels():
    for channels, hidden, option in ((6, 256, None), (300, 300, None), (6, 6, "channels"), (6, 9, 9)):
        values = np.random.default_rng(0).standard_normal((400, channels)).astype(np.float32)
        assert var2.fit(values, hidden=option, epochs=0, chunk=10).fitted.shape.hidden == hidden


def test_a_run_of_a_recording_in_memory_needs_it_again(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    loaded = NextStep.load(tmp_path / "run")
    with pytest.raises(RecordingError, match="fitted on a recording in memory; give the recording to predict"):
        loaded.predict()
    assert loaded.predict(var2.recording()).provenance["recording"] == "memory"


def test_a_recording_that_changed_is_not_the_fitted_one(tmp_path):
    file = save(var2.recording(), tmp_path / "recording.h5")
    NextStep(**var2.FAST).fit(file, out=tmp_path / "run", show=False)
    save(var2.recording(var2.var2(seed=1)), file, overwrite=True)
    with pytest.raises(
        RecordingError, match=r"recording.h5: changed since .*run was fitted: (content|size); to predict"
    ):
        NextStep.load(tmp_path / "run").predict()
    assert len(NextStep.load(tmp_path / "run").predict(file).values) == 2980
    file.unlink()
    with pytest.raises(RecordingError, match=r"recording.h5"):
        NextStep.load(tmp_path / "run").predict()


def test_folders_that_hold_no_finished_run(fitted, tmp_path):
    with pytest.raises(RecordingError, match="no such folder"):
        NextStep.load(tmp_path / "none")
    fitted.save(tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["options"]["network"]["colour"] = "blue"
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(RecordingError, match=r"other options than this version has: .*colour"):
        NextStep.load(tmp_path / "run")
    (tmp_path / "run" / "config.json").write_text(json.dumps({**config, "estimator": "lfads"}))
    with pytest.raises(RecordingError, match="a run of 'lfads'; expected a next-step model"):
        NextStep.load(tmp_path / "run")


@pytest.mark.parametrize("name", ["model.safetensors", FILE])
def test_a_damaged_run_says_so(fitted, tmp_path, name):
    fitted.save(tmp_path / "run")
    whole = (tmp_path / "run" / name).read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"\xff" * 100):
        (tmp_path / "run" / name).write_bytes(broken)
        with pytest.raises(RecordingError, match=rf"{name}: cannot be read: .*; fit again"):
            NextStep.load(tmp_path / "run").predict(var2.recording())


def test_what_a_run_remembers_is_read_back_to_the_last_bit(fitted, tmp_path):
    fitted.fitted.save(tmp_path)
    again = Fitted.load(tmp_path)
    assert (again.shape, again.predictor) == (fitted.fitted.shape, "var")
    assert again.validation_loss == fitted.fitted.validation_loss
    assert again.baselines.as_json() == fitted.fitted.baselines.as_json()
    assert (tmp_path / FILE).read_bytes() == (fitted.run.path / FILE).read_bytes()


def test_a_run_of_a_gpu_is_read_without_one(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    loaded = NextStep.load(tmp_path / "run")
    loaded.options = dataclasses.replace(loaded.options, device="mps")
    if not torch.backends.mps.is_available():
        assert next(loaded.network().parameters()).device.type in ("cpu", "cuda")

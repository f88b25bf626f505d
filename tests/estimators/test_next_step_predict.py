"""`predict`: the same numbers as the fit, in physical units, on the right channels, from the right step on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import var2
from numpy.testing import assert_allclose, assert_array_equal

from neurofit.estimators import NextStep
from neurofit.estimators.reporting import report_prediction
from neurofit_io import Recording, RecordingError, load


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> NextStep:
    """A run fitted on a file, loaded from its folder."""
    folder = tmp_path_factory.mktemp("on_disk")
    np.save(folder / "values.npy", var2.var2())
    options = {"rate_hz": var2.RATE_HZ, "time_axis": 0, "start_s": 2.0, "kind": "vm", "unit": "mV"}
    with pytest.MonkeyPatch.context() as patch:
        var2.without_figures(patch)
        NextStep(**var2.FAST, **options).fit(folder / "values.npy", out=folder / "run", show=False)
    return NextStep.load(folder / "run")


def shuffled(order: list[int], ids: list[int] | None = None) -> Recording:
    return var2.recording(var2.var2()[:, order], channel_ids=np.array(order if ids is None else ids))


def test_a_loaded_run_gives_its_scores_again_to_the_last_bit(on_disk):
    stored = on_disk.run.scores()
    for span in ("test", "validation"):
        assert on_disk.predict(span=span).scores(seed=0) == on_disk.score(span=span) == stored[span]


def test_values_are_in_physical_units_with_times(fitted):
    prediction, truth = fitted.predict(predictor="network"), var2.var2()[2120:]
    assert (prediction.signal, prediction.unit) == ("vm", "mV")
    assert_array_equal(prediction.truth, truth)
    assert_allclose(prediction.time_s, 2.0 + np.arange(2120, 3000) / 1000, rtol=0, atol=1e-12)
    std = var2.var2()[:1870].astype(np.float64).std(axis=0)
    mse = np.square((prediction.values - truth) / std).mean()
    assert_allclose(fitted.scores["test"]["network"]["mse"]["pooled"], mse, rtol=1e-4)
    assert_array_equal(prediction.values, prediction.network)


def test_the_default_predictor_is_the_one_that_won_on_validation(fitted):
    default, var, network = (fitted.predict(predictor=name) for name in (None, "var", "network"))
    assert default.predictor == "var"
    assert_array_equal(default.values, var.values)
    assert_array_equal(default.network, network.values)
    with pytest.raises(RecordingError, match="no predictor 'oracle'; expected one of network, persistence"):
        fitted.predict(predictor="oracle")


def test_channels_of_another_recording_are_found_by_their_ids(fitted):
    order = [3, 0, 5, 1, 4, 2]
    same, other = (fitted.predict(shuffled(each), span="all") for each in ([0, 1, 2, 3, 4, 5], order))
    assert_array_equal(other.channel_ids, np.arange(6))
    assert_array_equal(other.columns, np.argsort(order))
    assert_array_equal(other.values, same.values)
    assert_array_equal(other.values[2100:], fitted.predict().values)
    assert len(other.values) == 3000 - 20


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            lambda: shuffled([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 99]),
            "1 of the model's 6 channels are not there once: 5",
        ),
        (lambda: var2.recording(var2.var2()[:, :4]), "2 of the model's 6 channels are not there once: 4, 5"),
        (lambda: var2.recording(rate_hz=500.0), "steps of 2 ms; expected 1 ms, as in the fitted recording"),
        (lambda: dataclasses.replace(var2.recording(), signals={}), "0 signals: none; expected one"),
        (lambda: var2.recording(var2.var2()[:15]), "no step of the all span can be scored"),
    ],
    ids=["ids", "fewer", "rate", "nothing", "short"],
)
def test_another_recording_that_does_not_fit(fitted, other, message):
    with pytest.raises(RecordingError, match=message) as error:
        fitted.predict(other())
    assert "\n" not in str(error.value)


def test_start_and_steps(fitted):
    whole, part = fitted.predict(predictor="network"), fitted.predict(start=2500, steps=30, predictor="network")
    assert part.provenance["span"] == "steps 2500:2530"
    assert_allclose(part.values, whole.values[380:410], rtol=1e-3, atol=1e-2)
    assert_array_equal(part.time_s, whole.time_s[380:410])
    to_the_end = fitted.predict(start=2990)
    assert (len(to_the_end.values), to_the_end.provenance["span"]) == (10, "steps 2990:3000")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"start": 5}, r"--start 5 --steps 2995; expected steps within 20:3000"),
        ({"start": 2990, "steps": 11}, r"--start 2990 --steps 11; expected steps within 20:3000"),
        ({"start": 2990, "steps": 0}, r"--start 2990 --steps 0; expected steps within"),
        ({"start": 4000}, r"--start 4000; expected a usable step \(20:3000\)"),
        ({"steps": 10}, r"--steps 10 without --start"),
        ({"start": 2500, "span": "test"}, r"--start 2500 with --span test"),
    ],
)
def test_steps_that_are_not_there(fitted, chosen, message):
    with pytest.raises(RecordingError, match=message):
        fitted.predict(**chosen)


def test_spans(fitted):
    lengths = {span: len(fitted.predict(span=span).values) for span in ("train", "validation", "test", "all")}
    assert lengths == {"train": 1870 - 20, "validation": 210, "test": 880, "all": 2980}


def test_snapshots(fitted):
    first, second, last = (fitted.predict(epoch=epoch).network for epoch in (1, 2, None))
    assert_array_equal(second, last)
    assert np.abs(first - second).max() > 0
    with pytest.raises(RecordingError, match="no snapshot of epoch 3; expected one of those kept: 1, 2"):
        fitted.predict(epoch=3)


def test_a_run_without_snapshots_says_so(on_disk):
    with pytest.raises(RecordingError, match="no snapshot of epoch 1; expected a run fitted with --snapshot-epochs"):
        on_disk.predict(epoch=1)


@pytest.mark.parametrize("suffix", [".h5", ".nwb"])
def test_the_written_prediction_read_back(on_disk, tmp_path, suffix):
    pytest.importorskip("pynwb")
    before = {file: file.read_bytes() for file in on_disk.run.path.rglob("*") if file.is_file()}
    prediction, out = on_disk.predict(), tmp_path / "out" / f"pred{suffix}"
    report(on_disk, prediction, out)
    back = load(out).signal("vm_predicted")
    assert_array_equal(back.read(), prediction.values)
    assert_allclose(back.time_s(), prediction.time_s, rtol=0, atol=1e-9)
    assert_array_equal(back.channel_ids.astype(int), prediction.channel_ids)
    assert (back.unit, back.kind) == ("mV", "vm")
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == {"test": on_disk.run.scores()["test"]}
    assert {file.name for file in (tmp_path / "out" / "figures").iterdir()} == {
        f"{name}.png" for name in ("scores", "traces", "channel_skill", "residual_spectrum")
    }
    assert "gru on vm of values.npy, test" in (tmp_path / "out" / "report.html").read_text()
    assert before == {file: file.read_bytes() for file in on_disk.run.path.rglob("*") if file.is_file()}


def report(model: NextStep, prediction: object, out: Path | None, **more: object) -> Path:
    return report_prediction(model.run, prediction, model.fitted, model.options, out=out, **more)  # type: ignore[arg-type]


@pytest.fixture
def no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurofit.estimators.reporting.prediction_figures", lambda *args: [])


@pytest.mark.usefixtures("no_drawing")
def test_scores_never_replace_those_of_another(on_disk, tmp_path):
    on_disk.save(tmp_path / "a")
    kept = (tmp_path / "a" / "scores.json").read_bytes()
    test, train = on_disk.predict(), on_disk.predict(span="train")
    report(on_disk, test, tmp_path / "a.h5")
    report(on_disk, test, tmp_path / "a.h5", overwrite=True)
    report(on_disk, train, tmp_path / "b.h5")
    report(on_disk, train, tmp_path / "b.h5", overwrite=True)
    report(on_disk, train, tmp_path / "a" / "c.h5")
    assert (tmp_path / "a" / "scores.json").read_bytes() == kept
    scored = {file.relative_to(tmp_path): set(json.loads(file.read_text())) for file in tmp_path.rglob("scores.json")}
    assert {str(file): spans for file, spans in scored.items()} == {
        "scores.json": {"test"},
        "b_scores/scores.json": {"train"},
        "a/scores.json": {"test", "validation"},
        "a/c_scores/scores.json": {"train"},
    }


@pytest.mark.usefixtures("no_drawing")
def test_a_file_that_is_there_is_refused(on_disk, tmp_path):
    (tmp_path / "pred.h5").write_text("precious")
    with pytest.raises(RecordingError, match=r"pred\.h5: there is a file already; give another name, or --overwrite"):
        report(on_disk, on_disk.predict(), tmp_path / "pred.h5")
    assert (tmp_path / "pred.h5").read_text() == "precious"
    assert list(tmp_path.iterdir()) == [tmp_path / "pred.h5"]


@pytest.mark.usefixtures("no_drawing")
def test_without_out_it_lies_in_the_run_and_is_replaced(on_disk, tmp_path):
    on_disk.save(tmp_path / "run")
    model = NextStep.load(tmp_path / "run")
    for _ in range(2):
        file = report(model, model.predict(), None)
        assert file == tmp_path / "run" / "predictions" / "test" / "prediction.h5"
    assert (file.parent / "scores.json").exists()
    assert model.run.scores() == on_disk.run.scores()


def test_channels_to_show_are_columns_of_the_signal(fitted):
    with pytest.raises(RecordingError, match="--channels 6; expected columns among the 6 that are predicted"):
        report(fitted, fitted.predict(), None, columns=[0, 6])

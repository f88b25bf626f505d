"""Every combination is a run like any other; nothing is fitted twice, chosen on test or lost to the failure of one."""

from __future__ import annotations

import dataclasses
import json
import statistics
from pathlib import Path

import numpy as np
import pytest
import torch
import var2
from scipy import stats

import neurofit.estimators.fitting
from neurofit.estimators import NextStep
from neurofit.estimators.comparison import compare
from neurofit.estimators.comparison_report import (
    comparison_notes,
    comparison_text,
    comparison_verdict,
    summary_table,
)
from neurofit.estimators.comparison_rows import Comparison, Row, Summary
from neurofit.estimators.grid import Grid
from neurofit.estimators.options import FitOptions, fit_options
from neurofit.runs import Run
from neurofit.training import Interrupted
from neurofit.training.memory import MemoryWatch, PeakMemory
from neurofit_io import RecordingError

SHARED = fit_options(device="cpu", epochs=2)
GRID = Grid(models=("gru", "lstm"), hidden=(4,), chunk=(50,), seeds=2)
NAMES = ["gru-h4-l1-c50-s0", "gru-h4-l1-c50-s1", "lstm-h4-l1-c50-s0", "lstm-h4-l1-c50-s1"]


def compared(out: Path, grid: Grid = GRID, shared: FitOptions = SHARED, **more) -> Comparison:
    return compare(var2.recording(), grid, shared, out=out, show=False, **more)


@pytest.fixture(autouse=True, scope="module")
def _no_report():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurofit.estimators.comparison.report_comparison", lambda *args: None)
        yield


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Comparison:
    return compared(tmp_path_factory.mktemp("compared") / "out")


def test_each_run_is_what_fit_makes_of_the_same_options(comparison, tmp_path):
    own = NextStep("lstm", device="cpu", epochs=2, hidden=4, chunk=50, seed=1)
    own.fit(var2.recording(), out=tmp_path / "run", show=False)
    row = comparison.rows[3]
    assert [each.run for each in comparison.rows] == NAMES
    assert (row.model, row.hidden, row.layers, row.chunk, row.seed) == ("lstm", 4, 1, 50, 1)
    for span, scores in own.scores.items():
        assert row.scores[span] == {key: scores["network"][key] for key in ("mse", "skill_persistence", "skill_ar")}
    there = NextStep.load(comparison.run.path / NAMES[3])
    assert row.validation_loss == there.fitted.validation_loss["network"]
    assert there.options == own.options
    assert row.epochs == 2
    assert row.peak_memory == there.run.environment().get("peak_memory")
    assert row.seconds_per_epoch == statistics.median(epoch["seconds"] for epoch in there.run.metrics())


def test_baselines_stand_beside_with_their_own_skill(comparison):
    scores = Run(comparison.run.path / NAMES[0]).scores()["test"]
    mse = {name: scores[f"mse_{name}"]["pooled"] for name in ("persistence", "mean", "ar", "var")}
    rows = {row.model: row for row in comparison.baselines}
    assert {name: row.pooled("test") for name, row in rows.items()} == mse
    assert rows["persistence"].pooled("test", "skill_persistence") == 0
    assert rows["mean"].pooled("test", "skill_ar") == pytest.approx(1 - mse["mean"] / min(mse["ar"], mse["var"]))


def test_a_run_keeps_its_peak_memory_as_only_the_process_that_fitted_it_knows_it(comparison, monkeypatch):
    if MemoryWatch(torch.device("cpu")).peak() is None:
        pytest.skip("the system does not tell")
    for row in comparison.rows:
        assert row.peak_memory["of"] == "process"
        assert 0 < row.peak_memory["start_bytes"] <= row.peak_memory["peak_bytes"] < 2**40
    monkeypatch.setattr("neurofit.training.memory.MemoryWatch.peak", lambda watch: PeakMemory("process", 1, 2))
    assert compared(comparison.run.path, resume="must").rows == comparison.rows
    header, cells = summary_table(comparison)
    columns = dict(zip(header, next(row for row in cells if row[0] == "gru-h4-l1-c50"), strict=True))
    peaks = [row.peak_memory["peak_bytes"] for row in comparison.rows[:2]]
    own = [row.peak_memory["peak_bytes"] - row.peak_memory["start_bytes"] for row in comparison.rows[:2]]
    assert columns["peak MB"] == pytest.approx(statistics.fmean(peaks) / 1e6)
    assert columns["of it its own"] == pytest.approx(statistics.fmean(own) / 1e6)


def test_the_file_holds_every_row(comparison):
    rows = json.loads((comparison.run.path / "comparison.json").read_text())
    assert [row["run"] or row["model"] for row in rows] == [*NAMES, "persistence", "mean", "ar", "var"]
    assert rows[0]["scores"] == comparison.rows[0].scores


def test_finished_runs_are_read_back_and_new_ones_added(comparison, monkeypatch):
    trained = []
    train = neurofit.estimators.fitting.train
    monkeypatch.setattr(
        neurofit.estimators.fitting, "train", lambda *args, **more: trained.append(1) or train(*args, **more)
    )
    out = comparison.run.path
    with pytest.raises(RecordingError, match="a run is there already"):
        compared(out)
    assert compared(out, resume="auto").rows == comparison.rows
    assert not trained
    more = compared(out, Grid(models=("gru",), hidden=(4,), chunk=(50,), seeds=3), resume="must")
    assert more.rows[:2] == comparison.rows[:2]
    assert (len(more.rows), len(trained)) == (3, 1)
    with pytest.raises(RecordingError, match=r"other options: options\.train\.lr"):
        compared(out, shared=fit_options(device="cpu", epochs=2, lr=0.1), resume="auto")


def test_an_interrupted_comparison_goes_on(tmp_path, monkeypatch):
    train = neurofit.estimators.fitting.train

    def interrupted(program, options, run, **more):
        if run.path.name == "gru-h4-l1-c50-s1":
            raise Interrupted(2, update=0, epoch=0)
        return train(program, options, run, **more)

    grid = Grid(models=("gru",), hidden=(4,), chunk=(50,), seeds=2)
    monkeypatch.setattr(neurofit.estimators.fitting, "train", interrupted)
    with pytest.raises(Interrupted):
        compared(tmp_path / "out", grid)
    assert not (tmp_path / "out" / "comparison.json").exists()
    monkeypatch.setattr(neurofit.estimators.fitting, "train", train)
    first = Run(tmp_path / "out" / "gru-h4-l1-c50-s0").environment()["finished"]
    went_on = compared(tmp_path / "out", grid, resume="auto")
    assert went_on.run.finished
    assert [row.error for row in went_on.rows] == [None, None]
    assert Run(tmp_path / "out" / "gru-h4-l1-c50-s0").environment()["finished"] == first


def test_a_run_that_fails_is_a_row_with_its_reason(tmp_path):
    grid = Grid(models=("gru",), hidden=(4,), chunk=(50, 4000, 5000), seeds=2)
    comparison = compared(tmp_path / "out", grid)
    assert [row.error is None for row in comparison.rows] == [True, True, False, False, False, False]
    assert [len(summary.values("test")) for summary in comparison.summaries() if not summary.is_baseline] == [2, 0, 0]
    note, other = comparison_notes(comparison)
    assert note.startswith("failed: gru-h4-l1-c4000-s0 and 1 more: ")
    assert "for a chunk of 4000" in note
    assert "for a chunk of 5000" in other
    assert "0 of 2" in comparison_text(comparison)


def test_when_every_run_fails_there_is_no_comparison(tmp_path):
    with pytest.raises(RecordingError, match=r"all 1 runs failed, the first: .* for a chunk of 4000"):
        compared(tmp_path / "out", Grid(models=("gru",), hidden=(4,), chunk=(4000,), seeds=1))
    assert not (tmp_path / "out" / "comparison.json").exists()


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (Grid(seeds=0), "--seeds 0; expected 1 or more"),
        (Grid(models=()), "--models without a value"),
        (Grid(hidden=(8, 0)), "--hidden 0; expected 1 or more"),
    ],
)
def test_a_wrong_grid_is_refused_before_anything_is_written(tmp_path, grid, message):
    with pytest.raises(RecordingError, match=message):
        compared(tmp_path / "out", grid)
    assert not list(tmp_path.iterdir())


def test_the_grid_is_every_combination_once():
    grid = Grid(models=("gru", "lstm"), hidden=(8, 4, 8), layers=(1, 2))
    assert [each.name for each in grid.combinations(hidden=64, chunk=100)] == [
        f"{model}-h{hidden}-l{layers}-c100" for model in ("gru", "lstm") for hidden in (8, 4) for layers in (1, 2)
    ]
    assert [each.name for each in Grid(models=("rnn",)).combinations(hidden=64, chunk=7)] == ["rnn-h64-l1-c7"]


def scored(name: str, validation: float | None, test: float, run: str | None = None) -> Row:
    spans = {"test": test} if validation is None else {"test": test, "validation": validation}
    parts = ("mse", "skill_persistence", "skill_ar")
    scores = {span: {part: {"pooled": v, "ci95": [v - 0.01, v + 0.02]} for part in parts} for span, v in spans.items()}
    return Row(model=name, run=run, scores=scores, validation_loss=validation)


def test_ranking_is_by_mean_validation_error_whatever_the_test_says(tmp_path):
    rows = (
        scored("gru", 0.5, 0.1, "gru-s0"), scored("gru", 0.1, 0.2, "gru-s1"),
        scored("lstm", 0.2, 0.9, "lstm-s0"), scored("lstm", 0.3, 0.8, "lstm-s1"),
    )  # fmt: skip
    comparison = Comparison(Run(tmp_path), rows, (scored("mean", 1.0, 0.0), scored("ar", 0.27, 0.5)))
    assert [each.name for each in comparison.summaries()] == ["lstm", "ar", "gru", "mean"]
    assert comparison.best is rows[1]
    assert comparison.best_of_models() == (rows[1], rows[2])
    assert comparison_verdict(comparison) == (
        "on validation lstm is the best combination, mse 0.25 (mean of 2 seeds); it beats the best baseline, ar 0.27. "
        "On test its skill over the best autoregression is 0.85 (95 % over time 0.84 .. 0.87, over seeds n/a)"
    )
    gru = next(line for line in comparison_text(comparison).splitlines() if line.startswith("gru"))
    assert gru.split() == ["gru", "2", "0.3", "n/a", "0.15", "n/a", "0.14", "..", "0.17", "0.15", "0.15", *["n/a"] * 4]


def test_counts_are_ranked_by_their_likelihood_and_shown_in_bits(tmp_path):
    def counted(name: str, loss: float, bits: float | None, run: str | None = None) -> Row:
        row = scored(name, 0.5, 0.5, run)
        scores = {span: {**of, "bits_per_spike": {"pooled": bits}} for span, of in row.scores.items()}
        return dataclasses.replace(row, scores=scores, validation_loss=loss)

    rows = counted("gru", 0.3, 0.1, "gru-s0"), counted("lstm", 0.2, 0.4, "lstm-s0")
    comparison = Comparison(Run(tmp_path), rows, (counted("mean", 0.25, 0.0), counted("persistence", 9.0, None)))
    assert comparison.score == "bits_per_spike"
    assert [each.name for each in comparison.summaries()] == ["lstm", "mean", "gru", "persistence"]
    assert comparison_verdict(comparison).startswith(
        "on validation lstm is the best combination, negative log likelihood 0.2 (mean of 1 seeds); it beats the best "
        "baseline, mean 0.25. "
    )
    header, cells = summary_table(comparison)
    assert [row[header.index("test bits per spike")] for row in cells] == [0.4, 0.0, 0.1, None]


def test_the_interval_over_seeds_is_that_of_students_t():
    errors = [0.31, 0.25, 0.28, 0.3]
    rows = tuple(scored("gru", error, 2 * error, f"gru-s{i}") for i, error in enumerate(errors))
    found = Summary("gru", rows).interval_over_seeds("test")
    values = 2 * np.array(errors)
    assert found == pytest.approx(stats.t.interval(0.95, 3, values.mean(), stats.sem(values)))
    assert Summary("gru", rows[:2]).interval_over_seeds("test") is None
    three = Summary("gru", rows[:3]).interval_over_seeds("validation")
    assert three[1] - three[0] == pytest.approx(2 * 4.302653 * statistics.stdev(errors[:3]) / 3**0.5, rel=1e-6)


def test_the_interval_over_time_is_the_mean_of_those_of_the_runs():
    rows = tuple(scored("gru", 0.5, error, f"gru-s{i}") for i, error in enumerate((0.2, 0.4)))
    assert Summary("gru", rows).interval_over_time("test") == pytest.approx((0.29, 0.32))
    failed = Row(model="gru", run="gru-s2", error="no")
    assert Summary("gru", (*rows, failed)).interval_over_time("test") == pytest.approx((0.29, 0.32))
    unknown = dataclasses.replace(rows[0], scores={"test": {"mse": {"pooled": 0.2, "ci95": None}}})
    assert Summary("gru", (*rows, unknown)).interval_over_time("test") is None


def test_without_validation_nothing_is_ranked(tmp_path):
    rows = (scored("gru", None, 0.9, "gru-s0"), scored("lstm", None, 0.1, "lstm-s0"))
    comparison = Comparison(Run(tmp_path), rows, (scored("ar", None, 0.05),))
    assert [each.name for each in comparison.summaries()] == ["gru", "lstm", "ar"]
    assert comparison.best is None
    assert comparison_verdict(comparison) == "no validation span to choose on: nothing is ranked"

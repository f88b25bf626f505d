"""`neurofit connectivity infer` as it is typed: rows, files, and mistakes in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import commands
import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("default:.*without a units attribute:neurofit_io.RecordingWarning")

WORDS = ("connectivity", "infer", commands.BIONET)


def test_infer_prints_and_leaves_everything(neurofit: Any, tmp_path: Path) -> None:
    out = tmp_path / "conn"
    ended = neurofit(*WORDS, "--method", "gls,correlogram", "--no-lengths", "--out", out)
    assert ended.code == 0, ended.err
    for word in ("gls-dale", "correlogram", "distance alone", "chance", "best is gls", "report:"):
        assert word in ended.out
    names = {path.name for path in out.iterdir()}
    assert {"weights.h5", "connections.csv", "scores.json", "config.json", "report.html", "figures"} <= names
    rows = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    assert [row["method"] for row in rows] == ["gls", "gls-dale", "correlogram"]
    for figure in ("matrices", "precision_recall", "weights", "averages"):
        assert (out / "figures" / f"{figure}.png").stat().st_size > 10_000
    again = neurofit("connectivity", "score", out / "weights.h5", commands.BIONET)
    assert again.code == 0
    assert f"{rows[0]['ap']:.4g}" in again.out


def test_a_result_is_not_written_over_and_a_failure_leaves_no_folder(neurofit: Any, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("kept")
    ended = neurofit(*WORDS, "--out", taken)
    assert ended.code == 1
    assert len(ended.err.splitlines()) <= 2
    assert (taken / "mine.txt").read_text() == "kept"
    matrix = tmp_path / "truth.npy"
    np.save(matrix, np.zeros((7, 7)))
    ended = neurofit(*WORDS, "--truth", matrix, "--truth-orientation", "post_pre", "--out", tmp_path / "conn")
    assert ended.code == 1
    assert "60" in ended.err
    assert not (tmp_path / "conn").exists()


def test_a_method_that_is_not_there_is_wrong_usage(neurofit: Any, tmp_path: Path) -> None:
    ended = neurofit(*WORDS, "--method", "magic", "--out", tmp_path / "conn")
    assert ended.code == 2
    assert not (tmp_path / "conn").exists()


def test_recordings_that_lack_what_is_needed(neurofit: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "lfp.npy", np.random.default_rng(0).standard_normal((500, 3)))
    options = ("--rate-hz", "1000", "--kind", "lfp", "--unit", "uV", "--time-axis", "0")
    ended = neurofit("connectivity", "infer", tmp_path / "lfp.npy", *options, "--out", tmp_path / "conn")
    assert ended.code == 1
    assert "no spikes, vm or extracellular (it has lfp)" in ended.err
    assert not (tmp_path / "conn").exists()


@pytest.mark.parametrize("words", [(), ("--help",), ("infer", "--help"), ("plan", "--help"), ("best",)])
def test_help_and_unknown_analyses(neurofit: Any, words: tuple[str, ...]) -> None:
    ended = neurofit("connectivity", *words)
    assert ended.code == (0 if "--help" in words else 2)
    assert "infer" in ended.out + ended.err

"""`neurofit compare`: lists in, a ranked table and a report out."""

from __future__ import annotations

import json

import pytest

WORDS = ("--models", "gru,lstm", "--hidden=4,6", "--chunk", "40,4000", "--seeds", 1, "--epochs", 2, "--device", "cpu")


@pytest.mark.usefixtures("no_figures")
def test_a_comparison_and_its_resumption(neurofit, recording, tmp_path):
    out = tmp_path / "out"
    first = neurofit("compare", recording, "--out", out, *WORDS)
    assert first.code == 0
    rows = json.loads((out / "comparison.json").read_text())
    networks = [row for row in rows if row["run"]]
    assert {row["run"] for row in networks} == {
        f"{model}-h{hidden}-l1-c{chunk}-s0" for model in ("gru", "lstm") for hidden in (4, 6) for chunk in (40, 4000)
    }
    assert {row["chunk"] for row in networks if row["error"]} == {4000}

    lines = first.out.splitlines()
    errors = {row["run"].removesuffix("-s0") if row["run"] else row["model"]:
              row["scores"]["validation"]["mse"]["pooled"] for row in rows if not row["error"]}  # fmt: skip
    assert [line.split()[0] for line in lines[1:9]] == sorted(errors, key=errors.__getitem__)
    assert lines[-3].startswith("failed: gru-h4-l1-c4000-s0 and 3 more: ")
    assert lines[-1] == f"report: {out / 'report.html'}"
    page = (out / "report.html").read_text()
    assert page.count("<img ") == 2
    assert "network.model" not in page
    assert {file.name for file in (out / "figures").iterdir()} == {"losses.png", "traces.png"}

    again = neurofit("compare", recording, "--out", out, *WORDS, "--resume", "auto")
    assert (again.code, again.out) == (0, first.out)
    assert "epoch 1/2" in first.err
    assert "epoch 1/2" not in again.err
    assert "a run of 'comparison'; expected a next-step model" in neurofit("predict", out).err


def test_the_help_names_lists_and_no_single_ones(neurofit):
    text = neurofit("compare", "--help").out
    options = {word for word in text.split() if word.startswith("--")}
    assert {"--models", "--hidden", "--layers", "--chunk", "--seeds", "--batch", "--lr", "--signal"} <= options
    assert not options & {"--model", "--seed"}
    assert text.count("--hidden [INT") == text.count("--layers [INT") == text.count("--chunk [INT") == 1


@pytest.mark.parametrize(("words", "code"), [(("--model", "gru"), 2), (("--seed", "1"), 2), (("--seeds", "0"), 1)])
def test_what_it_does_not_take(neurofit, recording, tmp_path, words, code):
    ended = neurofit("compare", recording, "--out", tmp_path / "out", *words)
    assert ended.code == code
    assert words[0] in ended.err
    assert not (tmp_path / "out").exists()

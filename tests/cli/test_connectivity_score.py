"""`neurofit connectivity score`: files in, a table with chance and distance beside, and a folder on request."""

from __future__ import annotations

import json
from pathlib import Path

import commands
import h5py
import numpy as np
import pytest

from neurofit_io import load

pytestmark = pytest.mark.filterwarnings("default:.*without a units attribute:neurofit_io.RecordingWarning")

WORDS = ("connectivity", "score")


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """True weights of the bundled recording, [post, pre], in units of their mean size."""
    with pytest.warns(UserWarning, match="without a units attribute"):
        weight = load(commands.BIONET).connectivity.weight
    return weight / np.abs(weight[weight != 0]).mean()


@pytest.fixture
def weights(truth: np.ndarray, tmp_path: Path) -> Path:
    """Two estimates as `connectivity infer` writes them, cells in reverse order; sta is the noisier one."""
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["neurofit_connectivity"] = 1
        file["cell_ids"] = np.arange(60)[::-1]
        for method, noise in (("gls", 0.1), ("sta", 3.0)):
            weight = (truth + noise * rng.standard_normal((60, 60)))[::-1, ::-1]
            group = file.create_group(method)
            group["weight"], group["z"] = weight, weight / noise
            group["se"] = np.where(np.eye(60), np.nan, noise)
            group.attrs.update({"unit": "mV", "notes": "[]"})
    return tmp_path / "weights.h5"


def rows_of(out: str) -> dict[str, list[str]]:
    """Rows of the first table by their first column."""
    table = out.split("\n\n")[0]
    return {line.split("  ")[0]: line.removeprefix("distance ").split() for line in table.splitlines() if "  " in line}


def test_all_methods_with_distance_and_chance(neurofit, weights, tmp_path) -> None:
    out = tmp_path / "out"
    code, printed, err = neurofit(*WORDS, weights, commands.BIONET, "--out", out)
    assert code == 0
    assert err.count("\n") == err.count("warning: ")
    scores = json.loads((out / "scores.json").read_text())
    assert [row["method"] for row in scores] == ["gls", "sta"]
    assert scores[0]["ap"] > 0.5 > scores[1]["ap"]
    rows = rows_of(printed)
    assert rows["gls"][1:3] == [f"{scores[0]['auc']:.4g}", f"{scores[0]['ap']:.4g}"]
    assert rows["distance alone"][1:3] == [f"{scores[0]['auc_distance']:.4g}", f"{scores[0]['ap_distance']:.4g}"]
    assert rows["chance"][1:3] == ["0.5", f"{scores[0]['ap_chance']:.4g}"]
    assert f"best is gls: AUC {scores[0]['auc']:.3f}" in printed
    assert printed.splitlines()[-1] == f"report: {out / 'report.html'}"
    assert {file.name for file in (out / "figures").iterdir()} == {
        "matrices.png", "precision_recall.png", "weights.png",
    }  # fmt: skip
    options = json.loads((out / "config.json").read_text())["options"]
    assert options["truth"] == str(commands.BIONET)
    assert neurofit(*WORDS, weights, commands.BIONET, "--out", out).code == 1


def test_chosen_methods(neurofit, weights) -> None:
    ended = neurofit(*WORDS, weights, commands.BIONET, "--method", "sta")
    assert ended.code == 0
    assert set(rows_of(ended.out)) >= {"sta", "distance alone", "chance"}
    assert "gls" not in ended.out
    assert "it does not beat distance alone in AUC" in ended.out


def test_a_matrix_and_its_orientation(neurofit, truth, tmp_path) -> None:
    np.save(tmp_path / "z.npy", truth.T)
    np.savetxt(tmp_path / "truth.csv", truth, delimiter=",")
    words = (*WORDS, tmp_path / "z.npy", tmp_path / "truth.csv", "--orientation", "pre_post")
    ended = neurofit(*words, "--truth-orientation", "post_pre")
    assert (ended.code, ended.err) == (0, "")
    assert rows_of(ended.out)["z"][1:3] == ["1", "1"]
    assert "distance alone" not in rows_of(ended.out)
    assert "no positions, so no ranking by distance beside it" in ended.out
    np.save(tmp_path / "p.npy", np.random.default_rng(0).uniform(0, 100, (60, 3)))
    ended = neurofit(*words, "--truth-orientation", "post_pre", "--positions", tmp_path / "p.npy")
    assert "distance alone" in rows_of(ended.out)
    with_ids = neurofit(*WORDS, tmp_path / "z.npy", commands.BIONET, "--orientation", "pre_post")
    assert "note: the estimate has no ids of cells: they are taken to be in the order of the truth" in with_ids.out


def test_a_truth_in_an_hdf5_file(neurofit, truth, tmp_path) -> None:
    np.save(tmp_path / "z.npy", truth)
    with h5py.File(tmp_path / "truth.h5", "w") as file:
        file["net/w"] = truth.T
    ended = neurofit(*WORDS, tmp_path / "z.npy", tmp_path / "truth.h5", "--orientation", "post_pre",
                     "--truth-dataset", "/net/w", "--truth-orientation", "pre_post")  # fmt: skip
    assert rows_of(ended.out)["z"][1:3] == ["1", "1"]


def test_mistakes_end_in_one_line(neurofit, recording, weights, truth, tmp_path) -> None:
    np.save(tmp_path / "z.npy", truth)
    np.save(tmp_path / "small.npy", truth[:50, :50])
    with h5py.File(weights, "a") as file:
        file["cell_ids"][0] = 99
    given = ("--orientation", "post_pre")
    for words, message in (
        ((tmp_path / "z.npy", commands.BIONET), "does not say what its rows are; expected post_pre"),
        ((tmp_path / "z.npy", tmp_path / "z.npy", *given), "say --truth-orientation"),
        ((tmp_path / "small.npy", commands.BIONET, *given), "a truth of 60 cells; expected 50, as the estimate has"),
        ((weights, commands.BIONET), "1 of 60 cells of the estimate are not in the truth: 99"),
        ((weights, commands.BIONET, "--method", "glm"), "no estimate by glm; expected of gls, sta"),
        ((tmp_path / "z.npy", recording, *given), "no connections among the recorded cells"),
        ((tmp_path / "no.npy", recording, *given), "no such file"),
    ):
        code, out, err = neurofit(*WORDS, *words)
        lines = [line for line in err.splitlines() if not line.startswith("warning: ")]
        assert (code, out, len(lines)) == (1, "", 1), words
        assert message in lines[0]


def test_the_help_is_light(neurofit) -> None:
    ended = neurofit(*WORDS, "--help")
    assert ended.code == 0
    assert "--truth-orientation" in ended.out

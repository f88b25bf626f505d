"""Inference from a recording to its folder, on the example recording and on voltages whose connections are known."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurofit.connectivity.matrices import read_matrices
from neurofit.estimators.connectivity_infer import Inference, infer_connectivity, inferred_types
from neurofit.estimators.connectivity_infer_options import InferOptions
from neurofit.estimators.connectivity_infer_report import (
    inference_figures,
    inference_tables,
    report_inference,
    start_inference,
)
from neurofit_io import Recording, RecordingError, RecordingWarning, load

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "data" / "bionet_60cells"
METHODS = ("gls", "sta", "linear-coupling")


@pytest.fixture(scope="module")
def recording() -> Recording:
    with pytest.warns(RecordingWarning, match="without a units attribute"):
        return load(EXAMPLE)


@pytest.fixture(scope="module")
def inference(recording: Recording) -> Inference:
    return infer_connectivity(recording, InferOptions(method=METHODS))


def test_every_method_is_scored_beside_chance_and_distance(inference: Inference) -> None:
    assert [row["method"] for row in inference.rows] == [
        "gls",
        "gls-dale",
        "sta",
        "linear-coupling",
        "linear-coupling-dale",
    ]
    for row in inference.rows:
        assert row["ap_chance"] == pytest.approx(414 / 3540)
        assert 0 < row["ap_distance"] < 1
        assert row["n_pairs"] == 3540
        assert row["duration_s"] == pytest.approx(2.0)
        assert row["cpu_s"] > 0
    assert inference.rows[0]["ap"] > 2 * inference.rows[0]["ap_chance"]
    json.dumps(inference.rows, allow_nan=False)


def test_score_against_length_ends_with_the_whole(inference: Inference) -> None:
    assert inference.lengths_s == (1.0, 2.0)
    for row in inference.rows:
        assert inference.ap_by_length[row["method"]][-1] == row["ap"]
        assert len(inference.ap_by_length[row["method"]]) == 2


def test_the_folder_holds_all_and_its_weights_are_read_back(
    recording: Recording, inference: Inference, tmp_path: Path
) -> None:
    options = InferOptions(method=METHODS)
    run = start_inference(recording, options, tmp_path / "conn", overwrite=False, command=["neurofit"])
    report = report_inference(run, recording, inference, options)
    assert report.read_text(encoding="utf-8").count("<figure>") == 5
    with h5py.File(tmp_path / "conn" / "weights.h5") as file:
        for estimate in inference.estimates:
            for name in ("weight", "se", "z"):
                np.testing.assert_array_equal(file[estimate.method][name], getattr(estimate, name))
    read = read_matrices(tmp_path / "conn" / "weights.h5")
    assert {each.name for each in read} == {each.method for each in inference.estimates}
    rows = json.loads((tmp_path / "conn" / "scores.json").read_text(encoding="utf-8"))
    assert [row["method"] for row in rows] == [row["method"] for row in inference.rows]
    with open(tmp_path / "conn" / "connections.csv", encoding="utf-8", newline="") as stream:
        called = list(csv.DictReader(stream))
    expected = sum(int(np.count_nonzero(calls.sign)) for calls in inference.calls)
    assert len(called) == expected > 0
    first = called[0]
    ids = [str(label) for label in inference.population.cell_ids]
    place = ids.index(first["post"]), ids.index(first["pre"])
    assert float(first["z"]) == pytest.approx(inference["gls"].z[place], rel=1e-3)
    assert abs(float(first["z"])) == pytest.approx(np.abs(inference["gls"].z).max(), rel=1e-3)


def test_without_a_truth_pairs_are_called_and_nothing_is_scored(recording: Recording) -> None:
    blind = infer_connectivity(dataclasses.replace(recording, connectivities={}), InferOptions(method=("gls",)))
    assert "ap" not in blind.rows[0]
    assert blind.lengths_s == ()
    assert [table[0] for table in inference_tables(blind, InferOptions())] == [
        "Pairs called connected at a false discovery rate of 0.05"
    ]
    assert [name for name, _, _ in inference_figures(blind)] == ["matrices", "averages"]
    assert set(inferred_types(blind["gls"], fdr=0.05)) <= {"e", "i", ""}


def test_time_and_preset(recording: Recording) -> None:
    part = infer_connectivity(recording, InferOptions(preset="nayebi2015", time="0.5:1.5", no_lengths=True))
    assert [row["method"] for row in part.rows] == ["sta", "lif-current"]
    assert part.rows[0]["duration_s"] == pytest.approx(1.0)
    assert any("3.5 ms" in note for note in part["lif-current"].notes)
    for wrong, said in (({"time": "now"}, "--time now"), ({"fdr": 2.0}, "--fdr 2"), ({"bin_ms": 0.0}, "--bin-ms 0")):
        with pytest.raises(RecordingError, match=said):
            infer_connectivity(recording, InferOptions(**wrong))  # type: ignore[arg-type]


def test_a_truth_from_elsewhere_is_cut_to_the_recorded_cells(recording: Recording) -> None:
    assert recording.connectivity is not None
    other = dataclasses.replace(recording.connectivity, post_ids=np.arange(1000, 1060), pre_ids=np.arange(1000, 1060))
    with pytest.raises(RecordingError, match="cells"):
        infer_connectivity(recording, InferOptions(method=("linear-coupling",)), truth=other)


def test_spikes_alone_take_the_best_method_of_spikes(recording: Recording) -> None:
    spikes_only = dataclasses.replace(recording, signals={})
    found = infer_connectivity(spikes_only, InferOptions(no_lengths=True))
    assert [row["method"] for row in found.rows] == ["linear-coupling", "linear-coupling-dale"]

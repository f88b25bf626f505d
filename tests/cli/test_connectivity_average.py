"""`neurofit connectivity average` on six cells with one strong connection: files, numbers, figures, mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurofit_io import Provenance, Recording, connectivity_from_matrix, save, signal_from_array, spikes_from_lists

IDS = np.array([f"c{i}" for i in range(6)])


@pytest.fixture(scope="module")
def pair_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """c1 drives c4; c5 never fires."""
    rng, steps = np.random.default_rng(0), 20_000
    values = -60 + rng.standard_normal((steps, 6))
    trains = [np.sort(rng.uniform(0, 2, 40)) if cell < 5 else np.empty(0) for cell in range(6)]
    for time in trains[1]:
        step = int(time * 1e4)
        values[step + 20 : step + 120, 4] += 5
    weight = np.zeros((6, 6))
    weight[4, 1] = 2.0
    path = tmp_path_factory.mktemp("average") / "pair.h5"
    recording = Recording(
        Provenance(path, "memory"),
        {"vm": signal_from_array(values.astype(np.float32), name="vm", rate_hz=1e4, unit="mV", channel_ids=IDS)},
        {"spikes": spikes_from_lists(trains, stop_s=2.0, unit_ids=IDS)},
        {"connectivity": connectivity_from_matrix(weight, orientation="post_pre", post_ids=IDS)},
    )
    return save(recording, path)


def test_average_writes_summaries_scores_and_figures(neurofit: Any, pair_recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "average"
    ended = neurofit("connectivity", "average", pair_recording, "--out", out, "--cube", "--pairs", "c1:c4,c0:c2")
    assert ended.code == 0, ended.err
    assert "jitter-corrected z AUC 1.000 AP 1.000" in ended.out
    assert "1 cells without a spike" in ended.out
    with h5py.File(out / "averages.h5") as file:
        assert np.unravel_index(np.nanargmax(file["peak"][()]), (6, 6)) == (4, 1)
        assert np.isnan(file["peak"][:, 5]).all()
        assert file["latency_ms"].attrs["unit"] == "ms"
        assert 2.0 <= file["latency_ms"][4, 1] <= 12.0
        assert file["post_ids"][()].tolist() == [label.encode() for label in IDS]
        assert file["windows/early/se"].shape == (6, 6)
        assert file["lags_ms"].shape == (300,)
    with h5py.File(out / "cube.h5") as file:
        assert file["average"].shape == (6, 6, 300)
        assert file["average"][4, 1, 50] == pytest.approx(5, abs=1.0)
    rows = json.loads((out / "scores.json").read_text())
    assert [row["method"] for row in rows] == [
        "peak", "area", "early window", "baseline-corrected z", "jitter-corrected z",
    ]  # fmt: skip
    assert rows[0]["n_silent"] == 1
    assert (out / "figures" / "averages.png").exists()
    assert (out / "report.html").exists()


def test_windows_alone_from_blanked_voltage(neurofit: Any, pair_recording: Path, tmp_path: Path) -> None:
    words = ("--reduce", "jitter_z,windows", "--voltage", "blanked", "--lags-ms=-5:20")
    ended = neurofit("connectivity", "average", pair_recording, "--out", tmp_path / "a", *words)
    assert ended.code == 0, ended.err
    assert "blanked voltage" in ended.out
    with h5py.File(tmp_path / "a" / "averages.h5") as file:
        assert "peak" not in file
        assert np.unravel_index(np.nanargmax(file["jitter_z"][()]), (6, 6)) == (4, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--pairs", "c1:nobody"), "no cell nobody"),
        (("--lags-ms", "0.1:3000"), "lags span"),
        (("--signal", "lfp"), "no signal 'lfp'"),
    ],
)
def test_mistakes_end_in_one_line(
    neurofit: Any, pair_recording: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ended = neurofit("connectivity", "average", pair_recording, "--out", tmp_path / "a", *words)
    assert ended.code == 1
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--lags-ms", "30:1"), "FIRST:LAST in ms"),
        (("--lags-ms", "1..2:3"), "FIRST:LAST in ms"),
        (("--pairs", "c1"), "PRE:POST"),
        (("--jitter-ms", "0"), "a time above 0"),
    ],
)
def test_options_that_mean_nothing_are_wrong_usage(
    neurofit: Any, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ended = neurofit("connectivity", "average", "any.h5", "--out", tmp_path / "a", *words)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())
    assert not (tmp_path / "a").exists()


def test_a_recording_without_spikes_says_so(neurofit: Any, recording: Path, tmp_path: Path) -> None:
    ended = neurofit("connectivity", "average", recording, "--out", tmp_path / "a")
    assert ended.code == 1
    assert "no spikes" in ended.err

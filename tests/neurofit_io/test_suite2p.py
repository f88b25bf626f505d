"""The Suite2p folder against its own .npy files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from neurofit_io import RecordingError, load


def test_plane(shared_data: Path) -> None:
    folder = shared_data / "calcium_suite2p"
    with pytest.raises(RecordingError, match=r"ops.npy, a pickled object .* give --rate-hz"):
        load(folder)
    got = load(folder, rate_hz=30)
    assert list(got.signals) == ["fluorescence", "neuropil"]
    np.testing.assert_array_equal(got.signals["fluorescence"].read(), np.load(folder / "F.npy").T)
    np.testing.assert_array_equal(got.signals["neuropil"].read(5, 9, [218]), np.load(folder / "Fneu.npy")[[218], 5:9].T)
    stored = np.load(folder / "iscell.npy")
    columns = got.signals["fluorescence"].metadata["channel_columns"]
    assert columns["accepted"] == stored[:, 0].tolist()
    assert columns["probability"] == stored[:, 1].tolist()
    assert got.provenance.notes == ("calcium_suite2p has no spks.npy",)


def plane(folder: Path, rois: int = 4, spikes: int = 4) -> Path:
    folder.mkdir(parents=True)
    np.save(folder / "F.npy", np.arange(rois * 20, dtype=np.float32).reshape(rois, 20))
    np.save(folder / "spks.npy", np.ones((spikes, 20), np.float32))
    np.save(folder / "ops.npy", np.array({"fs": 30.0}, dtype=object), allow_pickle=True)
    return folder


def test_several_planes(tmp_path: Path) -> None:
    for k in (0, 2, 10):
        plane(tmp_path / "suite2p" / f"plane{k}", rois=k + 3, spikes=k + 3)
    got = load(tmp_path, rate_hz=10)
    assert list(got.signals)[::2] == ["fluorescence_plane0", "fluorescence_plane2", "fluorescence_plane10"]
    assert got.signals["deconvolved_plane10"].shape == (20, 13)
    assert got.signals["deconvolved_plane10"].kind == "deconvolved"


def test_parts_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"fluorescence \(4, 20\), deconvolved \(3, 20\); expected one shape"):
        load(plane(tmp_path / "a", spikes=3), rate_hz=1)
    folder = plane(tmp_path / "b")
    np.save(folder / "iscell.npy", np.ones((3, 2)))
    with pytest.raises(RecordingError, match=r"shape \(3, 2\); expected a row for each of 4 ROIs"):
        load(folder, rate_hz=1)


def test_cut_part(shared_data: Path, tmp_path: Path) -> None:
    shutil.copy(shared_data / "calcium_suite2p" / "iscell.npy", tmp_path / "iscell.npy")
    (tmp_path / "F.npy").write_bytes((shared_data / "calcium_suite2p" / "F.npy").read_bytes()[:1000])
    with pytest.raises(RecordingError, match=r"F\.npy: damaged"):
        load(tmp_path, rate_hz=1)

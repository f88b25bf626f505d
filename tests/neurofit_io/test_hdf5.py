"""HDF5 files of unknown layout against h5py."""

from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurofit_io import RecordingError, load

VALUES = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)


def written(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file["session/lfp"] = VALUES.T
        file["session/lfp"].attrs.update({"sampling_rate": np.array([500.0]), "units": np.bytes_("uV"), "t_start": 2.0})
        file["session/name"] = "a text"
        file["session/trials"] = np.zeros((3, 60, 2))
    return path


def test_one_dataset_by_path(tmp_path: Path) -> None:
    path = written(tmp_path / "x.h5")
    with pytest.raises(RecordingError, match=r"--dataset '/session/lfp' \(5, 60\), --dataset '/session/trials'"):
        load(path)
    for name in ("session/lfp", "/session/lfp"):
        signal = load(path, dataset=name, time_axis=1).signal("lfp")
        assert (signal.rate_hz, signal.unit, signal.start_s) == (500, "uV", 2)
        np.testing.assert_array_equal(signal.read(7, 30, [4, 0]), VALUES[7:30, [4, 0]])


def test_options_go_before_attributes(tmp_path: Path) -> None:
    signal = load(
        written(tmp_path / "x.h5"), dataset="session/lfp", time_axis=1, rate_hz=50, unit="mV", start_s=0
    ).signal()
    assert (signal.rate_hz, signal.start_s) == (50, 0)
    np.testing.assert_allclose(signal.read(), VALUES * 1000, rtol=1e-6)


def test_only_dataset_is_taken_and_read_on_demand(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["data"], file["t"] = VALUES, np.arange(60) / 20
    signal = pickle.loads(pickle.dumps(load(tmp_path / "x.h5").signal()))
    assert signal.rate_hz == pytest.approx(20)
    np.testing.assert_array_equal(signal.read(), VALUES)


def test_trials_on_disk(tmp_path: Path) -> None:
    got = load(written(tmp_path / "x.h5"), dataset="session/trials", trial_axis=0, time_axis=1, rate_hz=10)
    assert got.signal().shape == (180, 2)
    assert got.trials is not None
    assert len(got.trials) == 3


def test_text_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="session/name: it holds object; expected plain numbers"):
        load(written(tmp_path / "x.h5"), dataset="session/name")


def test_external_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    written(tmp_path / "x.h5")
    with h5py.File(tmp_path / "a" / "y.h5", "w") as file:
        file["v"] = h5py.ExternalLink("../x.h5", "/session/lfp")
    with pytest.raises(RecordingError, match="external link"):
        load(tmp_path / "a" / "y.h5", dataset="v")

"""MATLAB files of version 5 and 7.3 against scipy.io, h5py and the values written."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from neurofit_io import RecordingError, load

VALUES = np.random.default_rng(0).normal(size=(60, 5))


def test_field_potential(shared_data: Path) -> None:
    path = shared_data / "mat_kramer" / "LFP-1.mat"
    with pytest.raises(RecordingError, match="lfp values without a unit; give --unit"):
        load(path)
    signal = load(path, unit="mV").signal("lfp")
    assert (signal.shape, signal.rate_hz, signal.unit) == ((100000, 1), pytest.approx(1000), "uV")
    np.testing.assert_allclose(signal.read()[:, 0], scipy.io.loadmat(path)["LFP"][0] * 1000, rtol=1e-6)


def test_trials_by_time(shared_data: Path) -> None:
    path = shared_data / "mat_kramer" / "spikes-LFP-1.mat"
    with pytest.raises(RecordingError, match=r"--dataset 'n' \(100, 1000\), --dataset 'y' \(100, 1000\)"):
        load(path)
    stored = scipy.io.loadmat(path)
    channels = load(path, dataset="y", kind="lfp", unit="mV").signal()
    np.testing.assert_allclose(channels.read(), 1000 * stored["y"].T, rtol=1e-6)
    got = load(path, dataset="n", kind="counts", trial_axis=0)
    np.testing.assert_array_equal(got.signal().read()[:, 0], stored["n"].reshape(-1))
    assert (len(got.signal().segments), got.signal().unit) == (100, "count")


def test_raster_with_a_column_of_its_trials(shared_data: Path) -> None:
    path = shared_data / "mat_kramer" / "10_spikes-1.mat"
    with pytest.raises(RecordingError, match="t counts samples"):
        load(path, dataset="train", kind="counts", trial_axis=0)
    got = load(path, dataset="train", kind="counts", trial_axis=0, rate_hz=1000)
    stored = scipy.io.loadmat(path)
    assert got.signal().read().sum() == stored["train"].sum()
    assert got.trials is not None
    np.testing.assert_array_equal(got.trials.columns["direction"], stored["direction"][:, 0])
    assert got.signal().metadata["trial_start_s"] == -1


def test_spike_times(shared_data: Path) -> None:
    path = shared_data / "mat_kramer" / "spikes-1.mat"
    spikes = load(path, dataset="spiketimes", kind="spikes", spike_unit="s").spikes
    assert spikes is not None
    np.testing.assert_array_equal(spikes.times_s, np.sort(scipy.io.loadmat(path)["spiketimes"][:, 0]))
    assert spikes.stop_s == pytest.approx(177.762)


def test_cells_by_time_without_a_rate(shared_data: Path) -> None:
    path = shared_data / "calcium_zebrafish" / "zf_20170215-f3.mat"
    with pytest.raises(RecordingError, match="6 arrays: --dataset 'activity_matrix'"):
        load(path)
    with pytest.raises(RecordingError, match="--time-axis 1 for 5660 steps"):
        load(path, dataset="activity_matrix", kind="dff", rate_hz=5)
    with pytest.raises(RecordingError, match="--rate-hz"):
        load(path, dataset="activity_matrix", kind="dff", time_axis=1)
    signal = load(path, dataset="activity_matrix", kind="dff", time_axis=1, rate_hz=5).signal("dff")
    np.testing.assert_array_equal(signal.read(), scipy.io.loadmat(path)["activity_matrix"].T.astype(np.float32))


def test_cell_array_of_structs(shared_data: Path) -> None:
    path = shared_data / "calcium_spikefinder" / "data.4.test.preprocessed.mat"
    with pytest.raises(RecordingError, match=r"9 arrays: --dataset 'data\[0\]\.calcium' \(1, 33280\)"):
        load(path)
    stored = scipy.io.loadmat(path)["data"][0, 2][0, 0]
    signal = load(path, dataset="data[2].calcium").signal("calcium")
    assert signal.rate_hz == stored["fps"].item() == pytest.approx(100, rel=1e-4)
    np.testing.assert_array_equal(signal.read()[:, 0], stored["calcium"][0].astype(np.float32))
    spikes = load(path, dataset="data[2].spike_times", kind="spikes", spike_unit="ms").spikes
    assert spikes is not None
    np.testing.assert_allclose(spikes.times_s, stored["spike_times"][0] / 1000)


def test_struct_array_and_cells_written_by_scipy(tmp_path: Path) -> None:
    cells = np.empty(2, dtype=object)
    cells[:] = [np.array([0.1, 0.2]), np.array([0.05, 0.3, 0.4])]
    scipy.io.savemat(tmp_path / "x.mat", {"s": [{"v": VALUES}, {"v": 2 * VALUES}], "u": cells, "who": "me"})
    signal = load(tmp_path / "x.mat", dataset="s[1].v", rate_hz=10, time_axis=0).signal()
    np.testing.assert_array_equal(signal.read(), (2 * VALUES).astype(np.float32))
    spikes = load(tmp_path / "x.mat", dataset="u", kind="spikes", spike_unit="s").spikes
    assert spikes is not None
    assert spikes.per_unit().tolist() == [2, 3]


def test_damaged(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "x.mat", {"v": VALUES}, do_compression=True)
    content = bytearray((tmp_path / "x.mat").read_bytes())
    content[400:500] = bytes(100)
    (tmp_path / "x.mat").write_bytes(content)
    with pytest.raises(RecordingError, match="damaged, or not a MATLAB file"):
        load(tmp_path / "x.mat")


def version_73(path: Path) -> Path:
    """As MATLAB writes it: a header of 512 bytes, axes reversed, cells and struct arrays as references."""
    with h5py.File(path, "w", userblock_size=512) as file:

        def put(name: str, values: np.ndarray, kind: str = "double") -> h5py.Dataset:
            file[name] = values.T
            file[name].attrs["MATLAB_class"] = np.bytes_(kind)
            return file[name]

        put("v", VALUES)
        put("name", np.array([[104, 105]], np.uint16), "char")
        put("fs", np.array([[250.0]]))
        put("#refs#/a", np.array([[0.1, 0.2]]))
        put("#refs#/b", np.array([[0.05, 0.3, 0.4]]))
        refs = np.array([[file["#refs#/a"].ref], [file["#refs#/b"].ref]], dtype=h5py.ref_dtype)
        file["cells"] = refs
        file["cells"].attrs["MATLAB_class"] = np.bytes_("cell")
        file.create_group("s").attrs["MATLAB_class"] = np.bytes_("struct")
        file["s/x"] = refs
        put("s/y", np.ones((7, 1)))
        empty = put("nothing", np.array([0, 0], np.uint64))
        empty.attrs["MATLAB_empty"] = np.uint8(1)
    content = bytearray(path.read_bytes())
    content[:128] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    path.write_bytes(content)
    return path


def test_version_73(tmp_path: Path) -> None:
    path = version_73(tmp_path / "x.mat")
    with pytest.raises(RecordingError, match=r"--dataset 's\[0\]\.x' \(1, 2\).*--dataset 'v' \(60, 5\)"):
        load(path)
    got = load(path, dataset="v", kind="vm", unit="mV", time_axis=0)
    assert got.signal().rate_hz == 250
    np.testing.assert_array_equal(got.signal().read(3, 9, [4, 2]), VALUES[3:9, [4, 2]].astype(np.float32))
    assert any("name (char)" in note for note in got.provenance.notes)
    for dataset in ("cells", "s[0].x"):
        spikes = load(path, dataset=dataset, kind="spikes", spike_unit="s").spikes
        assert spikes is not None
        assert spikes.times_of(0).tolist() == [0.1, 0.2]


def test_version_73_trials(tmp_path: Path) -> None:
    path = version_73(tmp_path / "x.mat")
    signal = load(path, dataset="v", trial_axis=1).signal()
    np.testing.assert_array_equal(signal.read()[:, 0], VALUES.T.reshape(-1).astype(np.float32))


def test_matrices_that_were_not_opened_are_told(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "x.mat", {"dff": VALUES, "places": np.ones((5, 3)), "t": np.arange(60) / 30})
    got = load(tmp_path / "x.mat", dataset="dff", time_axis=0)
    assert "not opened: places (5, 3)" in got.provenance.notes
    with pytest.raises(RecordingError, match=r"no numeric array 'vm'; expected one of .*'dff' \(60, 5\).*'places'"):
        load(tmp_path / "x.mat", dataset="vm")


@pytest.mark.parametrize("name", ["spike_times", "spikeTimes", "a.spiketimes", "spk_spike_times_ms"])
def test_vectors_called_spike_times_are_no_signal(tmp_path: Path, name: str) -> None:
    parent, _, leaf = name.rpartition(".")
    values = {leaf: np.arange(9.0), "fs": 100.0}
    scipy.io.savemat(tmp_path / "x.mat", {parent: values} if parent else values)
    with pytest.raises(RecordingError, match="spike times without a unit; give --spike-unit"):
        load(tmp_path / "x.mat", dataset=name)


def test_a_cell_array_of_vectors_may_be_spikes(tmp_path: Path) -> None:
    trains = np.empty(2, dtype=object)
    trains[:] = [np.arange(3.0), np.arange(5.0)]
    scipy.io.savemat(tmp_path / "x.mat", {"trains": trains, "lfp": VALUES})
    with pytest.raises(RecordingError, match="or all as the spikes of units with --dataset 'trains' --kind spikes"):
        load(tmp_path / "x.mat", dataset="trains")
    spikes = load(tmp_path / "x.mat", dataset="trains", kind="spikes", spike_unit="s").spikes
    assert spikes is not None
    assert spikes.per_unit().tolist() == [3, 5]

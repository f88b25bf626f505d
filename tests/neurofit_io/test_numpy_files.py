"""npy and npz against numpy itself; nothing is unpickled."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from neurofit_io import RecordingError, load
from neurofit_io.numpy_files import recognises

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(50, 4))


def test_npy_is_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "vm.npy", VALUES)
    signal = load(tmp_path / "vm.npy", unit="mV", rate_hz=1000, time_axis=0).signal("vm")
    np.testing.assert_array_equal(signal.read(10, 20, [3, 1]), VALUES[10:20, [3, 1]].astype(np.float32))
    assert type(signal.source).__name__ == "MemmapSource"


def test_real_npy(shared_data: Path) -> None:
    path = shared_data / "calcium_suite2p" / "F.npy"
    signal = load(path, kind="fluorescence", time_axis=1, rate_hz=30).signal()
    assert signal.shape == (2000, 219)
    np.testing.assert_array_equal(signal.read(), np.load(path).T)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_by_member(tmp_path: Path, save: object) -> None:
    save(tmp_path / "x.npz", lfp=VALUES, t=np.arange(50) / 100, other=np.ones((5, 5)))  # type: ignore[operator]
    with pytest.raises(RecordingError, match=r"--dataset 'lfp' \(50, 4\), --dataset 'other' \(5, 5\)"):
        load(tmp_path / "x.npz")
    signal = load(tmp_path / "x.npz", dataset="lfp", unit="mV").signal()
    assert (signal.rate_hz, signal.unit) == (pytest.approx(100), "uV")
    np.testing.assert_allclose(signal.read(), VALUES * 1000, rtol=1e-6)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=np.array([None, {}], dtype=object), allow_pickle=True)
    for name in ("x.npy", "x.npz"):
        with pytest.raises(RecordingError, match="pickled Python objects, which are never unpickled here"):
            load(tmp_path / name)


def test_pickled_member_beside_a_good_one(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", v=VALUES, info=np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    signal = load(tmp_path / "x.npz", dataset="v", rate_hz=1, time_axis=0).signal()
    np.testing.assert_array_equal(signal.read(), VALUES.astype(np.float32))


def test_damaged(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VALUES)
    content = (tmp_path / "x.npy").read_bytes()
    for name, damaged in (
        ("cut.npy", content[:-100]),
        ("head.npy", content[:40]),
        ("bad.npy", content[:10] + b"!" * 300),
    ):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(RecordingError, match="damaged, or not what its header says"):
            load(tmp_path / name, rate_hz=1, time_axis=0)


def test_npz_that_claims_more_than_memory(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 1000), }"
    member = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + header.ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", member)
    with pytest.raises(RecordingError, match=r"x.npy: needs .* of memory"):
        load(tmp_path / "x.npz")


def test_recognises(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"text")
    assert not recognises(tmp_path / "x.npy")
    assert not recognises(tmp_path)
    np.savez(tmp_path / "x.data", a=VALUES)
    assert recognises(tmp_path / "x.data.npz")


def test_spike_times_with_the_unit_of_each_beside_them(tmp_path: Path) -> None:
    """As spike sorters write them; read as a signal the times would make no sense."""
    times, owners = np.sort(RNG.uniform(0, 30, 200)), RNG.choice([3, 7, 40], 200)
    np.savez(tmp_path / "x.npz", spike_times=times, spike_clusters=owners, templates=RNG.random((3, 5)))
    with pytest.raises(RecordingError, match="spike times without a unit; give --spike-unit"):
        load(tmp_path / "x.npz", dataset="spike_times")
    got = load(tmp_path / "x.npz", dataset="spike_times", spike_unit="s")
    assert got.spikes is not None
    assert got.spikes.unit_ids.tolist() == [3, 7, 40]
    for unit, owner in enumerate((3, 7, 40)):
        np.testing.assert_array_equal(got.spikes.times_of(unit), times[owners == owner])
    assert got.provenance.notes[:2] == ("not read: templates (3, 5)", "the units are those of spike_clusters")


def test_units_that_are_no_whole_numbers(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", spike_times=np.arange(4.0), cluster=np.array([0, 1, 0.5, 2]))
    with pytest.raises(RecordingError, match="cluster: units that are no whole numbers"):
        load(tmp_path / "x.npz", dataset="spike_times", spike_unit="s")

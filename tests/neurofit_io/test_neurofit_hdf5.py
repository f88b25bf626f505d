"""The neurofit HDF5 layout: equal after writing and reading, documented on disk, lazy, refused when newer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest
from every_field import every_field_recording

from neurofit_io import neurofit_hdf5
from neurofit_io.comparing import differences
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Recording


def written(path: Path, **options: bool) -> Recording:
    neurofit_hdf5.write(every_field_recording(), path, **options)
    return neurofit_hdf5.read(path, LoadOptions())


@pytest.mark.parametrize("compress", [True, False])
def test_read_back_equal(tmp_path: Path, compress: bool) -> None:
    again = written(tmp_path / "a.h5", compress=compress)
    assert differences(every_field_recording(), again) == []
    assert list(again.signals) == ["vm", "calcium", "lfp", "vm_cell2", "running/speed"]
    assert again.provenance.metadata["origin"] == {"name": "simulation", "format": "sonata"}
    assert again.provenance.notes == ("nothing was skipped",)


def test_a_copy_of_a_copy_keeps_the_first_origin(tmp_path: Path) -> None:
    neurofit_hdf5.write(written(tmp_path / "a.h5"), tmp_path / "b.h5")
    again = neurofit_hdf5.read(tmp_path / "b.h5", LoadOptions())
    assert differences(every_field_recording(), again) == []
    assert again.provenance.metadata["origin"]["format"] == "sonata"


def test_the_layout_is_the_one_documented(tmp_path: Path) -> None:
    written(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        vm = file["signals/vm/values"]
        assert (file.attrs["neurofit_format"], vm.dtype, vm.chunks) == (1, np.float32, (1024, 3))
        assert (vm.compression, vm.compression_opts, vm.shuffle) == ("gzip", 1, True)
        assert dict(file["signals/vm"].attrs) == {"kind": "vm", "unit": "mV", "start_s": 0.25, "rate_hz": 10000.0}
        raw = every_field_recording().signals["lfp"].source.read(0, 300)
        np.testing.assert_allclose(
            file["signals/lfp/values"][:], raw * [0.195, 0.39] + [1.0, -2.0], rtol=1e-6, atol=1e-4
        )
        assert file["signals/running%2Fspeed/values"].shape == (400, 1)
        np.testing.assert_array_equal(file["spikes/spikes/observed_index"], [1, 3, 3])


def test_opening_reads_no_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    neurofit_hdf5.write(every_field_recording(), tmp_path / "a.h5")
    touched = []
    original = h5py.Dataset.__getitem__
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda d, key: touched.append(d.name) or original(d, key))
    again = neurofit_hdf5.read(tmp_path / "a.h5", LoadOptions())
    assert not [name for name in touched if name.endswith(("values", "timestamps_s"))]
    again.signals["vm"].read(10, 20)
    assert touched[-1] == "/signals/vm/values"


def test_a_later_layout_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file.attrs["neurofit_format"] = 2
    with pytest.raises(RecordingError, match="neurofit_format 2; expected 1 or lower; update neurofit"):
        neurofit_hdf5.read(tmp_path / "a.h5", LoadOptions())


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    written(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["signals/vm/values"]
    with pytest.raises(RecordingError, match=r"a\.h5"):
        neurofit_hdf5.read(tmp_path / "a.h5", LoadOptions())


def test_recognised_by_content(tmp_path: Path) -> None:
    written(tmp_path / "a.h5")
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file["x"] = 1
    (tmp_path / "text.h5").write_text("neurofit_format")
    known = [neurofit_hdf5.recognises(tmp_path / name) for name in ("a.h5", "plain.h5", "text.h5", "absent.h5")]
    assert known == [True, False, False, False]


def test_recordings_without_anything(tmp_path: Path) -> None:
    empty = Recording(every_field_recording().provenance)
    neurofit_hdf5.write(empty, tmp_path / "a.h5")
    again = neurofit_hdf5.read(tmp_path / "a.h5", LoadOptions())
    assert (dict(again.signals), dict(again.spike_trains), again.spikes) == ({}, {}, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: dataclasses.replace(r.signals["vm"], unit="V"), "unit: 'mV' and 'V'"),
        (lambda r: dataclasses.replace(r.signals["vm"], gain=2.0), "values differ, by up to"),
        (lambda r: dataclasses.replace(r.signals["vm"], channel_ids=np.arange(3)), "channel_ids"),
        (lambda r: dataclasses.replace(r.signals["vm"], metadata={}), "metadata"),
        (lambda r: dataclasses.replace(r.signals["vm"], positions_um=None), "positions_um"),
    ],
)
def test_differences_are_seen(change: object, said: str) -> None:
    ours, theirs = every_field_recording(), every_field_recording()
    changed = dataclasses.replace(theirs, signals={**theirs.signals, "vm": change(theirs)})
    found = differences(ours, changed)
    assert len(found) == 1
    assert "signals[vm]" in found[0]
    assert said in found[0]


@pytest.mark.parametrize("part", [f.name for f in dataclasses.fields(every_field_recording().spikes)])
def test_every_field_of_spikes_counts(part: str) -> None:
    ours = every_field_recording()
    spikes = ours.spikes
    assert spikes is not None
    value = getattr(spikes, part)
    other = value + 1 if part in ("times_s", "units", "start_s", "stop_s", "positions_um") else None
    theirs = dataclasses.replace(ours, spike_trains={**ours.spike_trains, "spikes": _replaced(spikes, part, other)})
    assert any(f"[spikes].{part}" in line for line in differences(ours, theirs))


def _replaced(table: object, part: str, value: object) -> object:
    changed = dataclasses.replace(table)
    object.__setattr__(changed, part, value)
    return changed

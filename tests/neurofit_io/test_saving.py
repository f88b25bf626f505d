"""Saving: by suffix, whole or not at all, slab by slab, never over another file unasked."""

from __future__ import annotations

import dataclasses
import resource
import signal as signals
import sys
from pathlib import Path

import numpy as np
import pytest
from every_field import every_field_recording

from neurofit_io.comparing import differences
from neurofit_io.errors import RecordingError
from neurofit_io.loading import load
from neurofit_io.recording import Provenance, Recording
from neurofit_io.saving import save
from neurofit_io.signals import signal_from_array


@pytest.mark.parametrize("name", ["a.h5", "a.hdf5", "a.H5"])
def test_saved_and_loaded_equal(tmp_path: Path, name: str) -> None:
    assert save(every_field_recording(), tmp_path / name) == tmp_path / name
    assert differences(every_field_recording(), load(tmp_path / name)) == []
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.h5", "a.nwb"])
def test_one_sweep_can_be_taken_of_what_was_saved(tmp_path: Path, name: str) -> None:
    whole = load(save(every_field_recording(), tmp_path / name))
    one = load(tmp_path / name, sweep=2)
    assert (one.signals["vm_cell2"].shape, one.signals["vm_cell2"].start_s) == ((250, 1), 2.0)
    np.testing.assert_array_equal(one.signals["vm_cell2"].read(10, 20), whole.signals["vm_cell2"].read(360, 370))
    assert one.signals["vm"].shape == whole.signals["vm"].shape
    with pytest.raises(RecordingError, match="--sweep 3; expected 0 to 2"):
        load(tmp_path / name, sweep=3)


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"suffix '\.mat'; expected one of \.nwb, \.h5, \.hdf5"):
        save(every_field_recording(), tmp_path / "a.mat")


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_text("mine")
    with pytest.raises(RecordingError, match="there is a file already; give another name, or --overwrite"):
        save(every_field_recording(), tmp_path / "a.h5")
    assert (tmp_path / "a.h5").read_text() == "mine"


def test_a_recording_can_replace_its_own_file(tmp_path: Path) -> None:
    """The old bytes stay readable through what was opened before; a new load sees the new ones."""
    first = Recording(Provenance(Path("x"), "test"), {"vm": signal_from_array(np.ones(9), name="vm", rate_hz=10.0)})
    save(first, tmp_path / "a.h5")
    opened = load(tmp_path / "a.h5")
    opened.signals["vm"].read()
    longer = {**opened.signals, "speed": signal_from_array(np.zeros(5), name="speed", rate_hz=5.0)}
    save(Recording(opened.provenance, longer), tmp_path / "a.h5", overwrite=True)
    assert list(load(tmp_path / "a.h5").signals) == ["vm", "speed"]
    np.testing.assert_array_equal(opened.signals["vm"].read(), np.ones((9, 1)))


@pytest.mark.parametrize("name", ["a.h5", "a.nwb"])
@pytest.mark.parametrize("limit", [0, 100_000, 2_000_000])
def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, name: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size limit of a file stands in for the disk; the kernel's signal for it is ignored by Python."""
    assert signals.getsignal(signals.SIGXFSZ) == signals.SIG_IGN
    # Modules first imported under the limit would leave cut byte code behind.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    rng = np.random.default_rng(0)
    noise = signal_from_array(rng.normal(size=(200_000, 4)), name="vm", rate_hz=1000.0)
    recording = Recording(Provenance(Path("x"), "test"), {"vm": noise})
    (tmp_path / name).write_text("mine")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(RecordingError, match=r"could not be written \(File too large\).*disk has room"):
            save(recording, tmp_path / name, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [(name, "mine")]


def test_one_slab_at_a_time_is_read(tmp_path: Path) -> None:
    asked: list[int] = []

    class Counted:
        shape, dtype, place = (300_000, 64), np.dtype(np.float32), "memory"

        def read(self, start: int, stop: int, channels: object = None) -> np.ndarray:
            asked.append(stop - start)
            return np.full((stop - start, 64), start, np.float32)

    template = signal_from_array(np.zeros((300_000, 1)), name="vm", rate_hz=1000.0)
    wide = dataclasses.replace(template, source=Counted(), channel_ids=np.arange(64))
    save(Recording(Provenance(Path("x"), "test"), {"vm": wide}), tmp_path / "a.h5")
    assert max(asked) * 64 * 4 <= 16 * 2**20
    assert sum(asked) == 300_000
    assert load(tmp_path / "a.h5").signals["vm"].read(299_999)[0, 0] == 262_144

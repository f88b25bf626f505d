"""What lies at a path, and HDF5's failures, in words."""

from __future__ import annotations

import errno
import os
import struct
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurofit_io.damage import (
    hdf5_datasets,
    in_bytes,
    in_words,
    promised_hdf5_bytes,
    refuse_damaged,
    unreadable,
    unrecognised,
)
from neurofit_io.errors import RecordingError


@pytest.mark.parametrize("more", [{}, {"libver": "latest"}, {"userblock_size": 2048}])
def test_promised_size_is_the_real_size(tmp_path: Path, more: dict) -> None:
    with h5py.File(tmp_path / "x.h5", "w", **more) as file:
        file["x"] = np.arange(1000.0)
    size = (tmp_path / "x.h5").stat().st_size
    assert promised_hdf5_bytes(tmp_path / "x.h5") == size
    refuse_damaged(tmp_path / "x.h5")


def test_cut_short_at_any_length(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"] = np.arange(1000.0)
    whole = (tmp_path / "x.h5").read_bytes()
    for length in (8, 20, 60, 95, 96, 500, len(whole) - 1):
        (tmp_path / "cut.h5").write_bytes(whole[:length])
        with pytest.raises(RecordingError, match=rf"cut short: {length} of"):
            refuse_damaged(tmp_path / "cut.h5")


def test_superblock_that_makes_no_sense(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"] = np.arange(10.0)
    content = bytearray((tmp_path / "x.h5").read_bytes())
    for index, value in ((8, 77), (13, 3), (14, 99)):
        changed = bytearray(content)
        changed[index] = value
        (tmp_path / "y.h5").write_bytes(changed)
        with pytest.raises(RecordingError, match="damaged"):
            refuse_damaged(tmp_path / "y.h5")


def test_anything_else_passes(tmp_path: Path) -> None:
    for name, content in (("x.bin", struct.pack("<4f", 1, 2, 3, 4)), ("x.csv", b"a,b\n1,2\n"), ("x.bin", b"\x00")):
        (tmp_path / name).write_bytes(content)
        refuse_damaged(tmp_path / name)
        assert promised_hdf5_bytes(tmp_path / name) is None
    np.savez(tmp_path / "x.npz", a=np.arange(3))
    refuse_damaged(tmp_path / "x.npz")
    refuse_damaged(tmp_path)


def test_npz_cut_short(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.arange(300))
    (tmp_path / "x.npz").write_bytes((tmp_path / "x.npz").read_bytes()[:500])
    with pytest.raises(RecordingError, match="damaged zip archive"):
        refuse_damaged(tmp_path / "x.npz")


def test_missing_folder_and_nothing_near(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no folder"):
        refuse_damaged(tmp_path / "nowhere" / "x.nwb")
    with pytest.raises(RecordingError, match=r"no such file$"):
        refuse_damaged(tmp_path / "x.nwb")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EACCES, "Permission denied"), "no permission"),
        (BlockingIOError(11, "unable to lock file"), "HDF5_USE_FILE_LOCKING"),
        (OSError("Unable to synchronously open file (unable to lock file, errno = 11)"), "HDF5_USE_FILE_LOCKING"),
        (OSError("Can't synchronously read data (can't open directory (/usr/lib/plugin))"), "pip install hdf5plugin"),
        (OSError("Can't synchronously read data (wrong B-tree signature)"), r"damaged.*wrong B-tree signature"),
        (OSError("Can't synchronously read data (filter returned failure during read)"), "damaged"),
        (MemoryError(), "larger than the memory"),
        (KeyError("x"), "damaged"),
    ],
)
def test_failures_in_words(error: Exception, words: str) -> None:
    said = unreadable("a.h5: g/x", error)
    assert str(said).startswith("a.h5: ")
    with pytest.raises(RecordingError, match=words):
        raise said


def test_in_words_keeps_what_is_said_already() -> None:
    first = RecordingError("a.h5", "something")
    with pytest.raises(RecordingError) as caught, in_words("b.h5"):
        raise first
    assert caught.value is first
    with pytest.raises(RecordingError, match=r"b\.h5") as caught, in_words("b.h5"):
        raise RuntimeError("bad heap")
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_unrecognised_lists_what_is_there(tmp_path: Path) -> None:
    assert "without a readable file" in str(unrecognised(tmp_path))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["g/v"] = np.zeros((30, 2))
    assert hdf5_datasets(tmp_path / "x.h5") == ["/g/v (30, 2) float64"]
    assert "/g/v (30, 2) float64; name one with --dataset" in str(unrecognised(tmp_path / "x.h5"))
    assert "it holds: x.h5" in str(unrecognised(tmp_path))
    (tmp_path / "notes").write_text("hello")
    assert "--format" in str(unrecognised(tmp_path / "notes"))


def test_plain_tar_lists_its_members(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        (tmp_path / name).write_bytes(b"x")
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(tmp_path / "a.h5", "a.h5")
        archive.add(tmp_path / "b.h5", "b.h5")
    with pytest.raises(RecordingError, match=r"a tar archive: a\.h5, b\.h5; unpack"):
        refuse_damaged(tmp_path / "x.tar")


def test_name_that_no_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be reached: File name too long"):
        refuse_damaged(tmp_path / ("x" * 5000))


def test_annex_pointer_without_link(tmp_path: Path) -> None:
    (tmp_path / "x.nwb").write_text("/annex/objects/SHA256E-s99--abc.nwb\n")
    with pytest.raises(RecordingError, match="git annex get"):
        refuse_damaged(tmp_path / "x.nwb")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_no_permission(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"1234")
    (tmp_path / "x.bin").chmod(0)
    with pytest.raises(RecordingError, match="Permission denied"):
        refuse_damaged(tmp_path / "x.bin")


def test_sizes_as_people_say_them() -> None:
    assert [in_bytes(n) for n in (0, 999, 1000, 1_700_000, 2 * 10**12)] == [
        "0 bytes", "999 bytes", "1.0 kB", "1.7 MB", "2000.0 GB",
    ]  # fmt: skip


def test_a_folder_of_raw_files_needs_a_description(tmp_path: Path) -> None:
    np.zeros(4).tofile(tmp_path / "vm.bin")
    with pytest.raises(
        RecordingError, match=r"vm\.bin; give one of them, or describe the raw files in a recording\.toml"
    ):
        raise unrecognised(tmp_path)

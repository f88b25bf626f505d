"""The time-major copy holds what the file holds, is made once, and is made again when anything about it is odd."""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurofit.preparation import PrepareOptions, cache, prepare
from neurofit.preparation.cache import default_folder, pieces, quick_to_read, slow
from neurofit_io import Clock, Provenance, Recording, RecordingError, RecordingWarning, Signal
from neurofit_io.sources import ConcatenatedSource, Hdf5Source, MemmapSource, SelectedSource, Source, array_source

STEPS, CHANNELS = 900, 130
VALUES = np.random.default_rng(0).integers(-2000, 2000, (STEPS, CHANNELS)).astype(np.int16)


def in_hdf5(path: Path, *, time_axis: int = 0, values: np.ndarray = VALUES, **filters) -> Hdf5Source:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=values if time_axis == 0 else values.T, **filters)
    return Hdf5Source(path, "x", time_axis=time_axis)


def in_bin(path: Path, *, time_axis: int = 0, values: np.ndarray = VALUES) -> MemmapSource:
    (values if time_axis == 0 else values.T).astype(values.dtype, order="C").tofile(path)
    return MemmapSource(path, values.dtype, values.shape, time_axis)


def signal_of(source: Source) -> Signal:
    return Signal("vm", "vm", "mV", source, Clock(source.shape[0], 1000.0), gain=0.1, offset=-65.0)


@pytest.fixture
def small_chunk_cache(monkeypatch):
    """Chunks of all channels and 500 steps do not fit in it."""
    monkeypatch.setattr(cache, "CHUNK_CACHE_BYTES", 2 * CHANNELS * 450)


SLOW = {
    "bin neuron-major": (lambda p: in_bin(p, time_axis=1), "holds each channel by itself"),
    "bin neuron-major big-endian": (
        lambda p: in_bin(p, time_axis=1, values=VALUES.astype(">i2")), "holds each channel by itself"
    ),
    "hdf5 neuron-major": (lambda p: in_hdf5(p, time_axis=1), "holds each channel by itself"),
    "hdf5 gzip": (lambda p: in_hdf5(p, chunks=(64, 10), compression="gzip"), "is compressed"),
    "hdf5 lzf": (lambda p: in_hdf5(p, chunks=(64, 10), compression="lzf", shuffle=True), "is compressed"),
    "hdf5 long chunks": (lambda p: in_hdf5(p, chunks=(500, 7)), "has chunks of 500 steps"),
    "hdf5 long chunks neuron-major": (lambda p: in_hdf5(p, time_axis=1, chunks=(7, 500)), "has chunks of 500 steps"),
    "hdf5 one chunk a channel, gzip": (
        lambda p: in_hdf5(p, time_axis=1, chunks=(1, STEPS), compression="gzip"), "is compressed"
    ),
}  # fmt: skip
QUICK = {
    "bin time-major": in_bin,
    "bin neuron-major, few channels": lambda p: in_bin(p, time_axis=1, values=VALUES[:, :128]),
    "hdf5 time-major": in_hdf5,
    "hdf5 chunked": lambda p: in_hdf5(p, chunks=(64, 10), shuffle=True, fletcher32=True),
    "hdf5 chunked neuron-major": lambda p: in_hdf5(p, time_axis=1, chunks=(10, 64)),
    "hdf5 of one channel": lambda p: in_hdf5(p, values=VALUES[:, 0], chunks=(64,)),
    "memory": lambda p: array_source(np.asfortranarray(VALUES)),
}


@pytest.mark.parametrize("kind", SLOW)
def test_what_is_slow_is_copied_bit_by_bit(kind, tmp_path, small_chunk_cache, monkeypatch):
    monkeypatch.setattr(cache, "COPY_BYTES", 30_000)
    make, why = SLOW[kind]
    signal = signal_of(make(tmp_path / "session.h5"))
    assert slow(signal.source) == f"{signal.source.place} {why}"
    quick, said = quick_to_read(signal, str(tmp_path / "copies"))
    (copy,) = (tmp_path / "copies").iterdir()
    assert said == f"{signal.source.place} {why}: read from a time-major copy, {copy} (234.0 kB); it may be deleted"
    assert slow(quick.source) is None
    assert (quick.source.place, quick.source.shape, quick.source.dtype) == (
        signal.source.place, signal.source.shape, signal.source.dtype,
    )  # fmt: skip
    np.testing.assert_array_equal(quick.source.read(0, STEPS), VALUES)
    np.testing.assert_array_equal(quick.read(100, 333, [5, 3]), signal.read(100, 333, [5, 3]))
    with h5py.File(copy) as file:
        assert file["values"].chunks is None


@pytest.mark.parametrize("kind", QUICK)
def test_what_is_quick_is_left_alone(kind, tmp_path, small_chunk_cache):
    signal = signal_of(QUICK[kind](tmp_path / "session.h5"))
    assert quick_to_read(signal, str(tmp_path / "copies")) == (signal, None)
    assert not (tmp_path / "copies").exists()


def test_parts_of_a_source_that_are_slow(tmp_path):
    plain, packed = in_bin(tmp_path / "a.bin"), in_hdf5(tmp_path / "b.h5", compression="gzip")
    columns = np.array([7, 3, 9])
    joined = SelectedSource(ConcatenatedSource([plain, packed]), ((10, 400), (880, 1000)), columns)
    expected = np.concatenate([VALUES[10:400], VALUES[880:], VALUES[:100]])[:, columns]
    quick, said = quick_to_read(signal_of(joined), str(tmp_path / "copies"))
    assert "b.h5: x is compressed" in str(said)
    np.testing.assert_array_equal(quick.source.read(0, len(expected)), expected)


def copies(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in folder.iterdir()}


def test_a_copy_is_made_once_and_knows_what_it_is_of(tmp_path):
    source, folder = in_hdf5(tmp_path / "x.h5", compression="gzip"), tmp_path / "copies"
    quick_to_read(signal_of(source), str(folder))
    first = copies(folder)
    quick_to_read(signal_of(Hdf5Source(tmp_path / "x.h5", "x")), str(folder))
    shutil.copy2(tmp_path / "x.h5", tmp_path / "moved.h5")
    quick_to_read(signal_of(Hdf5Source(tmp_path / "moved.h5", "x")), str(folder))
    assert copies(folder) == first
    others = [
        SelectedSource(source, ((0, 100),)),
        SelectedSource(source, ((0, STEPS),), np.array([0, 1])),
        SelectedSource(source, ((0, STEPS),), np.array([1, 0])),
        Hdf5Source(tmp_path / "x.h5", "x", columns=[1, 0]),
    ]
    for number, other in enumerate(others, start=2):
        quick, _ = quick_to_read(signal_of(other), str(folder))
        assert len(copies(folder)) == number
        np.testing.assert_array_equal(quick.source.read(0, 9), other.read(0, 9))


def test_a_file_that_changed_is_copied_anew(tmp_path):
    folder = tmp_path / "copies"
    quick_to_read(signal_of(in_bin(tmp_path / "x.bin", time_axis=1)), str(folder))
    quick, _ = quick_to_read(signal_of(in_bin(tmp_path / "x.bin", time_axis=1, values=VALUES + 1)), str(folder))
    np.testing.assert_array_equal(quick.source.read(0, STEPS), VALUES + 1)
    status = (tmp_path / "x.bin").stat()
    os.utime(tmp_path / "x.bin", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    quick_to_read(signal_of(MemmapSource(tmp_path / "x.bin", VALUES.dtype, VALUES.shape, 1)), str(folder))
    assert len(copies(folder)) == 3


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 100)


def garbage(path: Path) -> None:
    path.write_bytes(b"neither HDF5 nor anything")


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["values"] = np.zeros_like(VALUES)
        file.attrs["fingerprint"] = "of another recording"


def of_other_shape(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["values"]
        file["values"] = np.zeros((3, 2))


@pytest.mark.parametrize("damage", [cut_short, garbage, foreign, of_other_shape])
def test_a_damaged_or_foreign_copy_is_written_again(damage, tmp_path):
    signal, folder = signal_of(in_hdf5(tmp_path / "x.h5", compression="gzip")), tmp_path / "copies"
    quick_to_read(signal, str(folder))
    (copy,) = folder.iterdir()
    damage(copy)
    quick, _ = quick_to_read(signal, str(folder))
    np.testing.assert_array_equal(quick.source.read(0, STEPS), VALUES)
    assert list(folder.iterdir()) == [copy]


def test_without_room_it_is_read_as_it_is(tmp_path, monkeypatch):
    signal = signal_of(in_bin(tmp_path / "x.bin", time_axis=1))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    same, said = quick_to_read(signal, str(tmp_path / "deep" / "copies"))
    assert same is signal
    assert said == (
        f"reading is slow: {tmp_path / 'x.bin'} holds each channel by itself, and no time-major copy of 234.0 kB could "
        f"be made at {tmp_path / 'deep' / 'copies'} (1.0 kB of 234.0 kB free); name another folder with --cache"
    )
    assert not (tmp_path / "deep").exists()


def test_where_nothing_can_be_written_it_is_read_as_it_is(tmp_path):
    signal = signal_of(in_bin(tmp_path / "x.bin", time_axis=1))
    (tmp_path / "file").write_text("in the way")
    same, said = quick_to_read(signal, str(tmp_path / "file"))
    assert same is signal
    assert str(said).startswith("reading is slow: ")


def test_none_makes_no_copy(tmp_path):
    signal = signal_of(in_bin(tmp_path / "x.bin", time_axis=1))
    assert quick_to_read(signal, "none") == (signal, None)


def test_a_copy_that_fails_leaves_nothing(tmp_path, small_chunk_cache):
    class Broken(Hdf5Source):
        def read(self, start, stop, channels=None):
            raise OSError("unreadable block")

    in_hdf5(tmp_path / "x.h5", chunks=(500, 7), compression="gzip")
    with pytest.raises(RecordingError, match=r"x\.h5: x: .*unreadable block"):
        quick_to_read(signal_of(Broken(tmp_path / "x.h5", "x")), str(tmp_path / "copies"))
    assert list((tmp_path / "copies").iterdir()) == []


def test_the_default_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "neurofit"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".cache" / "neurofit"


def test_a_terminal_sees_how_far_it_is(tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stderr = Terminal()
    monkeypatch.setattr("sys.stderr", stderr)
    quick_to_read(signal_of(in_bin(tmp_path / "x.bin", time_axis=1)), str(tmp_path / "copies"))
    assert "time-major copy: 100%" in stderr.getvalue()


def test_no_chunk_is_unpacked_twice(tmp_path, small_chunk_cache):
    source = in_hdf5(tmp_path / "x.h5", time_axis=1, chunks=(7, 500), compression="gzip")
    seen = np.zeros(VALUES.shape, int)
    chunks = np.zeros((2, -(-CHANNELS // 7)), int)
    for start, stop, channels in pieces(source, 5000):
        seen[start:stop, channels] += 1
        chunks[start // 500 : -(-stop // 500), np.unique(channels // 7)] += 1
    assert (seen.min(), seen.max(), chunks.min(), chunks.max()) == (1, 1, 1, 1)


def test_a_recording_is_prepared_alike_from_its_copy(tmp_path):
    source = in_hdf5(tmp_path / "x.h5", time_axis=1, compression="gzip", chunks=(5, 100))
    recording = Recording(Provenance(tmp_path / "x.h5", "hdf5"), {"vm": signal_of(source)})
    whole = prepare(recording)
    with pytest.warns(RecordingWarning, match="read from a time-major copy"):
        streamed = prepare(recording, PrepareOptions(memory_gb=0, cache=str(tmp_path / "copies")))
    assert (whole.resident is None, streamed.resident is None) == (False, True)
    np.testing.assert_array_equal(streamed.read(0, STEPS), whole.read(0, STEPS))
    np.testing.assert_array_equal(streamed.read_physical(3, 9), whole.read_physical(3, 9))
    assert streamed.place == whole.place
    assert streamed.notes[0].startswith(f"{whole.place} is compressed: read from")
    assert dataclasses.astuple(streamed.split) == dataclasses.astuple(whole.split)


def test_a_negative_limit_is_refused():
    recording = Recording(Provenance("memory", "test"), {"vm": signal_of(array_source(VALUES))})
    with pytest.raises(RecordingError, match=r"--memory-gb -1; expected 0 or more"):
        prepare(recording, PrepareOptions(memory_gb=-1))

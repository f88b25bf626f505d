"""Every source hands out the same numbers as the array it was written from."""

from __future__ import annotations

import copy
import multiprocessing
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from neurofit_io import sources
from neurofit_io.sources import ArraySource, ConcatenatedSource, Hdf5Source, MemmapSource, Source, array_source

VALUES = np.random.default_rng(0).integers(-1000, 1000, (57, 9)).astype(np.int16)
KINDS = [
    "array",
    "bin_time_major",
    "bin_channel_major",
    "bin_header_big",
    "h5_rows",
    "h5_columns",
    "h5_chunked",
    "parts",
]


def _source(kind: str, folder: Path) -> Source:
    if kind == "array":
        return ArraySource(VALUES)
    if kind == "parts":
        return ConcatenatedSource([array_source(VALUES[:20]), array_source(VALUES[20:20]), array_source(VALUES[20:])])
    if kind.startswith("bin"):
        big, channel_major = kind == "bin_header_big", kind == "bin_channel_major"
        dtype = np.dtype(">i2" if big else "<i2")
        stored = (VALUES.T if channel_major else VALUES).astype(dtype)
        (folder / "x.bin").write_bytes((b"headerxx" if big else b"") + stored.tobytes())
        return MemmapSource(folder / "x.bin", dtype, VALUES.shape, time_axis=int(channel_major), offset=8 * big)
    turned = kind == "h5_columns"
    with h5py.File(folder / "x.h5", "w") as file:
        chunks = (10, 4) if kind == "h5_chunked" else None
        file.create_dataset("a/x", data=VALUES.T if turned else VALUES, chunks=chunks)
    return Hdf5Source(folder / "x.h5", "a/x", time_axis=int(turned))


@pytest.mark.parametrize("kind", KINDS)
def test_windows_and_channels(kind: str, tmp_path: Path) -> None:
    source = _source(kind, tmp_path)
    assert source.shape == VALUES.shape
    assert source.dtype.newbyteorder("=") == VALUES.dtype
    for start, stop in ((0, 57), (3, 40), (19, 21), (56, 57), (5, 5)):
        assert_array_equal(source.read(start, stop), VALUES[start:stop])
        for channels in ([4], [8, 0, 3], [2, 2], []):
            chosen = np.array(channels, dtype=np.intp)
            assert_array_equal(source.read(start, stop, chosen), VALUES[start:stop][:, chosen])


@pytest.mark.parametrize("time_axis", [0, 1])
def test_chosen_columns_of_a_dataset(time_axis: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With blocks of a few rows, so that a read is put together from several."""
    monkeypatch.setattr(sources, "BLOCK_BYTES", 100)
    _source("h5_columns" if time_axis else "h5_rows", tmp_path)
    source = Hdf5Source(tmp_path / "x.h5", "a/x", time_axis=time_axis, columns=[7, 1, 4])
    assert source.shape == (57, 3)
    assert_array_equal(source.read(2, 50), VALUES[2:50][:, [7, 1, 4]])
    assert_array_equal(source.read(2, 50, np.array([2, 0])), VALUES[2:50][:, [4, 7]])


def test_one_dimensional_dataset_is_one_channel(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"] = VALUES[:, 0]
    source = Hdf5Source(tmp_path / "x.h5", "x")
    assert source.shape == (57, 1)
    assert_array_equal(source.read(5, 9), VALUES[5:9, :1])
    assert_array_equal(source.read(5, 9, np.array([0, 0])), VALUES[5:9][:, [0, 0]])


def _read_in_child(source: Source, answer: multiprocessing.connection.Connection) -> None:
    answer.send_bytes(np.ascontiguousarray(source.read(3, 40)).tobytes())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_an_open_source_reads_in_a_worker(method: str, tmp_path: Path) -> None:
    source: NDArray | Source = _source("h5_chunked", tmp_path)
    assert isinstance(source, Hdf5Source)
    source.read(0, 1)
    context = multiprocessing.get_context(method)
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_read_in_child, args=(source, there))
    child.start()
    assert_array_equal(np.frombuffer(here.recv_bytes(), VALUES.dtype).reshape(37, 9), VALUES[3:40])
    child.join()
    assert child.exitcode == 0
    assert_array_equal(source.read(3, 40), VALUES[3:40])


def test_a_copy_for_a_worker_holds_no_handle(tmp_path: Path) -> None:
    source = _source("h5_chunked", tmp_path)
    passed_on = copy.deepcopy(source)
    assert isinstance(passed_on, Hdf5Source)
    assert passed_on._held is None
    assert_array_equal(passed_on.read(1, 4), VALUES[1:4])


def test_a_file_is_opened_once_and_closed_with_its_last_source(tmp_path: Path) -> None:
    first = _source("h5_rows", tmp_path)
    second = Hdf5Source(tmp_path / "x.h5", "a/x")
    assert isinstance(first, Hdf5Source)
    assert first._stored().file.id == second._stored().file.id
    del first, second
    assert not [key for key in sources._open_files if key[1] == str(tmp_path / "x.h5")]

"""Every source hands out the same numbers as the array it was written from."""

from __future__ import annotations

import copy
import multiprocessing
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from neurofit_io import sources
from neurofit_io.sources import (
    ArraySource,
    ConcatenatedSource,
    Hdf5Source,
    Layout,
    MemmapSource,
    SelectedSource,
    Source,
    array_source,
    stored_in,
)

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


def _mapped_bytes(path: Path) -> int:
    """How much of a file's maps counts as this process's memory."""
    maps = Path("/proc/self/smaps")
    if not maps.exists():
        pytest.skip("only Linux tells how much of a file is mapped")
    blocks = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", maps.read_text(), flags=re.MULTILINE)
    return sum(1024 * int(re.findall(r"^Rss: +(\d+) kB", b, re.MULTILINE)[0]) for b in blocks if str(path) in b)


@pytest.mark.parametrize("time_axis", [0, 1])
def test_a_mapped_file_does_not_stay_in_memory(time_axis: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAPPED_BYTES", 2**20)
    path, values = tmp_path / "x.bin", np.arange(2_000_000, dtype=np.float32).reshape(20_000, 100)
    (values if time_axis == 0 else values.T).astype("<f4", order="C").tofile(path)
    source = MemmapSource(path, np.dtype("<f4"), values.shape, time_axis)
    for channels in (None, np.array([3, 0])):
        np.testing.assert_array_equal(
            source.read(5, 20_000, channels), values[5:] if channels is None else values[5:, channels]
        )
        assert _mapped_bytes(path) == 0
    np.asarray(source._mapped).sum()
    assert _mapped_bytes(path) >= values.nbytes


def test_a_map_in_memory_is_read_as_a_copy(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VALUES)
    source = array_source(np.load(tmp_path / "x.npy", mmap_mode="r"))
    rows = source.read(2, 50)
    assert type(rows) is np.ndarray
    assert_array_equal(rows, VALUES[2:50])
    assert _mapped_bytes(tmp_path / "x.npy") == 0


def test_layouts(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["plain"] = VALUES
        file.create_dataset("chunked", data=VALUES, chunks=(10, 4))
        file.create_dataset("packed", data=VALUES[:, 0], chunks=(10,), compression="gzip", shuffle=True)
    assert Hdf5Source(tmp_path / "x.h5", "plain").layout == Layout(True)
    assert Hdf5Source(tmp_path / "x.h5", "plain", time_axis=1).layout == Layout(False)
    assert Hdf5Source(tmp_path / "x.h5", "chunked").layout == Layout(True, (10, 4))
    assert Hdf5Source(tmp_path / "x.h5", "chunked", time_axis=1).layout == Layout(False, (4, 10))
    assert Hdf5Source(tmp_path / "x.h5", "packed").layout == Layout(True, (10, 1), (2, 1))
    mapped = MemmapSource(tmp_path / "x.bin", np.dtype("<i2"), (4, 5), time_axis=1)
    assert mapped.layout == Layout(False)
    within = ConcatenatedSource([array_source(VALUES), SelectedSource(mapped, ((0, 2),))])
    assert list(stored_in(SelectedSource(within, ((0, 9),)))) == [mapped]

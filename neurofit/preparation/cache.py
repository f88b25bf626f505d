"""A copy of a recording, time-major and uncompressed, of one that is slow to read in stretches of time; made once.

Slow is decided by how the file holds the values, by what was measured (`benchmarks/memory.py`, one core):

    compressed by gzip, lzf, szip, bzip2 or a filter not known here   lz4, zstd, blosc, bitshuffle read twice as fast
    the values of a channel together, and more than 128 channels      stretches come in many small pieces
    chunks of which those of the same time exceed HDF5's cache        every stretch takes whole chunks

The copy is an HDF5 file named after a fingerprint of what was copied: the size, the time and both ends of every file,
and which part of it was chosen. It holds the stored values; conversions are applied when they are read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from neurofit_io import Signal
from neurofit_io.damage import FAILURES, in_bytes, in_words
from neurofit_io.files import atomic_path
from neurofit_io.sources import CHUNK_CACHE_BYTES, Hdf5Source, Layout, MemmapSource, Source, stored_in

QUICK_FILTERS = {2, 3, 32001, 32004, 32008, 32015, 32026}
"""Shuffle, Fletcher checksum, blosc, lz4, bitshuffle, zstd, blosc2: above 800 MB/s; the others below 450."""
FEW_CHANNELS = 128
COPY_BYTES = 64 * 2**20
"""Copied at a time."""
ROOM = 1.02
"""Room asked for on the disk, over the size of the copy."""
_END = 2**20


@dataclass(frozen=True, eq=False)
class CopiedSource:
    """The time-major copy of a source, which goes by the name of what it was copied from."""

    source: Hdf5Source
    place: str

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.shape

    @property
    def dtype(self) -> np.dtype:
        return self.source.dtype

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        return self.source.read(start, stop, channels)


def default_folder() -> Path:
    """Where copies are kept: `neurofit` in $XDG_CACHE_HOME, by default ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neurofit"


def quick_to_read(signal: Signal, folder: str | None = None) -> tuple[Signal, str | None]:
    """The signal, read from its time-major copy where its file is slow; the copy is made when there is none.

    Args:
        signal: What is to be read many times over.
        folder: Where copies are kept, `default_folder()` when None; "none" for no copy.

    Returns:
        The signal, and what was done in words; the signal itself and None where nothing was.

    Raises:
        RecordingError: The file cannot be read.
    """
    why = slow(signal.source)
    if why is None or folder == "none":
        return signal, None
    fingerprint = hashlib.sha256(json.dumps(_described(signal.source)).encode()).hexdigest()
    path = (default_folder() if folder is None else Path(folder)) / f"{fingerprint[:24]}.h5"
    size = _size(signal.source)
    if not _holds(path, signal.source, fingerprint):
        try:
            _require_room(path.parent, size * (2 if _in_long_chunks(signal.source) else 1))
            _copy(signal.source, path, fingerprint)
        except (OSError, RuntimeError) as error:
            failed = f"{why}, and no time-major copy of {in_bytes(size)} could be made at {path.parent} ({error})"
            return signal, f"reading is slow: {failed}; name another folder with --cache"
    copy = CopiedSource(Hdf5Source(path, "values"), signal.source.place)
    said = f"{why}: read from a time-major copy, {path} ({in_bytes(size)}); it may be deleted"
    return dataclasses.replace(signal, source=copy), said


def slow(source: Source) -> str | None:
    """Why a source is slow to read in stretches of time; None where it is not."""
    for part in stored_in(source):
        why = _slow(part.layout, part.shape[1], part.dtype.itemsize)
        if why is not None:
            return f"{part.place} {why}"
    return None


def _slow(layout: Layout, channels: int, itemsize: int) -> str | None:
    if not QUICK_FILTERS.issuperset(layout.filters):
        return "is compressed"
    if layout.chunk is None:
        return None if layout.time_major or channels <= FEW_CHANNELS else "holds each channel by itself"
    across = -(-channels // layout.chunk[1]) * layout.chunk[1]
    long = layout.chunk[0] * across * itemsize > CHUNK_CACHE_BYTES
    return f"has chunks of {layout.chunk[0]} steps" if long else None


def pieces(source: Source, entries: int) -> Iterator[tuple[int, int, NDArray[np.intp] | None]]:
    """All of a source as (first step, stop, channels or None for all), so that no chunk is unpacked over and over.

    Args:
        source: What is to be read.
        entries: Size of a piece; a whole chunk is taken where that is more.
    """
    steps, width = source.shape
    if not _in_long_chunks(source):
        rows = max(1, entries // max(1, width))
        yield from ((first, min(first + rows, steps), None) for first in range(0, steps, rows))
        return
    long, wide = max(part.layout.chunk or (1, 1) for part in stored_in(source))
    rows = min(steps, max(1, entries // (long * wide)) * long)
    columns = max(1, entries // (rows * wide)) * wide
    for column in range(0, width, columns):
        channels = np.arange(column, min(column + columns, width))
        yield from ((first, min(first + rows, steps), channels) for first in range(0, steps, rows))


def _in_long_chunks(source: Source) -> bool:
    parts = [(part.layout.chunk or (1, 1), part) for part in stored_in(source)]
    return any(chunk[0] * part.shape[1] * part.dtype.itemsize > CHUNK_CACHE_BYTES for chunk, part in parts)


def _copy(source: Source, path: Path, fingerprint: str) -> None:
    """Writes the copy, by way of an uncompressed file of each channel by itself where chunks are long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as beside:
        if not _in_long_chunks(source):
            _write(source, beside, source.place, fingerprint)
            return
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".neurofit-") as file:
            _write(_unpacked(source, file), beside, source.place, fingerprint)


def _write(source: Source, path: Path, of: str, fingerprint: str) -> None:
    with _bar("time-major copy", source) as bar, h5py.File(path, "w") as file:
        values = file.create_dataset("values", source.shape, source.dtype)
        for first, stop, _ in pieces(source, COPY_BYTES // source.dtype.itemsize):
            rows = _read(source, first, stop)
            values[first:stop] = rows
            bar.update(rows.nbytes)
        file.attrs.update({"of": of, "fingerprint": fingerprint})


def _unpacked(source: Source, file: Any) -> MemmapSource:
    """The values of each channel by itself, in a temporary file."""
    with _bar("unpacking", source) as bar:
        for first, stop, channels in pieces(source, COPY_BYTES // source.dtype.itemsize):
            values = _read(source, first, stop, channels).T
            for channel, row in zip(np.arange(source.shape[1]) if channels is None else channels, values, strict=True):
                file.seek((channel * source.shape[0] + first) * source.dtype.itemsize)
                file.write(np.ascontiguousarray(row))
            bar.update(values.nbytes)
    file.flush()
    return MemmapSource(Path(file.name), source.dtype, source.shape, time_axis=1)


def _read(source: Source, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
    with in_words(source.place):
        return source.read(start, stop, channels)


def _bar(what: str, source: Source) -> Any:
    hidden = not sys.stderr.isatty()
    return tqdm(desc=what, total=_size(source), unit="B", unit_scale=True, dynamic_ncols=True, disable=hidden)


def _holds(path: Path, source: Source, fingerprint: str) -> bool:
    """Whether a file is the whole copy of a source."""
    try:
        with h5py.File(path, "r") as file:
            values = file["values"]
            same = values.shape == source.shape and values.dtype == source.dtype and values.chunks is None
            return bool(same and file.attrs["fingerprint"] == fingerprint and values[-1:].size)
    except FAILURES:
        return False


def _require_room(folder: Path, size: int) -> None:
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if free < ROOM * size:
        raise OSError(f"{in_bytes(free)} of {in_bytes(size)} free")


def _size(source: Source) -> int:
    return source.shape[0] * source.shape[1] * source.dtype.itemsize


def _described(thing: Any) -> Any:
    """What decides the values of a source, in a form that JSON can hold; files by their fingerprints."""
    if isinstance(thing, Path):
        return _fingerprint(thing)
    if isinstance(thing, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(thing).tobytes()).hexdigest()
        return [thing.dtype.str, list(thing.shape), content]
    if isinstance(thing, Hdf5Source):
        return ["hdf5", *map(_described, (thing.path, thing.dataset, thing.time_axis, thing.columns))]
    if dataclasses.is_dataclass(thing):
        fields = (f for f in dataclasses.fields(thing) if f.name != "place")
        return [type(thing).__name__, *(_described(getattr(thing, field.name)) for field in fields)]
    if isinstance(thing, (list, tuple)):
        return [_described(each) for each in thing]
    return thing if isinstance(thing, (int, float, str, type(None))) else str(thing)


def _fingerprint(path: Path) -> list[Any]:
    status, digest = path.stat(), hashlib.sha256()
    with path.open("rb") as file:
        for start in (0, max(0, status.st_size - _END)):
            file.seek(start)
            digest.update(file.read(_END))
    return [status.st_size, status.st_mtime_ns, digest.hexdigest()]

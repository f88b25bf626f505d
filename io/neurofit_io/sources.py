"""Where the numbers of a signal lie: in memory, in a mapped file, in an HDF5 dataset.

A source hands out raw values, time first. It is opened when it is first read and once per process, so that objects
holding one can be passed to worker processes. Pages of a mapped file count as this process's memory until they are let
go of, so every read copies what it wants and keeps none mapped.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

CHUNK_CACHE_BYTES = 64 * 2**20
BLOCK_BYTES = 32 * 2**20
MAPPED_BYTES = 32 * 2**20
"""Most of a mapped file that one read holds at a time."""
FAULT_BYTES = 64 * 2**10
"""What the operating system maps around every byte that is touched."""


class Source(Protocol):
    """A lazily read two-dimensional array, time first."""

    @property
    def shape(self) -> tuple[int, int]:
        """(steps, channels)."""

    @property
    def dtype(self) -> np.dtype:
        """Type of the stored values."""

    @property
    def place(self) -> str:
        """The file and the path inside it, for messages."""

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        """Raw values of steps `start:stop`, (stop - start, channels), in the stored type."""


@dataclass(frozen=True)
class Layout:
    """How a file holds values, which decides what reading a stretch of time costs.

    Attributes:
        time_major: Whether the channels of a step lie together, where there are no chunks.
        chunk: (steps, channels) that are only read together; None where any part is read by itself.
        filters: Registered numbers of the HDF5 filters that each chunk goes through.
    """

    time_major: bool
    chunk: tuple[int, int] | None = None
    filters: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class ArraySource:
    """Values in memory or in a numpy memory map, (steps, channels); what is read of a map is a copy."""

    values: NDArray
    place: str = "memory"

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape[0], self.values.shape[1]

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        if isinstance(self.values, np.memmap):
            return _copied(self.values, start, stop, channels)
        rows = self.values[start:stop]
        return np.asarray(rows if channels is None else rows[:, channels])


@dataclass(frozen=True, eq=False)
class MemmapSource:
    """A headerless binary file, mapped when first read.

    Args:
        path: The file.
        dtype: Type and byte order of a value.
        shape: (steps, channels).
        time_axis: 0 when the file holds all channels of a step together, 1 when all steps of a channel.
        offset: Bytes to skip at the beginning.
    """

    path: Path
    dtype: np.dtype
    shape: tuple[int, int]
    time_axis: int = 0
    offset: int = 0

    @property
    def place(self) -> str:
        return os.fspath(self.path)

    @property
    def layout(self) -> Layout:
        return Layout(self.time_axis == 0)

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        if self.time_axis == 0:
            return _copied(self._mapped, start, stop, channels)
        out = np.empty((self.shape[1] if channels is None else len(channels), stop - start), self.dtype)
        some = max(1, MAPPED_BYTES // ((stop - start) * self.dtype.itemsize + FAULT_BYTES))
        for first in range(0, len(out), some):
            part = slice(first, first + some)
            out[part] = self._mapped[part if channels is None else channels[part], start:stop]
            release(self._mapped)
        return out.T

    @cached_property
    def _mapped(self) -> np.memmap:
        """As it is stored."""
        stored = self.shape if self.time_axis == 0 else self.shape[::-1]
        return np.memmap(self.path, dtype=self.dtype, mode="r", offset=self.offset, shape=stored)

    def __getstate__(self) -> dict:
        return {name: value for name, value in self.__dict__.items() if name != "_mapped"}


def release(mapped: np.memmap) -> None:
    """Lets go of a map's pages: what was written stays in the file, what is read again is mapped again."""
    base: object = mapped
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)
    if base is not None and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def _copied(mapped: np.memmap, start: int, stop: int, channels: NDArray[np.intp] | None) -> NDArray:
    """Steps `start:stop` of a time-major map, a bounded part of which is mapped at any time."""
    width = mapped.shape[1]
    out = np.empty((max(0, stop - start), width if channels is None else len(channels)), mapped.dtype)
    rows = max(1, MAPPED_BYTES // max(1, width * mapped.itemsize))
    for first in range(0, len(out), rows):
        part = np.asarray(mapped[start + first : min(start + first + rows, stop)])
        out[first : first + rows] = part if channels is None else part[:, channels]
        release(mapped)
    return out


_open_files: weakref.WeakValueDictionary[tuple[int, str, int], h5py.File] = weakref.WeakValueDictionary()


def open_hdf5(path: str | os.PathLike[str]) -> h5py.File:
    """Opens an HDF5 file for reading, shared within this process as long as somebody holds it."""
    # The inode tells a file from the one that `save` has put in its place.
    key = os.getpid(), os.fspath(path), os.stat(path).st_ino
    handle = _open_files.get(key)
    if handle is None or not handle:
        handle = h5py.File(path, "r", rdcc_nbytes=CHUNK_CACHE_BYTES)
        _open_files[key] = handle
    return handle


class Hdf5Source:
    """One HDF5 dataset of one or two dimensions.

    Args:
        path: The file.
        dataset: Path of the dataset in it.
        time_axis: Which axis of a two-dimensional dataset is time.
        columns: Stored channels to expose, in this order (None: all); one soma per cell of a compartment report.
    """

    def __init__(
        self, path: str | os.PathLike[str], dataset: str, *, time_axis: int = 0, columns: ArrayLike | None = None
    ) -> None:
        self.path, self.dataset, self.time_axis = Path(path), dataset, time_axis
        self.columns = None if columns is None else np.asarray(columns, dtype=np.intp)
        self._held: tuple[int, h5py.File, h5py.Dataset] | None = None
        stored = self._stored()
        steps, width = (
            (stored.shape[0], 1) if stored.ndim == 1 else (stored.shape[time_axis], stored.shape[1 - time_axis])
        )
        self.shape: tuple[int, int] = (steps, width if self.columns is None else len(self.columns))
        self.dtype: np.dtype = stored.dtype

    @property
    def place(self) -> str:
        return f"{self.path}: {self.dataset}"

    @property
    def layout(self) -> Layout:
        stored, plist = self._stored(), self._stored().id.get_create_plist()
        filters = tuple(plist.get_filter(i)[0] for i in range(plist.get_nfilters()))
        chunk = stored.chunks
        if stored.ndim == 1:
            return Layout(True, chunk and (chunk[0], 1), filters)
        return Layout(self.time_axis == 0, chunk and (chunk[self.time_axis], chunk[1 - self.time_axis]), filters)

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        stored = self._stored()
        if stored.ndim == 1:
            rows = stored[start:stop][:, None]
            return rows if channels is None else rows[:, channels]
        wanted = self.columns if channels is None else (channels if self.columns is None else self.columns[channels])
        if wanted is None:
            return stored[start:stop] if self.time_axis == 0 else stored[:, start:stop].T
        if len(wanted) == 0:
            return np.empty((stop - start, 0), self.dtype)
        low, high = int(wanted.min()), int(wanted.max()) + 1
        out = np.empty((stop - start, len(wanted)), self.dtype)
        # A soma per cell may be one column of thousands: what lies between is read in blocks, never all at once.
        rows = max(1, BLOCK_BYTES // ((high - low) * self.dtype.itemsize))
        for first in range(start, stop, rows):
            last = min(first + rows, stop)
            block = stored[first:last, low:high] if self.time_axis == 0 else stored[low:high, first:last].T
            out[first - start : last - start] = block[:, wanted - low]
        return out

    def _stored(self) -> h5py.Dataset:
        if self._held is None or self._held[0] != os.getpid() or not self._held[1]:
            file = open_hdf5(self.path)
            self._held = os.getpid(), file, file[self.dataset]
        return self._held[2]

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_held": None}


@dataclass(frozen=True, eq=False)
class ConcatenatedSource:
    """Sources of equal width one after the other in time, such as the sweeps of a cell."""

    parts: Sequence[Source]

    @property
    def shape(self) -> tuple[int, int]:
        return sum(part.shape[0] for part in self.parts), self.parts[0].shape[1]

    @property
    def dtype(self) -> np.dtype:
        return np.result_type(*(part.dtype for part in self.parts))

    @property
    def place(self) -> str:
        return f"{self.parts[0].place} and {len(self.parts) - 1} more"

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        pieces, begin = [], 0
        for part in self.parts:
            low, high = max(start - begin, 0), min(stop - begin, part.shape[0])
            if low < high:
                pieces.append(part.read(low, high, channels))
            begin += part.shape[0]
        if not pieces:
            return np.empty((0, self.shape[1] if channels is None else len(channels)), self.dtype)
        return np.concatenate(pieces)


@dataclass(frozen=True, eq=False)
class SelectedSource:
    """Some steps and columns of another source.

    Args:
        source: The other source.
        blocks: Steps to take, as `start:stop`, one block after the other.
        columns: Columns to take, in this order; None for all.
    """

    source: Source
    blocks: tuple[tuple[int, int], ...]
    columns: NDArray[np.intp] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        width = self.source.shape[1] if self.columns is None else len(self.columns)
        return sum(stop - start for start, stop in self.blocks), width

    @property
    def dtype(self) -> np.dtype:
        return self.source.dtype

    @property
    def place(self) -> str:
        return self.source.place

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        wanted = self.columns if channels is None else channels if self.columns is None else self.columns[channels]
        pieces, before = [], 0
        for first, last in self.blocks:
            low, high = max(start - before, 0), min(stop - before, last - first)
            if low < high:
                pieces.append(self.source.read(first + low, first + high, wanted))
            before += last - first
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else self.source.read(0, 0, wanted)


def stored_in(source: Any) -> Iterator[MemmapSource | Hdf5Source]:
    """The parts of a source that lie in files, through all that concatenates, selects or scales them."""
    if isinstance(source, MemmapSource | Hdf5Source):
        yield source
    for inner in (*getattr(source, "parts", ()), getattr(source, "source", None)):
        if inner is not None:
            yield from stored_in(inner)


def array_source(values: ArrayLike, dtype: DTypeLike | None = None, place: str = "memory") -> ArraySource:
    """An `ArraySource` of a (steps,) or (steps, channels) array."""
    array = values if isinstance(values, np.memmap) and dtype is None else np.asarray(values, dtype=dtype)
    return ArraySource(array[:, None] if array.ndim == 1 else array, place)

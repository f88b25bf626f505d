"""The time-major copy of recordings that are slow to read: which layouts are, and what the copy costs.

Slabs are stretches of 16 MB of all channels, read one after the other, as raw values; streams are eight stretches of
4 MB far from each other, in turn, as carried state reads them. A copy ends when it is on the disk (fsync), that of the
file too. All files lie in the page cache.
"""

from __future__ import annotations

from protocol import Arm, Benchmark  # first, because it sets the number of threads

# isort: split
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tyro
from numpy.typing import NDArray
from reading import simulate

from neurofit.preparation.cache import quick_to_read, slow
from neurofit_io import Clock, Signal
from neurofit_io.sources import Hdf5Source, MemmapSource, Source

CELLS, STEPS = 2022, 60_000
FEW = 64
STREAMS = 8
CHUNKED: Mapping[str, dict[str, Any]] = {
    "plain": {},
    "gzip-4": {"compression": "gzip"},
    "gzip-4 + shuffle": {"compression": "gzip", "shuffle": True},
    "lzf": {"compression": "lzf"},
}
"""Filters of time-major chunks of (1024, 64)."""


class Files:
    """Layouts of one simulated recording, written when they are asked for.

    Args:
        folder: Where to write.
        channels: Channels.
        steps: Steps.
    """

    def __init__(self, folder: Path, channels: int, steps: int) -> None:
        self.folder, self.shape = folder, (steps, channels)
        self.plain = folder / "plain.bin"
        simulate(self.plain, self.shape)

    def binary(self, time_axis: int) -> MemmapSource:
        """Headerless: time-major for 0, neuron-major for 1."""
        if time_axis == 0:
            return MemmapSource(self.plain, np.dtype("<f4"), self.shape)
        path = self.folder / "neuron.bin"
        if not path.exists():
            stored = np.memmap(path, "<f4", "w+", shape=self.shape[::-1])
            for first, block in self._channels():
                stored[first : first + len(block)] = block
        return MemmapSource(path, np.dtype("<f4"), self.shape, 1)

    def hdf5(self, name: str, time_axis: int, **filters: Any) -> Hdf5Source:
        """A dataset of its own file."""
        path = self.folder / f"{name}.h5"
        if not path.exists():
            with h5py.File(path, "w") as file:
                stored = file.create_dataset("x", self.shape if time_axis == 0 else self.shape[::-1], "<f4", **filters)
                if time_axis == 0:
                    for first in range(0, self.shape[0], 4096):
                        stored[first : first + 4096] = self._values()[first : first + 4096]
                else:
                    for first, block in self._channels():
                        stored[first : first + len(block)] = block
        return Hdf5Source(path, "x", time_axis=time_axis)

    def _values(self) -> NDArray[np.float32]:
        return np.memmap(self.plain, "<f4", "r", shape=self.shape)

    def _channels(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for first in range(0, self.shape[1], 128):
            yield first, np.ascontiguousarray(self._values()[:, first : first + 128].T)


def layouts(files: Files) -> dict[str, Source]:
    """Every layout, by what the table calls it."""
    filters = dict(CHUNKED)
    if importlib.util.find_spec("hdf5plugin"):
        import hdf5plugin

        filters |= {"lz4": hdf5plugin.LZ4(), "zstd": hdf5plugin.Zstd(), "blosc": hdf5plugin.Blosc(cname="lz4")}
    chunks = {"chunks": (1024, min(64, files.shape[1]))}
    return {
        ".bin, time-major": files.binary(0),
        ".bin, neuron-major": files.binary(1),
        "HDF5, neuron-major": files.hdf5("neuron", 1),
        "HDF5, neuron-major, chunks (64, 1000)": files.hdf5("neuron-chunks", 1, chunks=(64, 1000)),
        **{f"HDF5, chunks, {name}": files.hdf5(name, 0, **chunks, **each) for name, each in filters.items()},
    }


def slabs(source: Source) -> Iterator[NDArray[Any]]:
    rows = 2**22 // source.shape[1]
    yield from (source.read(first, first + rows) for first in range(0, source.shape[0] - rows, rows))


def streams(source: Source) -> Iterator[NDArray[Any]]:
    rows, apart = 2**20 // source.shape[1], source.shape[0] // STREAMS
    for first in range(0, apart - rows, rows):
        yield from (source.read(begin + first, begin + first + rows) for begin in range(0, STREAMS * apart, apart))


def reading_arms(folder: Path, channels: int, what: Any) -> list[Arm]:
    """The same stretches from every layout; the work is in 100 MB."""
    files = Files(folder, channels, CELLS * STEPS // 2 // channels)
    work = 4e-8 * files.shape[0] * channels
    return [
        Arm(f"{name}{'' if slow(source) is None else ' (copied)'}", partial(what, source), work)
        for name, source in layouts(files).items()
    ]


def copying_arms(folder: Path, time_axis: int, filters: Mapping[str, Any] | None) -> list[Arm]:
    """A copy of the time-major file, and a time-major copy of another layout."""
    files, copies = Files(folder, CELLS, STEPS), folder / "copies"
    source = files.binary(1) if filters is None else files.hdf5("other", time_axis, **filters)
    signal = Signal("vm", "vm", "mV", source, Clock(STEPS, 1e4))

    def copy_file() -> None:
        shutil.copyfile(files.plain, folder / "copy.bin")
        descriptor = os.open(folder / "copy.bin", os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        (folder / "copy.bin").unlink()

    def copy_time_major() -> None:
        _, said = quick_to_read(signal, str(copies))
        assert said is not None
        assert "read from a time-major copy" in said
        shutil.rmtree(copies)

    return [Arm("copy of the time-major file", copy_file), Arm("time-major copy", copy_time_major)]


COPIES: Mapping[str, tuple[int, Mapping[str, Any] | None]] = {
    ".bin, neuron-major": (1, None),
    "HDF5, neuron-major": (1, {}),
    "HDF5, gzip-4, chunks chosen by h5py": (0, {"chunks": True, "compression": "gzip"}),
    "HDF5, neuron-major, gzip-4, a chunk a cell": (1, {"chunks": (1, STEPS), "compression": "gzip"}),
}


def main(rounds: int = 5, again: bool = False) -> None:
    """Runs all cases, in temporary folders of up to 2 GB.

    Args:
        rounds: Rounds of every case.
        again: Measure cases again that have a row.
    """
    benchmark = Benchmark("copying", rounds, again)
    for channels in (CELLS, FEW):
        for what in (slabs, streams):
            with tempfile.TemporaryDirectory(prefix="neurofit-copying-") as folder:
                make = partial(reading_arms, Path(folder), channels, what)
                benchmark.compare(f"{what.__name__} of {channels} channels, float32, time for 100 MB", make, goal="")
    for name, (time_axis, filters) in COPIES.items():
        with tempfile.TemporaryDirectory(prefix="neurofit-copying-") as folder:
            case = f"{name}, {STEPS} steps x {CELLS} cells float32"
            benchmark.compare(
                case, partial(copying_arms, Path(folder), time_axis, filters), goal="wall at most 2 copies of the file"
            )


if __name__ == "__main__":
    tyro.cli(main)

"""Reading a recording of 2022 cells x 60000 steps in windows of time and cell by cell, from six layouts on disk.

What is compared is `Signal.read` against numpy and h5py doing the same read with their defaults, on files the operating
system holds in memory. A neuron-major file gives the transpose of what lies in it, in both. The values are smooth,
like membrane voltages: damped noise about -65 mV.
"""

from __future__ import annotations

from protocol import Arm, Benchmark  # first, because it sets the number of threads

# isort: split
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tyro
from numpy.typing import NDArray
from scipy.signal import lfilter

from neurofit_io import Clock, Signal
from neurofit_io.sources import Hdf5Source, MemmapSource, Source

WINDOW = 256
BLOCK = 938 * 4
"""Steps written at a time: whole rows of chunks of the layout that h5py chooses itself."""

Block = tuple[int, NDArray[np.float32]]
Read = Callable[[slice, slice], NDArray[Any]]
"""Steps and cells to values, time first."""


@dataclass(frozen=True)
class Layout:
    """How a file holds the values.

    Attributes:
        name: What the table calls it.
        time_axis: Which axis is time.
        filters: Arguments of `h5py.File.create_dataset`; None for a headerless binary file.
    """

    name: str
    time_axis: int = 0
    filters: dict[str, Any] | None = None


LAYOUTS = (
    Layout(".bin, time-major"),
    Layout(".bin, neuron-major", time_axis=1),
    Layout("HDF5, time-major", filters={}),
    Layout("HDF5, neuron-major", time_axis=1, filters={}),
    Layout("HDF5, gzip-4, chunks chosen by h5py", filters={"chunks": True, "compression": "gzip"}),
    Layout(
        "HDF5, gzip-1 + shuffle, chunks (1024, 64)",
        filters={"chunks": (1024, 64), "compression": "gzip", "compression_opts": 1, "shuffle": True},
    ),
)


def simulate(path: Path, shape: tuple[int, int]) -> None:
    """Writes `shape` values, steps first, as float32."""
    rng = np.random.default_rng(0)
    state = np.zeros((1, shape[1]), np.float32)
    with path.open("wb") as stream:
        for first in range(0, shape[0], BLOCK):
            noise = rng.standard_normal((min(BLOCK, shape[0] - first), shape[1]), dtype=np.float32)
            values, state = lfilter([np.float32(0.3)], [np.float32(1), np.float32(-0.98)], noise, axis=0, zi=state)
            stream.write((values - 65).astype("<f4"))


def write(layout: Layout, plain: Path, shape: tuple[int, int]) -> Path:
    """The values of the time-major file `plain` in another layout."""
    if layout is LAYOUTS[0]:
        return plain
    path = plain.with_name(f"{LAYOUTS.index(layout)}.{'bin' if layout.filters is None else 'h5'}")
    values = np.memmap(plain, dtype="<f4", mode="r", shape=shape)
    if layout.filters is None:
        stored = np.memmap(path, dtype="<f4", mode="w+", shape=shape[::-1])
        _transpose(values, stored)
        return path
    with h5py.File(path, "w") as file:
        stored_shape = shape if layout.time_axis == 0 else shape[::-1]
        dataset = file.create_dataset("data", stored_shape, "<f4", **layout.filters)
        if layout.time_axis == 1:
            _transpose(values, dataset)
        else:
            for first in range(0, shape[0], BLOCK):
                dataset[first : first + BLOCK] = values[first : first + BLOCK]
    return path


def _transpose(values: NDArray[Any], stored: Any) -> None:
    for first in range(0, values.shape[1], 128):
        stored[first : first + 128] = np.ascontiguousarray(values[:, first : first + 128].T)


def neurofit_read(layout: Layout, path: Path, shape: tuple[int, int]) -> Read:
    source: Source
    if layout.filters is None:
        source = MemmapSource(path, np.dtype("<f4"), shape, layout.time_axis)
    else:
        source = Hdf5Source(path, "data", time_axis=layout.time_axis)
    signal = Signal("vm", "vm", "mV", source, Clock(shape[0], 1e4))

    def read(steps: slice, cells: slice) -> NDArray[np.float32]:
        every = cells.stop - cells.start == shape[1]
        return signal.read(steps.start, steps.stop, None if every else range(cells.start, cells.stop))

    return read


def plain_read(layout: Layout, path: Path, shape: tuple[int, int]) -> Read:
    stored: Any
    if layout.filters is None:
        stored = np.memmap(path, dtype="<f4", mode="r", shape=shape if layout.time_axis == 0 else shape[::-1])
    else:
        stored = h5py.File(path, "r")["data"]
    if layout.time_axis == 0:
        return lambda steps, cells: np.array(stored[steps, cells])
    return lambda steps, cells: np.array(stored[cells, steps]).T


def windows(shape: tuple[int, int], number: int) -> Iterator[tuple[slice, slice]]:
    """Endlessly many random windows of all cells, `number` of them the same for every layout."""
    rng = np.random.default_rng(1)
    while True:
        for start in rng.integers(0, shape[0] - WINDOW, size=number):
            yield slice(int(start), int(start) + WINDOW), slice(0, shape[1])


def cells(shape: tuple[int, int], number: int) -> Iterator[tuple[slice, slice]]:
    """Endlessly many random cells over all steps."""
    rng = np.random.default_rng(2)
    while True:
        for cell in rng.integers(0, shape[1], size=number):
            yield slice(0, shape[0]), slice(int(cell), int(cell) + 1)


def arms(layout: Layout, path: Path, shape: tuple[int, int], places: Callable, number: int) -> list[Arm]:
    """Both readers, each drawing new places every time it runs, the same for both."""

    def arm(name: str, read: Read) -> Arm:
        drawn = places(shape, number)
        return Arm(name, lambda: (read(*next(drawn)) for _ in range(number)), number)

    plain = "numpy.memmap" if layout.filters is None else "h5py"
    return [arm(plain, plain_read(layout, path, shape)), arm("neurofit", neurofit_read(layout, path, shape))]


def means(values: Iterator[NDArray[np.float32]]) -> NDArray[np.float64]:
    return np.array([[block.mean(dtype=np.float64), block[-1, 0]] for block in values])


def main(
    rounds: int = 5,
    again: bool = False,
    channels: int = 2022,
    steps: int = 60_000,
    n_windows: int = 20,
    n_cells: int = 5,
) -> None:
    """Runs all cases, in a temporary folder of six times the size of the values.

    Args:
        rounds: Rounds of every case.
        again: Measure cases again that have a row.
        channels: Cells.
        steps: Steps.
        n_windows: Windows read in a round.
        n_cells: Cells read in a round.
    """
    benchmark, shape = Benchmark("reading", rounds, again), (steps, channels)
    with tempfile.TemporaryDirectory(prefix="neurofit-reading-") as folder:
        plain = Path(folder) / "0.bin"
        written: dict[int, Path] = {}

        def made(layout: Layout, places: Callable, number: int) -> list[Arm]:
            if not plain.exists():
                simulate(plain, shape)
            if id(layout) not in written:
                written[id(layout)] = write(layout, plain, shape)
            return arms(layout, written[id(layout)], shape, places, number)

        for layout in LAYOUTS:
            for what, places, number in (
                (f"{WINDOW} steps x {channels} cells", windows, n_windows),
                (f"{steps} steps x 1 cell", cells, n_cells),
            ):
                case = f"{layout.name}: {what} of {steps} x {channels} float32, time a read"
                benchmark.compare(case, partial(made, layout, places, number), goal="", answer=means, tolerance=1e-9)


if __name__ == "__main__":
    tyro.cli(main)

"""Recordings larger than memory: the resident set of a fit, what reading costs it, and the time-major copy.

    bar of the resident set = 1.2 (parameters + activations) + 256 MB over the imports

A fit runs in a process of its own, after a tiny fit that loads all that is loaded late. Its recording is ten times
`--memory-gb`. It takes the high-water mark of the resident set during `NextStep.fit`, less what was held before.
Parameters count four times (weights, gradients, two moments of Adam); activations are what the backward pass of an
update keeps. Training waited for batches for the time that it spent on asking for them.

The other cases are timed as everything else here. The files of a reading case lie in the page cache unless it says
otherwise; a copy ends when it is on the disk (fsync), that of the file too.
"""

from __future__ import annotations

import protocol  # first, because it sets the number of threads
from protocol import Arm, Benchmark

# isort: split
import contextlib
import json
import multiprocessing
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from reading import LAYOUTS, Layout, simulate, write

from neurofit import NextStep
from neurofit.estimators.chunk_batches import ChunkBatches
from neurofit.estimators.next_step_program import NextStepProgram
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries, PrepareOptions, prepare
from neurofit.preparation.cache import quick_to_read
from neurofit.training.memory import MemoryWatch
from neurofit_io import Clock, Provenance, Recording, RecordingWarning, Signal, signal_from_array
from neurofit_io.sources import Hdf5Source, MemmapSource

RESULTS = protocol.RESULTS / "resident_set.jsonl"
RATE_HZ = 1e4
CHUNK, BATCH = 100, 16
UPDATES = 60
RESIDENT = (LAYOUTS[0], LAYOUTS[4])
COPIED = (
    *LAYOUTS[1:2], *LAYOUTS[3:5],
    Layout("HDF5, neuron-major, gzip-4, a chunk a cell", 1, {"chunks": (1, 60_000), "compression": "gzip"}),
)  # fmt: skip

Row = dict[str, Any]


def signal_of(layout: Layout, path: Path, shape: tuple[int, int]) -> Signal:
    if layout.filters is None:
        source: MemmapSource | Hdf5Source = MemmapSource(path, np.dtype("<f4"), shape, layout.time_axis)
    else:
        source = Hdf5Source(path, "data", time_axis=layout.time_axis)
    return Signal("vm", "vm", "mV", source, Clock(shape[0], RATE_HZ))


def recording_of(signal: Signal, path: Path) -> Recording:
    return Recording(Provenance(path, "benchmark", (path,)), {"vm": signal})


def fit(layout: Layout, path: Path, shape: tuple[int, int], memory_gb: float, answer: Any) -> None:
    """Fits one epoch with the default shape and sends what it took."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", RecordingWarning)
    options = {"epochs": 1, "memory_gb": memory_gb, "cache": str(path.parent / "copies")}
    tiny = np.random.default_rng(0).standard_normal((4000, 2)).astype(np.float32)
    NextStep(epochs=1).fit(recording_of(signal_from_array(tiny, name="vm", rate_hz=RATE_HZ), path), show=False)
    waited, watch = waiting(), MemoryWatch(torch.device("cpu"))
    began = time.process_time()
    with waited as seconds:
        model = NextStep(**options).fit(recording_of(signal_of(layout, path, shape), path), show=False)
    peak, cpu_s = watch.peak(), time.process_time() - began
    assert peak is not None
    assert model.run is not None
    parameters, activations = sizes(model)
    training_s = model.run.metrics()[-1]["seconds"]
    answer.send({
        "start": peak.start_bytes, "taken": peak.peak_bytes - peak.start_bytes, "parameters": parameters,
        "activations": activations, "cpu_s": cpu_s, "training_s": training_s, "waited_s": seconds[0],
    })  # fmt: skip


@contextlib.contextmanager
def waiting() -> Iterator[list[float]]:
    """Adds up the wall time that fits spend on asking for batches."""
    seconds, plain = [0.0], ChunkBatches.batches

    def timed(self: ChunkBatches, update: int) -> Iterator[Any]:
        batches = plain(self, update)
        while True:
            began = time.perf_counter()
            batch = next(batches)
            seconds[0] += time.perf_counter() - began
            yield batch

    ChunkBatches.batches = timed  # type: ignore[method-assign]
    yield seconds
    ChunkBatches.batches = plain  # type: ignore[method-assign]


def sizes(model: NextStep) -> tuple[int, int]:
    """Bytes of weights, gradients and moments, and of what one update keeps for its backward pass."""
    network, shape = model.network(), model.fitted.shape
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    values = torch.randn(shape.batch, shape.chunk, shape.n_channels)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(values, network.initial_state(shape.batch), None, gated=False)
    parameters = {p.untyped_storage().data_ptr(): p.nbytes for p in network.parameters() if p.requires_grad}
    activations = sum(size for pointer, size in kept.items() if pointer not in parameters)
    return 4 * sum(parameters.values()), activations


def resident_sets(folder: Path, shape: tuple[int, int], again: bool) -> None:
    """Fits from every layout what has no row, each in a process of its own, and prints the table."""
    memory_gb = 4 * shape[0] * shape[1] / 1e10
    known = {row["case"]: row for row in stored()}
    for layout in RESIDENT:
        case = f"{layout.name}: {shape[0]} x {shape[1]} float32"
        if not again and case in known:
            continue
        path = made(layout, folder, shape)
        context, load = multiprocessing.get_context("spawn"), os.getloadavg()[0]
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=fit, args=(layout, path, shape, memory_gb, there))
        child.start()
        there.close()
        known[case] = {"case": case, "memory_gb": memory_gb, **here.recv(), "load": load, **protocol.circumstances()}
        child.join()
        with RESULTS.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(known[case]) + "\n")
        shutil.rmtree(folder / "copies", ignore_errors=True)
    print(resident_table(list(known.values())), end="\n\n", flush=True)


def stored() -> list[Row]:
    """The latest row of every case."""
    return protocol.rows("resident_set")


def resident_table(rows: list[Row]) -> str:
    """Rows as a Markdown table, in MB."""
    lines = [
        "| recording | GB / limit | taken over the imports | bar | parameters + activations | imports | CPU "
        "| waited for batches |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        own = row["parameters"] + row["activations"]
        taken, bar = row["taken"] / 1e6, 1.2 * own / 1e6 + 256
        lines.append(
            f"| {row['case']} | {10 * row['memory_gb']:.2g} / {row['memory_gb']:.2g} | {taken:.0f} | {bar:.0f} "
            f"| {own / 1e6:.1f} | {row['start'] / 1e6:.0f} | {row['cpu_s']:.0f} s "
            f"| {row['waited_s']:.2g} of {row['training_s']:.3g} s ({row['waited_s'] / row['training_s']:.1%}) |"
        )
    return "\n".join(lines)


def made(layout: Layout, folder: Path, shape: tuple[int, int]) -> Path:
    """The file of a layout, written when it is not there."""
    plain = folder / "0.bin"
    if not plain.exists():
        simulate(plain, shape)
    if layout is LAYOUTS[0]:
        return plain
    path = folder / f"{''.join(filter(str.isalnum, layout.name))}.{'bin' if layout.filters is None else 'h5'}"
    if not path.exists():
        _write(layout, plain, path, shape)
    return path


def _write(layout: Layout, plain: Path, path: Path, shape: tuple[int, int]) -> None:
    if layout in LAYOUTS:
        write(layout, plain, shape).rename(path)
        return
    values = np.memmap(plain, dtype="<f4", mode="r", shape=shape)
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("data", shape[::-1], "<f4", **(layout.filters or {}))
        for first in range(0, shape[1], 128):
            stored[first : first + 128] = np.ascontiguousarray(values[:, first : first + 128].T)


def training_arms(folder: Path, shape: tuple[int, int], carried: bool) -> list[Arm]:
    """The same updates on values in memory, read chunk by chunk, and by the reader."""
    path = made(LAYOUTS[0], folder, shape)
    recording = recording_of(signal_of(LAYOUTS[0], path, shape), path)
    series = {gb: prepare(recording, PrepareOptions(memory_gb=gb)) for gb in (1.0, 0.0)}

    def run(memory_gb: float, by_chunks: bool = False, cold: bool = False) -> NDArray[np.float64]:
        program = program_of(series[memory_gb], carried)
        program.chunks.streamed = memory_gb == 0 and not by_chunks
        if cold:
            forget(path)
        return train(program)

    return [
        Arm("in memory", partial(run, 1.0), UPDATES),
        Arm("streamed", partial(run, 0.0), UPDATES),
        Arm("streamed, not in the page cache", partial(run, 0.0, cold=True), UPDATES),
        Arm("read chunk by chunk", partial(run, 0.0, by_chunks=True), UPDATES),
        Arm("read chunk by chunk, not in the page cache", partial(run, 0.0, by_chunks=True, cold=True), UPDATES),
    ]


def program_of(series: PreparedSeries, carried: bool) -> NextStepProgram:
    torch.manual_seed(0)
    network = NextStepNetwork(cell="gru", n_channels=series.n_channels, hidden=series.n_channels)
    return NextStepProgram(network, series, chunk=CHUNK, batch=BATCH, carried=carried, patience=None, seed=0)


def train(program: NextStepProgram) -> NDArray[np.float64]:
    """Mean loss of some updates."""
    optimizer, losses = torch.optim.Adam(program.model.parameters(), lr=3e-3), []
    with contextlib.closing(program.batches(0)) as batches:  # type: ignore[type-var]
        for _, batch in zip(range(UPDATES), batches, strict=False):
            optimizer.zero_grad()
            losses.append(program.step(batch)["train"])
            optimizer.step()
    return np.array([torch.stack(losses).mean().item()])


def forget(path: Path) -> None:
    """Takes a file out of the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def copying_arms(layout: Layout, folder: Path, shape: tuple[int, int]) -> list[Arm]:
    """A copy of the time-major file, and a time-major copy of another layout."""
    plain, path = made(LAYOUTS[0], folder, shape), made(layout, folder, shape)
    copies = folder / "copies"

    def copy_file() -> None:
        shutil.copyfile(plain, folder / "copy.bin")
        descriptor = os.open(folder / "copy.bin", os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        (folder / "copy.bin").unlink()

    def copy_time_major() -> None:
        quick, said = quick_to_read(signal_of(layout, path, shape), str(copies))
        assert said is not None
        assert "read from a time-major copy" in said
        del quick
        shutil.rmtree(copies)

    return [Arm("copy of the time-major file", copy_file), Arm("time-major copy", copy_time_major)]


def main(rounds: int = 5, again: bool = False, steps: int = 3_900_000) -> None:
    """Runs all cases, in a temporary folder of up to 4 GB.

    Args:
        rounds: Rounds of the timed cases.
        again: Measure cases again that have a row.
        steps: Steps of the recordings of 64 cells that are fitted.
    """
    benchmark = Benchmark("memory", rounds, again)
    with tempfile.TemporaryDirectory(prefix="neurofit-memory-") as name:
        folder = Path(name)
        resident_sets(folder, (steps, 64), again)
        for path in folder.glob("*.*"):
            path.unlink()
        for carried in (True, False):
            state = "carried state, 16 parallel streams" if carried else "zero state, drawn chunks"
            case = f"100 cells and hidden units, {BATCH} x {CHUNK} steps, {state}: time an update"
            make = partial(training_arms, folder, (400_000, 100), carried)
            benchmark.compare(case, make, goal="streamed at most 1.1", answer=np.asarray, tolerance=1e-2)
        for path in folder.glob("*.*"):
            path.unlink()
        for layout in COPIED:
            case = f"{layout.name}, 60000 steps x 2022 cells float32 to the time-major copy"
            make = partial(copying_arms, layout, folder, (60_000, 2022))
            benchmark.compare(case, make, goal="wall at most 2")


if __name__ == "__main__":
    tyro.cli(main)

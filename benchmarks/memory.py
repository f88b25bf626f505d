"""Recordings larger than memory: the resident set of a fit, and what reading costs it.

    bar of the resident set = 1.2 (parameters + activations) + 256 MB over the imports

A fit runs in a process of its own, after a tiny fit that loads all that is loaded late. Its recording is ten times
`--memory-gb`. It takes the high-water mark of the resident set during `NextStep.fit`, less what was held before.
Parameters and activations are what updates of the same shape take in another process, on values at hand, weights,
gradients and the moments of Adam among them. Training waited for batches while it asked for them.

The other cases are timed as everything else here. The file lies in the page cache unless it says otherwise.
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
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from reading import LAYOUTS, Layout, simulate, write
from torch import nn
from torch.nn import functional

from neurofit import NextStep
from neurofit.estimators import fitting
from neurofit.estimators.chunk_batches import ChunkBatches
from neurofit.estimators.next_step_program import NextStepProgram
from neurofit.estimators.stored import Shape
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries, PrepareOptions, prepare
from neurofit.training.memory import MemoryWatch
from neurofit_io import Clock, Provenance, Recording, RecordingWarning, Signal, signal_from_array
from neurofit_io.sources import Hdf5Source, MemmapSource

RESULTS = protocol.RESULTS / "resident_set.jsonl"
RATE_HZ = 1e4
CHUNK, BATCH = 100, 16
UPDATES = 60
RESIDENT = (LAYOUTS[0], LAYOUTS[4])
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
    watch, began = MemoryWatch(torch.device("cpu")), time.process_time()
    # The fit's own watch would take down the mark that this one is to see.
    fitting.MemoryWatch = lambda device: watch  # type: ignore[misc, assignment]
    with waiting() as seconds:
        model = NextStep(**options).fit(recording_of(signal_of(layout, path, shape), path), show=False)
    row = {**taken(watch), "cpu_s": time.process_time() - began, "waited_s": seconds[0]}
    assert model.run is not None
    answer.send(({**row, "training_s": model.run.metrics()[-1]["seconds"]}, model.fitted.shape))


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


def update(shape: Shape, answer: Any) -> None:
    """Sends what updates of this shape take on values that are at hand: parameters and activations."""
    torch.set_num_threads(1)
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    nn.GRU(2, 2)(torch.zeros(2, 2, 2))[0].sum().backward()
    values = torch.randn(shape.batch, shape.chunk + 1, shape.n_channels)
    watch = MemoryWatch(torch.device("cpu"))
    network = NextStepNetwork(cell="gru", n_channels=shape.n_channels, hidden=shape.hidden)
    optimizer = torch.optim.Adam(network.parameters())
    for _ in range(10):
        optimizer.zero_grad()
        predicted, _ = network(values[:, :-1], network.initial_state(shape.batch), None, gated=False)
        functional.mse_loss(predicted, values[:, 1:]).backward()
        optimizer.step()
    answer.send(taken(watch))


def taken(watch: MemoryWatch) -> dict[str, int]:
    """Bytes held when a watch began, and held at most beside them since."""
    peak = watch.peak()
    assert peak is not None
    return {"start": peak.start_bytes, "taken": peak.peak_bytes - peak.start_bytes}


def in_child(work: Callable[..., None], *arguments: Any) -> Any:
    """What a function sends from a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=work, args=(*arguments, there))
    child.start()
    there.close()
    answer = here.recv()
    child.join()
    return answer


def resident_sets(folder: Path, shape: tuple[int, int], again: bool) -> None:
    """Fits from every layout what has no row, each in a process of its own, and prints the table."""
    memory_gb = 4 * shape[0] * shape[1] / 1e10
    known = {row["case"]: row for row in stored()}
    for layout in RESIDENT:
        case = f"{layout.name}: {shape[0]} x {shape[1]} float32"
        if not again and case in known:
            continue
        path, load = made(layout, folder, shape), os.getloadavg()[0]
        row, fitted = in_child(fit, layout, path, shape, memory_gb)
        row |= {"shape": str(fitted), "update": in_child(update, fitted)["taken"], "load": load}
        known[case] = {"case": case, "memory_gb": memory_gb, **row, **protocol.circumstances()}
        RESULTS.parent.mkdir(exist_ok=True)
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
        own, update_own = row["taken"] / 1e6, row["update"] / 1e6
        lines.append(
            f"| {row['case']} | {10 * row['memory_gb']:.2g} / {row['memory_gb']:.2g} | {own:.0f} "
            f"| {1.2 * update_own + 256:.0f} | {update_own:.0f} | {row['start'] / 1e6:.0f} | {row['cpu_s']:.0f} s "
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
        write(layout, plain, shape).rename(path)
    return path


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


def main(rounds: int = 5, again: bool = False, fits: bool = True, steps: int = 3_900_000) -> None:
    """Runs all cases, in a temporary folder of up to 4 GB.

    Args:
        rounds: Rounds of the timed cases.
        again: Measure cases again that have a row.
        fits: Fit recordings of ten times the limit, too: four minutes of CPU each.
        steps: Their steps, of 64 cells.
    """
    benchmark = Benchmark("memory", rounds, again)
    with tempfile.TemporaryDirectory(prefix="neurofit-memory-") as name:
        folder = Path(name)
        if fits:
            resident_sets(folder, (steps, 64), again)
        for path in folder.glob("*.*"):
            path.unlink()
        for carried in (True, False):
            state = "carried state, 16 parallel streams" if carried else "zero state, drawn chunks"
            case = f"100 cells and hidden units, {BATCH} x {CHUNK} steps, {state}: time an update"
            make = partial(training_arms, folder, (400_000, 100), carried)
            benchmark.compare(case, make, goal="streamed at most 1.1", answer=np.asarray, tolerance=1e-2)


if __name__ == "__main__":
    tyro.cli(main)

"""The voltage of every cell after the spikes of every other one: 2022 x 2022 pairs, 300 lags, 6 s at 0.1 ms.

Against the ways one writes it, or calls it, a pair at a time; those are run on some pairs and scaled to all. neurofit
runs on all of them: reduced to peak, latency and area; to windows and jitter alone, which need no average; and not at
all, the averages passing by. All ways have to give the same averages. The memory is that of a process of its own.
"""

from __future__ import annotations

import protocol  # first, because it sets the number of threads
from protocol import Arm, Benchmark

# isort: split
import json
import multiprocessing
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from neurofit.connectivity.average_options import OF_THE_AVERAGE, OF_WINDOWS
from neurofit.connectivity.cell_voltages import CellVoltages, cell_voltages
from neurofit.connectivity.spike_triggered_average import counted_spikes, spike_triggered_average
from neurofit.simulate.network import simulate_network
from neurofit.simulate.network_options import NetworkOptions
from neurofit_io import Recording, load, save

LAGS = (1, 300)
SUMMARIES = {"peak, latency, area": OF_THE_AVERAGE, "windows and jitter alone": OF_WINDOWS}
PAIRS = {"numpy slice a spike and pair": 40, "triple loop": 1, "pynapple": 8, "elephant": 1}
"""Postsynaptic cells whose averages after the spikes of one cell are made; the time is scaled to all pairs."""


def averages(name: str, cells: CellVoltages, pre: int) -> Callable[[], NDArray[np.floating]]:
    """A function for the averages after the spikes of one cell, (post, lag), of the first few cells."""
    steps = counted_spikes(cells, LAGS)[pre]
    values = cells.vm.read(0, cells.n_steps, np.arange(PAIRS[name]))
    return partial(_ROUTINES[name], values, steps)


def _slices(values: NDArray[np.float32], steps: NDArray[np.int64]) -> NDArray[np.floating]:
    out = np.zeros((values.shape[1], LAGS[1]))
    columns = np.ascontiguousarray(values.T)
    for post, voltage in enumerate(columns):
        for step in steps:
            out[post] += voltage[step + 1 : step + 1 + LAGS[1]]
    return out / len(steps)


def _triple(values: NDArray[np.float32], steps: NDArray[np.int64]) -> NDArray[np.floating]:
    out = np.zeros((values.shape[1], LAGS[1]))
    for post in range(values.shape[1]):
        for step in steps:
            for lag in range(LAGS[1]):
                out[post, lag] += values[step + 1 + lag, post]
    return out / len(steps)


def _pynapple(values: NDArray[np.float32], steps: NDArray[np.int64]) -> NDArray[np.floating]:
    import pynapple as nap

    time_s = np.arange(len(values)) * 1e-4
    group = nap.TsGroup({0: nap.Ts(time_s[steps])}, time_support=nap.IntervalSet(0, time_s[-1]))
    signal = nap.TsdFrame(time_s, values.astype(np.float64))
    found = nap.compute_event_triggered_average(signal, group, binsize=1e-4, window=(0.0, LAGS[1] * 1e-4))
    return np.asarray(found)[1 : LAGS[1] + 1, 0].T


def _elephant(values: NDArray[np.float32], steps: NDArray[np.int64]) -> NDArray[np.floating]:
    import neo
    import quantities as pq
    from elephant.sta import spike_triggered_average as average

    times = neo.SpikeTrain(steps * 0.1 * pq.ms, t_stop=len(values) * 0.1 * pq.ms)
    signal = neo.AnalogSignal(values.astype(np.float64), units="mV", sampling_rate=10 * pq.kHz)
    found = average(signal, [times] * values.shape[1], (0.1 * pq.ms, (LAGS[1] + 1) * 0.1 * pq.ms))
    return found.magnitude.T


_ROUTINES = {"numpy slice a spike and pair": _slices, "triple loop": _triple, "pynapple": _pynapple,
             "elephant": _elephant}  # fmt: skip


def all_arms(path: Path) -> list[Arm]:
    """neurofit on all pairs, the others on a few of one typical presynaptic cell; work is the share of the spikes."""
    vm, spikes = _signals(load(path))
    cells = cell_voltages(spikes, vm)
    counts = spikes.per_unit()
    pre = int(np.argsort(counts)[len(counts) // 2])
    arms = [
        Arm(f"neurofit: {name}", partial(spike_triggered_average, spikes, vm, LAGS, reduce=reduce))
        for name, reduce in SUMMARIES.items()
    ]
    arms.append(Arm("neurofit: the averages", partial(spike_triggered_average, spikes, vm, LAGS, reduce="none")))
    expected = averages("numpy slice a spike and pair", cells, pre)()
    for name, pairs in PAIRS.items():
        routine = averages(name, cells, pre)
        try:
            found = routine()
        except ImportError as missing:
            print(f"{name} is left out: {missing}")
            continue
        differs = float(np.abs(found[:, : LAGS[1]] - expected[:pairs]).max())
        print(f"{name}: {differs:.2g} mV from the slices at most")
        assert differs < 1e-4, name
        share = counts[pre] * pairs / (spikes.n_spikes * len(counts))
        arms.append(Arm(f"{name}, {pairs} pairs, scaled", routine, share))
    ours = next(spike_triggered_average(spikes, vm, LAGS, reduce="none"))
    few = min(ours.values.shape[0], len(expected))
    np.testing.assert_allclose(ours.values[:few, pre] + ours.mean[:few, None], expected[:few], atol=1e-4)
    return arms


def _signals(recording: Recording) -> tuple[Any, Any]:
    assert recording.spikes is not None
    return recording.signals["vm"], recording.spikes


def measure_memory(path: Path, name: str, answer: Any) -> None:
    """Sends the resident set and the CPU time of one run, in a process of its own."""
    import torch

    torch.set_num_threads(1)
    vm, spikes = _signals(load(path))
    before, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    spike_triggered_average(spikes, vm, LAGS, reduce=SUMMARIES[name])
    cpu = time.process_time() - cpu
    answer.send({"imports_mb": before / 1e3, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
                 "cpu_s": cpu})  # fmt: skip


def memory(path: Path, case: str, again: bool) -> None:
    """Peak resident set of every kind of summary, kept as rows and printed."""
    known = {row["case"]: row for row in protocol.rows("spike_triggered_memory")}
    for name in SUMMARIES:
        label = f"{case}: {name}"
        if again or label not in known:
            context = multiprocessing.get_context("spawn")
            here, there = context.Pipe(duplex=False)
            child = context.Process(target=measure_memory, args=(path, name, there))
            child.start()
            there.close()
            known[label] = {"case": label, **here.recv(), **protocol.circumstances()}
            child.join()
            protocol.RESULTS.mkdir(exist_ok=True)
            with (protocol.RESULTS / "spike_triggered_memory.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(known[label]) + "\n")
        row = known[label]
        print(f"{label}: peak {row['peak_mb']:.0f} MB, {row['imports_mb']:.0f} MB of them imports and the opened "
              f"file; {row['cpu_s']:.1f} CPU s")  # fmt: skip


def main(rounds: int = 3, again: bool = False, cells: int = 2022, duration_s: float = 6.0) -> None:
    """Runs all cases, in a temporary folder of up to 1 GB.

    Args:
        rounds: Rounds of the timed case.
        again: Measure cases again that have a row.
        cells: Cells of the simulated network.
        duration_s: Length of the recording, s.
    """
    warnings.simplefilter("ignore")
    benchmark = Benchmark("spike_triggered_average", rounds, again)
    with tempfile.TemporaryDirectory(prefix="neurofit-average-") as folder:
        path = Path(folder) / "network.h5"
        spool = Path(folder) / "spool"
        spool.mkdir()
        options = NetworkOptions(neurons=cells, duration_s=duration_s, seed=0)
        save(simulate_network(options, signals=("vm",), folder=spool), path, compress=False)
        case = f"averages of {cells} x {cells} pairs, {LAGS[1]} lags, {duration_s:g} s at 0.1 ms"
        memory(path, case, again)
        goal = "neurofit at most 40 s; slices 20, elephant and pynapple 1000 times as long"
        benchmark.compare(case, partial(all_arms, path), goal=goal)


if __name__ == "__main__":
    tyro.cli(main)

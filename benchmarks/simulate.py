"""The simulated network: what it costs to make and to write, how much memory it takes, and how active it is.

    python benchmarks/simulate.py [--again]

Every case runs in a process of its own, on one thread; its peak is the high-water mark of that process, imports and
all. Where signals are written, each goes to an uncompressed HDF5 file by itself, so that its cost is known; the
voltages and currents from which they are made lie in files beside it. A case that has a row in `results/simulate.jsonl`
is not run again unless asked for.
"""

from __future__ import annotations

import protocol  # first, because it sets the number of threads

# isort: split
import dataclasses
import json
import multiprocessing
import resource
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from neurofit.simulate.network import SIGNALS, simulate_network
from neurofit.simulate.network_options import NetworkOptions
from neurofit.simulate.spike_statistics import spike_statistics
from neurofit_io import Recording, RecordingWarning, save

RESULTS = protocol.RESULTS / "simulate.jsonl"
LARGE, SMALL = {"neurons": 2022, "duration_s": 6.0}, {"neurons": 300, "duration_s": 60.0}
WRITTEN = (LARGE, {"neurons": 300, "duration_s": 6.0})
ACTIVE = (
    *({**size, "seed": seed} for size in (LARGE, SMALL) for seed in (0, 1, 2)),
    *({**size, "regime": regime} for size in (LARGE, SMALL) for regime in ("sparse", "synchronous")),
    *({"neurons": neurons, "duration_s": 20.0} for neurons in (60, 150, 600, 1000)),
)
Row = dict[str, Any]


def measure(changes: Row, signals: tuple[str, ...]) -> Row:
    """Simulates in a process of its own; writes the signals, if any."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(simulated, (changes, signals))


def simulated(changes: Row, signals: tuple[str, ...]) -> Row:
    """What one simulation cost and did; runs in the process that is measured."""
    warnings.simplefilter("ignore", RecordingWarning)
    options = NetworkOptions(**changes)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        recording = simulate_network(options, folder=Path(folder), signals=signals)
        cost = time.process_time() - began
        written = {name: written_in(recording, name, Path(folder)) for name in signals}
    found = spike_statistics(recording.spike_trains["spikes"])
    low, median, high = np.quantile(found.rates_hz, [0.05, 0.5, 0.95]).tolist()
    return {
        "options": dataclasses.asdict(options), "simulate_cpu_s": cost, "write_cpu_s": written,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rate_hz": {
            "mean": float(found.rates_hz.mean()), "least": float(found.rates_hz.min()), "5%": low, "50%": median,
            "95%": high,
        },
        "cv": found.cv, "fano": found.fano, "silent": found.silent,
    }  # fmt: skip


def written_in(recording: Recording, name: str, folder: Path) -> float:
    """CPU time in which one signal is made and written, s."""
    alone = dataclasses.replace(recording, signals={name: recording.signals[name]})
    began = time.process_time()
    path = save(alone, folder / f"{name}.h5", compress=False)
    cost = time.process_time() - began
    path.unlink()
    return cost


def known() -> dict[str, Row]:
    """The latest row of every case."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    return {row["case"]: row for row in map(json.loads, lines)}


def row_of(changes: Row, signals: tuple[str, ...], *, again: bool) -> Row:
    """The row of a case, measured unless it is there."""
    words = ", ".join(f"{name} {value}" for name, value in changes.items())
    case = words + (", written" if signals else "")
    row = known().get(case)
    if row is None or again:
        row = {"case": case, **measure(changes, signals), **protocol.circumstances()}
        RESULTS.parent.mkdir(exist_ok=True)
        with RESULTS.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
    return row


def cost_table(rows: list[Row]) -> str:
    lines = [
        f"| network | CPU s: simulated | us a step | {' | '.join(f'{name} written' for name in SIGNALS)} | in all "
        "(goal: 60) | peak, MB (goal: 1500) |",
        f"|---{'|---' * (len(SIGNALS) + 4)}|",
    ]
    for row in rows:
        options, written = row["options"], [row["write_cpu_s"][name] for name in SIGNALS]
        cells = [
            f"{options['neurons']} cells, {options['duration_s']:g} s", f"{row['simulate_cpu_s']:.1f}",
            f"{row['simulate_cpu_s'] / NetworkOptions(**options).n_steps * 1e6:.0f}",
            *(f"{cost:.1f}" for cost in written), f"{row['simulate_cpu_s'] + sum(written):.1f}",
            f"{row['peak_mb']:.0f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def activity_table(rows: list[Row]) -> str:
    lines = [
        "| network | regime | seed | rate, Hz: mean (5, 50, 95 %) | least | CV | Fano, 5 ms | silent | CPU s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        options, rate = row["options"], row["rate_hz"]
        cells = [
            f"{options['neurons']} cells, {options['duration_s']:g} s", options["regime"], str(options["seed"]),
            f"{rate['mean']:.2f} ({rate['5%']:.1f}, {rate['50%']:.1f}, {rate['95%']:.1f})", f"{rate['least']:.2f}",
            f"{row['cv']:.2f}", f"{row['fano']:.1f}", str(row["silent"]), f"{row['simulate_cpu_s']:.1f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, f"\n{rows[-1]['date']}, {rows[-1]['machine']}."])


def main(again: bool = False) -> None:
    """Runs what has no row yet and prints both tables.

    Args:
        again: Run every case.
    """
    print(cost_table([row_of(changes, SIGNALS, again=again) for changes in WRITTEN]), end="\n\n")
    print(activity_table([row_of(changes, (), again=again) for changes in ACTIVE]))


if __name__ == "__main__":
    tyro.cli(main)

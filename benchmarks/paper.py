"""The comparison of Nayebi, Cable and Wedeen 2015, at 100 cells and on held-out time: cells, chunks and sizes.

Each row is a fit with `--preset nayebi2015` (z-scores over all steps, absolute output, one update an epoch with all
chunks, zero state, RMSprop 0.001, the last weights) of the simulated network's extracellular voltage: 4.2 s to train
on, as in the paper, and then 60 s that are scored. The paper stopped at 1000 epochs; a fit ends there, or sooner when

    mean training loss of the last 100 epochs > 0.99 of that of the 100 before.

Nothing is chosen by held-out time, so it is looked at after every 50th epoch only, which spares the time.

A row is a file in `results/paper/`; what has one is not run again unless with `--again`, and a fit that was interrupted
goes on. Two of these with other `--models` may run side by side. Memory is the peak of the first epoch over what was
held before it; seconds are CPU time on one thread without validation.
"""

from __future__ import annotations

import protocol  # fixes the number of threads; before numpy and torch

# isort: split
import json
import math
import shutil
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from itertools import product
from statistics import fmean, median, stdev
from typing import Any
from unittest import mock

import torch
import tyro
from scipy.special import stdtrit
from spiking_network import CACHE, TRAIN_FRACTION, Network, cached

from neurofit import NextStep
from neurofit.estimators import fitting
from neurofit.estimators.next_step_program import NextStepProgram
from neurofit.estimators.options import Model
from neurofit.estimators.spikes import measure_spikes
from neurofit.training.memory import MemoryWatch
from neurofit_io import RecordingWarning
from neurofit_io.files import write_json

RESULTS = protocol.RESULTS / "paper"
WINDOW, STILL_FALLING = 100, 0.99
LOOK_EVERY = 50
LINEAR = ("persistence", "ar", "var")

Row = dict[str, Any]


class SettlingProgram(NextStepProgram):
    """The program of a fit, which ends when its training loss has settled, and measures itself."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.watch, self.peak_bytes, self.held_bytes = MemoryWatch(torch.device("cpu")), None, None
        self.epoch_cpu_s: list[float] = []
        self.looked: Mapping[str, float] = {}
        self.began = time.process_time()

    def validate(self) -> Mapping[str, float]:
        self.epoch_cpu_s.append(time.process_time() - self.began)
        if len(self.epoch_cpu_s) == 1 and (peak := self.watch.peak()) is not None:
            self.peak_bytes, self.held_bytes = peak.peak_bytes, peak.start_bytes
        if len(self.epoch_cpu_s) % LOOK_EVERY == 1:
            self.looked = super().validate()
        self.began = time.process_time()
        return self.looked

    def should_stop(self, history: Sequence[Mapping[str, Any]]) -> bool:
        return has_settled([row["train"] for row in history])


def has_settled(losses: Sequence[float]) -> bool:
    """Whether the last epochs were hardly better than those before."""
    if len(losses) < 2 * WINDOW:
        return False
    return fmean(losses[-WINDOW:]) > STILL_FALLING * fmean(losses[-2 * WINDOW : -WINDOW])


def fit(model: Model, chunk: int, hidden: int, seed: int, epochs: int) -> Row:
    """Fits one row, from where it was interrupted if it was, and scores it on held-out time."""
    made: list[SettlingProgram] = []

    def program(*args: Any, **options: Any) -> SettlingProgram:
        made.append(SettlingProgram(*args, **options))
        return made[-1]

    folder = CACHE / "paper" / name_of(model, chunk, hidden, seed)
    options = {"signal": "extracellular", "train_fraction": TRAIN_FRACTION, "epochs": epochs, "snapshot_epochs": ()}
    with mock.patch.object(fitting, "NextStepProgram", program):
        fitted = NextStep(model, preset="nayebi2015", chunk=chunk, hidden=hidden, seed=seed, **options)
        fitted.fit(cached(Network()), out=folder, resume="auto", show=False)
    assert fitted.run is not None
    losses = [row["train"] for row in fitted.run.metrics()]
    spikes = measure_spikes(
        fitted.network(), fitted.fitted.baselines.predictors(), fitted.series(), span="test", seed=seed
    )
    row = {
        "model": model, "chunk": chunk, "hidden": hidden, "seed": seed, "epochs": len(losses),
        "settled": has_settled(losses), "train": losses[-1], "scores": fitted.scores["test"],
        "spikes": spikes.as_json(), **_cost(made), **protocol.circumstances(),
    }  # fmt: skip
    shutil.rmtree(folder)
    return row


def _cost(made: Sequence[SettlingProgram]) -> Row:
    """Seconds and bytes of an epoch; nothing of a fit that had ended before."""
    (program,) = made or (None,)
    if program is None or not program.epoch_cpu_s:
        return {"epoch_cpu_s": None, "peak_bytes": None, "held_bytes": None}
    return {
        "epoch_cpu_s": median(program.epoch_cpu_s),
        "peak_bytes": program.peak_bytes,
        "held_bytes": program.held_bytes,
    }


def name_of(model: str, chunk: int, hidden: int, seed: int) -> str:
    """Name of a row's file and of its run."""
    return f"{model}-h{hidden}-c{chunk}-s{seed}"


def table(rows: Sequence[Row]) -> str:
    """All rows as one Markdown table, a line a network over its seeds."""
    header = (
        "network", "hidden", "chunk", "epochs", "mse (95 % over seeds)", "/ best linear", "rest noise",
        "F1, 0.5 ms (chance)", "F1, 1 ms (chance)", "width error (ms)", "memory (MB)", "CPU s an epoch", "CPU min",
    )  # fmt: skip
    lines = [header, ("---",) * len(header)]
    lines += [_linear_line(name, rows[0]) for name in LINEAR if f"mse_{name}" in rows[0]["scores"]]
    groups: dict[tuple[str, int, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["hidden"], row["chunk"]), []).append(row)
    lines += [_line(*key, group) for key, group in sorted(groups.items())]
    spikes, versions = rows[0]["spikes"], rows[0]["versions"]
    return "\n".join(
        [*(f"| {' | '.join(line)} |" for line in lines),
         f"\n{len(rows)} fits; spikes: {spikes['threshold']}, {spikes['true_spikes']} true ones in {spikes['steps']} "
         f"held-out steps, {spikes['true_width_ms']:.2g} ms wide; F1 of forecasts 5 steps beyond the tolerance; "
         f"torch {versions['torch']}, {rows[0]['machine']}."]
    )  # fmt: skip


def _linear_line(name: str, row: Row) -> tuple[str, ...]:
    found, mse = row["spikes"]["predictors"][name], row["scores"][f"mse_{name}"]["pooled"]
    timing = (f"{_number(f1['pooled'])} ({_number(f1['chance'])})" for f1 in found["f1"])
    rest, width = found["rest_noise"]["pooled"], found["width_error"][0]["median"]
    ratio = _number(mse / _best_linear(row))
    return name, "", "", "", f"{mse:.4g}", ratio, _number(rest), *timing, _number(width), "", "", ""


def _line(model: str, hidden: int, chunk: int, rows: Sequence[Row]) -> tuple[str, ...]:
    own = [row["scores"]["network"]["mse"]["pooled"] for row in rows]
    spikes = [row["spikes"]["predictors"]["network"] for row in rows]
    timing = zip(*(each["f1"] for each in spikes), strict=True)
    settled, epochs = sum(row["settled"] for row in rows), fmean(row["epochs"] for row in rows)
    epoch_s = [row["epoch_cpu_s"] for row in rows if row["epoch_cpu_s"] is not None]
    memory = [row["peak_bytes"] - row["held_bytes"] for row in rows if row["peak_bytes"] is not None]
    return (
        model, str(hidden), str(chunk), f"{epochs:.0f} ({settled} of {len(rows)} settled)", over_seeds(own),
        over_seeds([mse / _best_linear(row) for mse, row in zip(own, rows, strict=True)]),
        over_seeds([each["rest_noise"]["pooled"] for each in spikes]),
        *(f"{over_seeds([f1['pooled'] for f1 in f1s])} ({over_seeds([f1['chance'] for f1 in f1s])})" for f1s in timing),
        over_seeds([each["width_error"][0]["median"] for each in spikes]),
        f"{max(memory) / 2**20:.0f}" if memory else "", f"{fmean(epoch_s):.2g}" if epoch_s else "",
        f"{fmean(epoch_s) * epochs / 60:.0f}" if epoch_s else "",
    )  # fmt: skip


def _best_linear(row: Row) -> float:
    errors = [row["scores"][f"mse_{name}"]["pooled"] for name in ("ar", "var")]
    return min(error for error in errors if error is not None)


def over_seeds(values: Sequence[float | None]) -> str:
    """Mean with the half width of its 95 % interval by Student's t; the values where some are not defined."""
    known = [value for value in values if value is not None]
    if len(known) < len(values) or len(known) < 2:
        return ", ".join(map(_number, values))
    half = float(stdtrit(len(known) - 1, 0.975)) * stdev(known) / math.sqrt(len(known))
    return f"{fmean(known):.4g} ± {half:.2g}"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3g}"


def stored() -> list[Row]:
    """The rows that are there."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]


def main(
    models: tuple[Model, ...] = ("gru", "lstm", "peephole-lstm"),
    chunks: tuple[int, ...] = (1000, 3000),
    hidden: tuple[int, ...] = (50, 100, 200),
    seeds: int = 3,
    epochs: int = 1000,
    again: bool = False,
) -> None:
    """Fits what has no row, one seed after the other, and prints the table.

    Args:
        models: Recurrent cells.
        chunks: Steps of a chunk.
        hidden: Hidden units.
        seeds: Seeds of every network.
        epochs: Most epochs.
        again: Fit again what has a row.
    """
    warnings.simplefilter("ignore", RecordingWarning)
    RESULTS.mkdir(parents=True, exist_ok=True)
    for seed, model, chunk, size in product(range(seeds), models, chunks, hidden):
        name = name_of(model, chunk, size, seed)
        path = RESULTS / f"{name}.json"
        if again or not path.exists():
            print(name, end=": ", file=sys.stderr, flush=True)
            row = fit(model, chunk, size, seed, epochs)
            write_json(path, row)
            mse = row["scores"]["network"]["mse"]["pooled"]
            print(f"{row['epochs']} epochs, mse {mse:.4g}", file=sys.stderr, flush=True)
    print(table(stored()))


if __name__ == "__main__":
    tyro.cli(main)

"""One-step errors on held-out time after equal CPU time: a default fit, the linear answers, a plain `nn.GRU` script.

    ratio = squared error of an arm, mean over test steps, channels and seeds / the same of the reference

A fit spends its budget on baselines, training and validation, on one thread; reading the recording and scoring the test
span cost all arms the same and are not counted. It ends before the epoch that would pass the budget. The script is
tuned on validation with seed 0, each try within the same budget; the best try runs with the other seeds too. Intervals
are paired block bootstraps over time of losses averaged over the seeds.

What has a row in `results/quality.jsonl`, and its losses in the cache, is not run again unless with `--again`.
"""

from __future__ import annotations

import protocol  # fixes the number of threads; before numpy and torch

# isort: split
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import tyro
from cpu_budget import Clock, fits_within
from numpy.typing import NDArray
from plain_script import TRIES, Script, squared_errors
from spiking_network import CACHE, TRAIN_FRACTION, Network, cached

from neurofit import NextStep
from neurofit.estimators.evaluation import evaluate
from neurofit.metrics import block_bootstrap
from neurofit.preparation import PrepareOptions, prepare
from neurofit_io import RecordingWarning, load

RESULTS = protocol.RESULTS / "quality.jsonl"
EXAMPLE = Path(__file__).parent.parent / "examples" / "data" / "bionet_60cells"
FITS: dict[str, dict[str, Any]] = {"default": {}, "residual": {"output": "residual"}}
"""Options of the fits, by arm."""
LINEAR = ("ar", "var")

Row = dict[str, Any]
Losses = dict[str, NDArray[np.float32]]
"""Squared error of each test step, averaged over channels, by predictor."""


@dataclass(frozen=True)
class Case:
    """A recording, how it is split, and how long a fit of it may take.

    Attributes:
        name: What the table calls it.
        budget_s: CPU time, s.
        options: Signal and split.
        simulated: Whether it is the spiking network; the recording of the examples if not.
    """

    name: str
    budget_s: float
    options: Mapping[str, Any]
    simulated: bool = False

    @property
    def path(self) -> Path:
        return cached(Network()) if self.simulated else EXAMPLE


SIMULATED = {"signal": "extracellular", "train_fraction": TRAIN_FRACTION}
CASES = (
    Case("100 simulated cells, extracellular, 0.1 ms", 24.0, SIMULATED, simulated=True),
    Case("60 cells, extracellular, 0.1 ms", 60.0, {"signal": "extracellular"}),
    Case("60 cells, Vm, 0.1 ms", 60.0, {"signal": "vm"}),
)


def fit(case: Case, options: Mapping[str, Any], seed: int) -> tuple[Row, Losses]:
    """Fits as `neurofit fit` does within the budget; what goes into the row, and all losses."""
    clock = Clock(case.budget_s)
    with tempfile.TemporaryDirectory(prefix="neurofit-quality-") as folder, fits_within(clock):
        model = NextStep(seed=seed, **case.options, **options).fit(case.path, out=Path(folder) / "run", show=False)
        assert model.run is not None
        history, fitted = model.run.metrics(), model.fitted
        sums = evaluate(model.network(), fitted.baselines, model.series(), "test").sums
    row = {
        "shape": f"{fitted.shape.hidden} units, chunks of {fitted.shape.chunk} steps, {history[-1]['update']} updates",
        "epochs": clock.epochs, "cpu_s": clock.spent_s, "validation": min(each["validation"] for each in history),
    }  # fmt: skip
    return row, {name: each.losses.astype(np.float32) for name, each in sums.items()}


def run_script(case: Case, script: Script, seed: int) -> tuple[Row, Losses]:
    """Trains the script within the budget; what goes into the row, and its losses."""
    series = prepare(load(case.path), PrepareOptions(**case.options))
    clock = Clock(case.budget_s)
    model, validation = script.train(series, seed, clock)
    row = {"shape": script.name, "epochs": clock.epochs, "cpu_s": clock.spent_s, "validation": validation}
    return row, {"network": squared_errors(model, series, "test")}


def known_rows() -> dict[tuple[str, str, int], Row]:
    """The latest rows by case, arm and seed."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    return {(row["case"], row["arm"], row["seed"]): row for row in map(json.loads, lines)}


def measured(case: Case, arm: str, seed: int, again: bool, run: Callable[[], tuple[Row, Losses]]) -> Row:
    """The row of an arm with a seed, run unless it is there."""
    key, path = (case.name, arm, seed), losses_path(case.name, arm, seed)
    if not again and path.exists() and (row := known_rows().get(key)):
        return row
    load_average, (facts, losses) = os.getloadavg()[0], run()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **losses)
    mse = {name: float(each.mean(dtype=np.float64)) for name, each in losses.items()}
    row = {"case": case.name, "arm": arm, "seed": seed, "budget_s": case.budget_s, **facts, "mse": mse,
           "load": load_average, **protocol.circumstances()}  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")
    print(
        f"{arm}, seed {seed}: mse {mse['network']:.4g}, {facts['cpu_s']:.1f} CPU s, {facts['epochs']} epochs",
        flush=True,
    )
    return row


def losses_path(case: str, arm: str, seed: int) -> Path:
    """Where losses of a row lie."""
    words = "".join(letter if letter.isalnum() else " " for letter in f"{case} {arm}").split()
    return CACHE / "quality" / f"{'-'.join(words)}-{seed}.npz"


def mean_losses(case: str, arm: str, seeds: int, predictor: str = "network") -> NDArray[np.float64]:
    """Losses of each test step, averaged over the seeds, (step,)."""
    stored = [np.load(losses_path(case, arm, seed), allow_pickle=False)[predictor] for seed in range(seeds)]
    return np.mean(stored, axis=0, dtype=np.float64)


def ratio(own: NDArray[np.float64], reference: NDArray[np.float64]) -> str:
    """Ratio of the mean losses with its 95 % interval, for the table."""
    pairs = np.stack([own, reference], axis=1)
    interval = block_bootstrap(pairs, lambda means: means[:, 0] / means[:, 1])
    between = "no interval" if interval.ci95 is None else "{:.3f} to {:.3f}".format(*interval.ci95)
    return f"{own.mean() / reference.mean():.3f} ({between})"


def table(case: Case, rows: Mapping[str, Sequence[Row]], scripted: str | None) -> str:
    """One case as a Markdown table, a line an arm.

    Args:
        case: The recording.
        rows: By arm, a row a seed.
        scripted: The arm of the tuned script, where it was run.
    """
    seeds, errors = len(rows["default"]), rows["default"][0]["mse"]
    linear = min((name for name in LINEAR if name in errors), key=errors.__getitem__)
    references = [mean_losses(case.name, "default", seeds, linear)]
    references += [mean_losses(case.name, scripted, seeds)] if scripted else []
    header = [f"{case.name}, {case.budget_s:g} CPU s", f"mse (range over {seeds} seeds)", f"/ {linear} (95 %)"]
    header += ["/ script (95 %)"] if scripted else []
    lines = [[*header, "epochs", "CPU s", "load"]]
    for name in ("persistence", "mean", *LINEAR):
        if name in errors:
            own = mean_losses(case.name, "default", seeds, name)
            lines.append([name, f"{errors[name]:.4g}", *(ratio(own, other) for other in references), "", "", ""])
    for arm, each in rows.items():
        own, mse = mean_losses(case.name, arm, seeds), [row["mse"]["network"] for row in each]
        spread = f"{fmean(mse):.4g} ({min(mse):.4g} to {max(mse):.4g})"
        name = f"{arm}: {each[0]['shape']}" if arm in FITS else arm
        cost = f"{fmean(row['epochs'] for row in each):.0f}", f"{fmean(row['cpu_s'] for row in each):.1f}"
        lines.append([name, spread, *(ratio(own, other) for other in references), *cost, f"{each[0]['load']:.1f}"])
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(again: bool = False, seeds: int = 3, only: str = "") -> None:
    """Runs what has no row, and prints the tables.

    Args:
        again: Run again what has a row.
        seeds: Seeds of every arm.
        only: Run only the recordings whose names begin so.
    """
    warnings.simplefilter("ignore", RecordingWarning)
    for case in CASES:
        if case.name.startswith(only):
            print(bench(case, seeds, again), end="\n\n", flush=True)


def bench(case: Case, seeds: int, again: bool) -> str:
    """Runs what has no row of a case, the arms in turn with every seed; its table."""
    arms: dict[str, Callable[[int], tuple[Row, Losses]]] = {"default": partial(fit, case, FITS["default"])}
    scripted = None
    if case.simulated:
        arms = {name: partial(fit, case, options) for name, options in FITS.items()}
        script = tuned(case, again)
        scripted = script.name
        arms[scripted] = partial(run_script, case, script)
    rows: dict[str, list[Row]] = {arm: [] for arm in arms}
    for seed in range(seeds):
        for arm, run in arms.items():
            was_tried = arm == scripted and seed == 0
            rows[arm].append(measured(case, arm, seed, again and not was_tried, partial(run, seed)))
    return table(case, rows, scripted)


def tuned(case: Case, again: bool) -> Script:
    """The try of the script that is best on validation."""
    tried = [measured(case, script.name, 0, again, partial(run_script, case, script, 0)) for script in TRIES]
    return TRIES[min(range(len(TRIES)), key=lambda i: tried[i]["validation"])]


if __name__ == "__main__":
    tyro.cli(main)

"""How far the pairwise maximum entropy model goes: cells, bins, cost, held-out likelihood, synchrony, couplings.

Simulated networks, spikes in bins, the first 70 % of the time fitted and the rest held out. log-likelihoods are nats a
bin, and beside them those of independent cells; where Z cannot be enumerated it is had by annealed importance sampling,
and the row says how many chains carried the weight. Couplings are scored against the true connections as if they had a
direction. The continuous form, the Gaussian of consecutive samples of Vm, predicts the next sample beside persistence
and the best autoregression.

    python benchmarks/maxent.py

What has a row in `results/maxent.jsonl` is not run again unless with `--again`. The last table is of what is there.
"""

from __future__ import annotations

import protocol  # fixes the number of threads; before numpy and torch

# isort: split
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from neurofit.connectivity.gaussian_maxent import gaussian_next_step
from neurofit.connectivity.maxent import maxent_estimate
from neurofit.connectivity.maxent_scores import Synchrony, score_maxent
from neurofit.connectivity.pairwise_model import binary_words
from neurofit.connectivity.pseudo_likelihood import choose_prior_sd, fit_pairwise
from neurofit.connectivity.scoring import score_connectivity
from neurofit.figures.maxent import synchrony
from neurofit.figures.style import figure_png
from neurofit.linear import ar_errors, channel_moments, fit_ar, population_moments, var_errors
from neurofit.simulate.network import simulate_network
from neurofit.simulate.network_options import NetworkOptions
from neurofit_io import Recording, load, save
from neurofit_io.files import write_bytes

RESULTS = protocol.RESULTS / "maxent.jsonl"
CACHE = Path(os.environ.get("NEUROFIT_BENCHMARK_CACHE", Path(tempfile.gettempdir()) / "neurofit-benchmarks"))
SEED = 100
TRAIN, VALIDATION = 0.7, 0.15
"""Shares of the time: of all of it, and of what is trained on."""
STEP_MS = 1.0

Row = dict[str, Any]


@dataclass(frozen=True)
class Words:
    """Binary words of some cells of a network."""

    network: int
    duration_s: float
    cells: int
    bin_ms: float
    annealing_steps: int = 500
    chains: int = 200
    sweeps: int = 400

    @property
    def case(self) -> str:
        of = f" of {self.network}" if self.cells < self.network else ""
        return f"{self.cells}{of} cells, {self.duration_s:g} s, bins of {self.bin_ms:g} ms"


@dataclass(frozen=True)
class Voltages:
    """Vm of a network, a sample a millisecond."""

    network: int
    duration_s: float

    @property
    def case(self) -> str:
        return f"Gaussian of Vm, {self.network} cells, {self.duration_s:g} s, steps of {STEP_MS:g} ms"


CASES: tuple[Words | Voltages, ...] = (
    Words(300, 60.0, 10, 20.0),
    Words(300, 60.0, 20, 20.0),
    Words(300, 60.0, 40, 20.0),
    Words(300, 60.0, 200, 2.0),
    Words(300, 60.0, 200, 5.0),
    Words(300, 60.0, 200, 20.0),
    Words(2022, 6.0, 2022, 20.0, annealing_steps=300, chains=100, sweeps=50),
    Words(2022, 60.0, 2022, 20.0, annealing_steps=300, chains=100, sweeps=50),
    Voltages(300, 20.0),
    Voltages(2022, 6.0),
)


def main(again: bool = False, only: str = "") -> None:
    """Runs the cases and prints their tables.

    Args:
        again: Run cases again that have a row.
        only: Run only cases whose names contain this.
    """
    known = {row["case"]: row for row in protocol.rows("maxent")}
    for case in CASES:
        if only in case.case and (again or case.case not in known):
            row = {"case": case.case, **(_words_row(case) if isinstance(case, Words) else _voltage_row(case))}
            known[case.case] = {**row, **protocol.circumstances()}
            protocol.RESULTS.mkdir(exist_ok=True)
            with RESULTS.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(known[case.case]) + "\n")
            print(json.dumps(row), flush=True)
    present = [known[case.case] for case in CASES if case.case in known]
    print(_words_table([row for row in present if "prior_sd" in row]), end="\n\n")
    print(_voltage_table([row for row in present if "persistence" in row]))


def _network(cells: int, duration_s: float) -> Recording:
    """Spikes and connections of a network, simulated once."""
    path = CACHE / f"maxent_{cells}cells_{duration_s:g}s_seed{SEED}.h5"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        options = NetworkOptions(neurons=cells, duration_s=duration_s, seed=SEED)
        save(simulate_network(options, signals=()), path)
    return load(path)


def _words_row(case: Words) -> Row:
    recording = _network(case.network, case.duration_s)
    assert recording.spikes is not None
    assert recording.connectivity is not None
    chosen = np.sort(np.random.default_rng(0).permutation(case.network)[: case.cells])
    words = binary_words(recording.spikes, case.bin_ms)[:, chosen].tocsr()
    first = round(TRAIN * words.shape[0])
    train, held_out = words[:first], words[first:]
    prior_sd, prior_s = _timed(lambda: choose_prior_sd(train))
    fit, fit_s = _timed(lambda: fit_pairwise(train, prior_sd=prior_sd))
    (scores, together), score_s = _timed(
        lambda: score_maxent(
            fit.model, train, held_out, chains=case.chains, sweeps=case.sweeps, annealing_steps=case.annealing_steps
        )
    )
    _draw(case, together)
    estimate = maxent_estimate(fit, train, bin_ms=case.bin_ms)
    against_truth = score_connectivity(
        estimate, recording.connectivity, cell_ids=recording.spikes.unit_ids[chosen]
    ).as_row()
    kept = ("auc", "ap", "ap_chance", "auc_distance", "ap_distance")
    return {
        "cells": case.cells, "train_bins": first, "test_bins": held_out.shape[0], "prior_sd": prior_sd,
        "prior_cpu_s": prior_s, "fit_cpu_s": fit_s, "score_cpu_s": score_s, "iterations": fit.iterations,
        "gradient_norm": fit.gradient_norm, **scores.as_json(), **{name: against_truth[name] for name in kept},
    }  # fmt: skip


def _draw(case: Words, together: Synchrony) -> None:
    figure = synchrony(together.data, together.pairwise, together.independent, bin_ms=case.bin_ms)
    protocol.RESULTS.mkdir(exist_ok=True)
    name = f"maxent_synchrony_{case.cells}cells_{case.duration_s:g}s_{case.bin_ms:g}ms.png"
    write_bytes(protocol.RESULTS / name, figure_png(figure))


def _voltage_row(case: Voltages) -> Row:
    options = NetworkOptions(neurons=case.network, duration_s=case.duration_s, seed=SEED)
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        vm = simulate_network(options, signals=("vm",), folder=Path(folder)).signals["vm"]
        stride = round(STEP_MS * float(vm.rate_hz or np.nan) / 1000)
        values = np.concatenate([slab[-first % stride :: stride] for first, slab in vm.slabs()])
    stop = round(TRAIN * len(values))
    first_validation = round(stop * (1 - VALIDATION))
    mean, sd = values[:first_validation].mean(axis=0), values[:first_validation].std(axis=0)
    values = (values - mean) / sd
    spans = values[:first_validation], values[first_validation:stop], values[stop:]
    joint, joint_s = _timed(lambda: _gaussian(*spans))
    own, own_s = _timed(lambda: _autoregression(*spans))
    copied = float(np.mean(np.square(np.diff(spans[2].astype(np.float64), axis=0))))
    return {
        "cells": case.network, "train_steps": first_validation, "test_steps": len(spans[2]),
        "gaussian_cpu_s": joint_s, "ar_cpu_s": own_s, "persistence": copied,
        "mean": float(np.mean(np.square(spans[2][1:], dtype=np.float64))), **joint, **own,
    }  # fmt: skip


def _gaussian(*spans: NDArray[np.float32]) -> Row:
    train, validation, test = (population_moments([(span, True)], order=1) for span in spans)
    step = gaussian_next_step(train, validation)
    return {"gaussian": float(var_errors(step, test).mean() / test.rows), "penalty": step.penalty}


def _autoregression(*spans: NDArray[np.float32]) -> Row:
    train, validation, test = (channel_moments([(span, True)], order=20) for span in spans)
    fitted = fit_ar(train, validation)
    return {"ar": float(ar_errors(fitted, test).mean() / test.rows), "ar_order": fitted.order}


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    result = work()
    return result, round(time.process_time() - start, 3)


def _words_table(rows: list[Row]) -> str:
    head = (
        "case", "bins train / test", "prior sd", "CPU s prior / fit / scores", "log-likelihood", "independent",
        "pseudo", "chains that count", "P(K) distance: model / independent / training", "error of means (sampling)",
        "error of correlations (sampling; independent)", "AUC / AP (chance; distance alone)",
    )  # fmt: skip
    return "\n".join([_line(head), _line(["---"] * len(head)), *map(_line, _words_cells(rows))])


def _words_cells(rows: list[Row]) -> Iterator[list[str]]:
    for row in rows:
        chains = "exact" if row["method"] == "exact" else f"{row['effective_chains']:.0f}"
        yield [
            row["case"], f"{row['train_bins']} / {row['test_bins']}", f"{row['prior_sd']:g}",
            f"{row['prior_cpu_s']:.2g} / {row['fit_cpu_s']:.2g} / {row['score_cpu_s']:.2g}",
            f"{row['log_likelihood']:.4g} +- {row['log_likelihood_se']:.2g}",
            f"{row['independent_log_likelihood']:.4g}",
            f"{row['pseudo_log_likelihood']:.4g}", chains,
            f"{row['synchrony_distance']:.3f} / {row['independent_synchrony_distance']:.3f} / "
            f"{row['training_synchrony_distance']:.3f}",
            f"{row['mean_error']:.4f} ({row['mean_sampling_error']:.4f})",
            f"{row['correlation_error']:.4f} ({row['correlation_sampling_error']:.4f}; "
            f"{row['independent_correlation_error']:.4f})",
            f"{row['auc']:.3f} / {row['ap']:.3f} ({row['ap_chance']:.3f}; {row['auc_distance']:.3f} / "
            f"{row['ap_distance']:.3f})",
        ]  # fmt: skip


def _voltage_table(rows: list[Row]) -> str:
    head = ("case", "steps train / test", "Gaussian", "persistence", "AR", "mean", "penalty", "CPU s Gaussian / AR")
    cells = [
        [
            row["case"], f"{row['train_steps']} / {row['test_steps']}", f"{row['gaussian']:.4f}",
            f"{row['persistence']:.4f}", f"{row['ar']:.4f} (order {row['ar_order']})", f"{row['mean']:.4f}",
            f"{row['penalty']:g}", f"{row['gaussian_cpu_s']:.3g} / {row['ar_cpu_s']:.3g}",
        ]
        for row in rows
    ]  # fmt: skip
    return "\n".join([_line(head), _line(["---"] * len(head)), *map(_line, cells)])


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    tyro.cli(main)

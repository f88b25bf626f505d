"""Connections inferred from a recording by several methods, and scored where the truth is known."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.cells import voltages_of
from neurofit.connectivity.discovery import EdgeCalls, edge_calls, presynaptic_signs
from neurofit.connectivity.estimate import Estimate
from neurofit.connectivity.method_names import PAPER_METHODS, VOLTAGE_METHODS
from neurofit.connectivity.methods import infer
from neurofit.connectivity.population import Population, population_of
from neurofit.connectivity.scoring import score_connectivity
from neurofit.connectivity.truth import TrueConnections, true_connections
from neurofit.estimators.connectivity_infer_options import InferOptions
from neurofit_io import Connectivity, Recording, RecordingError

SHARES = (0.125, 0.25, 0.5)
"""Parts of the recording, from its beginning, that the score against length is made of."""
SHORTEST_S = 1.0


@dataclass(frozen=True, eq=False)
class Inference:
    """What was inferred.

    Attributes:
        population: The cells.
        estimates: One a method, and for some the same once more after the Dale step.
        calls: Pairs called connected by each.
        rows: `method`, cost and, where the truth is known, the scores of each.
        known: The truth in the order of the cells; None without one.
        truth_unit: Unit of the true weights.
        lengths_s: Lengths of recording that were tried, rising; the last is the whole. Empty without a truth.
        ap_by_length: By method the average precision at each length.
        notes: What was chosen and left out, a sentence each.
    """

    population: Population
    estimates: tuple[Estimate, ...]
    calls: tuple[EdgeCalls, ...]
    rows: list[dict[str, Any]]
    known: TrueConnections | None
    truth_unit: str
    lengths_s: tuple[float, ...]
    ap_by_length: dict[str, list[float | None]]
    notes: tuple[str, ...]

    def __getitem__(self, method: str) -> Estimate:
        """The estimate of a method."""
        return next(each for each in self.estimates if each.method == method)


def infer_connectivity(
    recording: Recording,
    options: InferOptions | None = None,
    *,
    truth: Connectivity | NDArray[np.float64] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Inference:
    """Infers who connects to whom.

    Args:
        recording: With spikes, membrane potentials or extracellular voltages.
        options: How.
        truth: The true connections, or a matrix (post, pre) of these cells; those of the recording when None.
        say: Is told what is being done, a line each.

    Raises:
        RecordingError: The recording lacks what a method needs, or the truth is of other cells.
    """
    options = options or InferOptions()
    _check(options)
    methods = chosen_methods(options, recording)
    wanted = any(method in VOLTAGE_METHODS for method in methods)
    population = population_of(recording, voltage=wanted, signal=options.signal)
    if options.time is not None:
        population = population.between(*_span(options.time, population))
    truth = recording.connectivity if truth is None else truth
    known = None
    if truth is not None:
        known = true_connections(
            truth, n_cells=len(population.cell_ids), place=population.place,
            cell_ids=population.cell_ids if isinstance(truth, Connectivity) else None,
        )  # fmt: skip
    estimates: list[Estimate] = []
    rows: list[dict[str, Any]] = []
    for method in methods:
        say(f"{method} ...")
        for estimate, cpu_s in _timed(population, method, options):
            estimates.append(estimate)
            rows.append(_row(estimate, population, known, cpu_s))
    lengths, ap = _by_length(population, methods, options, known, rows, say)
    notes = [*population.notes, *(f"{each.method}: {note}" for each in estimates for note in each.notes)]
    calls = tuple(edge_calls(each, options.fdr) for each in estimates)
    unit = truth.unit if isinstance(truth, Connectivity) else ""
    return Inference(population, tuple(estimates), calls, rows, known, unit, lengths, ap, tuple(notes))


def _check(options: InferOptions) -> None:
    if not 0 < options.fdr <= 1:
        raise RecordingError("", f"--fdr {options.fdr:g}", expected="a share above 0, at most 1")
    if options.bin_ms is not None and not options.bin_ms > 0:
        raise RecordingError("", f"--bin-ms {options.bin_ms:g}", expected="a width above 0 ms")


def chosen_methods(options: InferOptions, recording: Recording) -> tuple[str, ...]:
    """The methods asked for, or the best that the recording allows."""
    chosen: tuple[str, ...] = options.method
    if options.preset == "nayebi2015":
        chosen = (*(name for name in PAPER_METHODS if name not in chosen), *chosen)
    if chosen:
        return tuple(dict.fromkeys(chosen))
    return ("gls",) if options.signal or voltages_of(recording) else ("linear-coupling",)


def inferred_types(estimate: Estimate, *, fdr: float) -> list[str]:
    """`e`, `i` or empty for each presynaptic cell: its sign where that is significant over all its pairs."""
    called = presynaptic_signs(estimate.z).called(fdr)
    return [{1: "e", -1: "i"}.get(int(sign), "") for sign in called]


def _timed(population: Population, method: str, options: InferOptions) -> list[tuple[Estimate, float]]:
    more: dict[str, Any] = {}
    if method == "gls":
        more = {"basis": options.basis} | ({} if options.bin_ms is None else {"bin_ms": options.bin_ms})
    if method == "lif-current" and options.preset is not None:
        more = {"preset": options.preset}
    began = time.process_time()
    estimates = infer(population, method, **more)
    cpu_s = time.process_time() - began
    return [(estimate, cpu_s) for estimate in estimates]


def _row(estimate: Estimate, population: Population, known: TrueConnections | None, cpu_s: float) -> dict[str, Any]:
    n = estimate.n_cells
    scores = {} if known is None else score_connectivity(estimate, known).as_row()
    silent = int(np.count_nonzero(population.spikes.per_unit() == 0))
    about = {"cpu_s": round(cpu_s, 3), "duration_s": round(population.duration_s, 6), "n_cells": n, "silent": silent}
    return {"method": estimate.method, **about, **scores}


def _by_length(
    population: Population,
    methods: tuple[str, ...],
    options: InferOptions,
    known: TrueConnections | None,
    rows: list[dict[str, Any]],
    say: Callable[[str], None],
) -> tuple[tuple[float, ...], dict[str, list[float | None]]]:
    """Average precision by method from parts of the recording and from all of it."""
    if known is None or options.no_lengths:
        return (), {}
    lengths = [share * population.duration_s for share in SHARES if share * population.duration_s >= SHORTEST_S]
    ap: dict[str, list[float | None]] = {row["method"]: [] for row in rows}
    for length in lengths:
        part = population.until(length)
        for method in methods:
            say(f"{method} of the first {length:.3g} s ...")
            for estimate, _ in _timed(part, method, options):
                ap[estimate.method].append(score_connectivity(estimate, known).as_row()["ap"])
    for row in rows:
        ap[row["method"]].append(row["ap"])
    return (*lengths, population.duration_s), ap


def _span(text: str, population: Population) -> tuple[float, float]:
    """A:B in s on the recording's clock."""
    spikes = population.spikes
    low, separator, high = text.partition(":")
    try:
        span = float(low) if low else spikes.start_s, float(high) if high else spikes.stop_s
    except ValueError:
        span = (np.nan, np.nan)
    if not separator or not span[0] < span[1]:
        raise RecordingError(population.place, f"--time {text}", expected="A:B in s, such as 0:60")
    return span

"""Spike-triggered averages of a recording: summaries, scores where the truth is known, and some pairs to look at."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.average_cube import write_average_cube
from neurofit.connectivity.average_options import AverageWindows, lags_of_ms
from neurofit.connectivity.average_summaries import AverageSummaries
from neurofit.connectivity.cell_voltages import CellVoltages, cell_voltages
from neurofit.connectivity.cells import voltage_of
from neurofit.connectivity.scoring import score_connectivity
from neurofit.connectivity.spike_triggered_average import pair_averages, spike_triggered_average
from neurofit.connectivity.truth import TrueConnections, true_connections
from neurofit.estimators.connectivity_average_options import AverageOptions
from neurofit_io import Recording, RecordingError

RANKED = {"peak": "peak", "area": "area", "windows": "early window", "baseline_z": "baseline-corrected z",
          "jitter_z": "jitter-corrected z"}  # fmt: skip
"""Summaries that rank pairs, and their names."""

SHOWN = 4
"""Pairs drawn of the strongest, and of the unconnected."""


@dataclass(frozen=True, eq=False)
class ShownPair:
    """A pair to look at.

    Attributes:
        post: Column of the postsynaptic cell.
        pre: Column of the presynaptic one.
        why: Why it is shown, in words.
        raw: Average relative to the mean and its standard error, mV, (2, lag).
        blanked: The same with own spikes blanked, (2, lag).
    """

    post: int
    pre: int
    why: str
    raw: NDArray[np.float64]
    blanked: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AverageAnalysis:
    """What `average_recording` found.

    Attributes:
        cells: Voltages and spikes.
        lags: First and last lag, steps.
        summaries: Of all pairs.
        shown: Pairs to look at.
        known: The truth in the order of the cells; None without one.
        weight_unit: Unit of the true weights.
        rows: `method` and scores of each summary; without a truth only what was averaged.
        notes: What was left out, a sentence each.
    """

    cells: CellVoltages
    lags: tuple[int, int]
    summaries: AverageSummaries
    shown: tuple[ShownPair, ...]
    known: TrueConnections | None
    weight_unit: str
    rows: list[dict[str, Any]]
    notes: tuple[str, ...]

    def write_cube(self, path: Path) -> None:
        """Writes the average of every pair at every lag."""
        write_average_cube(path, self.cells, self.lags)


def average_recording(recording: Recording, options: AverageOptions) -> AverageAnalysis:
    """Averages of all pairs, their scores where the truth is known, and some pairs to look at.

    Args:
        recording: Needs a voltage and spikes of the same cells.
        options: What to do.

    Raises:
        RecordingError: No voltage, no spikes, cells that do not match, or a pair that is not there.
    """
    place = str(recording.provenance.path)
    vm = voltage_of(recording, options.signal)
    if recording.spikes is None or not recording.spikes.n_spikes:
        raise RecordingError(place, "no spikes" if recording.spikes is None else "spike trains without a spike",
                             expected="spikes of the cells whose voltage is averaged")  # fmt: skip
    cells = cell_voltages(recording.spikes, vm, blanked=options.voltage == "blanked")
    lags = lags_of_ms(options.lag_span_ms, cells.dt_ms)
    early = options.early_span_ms
    windows = AverageWindows(early_ms=early, late_ms=(early[1], 2 * early[1] - early[0]), jitter_ms=options.jitter_ms)
    summaries = spike_triggered_average(
        cells.spikes, vm, lags, reduce=options.reduce, windows=windows, blanked=cells.blanked
    )
    truth = recording.connectivity
    known = None
    if truth is not None:
        known = true_connections(truth, n_cells=cells.n_cells, cell_ids=vm.channel_ids,
                                 positions_um=vm.positions_um, place=place)  # fmt: skip
    shown = _shown(cells, lags, _chosen_pairs(cells, summaries, known, options, place))
    notes = [
        f"{summaries.n_dropped} of {cells.spikes.n_spikes} spikes left out, whose lags or windows leave the recording"
    ]
    if len(summaries.silent):
        notes.append(f"{len(summaries.silent)} cells without a spike that counts: their columns are NaN")
    unit = "" if truth is None else truth.unit
    return AverageAnalysis(cells, lags, summaries, shown, known, unit, _rows(summaries, known, options), tuple(notes))


def ranking(summaries: AverageSummaries, name: str) -> NDArray[np.floating] | None:
    """What a summary ranks pairs by, signed, (post, pre); None where it was not asked for."""
    if name == "windows":
        return None if summaries.windows is None else summaries.windows["early"].mean
    found: NDArray[np.floating] | None = getattr(summaries, name)
    return found


def best_ranking(summaries: AverageSummaries) -> tuple[str, NDArray[np.floating]]:
    """The summary that is trusted most, by what is known of them: its name and values."""
    for name in ("jitter_z", "baseline_z", "peak", "windows", "area"):
        found = ranking(summaries, name)
        if found is not None:
            return name, found
    assert summaries.latency_ms is not None
    return "latency", summaries.latency_ms


def _rows(summaries: AverageSummaries, known: TrueConnections | None, options: AverageOptions) -> list[dict[str, Any]]:
    n = len(summaries.n_spikes)
    about = {"voltage": options.voltage, "n_cells": n, "n_spikes": int(summaries.n_spikes.sum()),
             "n_dropped": summaries.n_dropped, "n_silent": len(summaries.silent)}  # fmt: skip
    rows = []
    for name, label in RANKED.items():
        values = ranking(summaries, name)
        if values is None:
            continue
        size = np.abs(values[~np.eye(n, dtype=bool)])
        size = size[np.isfinite(size)]
        quantiles = np.quantile(size, [0.5, 0.95, 1.0]) if size.size else np.full(3, np.nan)
        row = {"method": label, **about, "size_quantiles": dict(zip(("median", "p95", "max"), map(float, quantiles),
                                                                    strict=True))}  # fmt: skip
        if known is not None:
            row |= score_connectivity(np.asarray(values, dtype=np.float64), known).as_row()
        rows.append(row)
    return rows


def _chosen_pairs(
    cells: CellVoltages, summaries: AverageSummaries, known: TrueConnections | None, options: AverageOptions, place: str
) -> list[tuple[int, int, str]]:
    """(post, pre, why) of each pair to look at."""
    if options.id_pairs:
        return [(_cell(cells, post, place), _cell(cells, pre, place), "") for pre, post in options.id_pairs]
    _, values = best_ranking(summaries)
    size = np.where(np.isfinite(values), np.abs(values), -1.0)
    np.fill_diagonal(size, -1.0)
    order = np.argsort(size, axis=None)[::-1]
    order = order[size.flat[order] > 0]
    chosen = [(pair, "strongest") for pair in order[:SHOWN]]
    if known is not None:
        apart = order[(known.weight == 0).flat[order]]
        middle = apart[len(apart) // 2 :][: SHOWN // 2]
        chosen = [(pair, "strongest") for pair in order[:SHOWN]]
        chosen += [(pair, "strongest unconnected") for pair in apart[: SHOWN - len(middle)]]
        chosen += [(pair, "median unconnected") for pair in middle]
    return [(int(pair // cells.n_cells), int(pair % cells.n_cells), why) for pair, why in chosen]


def _cell(cells: CellVoltages, label: str, place: str) -> int:
    labels = [str(each) for each in cells.vm.channel_ids]
    if label not in labels:
        raise RecordingError(place, f"--pairs: no cell {label}", expected=f"ids such as {', '.join(labels[:4])}")
    return labels.index(label)


def _shown(cells: CellVoltages, lags: tuple[int, int], pairs: list[tuple[int, int, str]]) -> tuple[ShownPair, ...]:
    chosen = [(post, pre) for post, pre, _ in pairs]
    raw, blanked = (
        np.stack(pair_averages(dataclasses.replace(cells, blanked=each), chosen, lags)) for each in (False, True)
    )
    return tuple(ShownPair(*pair, raw[:, i], blanked[:, i]) for i, pair in enumerate(pairs))

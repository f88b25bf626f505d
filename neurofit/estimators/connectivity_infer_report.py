"""The result folder of `neurofit connectivity infer`: weights.h5, connections.csv, scores, figures, report."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neurofit.connectivity.average_cube import stored_ids
from neurofit.connectivity.average_options import lags_of_ms
from neurofit.connectivity.cell_voltages import cell_voltages
from neurofit.connectivity.matrices import ATTRIBUTE
from neurofit.connectivity.spike_triggered_average import pair_averages
from neurofit.estimators.connectivity_figures import scored_figures
from neurofit.estimators.connectivity_infer import Inference, inferred_types
from neurofit.estimators.connectivity_infer_options import InferOptions
from neurofit.estimators.connectivity_score import score_notes
from neurofit.estimators.connectivity_tables import Row, calls_table, connectivity_table, connectivity_verdict
from neurofit.estimators.pictures import Figures
from neurofit.estimators.result_folder import create_result, finish_result
from neurofit.figures.connectivity import connection_matrices
from neurofit.figures.connectivity_curves import ap_by_length
from neurofit.figures.report import Table
from neurofit.figures.spike_triggered import PairAverage, pair_averages_figure
from neurofit.runs import Run
from neurofit_io import Recording
from neurofit_io.files import atomic_path, write_json
from neurofit_io.hdf5_output import hdf5_output

SHOWN_PAIRS = 4
AVERAGE_MS = (-5.0, 30.0)


def start_inference(
    recording: Recording, options: InferOptions, out: Path, *, overwrite: bool, command: Sequence[str]
) -> Run:
    """Makes the folder before the work begins, so that one that is taken is refused at once."""
    return create_result(
        out, "connectivity infer", dataclasses.asdict(options), recording, overwrite=overwrite, command=command
    )


def report_inference(run: Run, recording: Recording, inference: Inference, options: InferOptions) -> Path:
    """Writes everything that an inference leaves.

    Args:
        run: The folder.
        recording: What was inferred from.
        inference: What was inferred.
        options: How.

    Returns:
        The report.
    """
    write_weights(run.path / "weights.h5", inference)
    write_connections(run.path / "connections.csv", inference)
    write_json(run.path / "scores.json", inference.rows)
    if inference.lengths_s:
        write_json(
            run.path / "ap_by_length.json",
            {"duration_s": list(inference.lengths_s), "ap": inference.ap_by_length},
        )
    return finish_result(
        run,
        title=f"Connections inferred from {Path(recording.provenance.path).name}",
        summary=inference_verdict(inference),
        tables=inference_tables(inference, options),
        drawn=inference_figures(inference),
        notes=inference_notes(inference),
    )


def write_weights(path: Path, inference: Inference) -> None:
    """Writes /METHOD/{weight, se, z}, (post, pre), with the ids of the cells, as `connectivity score` reads them."""
    with atomic_path(path) as beside, hdf5_output(beside) as (file, stop_if_full):
        file.attrs[ATTRIBUTE] = 1
        file["cell_ids"] = stored_ids(inference.population.cell_ids)
        for estimate in inference.estimates:
            group = file.create_group(estimate.method)
            group.attrs.update({"unit": estimate.unit, "notes": json.dumps(estimate.notes), "axes": "post, pre"})
            for name in ("weight", "se", "z"):
                group.create_dataset(name, data=getattr(estimate, name))
                stop_if_full()


def write_connections(path: Path, inference: Inference) -> None:
    """Writes a row for each pair that a method calls connected, strongest evidence first."""
    ids = [str(label) for label in inference.population.cell_ids]
    with atomic_path(path) as beside, open(beside, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["method", "pre", "post", "type", "weight", "se", "unit", "z"])
        for estimate, calls in zip(inference.estimates, inference.calls, strict=True):
            post, pre = np.nonzero(calls.sign)
            order = np.argsort(-np.abs(estimate.z[post, pre]), kind="stable")
            for i, j in zip(post[order], pre[order], strict=True):
                kind = "e" if calls.sign[i, j] > 0 else "i"
                numbers = [f"{value[i, j]:.6g}" for value in (estimate.weight, estimate.se)]
                writer.writerow([estimate.method, ids[j], ids[i], kind, *numbers, estimate.unit,
                                 f"{estimate.z[i, j]:.4g}"])  # fmt: skip


def inference_tables(inference: Inference, options: InferOptions) -> list[Table]:
    """Scores with chance and distance alone where the truth is known, and what is called connected in any case."""
    tables: list[Table] = []
    if inference.known is not None:
        tables.append(("Scores against the truth", *connectivity_table(inference.rows)))
        called = calls_table(inference.rows)
        if called is not None:
            tables.append(("Calls at a false discovery rate of 5 %", *called))
    header = ["method", "pairs tested", "called", "excitatory", "inhibitory", "e cells", "i cells", "CPU s"]
    rows: list[Row] = []
    for estimate, calls, row in zip(inference.estimates, inference.calls, inference.rows, strict=True):
        types = inferred_types(estimate, fdr=options.fdr)
        excitatory, inhibitory = (int(np.count_nonzero(calls.sign == sign)) for sign in (1, -1))
        numbers = (calls.n_tests, excitatory + inhibitory, excitatory, inhibitory, types.count("e"), types.count("i"))
        rows.append([estimate.method, *(str(number) for number in numbers), row["cpu_s"]])
    tables.append((f"Pairs called connected at a false discovery rate of {options.fdr:g}", header, rows))
    return tables


def inference_verdict(inference: Inference) -> str:
    """The result in one plain line."""
    if inference.known is not None:
        return connectivity_verdict(inference.rows)
    said = ", ".join(
        f"{each.method} calls {int(np.count_nonzero(calls.sign))} of {calls.n_tests} pairs connected"
        for each, calls in zip(inference.estimates, inference.calls, strict=True)
    )
    return f"{said} (false discovery rate {inference.calls[0].fdr:g}); no truth to score them against"


def inference_notes(inference: Inference) -> list[str]:
    """What is to be known about the result, a sentence each."""
    return [*inference.notes, *(score_notes(inference.rows) if inference.known is not None else [])]


def inference_figures(inference: Inference) -> Figures:
    """Matrices, precision and recall, weights, averages of some pairs, and the score against length."""
    if inference.known is None:
        first = inference.estimates[0]
        drawn: Figures = [
            (
                "matrices",
                f"{first.method}; rows are postsynaptic, columns presynaptic cells",
                connection_matrices(first.z, types=inferred_types(first, fdr=0.05), quantity="z", method=first.method),
            )
        ]
    else:
        pairs = [(estimate.method, estimate) for estimate in inference.estimates]
        drawn = scored_figures(pairs, inference.known, inference.rows, truth_unit=inference.truth_unit)
    if inference.population.vm is not None:
        drawn.append(_averages(inference))
    scored = [row for row in inference.rows if row.get("ap") is not None]
    if len(inference.lengths_s) > 1 and scored:
        figure = ap_by_length(
            inference.lengths_s,
            inference.ap_by_length,
            chance=scored[0]["ap_chance"],
            ap_distance=scored[0]["ap_distance"],
        )
        drawn.append(("ap_by_length", "Average precision against the length of the recording", figure))
    return drawn


def _averages(inference: Inference) -> tuple[str, str, Figure]:
    """Voltage after spikes for the strongest pairs, and for the strongest that do not connect."""
    population, best = inference.population, _best(inference)
    assert population.vm is not None
    cells = cell_voltages(population.spikes, population.vm, blanked=False)
    lags = lags_of_ms(AVERAGE_MS, cells.dt_ms)
    chosen = _pairs_to_show(inference, best)
    raw, blanked = (
        np.stack(pair_averages(dataclasses.replace(cells, blanked=each), [pair for pair, _ in chosen], lags), axis=1)
        for each in (False, True)
    )
    ids = population.cell_ids
    shown = [
        PairAverage(f"{ids[pre]} to {ids[post]}, {why}", *raw[row], *blanked[row])
        for row, ((post, pre), why) in enumerate(chosen)
    ]
    lag_ms = np.arange(lags[0], lags[1] + 1) * cells.dt_ms
    caption = f"Voltage after spikes: pairs of the strongest evidence by {inference.estimates[best].method}"
    return "averages", caption, pair_averages_figure(lag_ms, shown)


def _best(inference: Inference) -> int:
    """Place of the estimate with the best average precision; the first without a truth."""
    return max(range(len(inference.rows)), key=lambda place: inference.rows[place].get("ap") or 0.0)


def _pairs_to_show(inference: Inference, best: int) -> list[tuple[tuple[int, int], str]]:
    """The strongest pairs, and of those that the truth does not connect the strongest too."""
    z, known = inference.estimates[best].z, inference.known
    if known is None:
        return [(pair, f"z {z[pair]:.3g}") for pair in _strongest(np.abs(z), 2 * SHOWN_PAIRS)]
    said = {pair: f"z {z[pair]:.3g}, true weight {known.weight[pair]:.3g} {inference.truth_unit}"
            for pair in _strongest(np.where(known.weight != 0, np.abs(z), 0.0), SHOWN_PAIRS)}  # fmt: skip
    apart = _strongest(np.where(known.weight == 0, np.abs(z), 0.0), SHOWN_PAIRS)
    said |= {pair: f"z {z[pair]:.3g}, not connected" for pair in apart}
    return list(said.items())


def _strongest(size: NDArray[np.float64], n: int) -> list[tuple[int, int]]:
    """(post, pre) of the `n` largest entries, largest first."""
    largest = np.argpartition(-size, n, axis=None)[:n] if size.size > n else np.arange(size.size)
    ordered = largest[np.argsort(-size.flat[largest], kind="stable")]
    return [(int(place) // len(size), int(place) % len(size)) for place in ordered if size.flat[place] > 0]

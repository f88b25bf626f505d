"""The result folder of `neurofit connectivity average`: averages.h5, scores, figures, report."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.average_cube import stored_ids
from neurofit.connectivity.average_summaries import AverageSummaries
from neurofit.estimators.connectivity_average import RANKED, AverageAnalysis, ShownPair, best_ranking
from neurofit.estimators.connectivity_average_options import AverageOptions
from neurofit.estimators.connectivity_tables import connectivity_table
from neurofit.estimators.pictures import Figures
from neurofit.estimators.result_folder import create_result, finish_result
from neurofit.figures.connectivity import connection_matrices
from neurofit.figures.report import Table
from neurofit.figures.spike_triggered import PairAverage, pair_averages_figure, sizes_of_averages
from neurofit_io import Recording
from neurofit_io.files import atomic_path, write_json
from neurofit_io.hdf5_output import hdf5_output

_UNITS = {"peak": "mV", "latency_ms": "ms", "area": "mV ms", "baseline_z": "1", "jitter_excess": "mV", "jitter_z": "1"}


def report_average(
    recording: Recording,
    analysis: AverageAnalysis,
    options: AverageOptions,
    out: Path,
    *,
    overwrite: bool = False,
    command: Sequence[str] = (),
) -> Path:
    """Writes the result; returns the path of the report.

    Args:
        recording: What was averaged.
        analysis: The result.
        options: How.
        out: The folder.
        overwrite: Remove a result that is there first.
        command: The command line, for the record.

    Raises:
        RunError: The folder holds something already.
        OSError: The disk is full.
    """
    run = create_result(
        out, "connectivity average", dataclasses.asdict(options), recording, overwrite=overwrite, command=command
    )
    write_json(run.path / "scores.json", analysis.rows)
    write_summaries(run.path / "averages.h5", analysis.summaries, analysis.cells.vm.channel_ids)
    if options.cube:
        analysis.write_cube(run.path / "cube.h5")
    return finish_result(
        run, title=f"Spike-triggered averages of {Path(recording.provenance.path).name}",
        summary=average_verdict(analysis), tables=_tables(analysis), drawn=average_figures(analysis),
        notes=analysis.notes,
    )  # fmt: skip


def write_summaries(path: Path, summaries: AverageSummaries, ids: NDArray) -> None:
    """Writes summaries as datasets [post, pre] with the ids of the cells.

    Args:
        path: File to write, replaced if it is there.
        summaries: The summaries.
        ids: Id of each cell, (cells,).
    """
    with atomic_path(path) as beside, hdf5_output(beside) as (file, stop_if_full):
        for name in ("post_ids", "pre_ids"):
            file.create_dataset(name, data=stored_ids(ids)).make_scale(name)
        matrices: dict[str, tuple[NDArray, str]] = {
            name: (values, unit) for name, unit in _UNITS.items() if (values := getattr(summaries, name)) is not None
        }
        for name, window in (summaries.windows or {}).items():
            matrices[f"windows/{name}/mean"] = (window.mean, "mV")
            matrices[f"windows/{name}/se"] = (window.se, "mV")
        for name, (values, unit) in matrices.items():
            stored = file.create_dataset(name, data=np.asarray(values, dtype=np.float32))
            stored.attrs["unit"] = unit
            for axis, scale in enumerate(("post_ids", "pre_ids")):
                stored.dims[axis].attach_scale(file[scale])
                stored.dims[axis].label = scale.removesuffix("_ids")
            stop_if_full()
        file.create_dataset("mean", data=summaries.mean).attrs["unit"] = "mV"
        file.create_dataset("n_spikes", data=summaries.n_spikes)
        file.create_dataset("lags_ms", data=summaries.lags_ms)


def average_verdict(analysis: AverageAnalysis) -> str:
    """The result in one plain line, chance beside it where there is a truth."""
    n, lags = analysis.cells.n_cells, analysis.summaries.lags_ms
    said = (
        f"averages of {n * (n - 1)} pairs over {int(analysis.summaries.n_spikes.sum())} spikes, lags {lags[0]:g} to "
        f"{lags[-1]:g} ms, {'blanked' if analysis.cells.blanked else 'raw'} voltage"
    )
    scored = [row for row in analysis.rows if row.get("ap") is not None]
    if not scored:
        return f"{said}; no truth to score them against"
    ranked = "; ".join(f"{row['method']} AUC {row['auc']:.3f} AP {row['ap']:.3f}" for row in scored)
    distance = scored[0]["ap_distance"]
    beside = "" if distance is None else f", distance alone AUC {scored[0]['auc_distance']:.3f} AP {distance:.3f}"
    return f"{said}: {ranked} (chance AP {scored[0]['ap_chance']:.3f}{beside})"


def average_figures(analysis: AverageAnalysis) -> Figures:
    """Averages of some pairs, all pairs as a matrix, and the sizes of connected and unconnected ones."""
    drawn: Figures = []
    if analysis.shown:
        pairs = [PairAverage(_title(analysis, pair), *pair.raw, *pair.blanked) for pair in analysis.shown]
        drawn.append(("averages", "Voltage after the spikes of another cell, as recorded and with own spikes blanked",
                      pair_averages_figure(analysis.summaries.lags_ms, pairs)))  # fmt: skip
    name, values = best_ranking(analysis.summaries)
    label = RANKED.get(name, name)
    unit = {"peak": "mV", "windows": "mV", "area": "mV ms", "latency": "ms"}.get(name, "")
    known = analysis.known
    drawn.append(
        ("matrix", f"All pairs: {label}",
         connection_matrices(values, None if known is None else known.weight, types=None if known is None else
                             known.types, quantity=label, unit=unit, truth_unit=analysis.weight_unit,
                             method="average"))
    )  # fmt: skip
    if known is not None:
        size = np.abs(np.asarray(values, dtype=np.float64))
        groups = [("excitatory edges", size[known.weight > 0]), ("inhibitory edges", size[known.weight < 0]),
                  ("unconnected", size[known.weight == 0])]  # fmt: skip
        drawn.append(("sizes", f"How large the {label} is for connected and for unconnected pairs",
                      sizes_of_averages(groups, quantity=f"|{label}|", unit=unit)))  # fmt: skip
    return drawn


def _tables(analysis: AverageAnalysis) -> list[Table]:
    if analysis.known is not None:
        return [("Each summary scored against the truth", *connectivity_table(analysis.rows))]
    header = ["summary", "median size", "95th percentile", "largest"]
    return [("Sizes over all pairs", header,
             [[row["method"], *row["size_quantiles"].values()] for row in analysis.rows])]  # fmt: skip


def _title(analysis: AverageAnalysis, pair: ShownPair) -> str:
    ids = analysis.cells.vm.channel_ids
    said = f"cell {ids[pair.pre]} to {ids[pair.post]}" + (f", {pair.why}" if pair.why else "")
    if analysis.known is None or "unconnected" in pair.why:
        return said
    weight = analysis.known.weight[pair.post, pair.pre]
    if not np.isfinite(weight):
        return f"{said}, not known"
    return f"{said}, weight {weight:.3g} {analysis.weight_unit}".rstrip() if weight else f"{said}, not connected"

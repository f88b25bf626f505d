"""Estimates in files scored against a truth in a file: `neurofit connectivity score`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.estimate import Estimate
from neurofit.connectivity.matrices import NamedMatrix, read_matrices, read_positions
from neurofit.connectivity.scoring import score_connectivity
from neurofit.connectivity.truth import TrueConnections, true_connections
from neurofit_io import Connectivity, Provenance, Recording, RecordingError, connectivity_from_matrix, load
from neurofit_io.files import write_json

_TABLES = (".npy", ".csv", ".tsv", ".txt")


@dataclass(frozen=True, eq=False)
class ScoredFiles:
    """What `score_files` found.

    Attributes:
        rows: `method` and the scores of each estimate.
        estimates: The estimates.
        known: The truth in the order of their cells.
        truth_unit: Unit of the true weights.
        sources: The files that were read.
    """

    rows: list[dict[str, Any]]
    estimates: list[NamedMatrix]
    known: TrueConnections
    truth_unit: str
    sources: tuple[Path, ...]


def score_files(
    estimate: str | os.PathLike[str],
    truth: str | os.PathLike[str],
    *,
    orientation: str | None = None,
    truth_orientation: str | None = None,
    estimate_dataset: str | None = None,
    truth_dataset: str | None = None,
    methods: Sequence[str] = (),
    positions: str | os.PathLike[str] | None = None,
) -> ScoredFiles:
    """Scores every estimate of a file.

    Args:
        estimate: A `weights.h5` of `connectivity infer`, or a matrix in .npy, .csv or HDF5.
        truth: Any recording with a connectivity, or such a matrix.
        orientation: What rows and columns of a bare estimate are: `post_pre` or `pre_post`.
        truth_orientation: The same of a bare truth.
        estimate_dataset: Dataset of the estimate in an HDF5 file.
        truth_dataset: Dataset of a truth that is a bare matrix in an HDF5 file.
        methods: Methods of a `weights.h5`; all when empty.
        positions: File with the positions of the cells, um, for a truth that has none.

    Raises:
        RecordingError: A file or a method is not there, sizes or ids differ, or an orientation is not known.
    """
    found = read_matrices(
        estimate, orientation=orientation, dataset=estimate_dataset, dataset_option="--estimate-dataset"
    )
    chosen = _chosen(found, methods, estimate)
    connections, unit = read_truth(Path(truth), truth_orientation, truth_dataset)
    has_ids = isinstance(connections, Connectivity)
    known = true_connections(
        connections,
        n_cells=_n_cells(chosen[0]),
        cell_ids=chosen[0].cell_ids if has_ids else None,
        positions_um=None if positions is None else read_positions(positions),
        place=os.fspath(truth),
    )
    if has_ids and chosen[0].cell_ids is None:
        note = "the estimate has no ids of cells: they are taken to be in the order of the truth"
        known = dataclasses.replace(known, notes=(*known.notes, note))
    rows = [{"method": each.name, **score_connectivity(each.value, known).as_row()} for each in chosen]
    return ScoredFiles(rows, chosen, known, unit, tuple(Path(p) for p in (estimate, truth, positions) if p is not None))


def report_scores(
    scored: ScoredFiles,
    out: str | os.PathLike[str],
    options: Mapping[str, Any],
    *,
    overwrite: bool = False,
    command: Sequence[str] = (),
) -> Path:
    """Writes `scores.json`, figures and a report into a new folder.

    Args:
        scored: What was found.
        out: The folder.
        options: All options, JSON-able.
        overwrite: Remove a result that is there first.
        command: The command line, for the record.

    Returns:
        The report.
    """
    from neurofit.estimators.connectivity_figures import scored_figures
    from neurofit.estimators.connectivity_tables import calls_table, connectivity_table, connectivity_verdict
    from neurofit.estimators.result_folder import create_result, finish_result

    source = Recording(Provenance(scored.sources[0], "matrices", files=scored.sources))
    run = create_result(out, "connectivity score", options, source, overwrite=overwrite, command=command)
    write_json(run.path / "scores.json", scored.rows)
    tables = [("Scores against the truth", *connectivity_table(scored.rows))]
    calls = calls_table(scored.rows)
    if calls is not None:
        tables.append(("Calls at a false discovery rate of 5 %", *calls))
    estimates = [(each.name, each.value) for each in scored.estimates]
    return finish_result(
        run,
        title=f"Connections of {scored.sources[0].name} against {scored.sources[1].name}",
        summary=connectivity_verdict(scored.rows),
        tables=tables,
        drawn=scored_figures(estimates, scored.known, scored.rows, truth_unit=scored.truth_unit),
        notes=score_notes(scored.rows),
    )


def score_notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is to be known about the scores, each sentence once, with its methods where they differ."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for note in row["notes"]:
            said.setdefault(note, []).append(row["method"])
    return [note if len(methods) == len(rows) else f"{', '.join(methods)}: {note}" for note, methods in said.items()]


def _n_cells(estimate: NamedMatrix) -> int:
    return len(estimate.value.z if isinstance(estimate.value, Estimate) else estimate.value)


def _chosen(found: list[NamedMatrix], methods: Sequence[str], path: str | os.PathLike[str]) -> list[NamedMatrix]:
    by_name = {each.name: each for each in found}
    missing = [method for method in methods if method not in by_name]
    if missing:
        raise RecordingError(path, f"no estimate by {', '.join(missing)}", expected=f"of {', '.join(by_name)}")
    return [by_name[method] for method in methods] or found


def read_truth(
    path: Path, orientation: str | None = None, dataset: str | None = None
) -> tuple[Connectivity | NDArray[np.float64], str]:
    """The true connections in a file and the unit of their weights.

    Args:
        path: Any recording with a connectivity, or a matrix in .npy, .csv or HDF5.
        orientation: What rows and columns of a bare matrix are: `post_pre` or `pre_post`.
        dataset: Dataset of a bare matrix in an HDF5 file.

    Raises:
        RecordingError: No connections in it, no square matrix, or the orientation is not known.
    """
    if dataset is None and path.suffix.lower() not in _TABLES:
        recording = load(path, orientation=orientation)
        if recording.connectivity is None:
            others = ", ".join(recording.connectivities) or "none"
            raise RecordingError(
                path, f"no connections among the recorded cells (others: {others})",
                do="give a matrix with --truth-dataset and --truth-orientation",
            )  # fmt: skip
        return recording.connectivity, recording.connectivity.unit
    read = read_matrices(
        path, orientation=orientation, dataset=dataset, option="--truth-orientation", dataset_option="--truth-dataset"
    )[0]
    matrix = read.value.weight if isinstance(read.value, Estimate) else read.value
    if read.cell_ids is None:
        return matrix, ""
    return connectivity_from_matrix(matrix, orientation="post_pre", post_ids=read.cell_ids), ""

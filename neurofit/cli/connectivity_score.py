"""`neurofit connectivity score ESTIMATE TRUTH`: any matrix of connections against the true one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from neurofit.cli.parse import parse, split_commas


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Score inferred connections against the true ones: AUC, AP, MCC, weight correlation and signs, with chance and a
    ranking by distance alone beside them.

    Ordered pairs of different cells are ranked by |z|, or by the absolute value of a bare matrix; pairs of unknown
    truth (NaN) are left out.
    """

    estimate: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="ESTIMATE")]]
    """weights.h5 of neurofit connectivity infer, or a square matrix in a .npy, .csv or HDF5 file."""
    truth: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="TRUTH")]]
    """Any recording with a connectivity, or a square matrix: 0 where nothing connects, NaN where unknown."""
    orientation: Literal["post_pre", "pre_post"] | None = None
    """What rows and columns of a bare estimate are."""
    truth_orientation: Literal["post_pre", "pre_post"] | None = None
    """What rows and columns of a bare truth are."""
    estimate_dataset: str | None = None
    """Path of the estimate in an HDF5 file with several square matrices."""
    truth_dataset: str | None = None
    """Path of a truth that is a bare matrix in an HDF5 file."""
    method: tuple[str, ...] = ()
    """Methods of a weights.h5 to score; all when not given."""
    positions: Path | None = None
    """Positions of the cells, um, one row a cell, in a .npy or .csv, where the truth has none."""
    out: Path | None = None
    """Folder for scores.json, figures and a report; without it the table is only printed."""
    overwrite: bool = False
    """Replace a result in --out."""


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    arguments = parse(Arguments, split_commas(words, "--method"), verb="connectivity score")
    from neurofit.estimators.connectivity_score import report_scores, score_files, score_notes
    from neurofit.estimators.connectivity_tables import calls_table, connectivity_table, connectivity_verdict
    from neurofit.estimators.tables import aligned_lines

    scored = score_files(
        arguments.estimate,
        arguments.truth,
        orientation=arguments.orientation,
        truth_orientation=arguments.truth_orientation,
        estimate_dataset=arguments.estimate_dataset,
        truth_dataset=arguments.truth_dataset,
        methods=arguments.method,
        positions=arguments.positions,
    )
    print("\n".join(aligned_lines(*connectivity_table(scored.rows))))
    calls = calls_table(scored.rows)
    if calls is not None:
        print("\ncalls at a false discovery rate of 5 %", *aligned_lines(*calls), sep="\n")
    for note in score_notes(scored.rows):
        print(f"note: {note}")
    print(connectivity_verdict(scored.rows))
    if arguments.out is not None:
        options = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in dataclasses.asdict(arguments).items()
            if name not in ("out", "overwrite")
        }
        report = report_scores(
            scored,
            arguments.out,
            options,
            overwrite=arguments.overwrite,
            command=["neurofit", "connectivity", "score", *words],
        )
        print(f"report: {report}")
    return 0

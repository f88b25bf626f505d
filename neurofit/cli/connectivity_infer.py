"""`neurofit connectivity infer RECORDING --out DIR`: who connects to whom, scored where the truth is known."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from neurofit.cli.parse import RecordingPath, parse, split_commas
from neurofit.estimators.connectivity_infer_options import InferOptions
from neurofit_io.options import LoadOptions


@dataclass(frozen=True, kw_only=True)
class Arguments(InferOptions):
    """Infer the connections among recorded cells from their voltages or their spikes.

    Every pair gets a weight, a standard error and a z; pairs are called connected at a false discovery rate. Where the
    truth is known, scores stand beside chance and a ranking by distance alone. Leaves weights.h5, connections.csv,
    scores.json, figures/ and report.html in the folder --out.
    """

    recording: RecordingPath
    """A recording with spikes, and with membrane potentials for the methods of voltages."""
    out: Path
    """Folder of the result."""
    truth: Path | None = None
    """Recording with the true connections, or a square matrix of them, where RECORDING has none or others."""
    truth_orientation: Literal["post_pre", "pre_post"] | None = None
    """What rows and columns of a bare matrix of the truth are."""
    load: LoadOptions = field(default_factory=LoadOptions)
    overwrite: bool = False
    """Remove a result in --out first."""


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    arguments = parse(Arguments, split_commas(words, "--method"), verb="connectivity infer")
    from neurofit.estimators.connectivity_infer import infer_connectivity
    from neurofit.estimators.connectivity_infer_report import (
        inference_notes,
        inference_tables,
        inference_verdict,
        report_inference,
        start_inference,
    )
    from neurofit.estimators.connectivity_score import read_truth
    from neurofit.estimators.result_folder import abandoned_on_error
    from neurofit.estimators.tables import aligned_lines
    from neurofit_io.loading import load

    recording = load(arguments.recording, arguments.load)
    options = InferOptions(**{f.name: getattr(arguments, f.name) for f in dataclasses.fields(InferOptions)})
    truth = None if arguments.truth is None else read_truth(arguments.truth, arguments.truth_orientation)[0]
    result = start_inference(
        recording, options, arguments.out, overwrite=arguments.overwrite,
        command=["neurofit", "connectivity", "infer", *words],
    )  # fmt: skip
    with abandoned_on_error(result):
        inference = infer_connectivity(
            recording, options, truth=truth, say=lambda line: print(line, file=sys.stderr, flush=True)
        )
        report = report_inference(result, recording, inference, options)
    for caption, header, rows in inference_tables(inference, options):
        print(f"\n{caption.lower()}", *aligned_lines(header, rows), sep="\n")
    print()
    for note in inference_notes(inference):
        print(f"note: {note}")
    print(inference_verdict(inference))
    print(f"report: {report}")
    return 0

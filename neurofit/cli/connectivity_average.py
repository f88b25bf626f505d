"""`neurofit connectivity average RECORDING`: the voltage of every cell after the spikes of every other one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neurofit.cli.parse import RecordingPath, parse, split_commas
from neurofit.estimators.connectivity_average_options import AverageOptions
from neurofit_io.options import LoadOptions


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Average the voltage of every cell after the spikes of every other one, for all pairs (Nayebi et al. 2015, 6.1).

    Keeps summaries of every pair in averages.h5, [post, pre], and scores them where the true connections are known.
    """

    recording: RecordingPath
    """A file or folder with Vm and spikes of the same cells."""
    out: Path
    """Folder for averages.h5, scores.json, figures and a report."""
    average: AverageOptions = field(default_factory=AverageOptions)
    load: LoadOptions = field(default_factory=LoadOptions)
    overwrite: bool = False
    """Replace a result in --out."""


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    arguments = parse(Arguments, split_commas(split_commas(words, "--pairs"), "--reduce"), verb="connectivity average")
    from neurofit.estimators.connectivity_average import average_recording
    from neurofit.estimators.connectivity_average_report import average_verdict, report_average
    from neurofit.estimators.result_folder import refuse_taken
    from neurofit_io.loading import load

    refuse_taken(arguments.out, overwrite=arguments.overwrite)
    recording = load(arguments.recording, arguments.load)
    analysis = average_recording(recording, arguments.average)
    for note in analysis.notes:
        print(f"note: {note}")
    print(average_verdict(analysis))
    report = report_average(
        recording, analysis, arguments.average, arguments.out, overwrite=arguments.overwrite,
        command=["neurofit", "connectivity", "average", *words],
    )  # fmt: skip
    print(f"report: {report}")
    return 0

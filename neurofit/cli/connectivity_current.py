"""`neurofit connectivity current RECORDING`: LIF current, and weighted input beside voltage and current."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neurofit.cli.parse import RecordingPath, parse, split_commas
from neurofit.estimators.connectivity_current_options import CurrentOptions
from neurofit_io.options import LoadOptions


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Estimate the current that a leaky integrate-and-fire cell would need, R I = V + tau dV/dt, and set it beside the
    weighted synaptic input, where the true weights are known.

    Spikes are shown as they are and blanked. Every correlation stands beside chance: the input moved round the end.
    """

    recording: RecordingPath
    """A file or folder with Vm; spikes and the true connectivity are used where it has them."""
    out: Path
    """Folder for scores.json, figures and a report."""
    current: CurrentOptions = field(default_factory=CurrentOptions)
    load: LoadOptions = field(default_factory=LoadOptions)
    overwrite: bool = False
    """Replace a result in --out."""


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    arguments = parse(Arguments, split_commas(words, "--tau-ms"), verb="connectivity current")
    from neurofit.estimators.connectivity_current import analyse_current
    from neurofit.estimators.connectivity_current_report import current_table, current_verdict, report_current
    from neurofit.estimators.result_folder import refuse_taken
    from neurofit.estimators.tables import aligned_lines
    from neurofit_io.loading import load

    refuse_taken(arguments.out, overwrite=arguments.overwrite)
    recording = load(arguments.recording, arguments.load)
    analysis = analyse_current(recording, arguments.current)
    header, rows = current_table(analysis)
    if rows:
        print("\n".join(aligned_lines(header, rows)))
    for note in analysis.notes:
        print(f"note: {note}")
    print(current_verdict(analysis))
    report = report_current(
        recording, analysis, arguments.current, arguments.out, overwrite=arguments.overwrite,
        command=["neurofit", "connectivity", "current", *words],
    )  # fmt: skip
    print(f"report: {report}")
    return 0

"""`neurofit connectivity plan [RECORDING]`: AUC and AP to expect of how long a recording, before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from neurofit.cli.parse import parse, split_commas
from neurofit.connectivity.plan_options import PlanOptions

_LISTS = ("--durations-s", "--ap")


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Expected AUC and AP of inferring connections from Vm against the length of the recording, before it is made.

    The standard error of a weight falls with the square root of the spikes of the presynaptic cell; from it, the
    weights and the density follow AUC and AP. A recording that exists gives cells, rates, noise and, where it knows
    them, density and types; every option given beside it counts more.
    """

    recording: tyro.conf.Positional[Annotated[Path | None, tyro.conf.arg(metavar="[RECORDING]")]] = None
    """A recording with spikes, and Vm, that is like the planned one."""
    durations_s: tuple[float, ...] = (6.0, 20.0, 60.0, 200.0, 600.0, 1800.0)
    """Lengths to print, s."""
    ap: tuple[float, ...] = (0.5, 0.8)
    """Average precisions to name the shortest recording for."""
    plan: PlanOptions = field(default_factory=PlanOptions)
    out: Path | None = None
    """Folder for scores.json, the figure and a report; without it the table is only printed."""
    overwrite: bool = False
    """Replace a result in --out."""


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    given = list(words)
    for option in _LISTS:
        words = split_commas(words, option)
    arguments = parse(Arguments, words, verb="connectivity plan")
    from neurofit.connectivity.plan_from_recording import plan_of_recording
    from neurofit.connectivity.planning import expected_curve
    from neurofit.estimators.connectivity_plan import FOOTNOTE, checked_durations, plan_table, plan_verdict, report_plan
    from neurofit.estimators.tables import aligned_lines
    from neurofit_io.errors import RecordingError
    from neurofit_io.loading import load

    durations = checked_durations(arguments.durations_s)
    recording, own_s = None, None
    notes: list[str] = []
    if not all(0 < ap <= 1 for ap in arguments.ap):
        raise RecordingError("", f"--ap {' '.join(f'{ap:g}' for ap in arguments.ap)}", expected="above 0 and at most 1")
    options = arguments.plan
    if arguments.recording is not None:
        recording = load(arguments.recording)
        found, notes = plan_of_recording(recording)
        # Once more, so that what is said on the command line lies over what the recording says.
        options = parse(
            Arguments, words, verb="connectivity plan", default=Arguments(recording=arguments.recording, plan=found)
        ).plan
        own_s = recording.spikes.duration_s if recording.spikes is not None else None
        durations = sorted({*durations, own_s}) if own_s else durations
    expected = expected_curve(options, durations)
    print("\n".join(aligned_lines(*plan_table(expected))))
    print(FOOTNOTE)
    for note in notes:
        print(f"note: {note}")
    if expected[0].se_e_mv is None:
        print("note: no standard error where there are no more bins than cells; --bin-ms and --neurons")
    verdict = plan_verdict(options, arguments.ap)
    print(verdict)
    if arguments.out is not None:
        report = report_plan(
            options,
            expected,
            arguments.out,
            summary=verdict,
            recording=recording,
            own_s=own_s,
            notes=notes,
            overwrite=arguments.overwrite,
            command=["neurofit", "connectivity", "plan", *given],
        )
        print(f"report: {report}")
    return 0

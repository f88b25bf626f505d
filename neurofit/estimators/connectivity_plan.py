"""What to expect of how long a recording, as a table, a figure and a page: `neurofit connectivity plan`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurofit.connectivity.plan_options import PlanOptions
from neurofit.connectivity.planning import ExpectedScores, duration_for_ap, expected_curve
from neurofit.estimators.pictures import Figures
from neurofit.figures.planning import planned_scores
from neurofit_io import Provenance, Recording, RecordingError
from neurofit_io.files import write_json

Row = list[str | float | None]


def checked_durations(durations_s: Sequence[float]) -> list[float]:
    """Lengths in ascending order, each once.

    Raises:
        RecordingError: None is given, or one is not above 0.
    """
    wrong = [duration for duration in durations_s if not 0 < duration < float("inf")]
    if wrong or not durations_s:
        found = " ".join(f"{duration:g}" for duration in durations_s) or "nothing"
        raise RecordingError("", f"--durations-s {found}", expected="lengths above 0, s, such as 6,20,60")
    return sorted(set(durations_s))


def plan_table(expected: Sequence[ExpectedScores]) -> tuple[list[str], list[Row]]:
    """Expected scores by length of the recording, chance below."""
    header = ["seconds", "spikes a cell", "se E (mV)", "se I (mV)", "AUC", "AP", "E AP", "I AP", "AUC*", "AP*"]
    names = ("spikes", "se_e_mv", "se_i_mv", "auc", "ap", "ap_e", "ap_i", "auc_dale", "ap_dale")
    rows: list[Row] = [[f"{each.duration_s:g}", *(getattr(each, name) for name in names)] for each in expected]
    level = expected[0].ap_chance
    return header, [*rows, ["chance", None, None, None, 0.5, level, level, level, 0.5, level]]


FOOTNOTE = "* where the sign of every presynaptic cell is known (Dale step)"


def plan_verdict(options: PlanOptions, targets: Sequence[float]) -> str:
    """How long a recording has to be for each average precision, in one line."""
    parts = []
    for ap in targets:
        lengths = [duration_for_ap(options, ap, dale=dale) for dale in (False, True)]
        said = [_length(length) for length in lengths]
        parts.append(f"AP {ap:g}: {said[0]}" + (f" ({said[1]} with known signs)" if said[1] != said[0] else ""))
    return f"to expect of {options.neurons} cells: {'; '.join(parts)}"


def _length(duration_s: float | None) -> str:
    if duration_s is None:
        return "out of reach"
    if duration_s < 600:
        return f"{duration_s:.3g} s"
    return f"{duration_s / 60:.3g} min" if duration_s < 7200 else f"{duration_s / 3600:.3g} h"


def plan_figure(options: PlanOptions, durations_s: Sequence[float], own_s: float | None = None) -> Figures:
    """Expected AP and AUC against the length."""
    ends = (*durations_s, *([own_s] if own_s is not None else []))
    lengths = np.geomspace(min(ends) / 1.5, max(ends) * 1.5, 32)
    curve = expected_curve(options, lengths.tolist())
    kinds = {"all": "", "signs": "_dale", "e": "_e", "i": "_i"}
    curves: dict[str, dict[str, Any]] = {
        score: {kind: [getattr(each, score + end) for each in curve] for kind, end in kinds.items()}
        for score in ("ap", "auc")
    }
    shown = {score: {k: v for k, v in of.items() if v[0] is not None} for score, of in curves.items()}
    title = (
        f"{options.neurons} cells at {options.rate_hz:.3g} Hz, density {options.density:.3g}, potentials of "
        f"{options.epsp_mv:.3g} (E) and {options.ipsp_mv:.3g} mV (I) in {options.noise_mv:.3g} mV of noise"
    )
    figure = planned_scores(
        lengths, shown["ap"], shown["auc"], chance=options.density, marked_s=durations_s, own_s=own_s, title=title
    )
    return [("plan", "Expected average precision and AUC against the length of the recording, with chance", figure)]


def report_plan(
    options: PlanOptions,
    expected: Sequence[ExpectedScores],
    out: str | os.PathLike[str],
    *,
    summary: str,
    recording: Recording | None = None,
    own_s: float | None = None,
    notes: Sequence[str] = (),
    overwrite: bool = False,
    command: Sequence[str] = (),
) -> Path:
    """Writes `scores.json`, the figure and a report into a new folder.

    Args:
        options: What is assumed.
        expected: What is expected, by length.
        out: The folder.
        summary: The result in one line, as `plan_verdict` says it.
        recording: What the options were taken from.
        own_s: Its length, s.
        notes: What was taken from where.
        overwrite: Remove a result that is there first.
        command: The command line, for the record.

    Returns:
        The report.
    """
    from neurofit.estimators.result_folder import create_result, finish_result

    source = recording or Recording(Provenance(Path("no recording"), "plan"))
    kept = {**dataclasses.asdict(options), "durations_s": [each.duration_s for each in expected]}
    run = create_result(out, "connectivity plan", kept, source, overwrite=overwrite, command=command)
    write_json(run.path / "scores.json", [dataclasses.asdict(each) for each in expected])
    return finish_result(
        run,
        title="What to expect of a recording",
        summary=summary,
        tables=[(f"Expected scores of gls by length ({FOOTNOTE})", *plan_table(expected))],
        drawn=plan_figure(options, [each.duration_s for each in expected], own_s),
        notes=notes,
    )

"""The result folder of `neurofit connectivity current`: figures 14 to 16, the table of correlations, the verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurofit.connectivity.lif_current import PAPER_TAUS_MS
from neurofit.estimators.connectivity_current import CurrentAnalysis, InputScore
from neurofit.estimators.connectivity_current_options import CurrentOptions
from neurofit.estimators.pictures import Figures
from neurofit.estimators.result_folder import create_result, finish_result
from neurofit.figures.lif_current import (
    CellCorrelations,
    CurrentPanel,
    current_beside_voltage,
    input_against_voltage,
    weighted_input,
)
from neurofit_io import Recording
from neurofit_io.files import write_json

Row = list[str | float | None]


def report_current(
    recording: Recording,
    analysis: CurrentAnalysis,
    options: CurrentOptions,
    out: Path,
    *,
    overwrite: bool = False,
    command: Sequence[str] = (),
) -> Path:
    """Writes the result; returns the path of the report.

    Args:
        recording: What was analysed.
        analysis: The result.
        options: How.
        out: The folder.
        overwrite: Remove a result that is there first.
        command: The command line, for the record.

    Raises:
        RunError: The folder holds something already.
    """
    run = create_result(
        out, "connectivity current", dataclasses.asdict(options), recording, overwrite=overwrite, command=command
    )
    write_json(run.path / "scores.json", [score.as_row() for score in analysis.scores])
    header, rows = current_table(analysis)
    tables = (
        [("Correlation of weighted input with voltage and current: median over cells", header, rows)] if rows else []
    )
    return finish_result(
        run, title=f"LIF current and weighted input of {Path(recording.provenance.path).name}",
        summary=current_verdict(analysis), tables=tables, drawn=current_figures(analysis, options),
        notes=analysis.notes,
    )  # fmt: skip


def current_table(analysis: CurrentAnalysis) -> tuple[list[str], list[Row]]:
    """Correlations, chance beside each."""
    header = ["input", "with", "own spikes", "r", "chance", "cells above", "best r", "at lag (ms)", "chance of best"]
    rows: list[Row] = []
    for score in analysis.scores:
        row = score.as_row()
        rows.append(
            [row["what"].removesuffix("input").strip() or "itself", _driven(score),
             "blanked" if score.blanked else "as they are", row["r"], row["chance_r"], row["cells_above_chance"],
             row["best_r"], row["best_lag_ms"], row["chance_best_r"]]
        )  # fmt: skip
    return header, rows


def _driven(score: InputScore) -> str:
    return "V" if score.tau_ms is None else f"R I, tau {score.tau_ms:g} ms"


def current_verdict(analysis: CurrentAnalysis) -> str:
    """The result in one plain line."""
    if not analysis.scores:
        return f"current of cell {_label(analysis)} estimated; {'; '.join(analysis.notes)}"
    said = []
    for what, tau_ms in (("averaged input", None), ("input", None), ("input", analysis.scores[-1].tau_ms)):
        score = find_score(analysis.scores, what, tau_ms=tau_ms, blanked=True)
        row = score.as_row()
        if row["r"] is None:
            return "no cell has an input that varies and a voltage that does"
        said.append(f"{what} with {_driven(score)} r {row['r']:.2f} (95 % of chance within {row['chance_r']:.2f}; "
                    f"{row['cells_above_chance']:.0%} of {row['n_cells']} cells above)")  # fmt: skip
    return f"median over cells, own spikes blanked: {'; '.join(said)}"


def find_score(scores: Sequence[InputScore], what: str, *, tau_ms: float | None, blanked: bool) -> InputScore:
    """The correlation of one input with one response."""
    return next(s for s in scores if (s.what, s.tau_ms, s.blanked) == (what, tau_ms, blanked))


def current_figures(analysis: CurrentAnalysis, options: CurrentOptions) -> Figures:
    """Figures 14 to 16 of the paper, as far as the recording has what they need."""
    view, cell = analysis.view, _label(analysis)
    panels = [CurrentPanel(tau_ms, c_of(tau_ms), *pair) for tau_ms, pair in view.currents.items()]
    drawn: Figures = [
        ("current", "Estimated current over voltage (figure 14 of Nayebi et al. 2015), spikes as they are and blanked",
         current_beside_voltage(view.time_s, view.vm, view.vm_blanked, panels, cell=cell))
    ]  # fmt: skip
    if view.excitation is None or view.averaged is None or view.scatter is None or view.inhibition is None:
        return drawn
    tau_ms = max(view.currents)
    told = {
        name: _of_cell(find_score(analysis.scores, what, tau_ms=tau, blanked=True), view.cell)
        for name, what, tau in (("V", "input", None), ("R I", "input", tau_ms), ("averaged", "averaged input", None))
    }
    drawn.append(
        ("input", "Weighted input over time (figure 15), above the current and the voltage it should drive",
         weighted_input(view.time_s, view.excitation, view.inhibition, view.currents[tau_ms][1], view.vm_blanked,
                        unit=analysis.weight_unit, tau_ms=tau_ms, cell=cell,
                        said=f"r of input with R I {told['R I']}, with V {told['V']}"))
    )  # fmt: skip
    cells = []
    for label, blanked in (("spikes as they are", False), ("own spikes blanked", True)):
        found = find_score(analysis.scores, "averaged input", tau_ms=None, blanked=blanked).found
        cells.append(CellCorrelations(label, found.r, found.chance_r))
    drawn.append(
        ("averaged_input", "Voltage against the moving average of the weighted input (figure 16)",
         input_against_voltage(view.time_s, view.averaged, view.vm_blanked, cells, scatter=view.scatter,
                               unit=analysis.weight_unit, window_ms=options.window_ms, cell=cell,
                               said=f"r {told['averaged']}"))
    )  # fmt: skip
    return drawn


def c_of(tau_ms: float) -> str:
    """What a time constant is in the paper's terms."""
    steps, ms = PAPER_TAUS_MS
    return {steps: "C = 35 steps of 0.1 ms", ms: "C = 35 ms"}.get(tau_ms, f"C = {10 * tau_ms:g} steps of 0.1 ms")


def _of_cell(score: InputScore, cell: int) -> str:
    r, chance = float(score.found.r[cell]), float(score.found.chance_r[cell])
    return f"{r:.2f} (chance {chance:.2f})" if np.isfinite(r) else "not defined"


def _label(analysis: CurrentAnalysis) -> str:
    return str(analysis.signal.channel_ids[analysis.view.cell])

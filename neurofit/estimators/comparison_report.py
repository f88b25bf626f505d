"""What a comparison leaves behind: its table, the losses of all runs side by side, and the traces of the best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurofit import figures
from neurofit.estimators.comparison_rows import Comparison, Row, Summary
from neurofit.estimators.drawing import Figures, traces_figure, write_figures
from neurofit.estimators.grid import SWEPT
from neurofit.estimators.next_step import NextStep
from neurofit.estimators.options import FitOptions
from neurofit.estimators.reporting import run_details
from neurofit.estimators.tables import aligned_lines
from neurofit.runs import Run
from neurofit_io import Recording
from neurofit_io.files import write_text

Cells = list[str | float | None]

MEMORY_NOTE = "peak memory is not listed: the runs share a process, in which it cannot be told apart"


def report_comparison(comparison: Comparison, recording: Recording, shared: FitOptions) -> None:
    """Leaves the figures and the report of a comparison in its folder."""
    run = comparison.run
    swept = {f"{group}.{name}" for group, names in SWEPT.items() for name in names}
    notes = [*comparison_notes(comparison), MEMORY_NOTE]
    details = {key: value for key, value in run_details(shared, run).items() if key not in swept}
    pictures = write_figures(run.figures_path, _figures(comparison, recording))
    html = figures.report_html(
        title=f"{len(comparison.rows)} next-step models of {Path(recording.provenance.path).name}",
        summary=comparison_verdict(comparison),
        tables=[
            ("Combinations and baselines, means over seeds", *summary_table(comparison)),
            ("Runs, scored on the test span", *_run_table(comparison.rows)),
        ],
        figures=pictures,
        details={**{f"note {i}": note for i, note in enumerate(notes, 1)}, **details},
    )
    write_text(run.path / "report.html", html)


def comparison_text(comparison: Comparison) -> str:
    """The table for the terminal, with what is to be known about it below."""
    return "\n".join([*aligned_lines(*summary_table(comparison)), *comparison_notes(comparison)])


def comparison_verdict(comparison: Comparison) -> str:
    """The result in one plain line; a loss is said as plainly as a win."""
    if comparison.best is None:
        return "no validation span to choose on: nothing is ranked"
    summaries = comparison.summaries()
    network = next(each for each in summaries if not each.is_baseline)
    baseline = next(each for each in summaries if each.is_baseline)
    won = summaries.index(network) < summaries.index(baseline)
    return (
        f"on validation {network.name} is the best combination, mse {network.mean('validation'):.4g} "
        f"(mean of {len(network.values('validation'))} seeds); it {'beats' if won else 'loses to'} the best baseline, "
        f"{baseline.name} {baseline.mean('validation'):.4g}"
    )


def comparison_notes(comparison: Comparison) -> list[str]:
    """What failed and why, runs with the same reason together."""
    runs: dict[str, list[str | None]] = {}
    for row in comparison.rows:
        if row.error is not None:
            runs.setdefault(row.error, []).append(row.run)
    return [
        f"failed: {names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {error}"
        for error, names in runs.items()
    ]


def summary_table(comparison: Comparison) -> tuple[list[str], list[Cells]]:
    """A row a combination and a baseline: means over the seeds, and the range of the errors."""
    header = [
        "model", "seeds", "validation mse", "range", "test mse", "range", "skill over persistence", "skill over AR",
        "epochs", "s an epoch",
    ]  # fmt: skip
    return header, [_summary_cells(summary) for summary in comparison.summaries()]


def _summary_cells(summary: Summary) -> Cells:
    rows = [row for row in summary.rows if row.error is None]
    seeds = f"{len(rows)}" if len(rows) == len(summary.rows) else f"{len(rows)} of {len(summary.rows)}"
    return [
        summary.name,
        None if summary.is_baseline else seeds,
        summary.mean("validation"),
        _range(summary.values("validation")),
        summary.mean("test"),
        _range(summary.values("test")),
        summary.mean("test", "skill_persistence"),
        summary.mean("test", "skill_ar"),
        _mean([row.epochs for row in rows]),
        _mean([row.seconds_per_epoch for row in rows]),
    ]


def _range(values: Sequence[float]) -> str | None:
    return f"{min(values):.4g} .. {max(values):.4g}" if len(values) > 1 else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _run_table(rows: Sequence[Row]) -> tuple[list[str], list[Cells]]:
    header = ["run", "validation mse", "test mse", "95 % interval", "skill over persistence", "skill over AR", "failed"]
    return header, [
        [
            row.run,
            row.pooled("validation"),
            row.pooled("test"),
            _interval(row),
            row.pooled("test", "skill_persistence"),
            row.pooled("test", "skill_ar"),
            row.error or "",
        ]
        for row in rows
    ]


def _interval(row: Row) -> str | None:
    interval = row.scores["test"]["mse"]["ci95"] if row.scores else None
    return f"{interval[0]:.4g} .. {interval[1]:.4g}" if interval else None


def _figures(comparison: Comparison, recording: Recording) -> Figures:
    best, folder = comparison.best, comparison.run.path
    span = "validation" if best else "test"
    lines = {row.model: mse for row in comparison.baselines if (mse := row.pooled(span)) is not None}
    curves = {
        summary.name: [curve for row in summary.rows if row.run and (curve := _curve(folder / row.run))]
        for summary in comparison.summaries()
        if not summary.is_baseline
    }
    caption = f"Loss by epoch of every combination, a line a seed, with the errors of the baselines on {span} as lines"
    drawn: Figures = [("losses", caption, figures.compared_losses(curves, lines))]
    if best and best.run:
        model = NextStep.load(folder / best.run)
        prediction = model.predict(recording, span="test")
        caption = (
            f"{best.run}, the best on validation, and {prediction.baseline_name} beside the truth of the test span"
        )
        drawn.append(("traces", caption, traces_figure(prediction, best.run)))
    return drawn


def _curve(folder: Path) -> figures.LossCurve | None:
    history = Run(folder).metrics()
    if not history:
        return None
    return figures.LossCurve(*([row[key] for row in history] for key in ("epoch", "train", "validation")))

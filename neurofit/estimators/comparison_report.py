"""What a comparison leaves behind: its table, the losses of all runs side by side, and the traces of the best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neurofit import figures
from neurofit.estimators.comparison_rows import Comparison, Interval, Row, Summary
from neurofit.estimators.drawing import TRACE_STEPS
from neurofit.estimators.grid import SWEPT
from neurofit.estimators.next_step import NextStep
from neurofit.estimators.options import FitOptions
from neurofit.estimators.pictures import Figures, write_figures
from neurofit.estimators.reporting import run_details
from neurofit.estimators.stored import Fitted
from neurofit.estimators.tables import aligned_lines
from neurofit.figures.comparison_traces import compared_traces
from neurofit.runs import Run
from neurofit_io import Recording
from neurofit_io.files import write_text

Cells = list[str | float | None]

NOTES = {
    "95 % of seeds": "Student's t over the seeds, of three or more",
    "95 % of time": "block bootstrap over the test span, the mean of the runs' own",
    "peak MB": "most memory held while a network was trained: of the whole process, interpreter and libraries "
    "included, or what torch allocated on the GPU",
    "of it its own": "the part of the peak that the process or the GPU did not hold when training began",
}
"""What the columns of the tables mean."""

POISSON_LOSS = {"loss": "negative log likelihood", "unit": "nats a bin and unit"}


def report_comparison(comparison: Comparison, recording: Recording, shared: FitOptions) -> None:
    """Leaves the figures and the report of a comparison in its folder."""
    run = comparison.run
    swept = {f"{group}.{name}" for group, names in SWEPT.items() for name in names}
    notes = [*comparison_notes(comparison), *(f"{column}: {meaning}" for column, meaning in NOTES.items())]
    details = {key: value for key, value in run_details(shared, run).items() if key not in swept}
    pictures = write_figures(run.figures_path, _figures(comparison, recording))
    html = figures.report_html(
        title=f"{len(comparison.rows)} next-step models of {Path(recording.provenance.path).name}",
        summary=comparison_verdict(comparison),
        tables=[
            ("Combinations and baselines, means over seeds", *summary_table(comparison)),
            ("Runs, scored on the test span", *_run_table(comparison)),
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
    loss = "mse" if comparison.score == "mse" else POISSON_LOSS["loss"]
    skill = network.mean("test", "skill_ar")
    over_time = _interval(network.interval_over_time("test", "skill_ar")) or "n/a"
    over_seeds = _interval(network.interval_over_seeds("test", "skill_ar")) or "n/a"
    return (
        f"on validation {network.name} is the best combination, {loss} {network.validation_loss():.4g} (mean of "
        f"{len(network.values('validation'))} seeds); it {'beats' if won else 'loses to'} the best baseline, "
        f"{baseline.name} {baseline.validation_loss():.4g}. On test its skill over the best autoregression is "
        f"{'n/a' if skill is None else f'{skill:.4g}'} (95 % over time {over_time}, over seeds {over_seeds})"
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
    """A row a combination and a baseline: means over the seeds, with intervals over the seeds and over time."""
    score = comparison.score
    header = [
        "model", "seeds", f"validation {_words(score)}", "95 % of seeds", f"test {_words(score)}", "95 % of seeds",
        "95 % of time", "skill over persistence", "skill over AR", "epochs", "s an epoch", "peak MB", "of it its own",
    ]  # fmt: skip
    return header, [_summary_cells(summary, score) for summary in comparison.summaries()]


def _summary_cells(summary: Summary, score: str) -> Cells:
    rows = [row for row in summary.rows if row.error is None]
    seeds = f"{len(rows)}" if len(rows) == len(summary.rows) else f"{len(rows)} of {len(summary.rows)}"
    return [
        summary.name,
        None if summary.is_baseline else seeds,
        summary.mean("validation", score),
        _interval(summary.interval_over_seeds("validation", score)),
        summary.mean("test", score),
        _interval(summary.interval_over_seeds("test", score)),
        _interval(summary.interval_over_time("test", score)),
        summary.mean("test", "skill_persistence"),
        summary.mean("test", "skill_ar"),
        _mean([row.epochs for row in rows]),
        _mean([row.seconds_per_epoch for row in rows]),
        _mean([_peak_mb(row) for row in rows]),
        _mean([_own_mb(row) for row in rows]),
    ]


def _peak_mb(row: Row) -> float | None:
    return row.peak_memory["peak_bytes"] / 1e6 if row.peak_memory else None


def _own_mb(row: Row) -> float | None:
    """What the peak holds more than was held when the fit began, in 10^6 bytes."""
    return (row.peak_memory["peak_bytes"] - row.peak_memory["start_bytes"]) / 1e6 if row.peak_memory else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _run_table(comparison: Comparison) -> tuple[list[str], list[Cells]]:
    score = comparison.score
    header = [
        "run", f"validation {_words(score)}", "95 % of time", f"test {_words(score)}", "95 % of time",
        "skill over persistence", "skill over AR", "95 % of time", "epochs", "s an epoch", "peak MB", "of it its own",
        "failed",
    ]  # fmt: skip
    return header, [
        [
            row.run,
            row.pooled("validation", score),
            _interval(row.interval("validation", score)),
            row.pooled("test", score),
            _interval(row.interval("test", score)),
            row.pooled("test", "skill_persistence"),
            row.pooled("test", "skill_ar"),
            _interval(row.interval("test", "skill_ar")),
            row.epochs,
            row.seconds_per_epoch,
            _peak_mb(row),
            _own_mb(row),
            row.error or "",
        ]
        for row in comparison.rows
    ]


def _words(score: str) -> str:
    return score.replace("_", " ")


def _interval(interval: Interval | None) -> str | None:
    return f"{interval[0]:.4g} .. {interval[1]:.4g}" if interval else None


def _figures(comparison: Comparison, recording: Recording) -> Figures:
    folder = comparison.run.path
    fitted = next(row.run for row in comparison.rows if row.run and row.error is None)
    lines = {name: loss for name, loss in Fitted.load(folder / fitted).validation_loss.items() if name != "network"}
    curves = {
        summary.name: [curve for row in summary.rows if row.run and (curve := _curve(folder / row.run))]
        for summary in comparison.summaries()
        if not summary.is_baseline
    }
    caption = "Loss by epoch of every combination, a line a seed, with the validation losses of the baselines as lines"
    said = {} if comparison.score == "mse" else POISSON_LOSS
    drawn: Figures = [("losses", caption, figures.compared_losses(curves, lines, **said))]
    shown = comparison.best_of_models()
    if shown:
        caption = (
            "The best run of every cell on validation and the better autoregression beside the truth of the test span"
        )
        drawn.append(("traces", caption, _traces(folder, [row.run for row in shown if row.run], recording)))
    return drawn


def _traces(folder: Path, runs: Sequence[str], recording: Recording) -> Figure:
    """The first stretch of the test span as every run predicts it, in the liveliest channel and the median one."""
    predicted: dict[str, NDArray[np.float32]] = {}
    for run in runs:
        model = NextStep.load(folder / run)
        piece = model.series(recording).scored("test")[0]
        prediction = model.predict(recording, start=piece.start, steps=min(TRACE_STEPS, piece.stop - piece.start))
        truth = prediction.truth
        reach = np.abs(truth - np.median(truth, axis=0)).max(axis=0)
        columns = list(dict.fromkeys(np.argsort(-reach, kind="stable")[[0, (len(reach) - 1) // 2]].tolist()))
        predicted[run] = prediction.network[:, columns]
    return compared_traces(
        prediction.time_s,
        truth[:, columns],
        {**predicted, prediction.baseline_name: prediction.baseline[:, columns]},
        [str(prediction.channel_ids[column]) for column in columns],
        prediction.unit,
        signal=prediction.signal,
    )


def _curve(folder: Path) -> figures.LossCurve | None:
    history = Run(folder).metrics()
    if not history:
        return None
    return figures.LossCurve(*([row[key] for row in history] for key in ("epoch", "train", "validation")))

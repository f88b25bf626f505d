"""Next-step models of several cells and sizes on one recording, ranked by their error on the validation span.

Every combination and seed is an ordinary run in a folder of its own, so a comparison that was interrupted, or that is
asked for more combinations, fits only what is missing. Nothing is ever chosen by an error on the test span.

    out/  config.json  environment.json  comparison.json  figures/  report.html  gru-h64-l1-c100-s0/  ...
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import torch

from neurofit.estimators.comparison_report import report_comparison
from neurofit.estimators.comparison_rows import Comparison, Row
from neurofit.estimators.data import config_of
from neurofit.estimators.evaluation import AUTOREGRESSIONS, REFERENCES
from neurofit.estimators.grid import SWEPT, Combination, Grid
from neurofit.estimators.next_step import Data, NextStep
from neurofit.estimators.options import FitOptions, check
from neurofit.estimators.planning import shape_for
from neurofit.estimators.stored import Fitted
from neurofit.preparation import prepare
from neurofit.runs import Resume, Run, environment
from neurofit.training import choose_device, device_name
from neurofit_io import Recording, RecordingError, load
from neurofit_io.files import write_json

SCORES = ("mse", "skill_persistence", "skill_ar", "bits_per_spike")


def compare(
    recording: Data,
    grid: Grid,
    shared: FitOptions,
    *,
    out: str | os.PathLike[str],
    resume: Resume = "never",
    overwrite: bool = False,
    show: bool = True,
    command: Sequence[str] = (),
) -> Comparison:
    """Fits every combination of a grid with every seed, and ranks them.

    Args:
        recording: The recording, or the path of one.
        grid: What is varied.
        shared: All other options.
        out: Folder of the comparison.
        resume: What to do with a comparison that is there: refuse, fit what is missing, or demand it.
        overwrite: Remove a comparison that is there with all its runs.
        show: Print progress.
        command: The command line, for the record.

    Raises:
        RecordingError: The recording, an option or the folder does not allow it, or every run failed.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint is saved.
    """
    recording = recording if isinstance(recording, Recording) else load(recording, shared.load)
    series = prepare(recording, shared.prepare)
    shape = shape_for(series, shared.network)
    combinations = grid.combinations(hidden=shape.hidden, chunk=shape.chunk)
    for combination in combinations:
        check(combination.options(shared, 0))
    run = Run.create(out, _config(config_of(recording, series, shared)), resume=resume, overwrite=overwrite)
    device = device_name(choose_device(shared.device))
    run.write_environment(environment(threads=torch.get_num_threads(), device=device, command=command))
    rows = []
    for i, (combination, seed) in enumerate((c, seed) for c in combinations for seed in range(grid.seeds)):
        if show:
            total = len(combinations) * grid.seeds
            print(f"run {i + 1} of {total}: {combination.name}-s{seed}", file=sys.stderr, flush=True)
        rows.append(_row(run, recording, combination, shared, seed, show, command))
    comparison = Comparison(run, tuple(rows), _baselines(run, rows))
    write_json(run.path / "comparison.json", [dataclasses.asdict(row) for row in (*rows, *comparison.baselines)])
    report_comparison(comparison, recording, shared)
    run.finish()
    return comparison


def _config(config: dict[str, Any]) -> dict[str, Any]:
    """That of one run, without what the comparison varies: a grid may grow."""
    for group, names in SWEPT.items():
        for name in names:
            del config["options"][group][name]
    return {**config, "estimator": "comparison"}


def _row(
    run: Run,
    recording: Recording,
    combination: Combination,
    shared: FitOptions,
    seed: int,
    show: bool,
    command: Sequence[str],
) -> Row:
    """Fits one run, or reads it back where it has ended."""
    name = f"{combination.name}-s{seed}"
    own = {**dataclasses.asdict(combination), "seed": seed, "run": name}
    model = NextStep.from_options(combination.options(shared, seed))
    try:
        model.fit(recording, out=run.path / name, resume="auto", show=show, command=command)
    except RecordingError as error:
        if show:
            print(f"failed: {error}", file=sys.stderr, flush=True)
        return Row(**own, error=str(error))
    fitted = Run(run.path / name)
    history = fitted.metrics()
    return Row(
        **own,
        epochs=len(history),
        peak_memory=fitted.environment().get("peak_memory"),
        seconds_per_epoch=median(row["seconds"] for row in history) if history else None,
        validation_loss=_validation_losses(fitted).get("network"),
        scores={span: _own_scores(of_span["network"]) for span, of_span in model.scores.items()},
    )


def _baselines(run: Run, rows: Sequence[Row]) -> tuple[Row, ...]:
    """The baselines, which are the same in every run: those of the first that did not fail."""
    fitted = next((row.run for row in rows if row.error is None and row.run), None)
    if fitted is None:
        raise RecordingError(run.path, f"all {len(rows)} runs failed, the first: {rows[0].error}")
    spans, losses = Run(run.path / fitted).scores(), _validation_losses(Run(run.path / fitted))
    available = [name for name in REFERENCES if name in _errors(spans["test"])]
    return tuple(
        Row(
            model=name,
            validation_loss=losses.get(name),
            scores={span: _baseline_scores(of_span, name) for span, of_span in spans.items()},
        )
        for name in available
    )


def _validation_losses(run: Run) -> dict[str, float]:
    """What predictors were chosen by; nothing where the validation span is the test span."""
    return Fitted.load(run.path).validation_loss if "validation" in run.scores() else {}


def _own_scores(scores: Mapping[str, Any]) -> dict[str, Any]:
    return {key: scores[key] for key in SCORES if key in scores}


def _errors(scores: Mapping[str, Any]) -> dict[str, float]:
    """Pooled squared error of the baselines that there are."""
    pooled = {name: scores.get(f"mse_{name}", {}).get("pooled") for name in REFERENCES}
    return {name: mse for name, mse in pooled.items() if mse is not None}


def _baseline_scores(scores: Mapping[str, Any], name: str) -> dict[str, Any]:
    mse = _errors(scores)
    linear = min(mse[each] for each in AUTOREGRESSIONS if each in mse)
    bits = f"bits_per_spike_{name}"
    return {
        "mse": scores[f"mse_{name}"],
        "skill_persistence": {"pooled": _skill(mse[name], mse["persistence"])},
        "skill_ar": {"pooled": _skill(mse[name], linear)},
        **({"bits_per_spike": scores[bits]} if bits in scores else {}),
    }


def _skill(mse: float, reference: float) -> float | None:
    return 1 - mse / reference if reference else None

"""What a fit and a prediction leave behind: figures, scores and a one-page report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurofit import figures
from neurofit.estimators.drawing import channel_positions, loss_figure, prediction_figures
from neurofit.estimators.horizons import Horizons
from neurofit.estimators.options import PRESET_OURS, FitOptions
from neurofit.estimators.pictures import write_figures
from neurofit.estimators.prediction import Prediction
from neurofit.estimators.spike_report import SpikeReport
from neurofit.estimators.stored import Fitted
from neurofit.estimators.tables import score_table, verdict
from neurofit.runs import Run
from neurofit.training import TrainResult
from neurofit_io import save
from neurofit_io.files import write_bytes, write_json, write_text


def report_fit(
    run: Run, options: FitOptions, fitted: Fitted, test: Prediction, result: TrainResult, *, notes: Sequence[str]
) -> None:
    """Leaves the figures and the report of a fit in its run."""
    name, scores = options.network.model, run.scores()
    best = result.best_epoch if options.train.keep == "best" and result.best_epoch else None
    drawn = prediction_figures(test, name)
    if result.history:
        caption = f"Loss of the {name} by epoch, with the errors of the baselines on the validation span as lines"
        drawn.insert(
            0,
            (
                "losses",
                caption,
                loss_figure(result.history, fitted.validation_loss, best, poisson=options.network.output == "poisson"),
            ),
        )
    pictures = write_figures(run.figures_path, drawn)
    write_report(
        run.path / "report.html",
        title=f"{name} on {test.signal} of {_file_name(run.config()['recording']['path'])}",
        summary=verdict(scores["test"], fitted.validation_loss, name, "test"),
        scores=scores,
        name=name,
        pictures=pictures,
        details={**{f"note {i}": note for i, note in enumerate(notes, 1)}, **run_details(options, run)},
    )


def report_prediction(
    run: Run,
    prediction: Prediction,
    fitted: Fitted,
    options: FitOptions,
    *,
    out: Path | None = None,
    columns: Sequence[int] | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes a prediction with its scores, figures and report.

    Args:
        run: The run that predicts.
        prediction: What it predicts.
        fitted: What the run remembers.
        options: The options of the run.
        out: File to write, .h5 or .nwb; a folder in the run when None, replaced if it is there.
        columns: Columns of the recording's signal to show as traces.
        overwrite: Replace `out` if it is there.

    Returns:
        The file with the prediction. `scores.json`, `figures/` and `report.html` lie beside it, or in a folder of its
        own name beside it where `out` points into a run or to where another prediction left its scores.
    """
    where = str(prediction.provenance["span"])
    file = out or _default_folder(run, prediction) / "prediction.h5"
    shown = None if columns is None else channel_positions(prediction, columns)
    beside = file.parent if out is None else _beside(file)
    save(prediction.as_recording(), file, overwrite=overwrite or out is None)
    name, scores = options.network.model, prediction.scores(seed=options.train.seed)
    drawn = prediction_figures(prediction, name, shown)
    write_json(beside / "scores.json", {where: scores})
    pictures = write_figures(beside / "figures", drawn)
    write_report(
        beside / "report.html",
        title=f"{name} on {prediction.signal} of {_file_name(prediction.provenance['recording'])}, {where}",
        summary=verdict(scores, fitted.validation_loss, name, where),
        scores={where: scores},
        name=name,
        pictures=pictures,
        details={"run": str(run.path), **run_details(options, run)},
    )
    return file


def report_horizons(horizons: Horizons, name: str, folder: Path) -> Path:
    """Writes `horizons.json` and the figure of the horizon curves; `name` is what the network is called.

    Returns:
        The figure.
    """
    called = {"network": name, "orbit": f"{name} on its own"}
    shown = {called.get(each, each): scores for each, scores in horizons.scores.items()}
    write_json(folder / "horizons.json", {horizons.span: horizons.as_json()})
    figure = figures.horizon_curves(
        next(iter(shown.values())).h,
        {each: [score.pooled for score in scores.r2] for each, scores in shown.items()},
        {each: [score.pooled for score in scores.skill] for each, scores in shown.items()},
        dt_ms=horizons.dt_ms,
    )
    path = folder / "figures" / "horizons.png"
    write_bytes(path, figures.figure_png(figure))
    return path


def report_spikes(spikes: SpikeReport, name: str, against: str, folder: Path) -> Path:
    """Writes `spikes.json` and the figure of the spike scores.

    Args:
        spikes: The scores.
        name: What the network is called.
        against: The baseline to draw beside it.
        folder: Where to.

    Returns:
        The figure.
    """
    write_json(folder / "spikes.json", {spikes.span: spikes.as_json()})
    path = folder / "figures" / "spikes.png"
    write_bytes(path, figures.figure_png(spikes.figure(name, against)))
    return path


def _default_folder(run: Run, prediction: Prediction) -> Path:
    """A folder in the run for each span, snapshot and recording that is not the fitted one."""
    said = prediction.provenance
    words = [str(said["span"])]
    if said["epoch"] is not None:
        words.append(f"epoch {said['epoch']}")
    path = said["recording"]
    if path is not None and str(Path(path).absolute()) != run.config()["recording"]["path"]:
        words.insert(0, Path(path).stem)
    return run.path / "predictions" / "".join(c if c.isalnum() else "_" for c in " ".join(words))


def _beside(file: Path) -> Path:
    """Where the scores of a prediction go that is about to be written to `file`."""
    folder, own = file.parent, file.with_name(f"{file.stem}_scores")
    others = (folder / "scores.json").exists() and not file.exists()
    return own if own.exists() or others or (folder / "config.json").exists() else folder


def _file_name(path: str | None) -> str:
    return "a recording in memory" if path is None else Path(path).name


def write_report(
    path: Path,
    *,
    title: str,
    summary: str,
    scores: Mapping[str, Any],
    name: str,
    pictures: Sequence[tuple[str, bytes]],
    details: Mapping[str, str],
) -> None:
    """Writes the one-page report."""
    tables = [
        (f"Scores on {span} (* predicts by default)", *score_table(of_span, name)) for span, of_span in scores.items()
    ]
    html = figures.report_html(title=title, summary=summary, tables=tables, figures=pictures, details=details)
    write_text(path, html)


def run_details(options: FitOptions, run: Run) -> dict[str, str]:
    """What a reader needs to repeat a run: data, options, versions."""
    config, environment = run.config(), run.environment()
    ours = PRESET_OURS.get(options.preset or "", ())
    flat = {
        f"{group}.{key}": f"{value}{' (ours: the paper does not give it)' if key in ours else ''}"
        for group, values in options.as_json().items()
        if isinstance(values, dict)
        for key, value in values.items()
        if value is not None
    }
    packages = ", ".join(f"{k} {v}" for k, v in environment["packages"].items() if v)
    return {
        "recording": str(config["recording"]["path"]),
        "fingerprint": str(config["recording"]["fingerprint"]),
        "command": environment["command"],
        "machine": ", ".join(str(environment[key]) for key in ("cpu", "device", "platform")),
        "threads": str(environment["threads"]),
        "versions": f"python {environment['python']}, {packages}",
        **flat,
    }

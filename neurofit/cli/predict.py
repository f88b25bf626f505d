"""`neurofit predict RUN [RECORDING]`: one-step prediction of unseen time, scored beside the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from neurofit.cli.parse import parse
from neurofit_io.errors import RecordingError


@dataclass(frozen=True)
class Arguments:
    """Predict held-out time of the fitted recording, or another recording with the same channels.

    Writes the prediction in physical units with its times, the scores beside those of every baseline, and figures.
    """

    fitted: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]
    """Folder of a finished run."""
    recording: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="[RECORDING...]")]] = ()
    """Another recording with the same channels and rate, or several as one, prepared as the fitted one was (--time
    included); by default the one the run was fitted on."""
    span: Literal["test", "validation", "train", "all"] | None = None
    """Which span; by default test, and all of a recording that the run was not fitted on."""
    start: int | None = None
    """First step to predict, instead of a span, counted from the beginning of the prepared signal."""
    steps: int | None = None
    """Number of steps from --start; by default up to the next break in time."""
    epoch: int | None = None
    """Use the weights of this snapshot."""
    predictor: Literal["network", "persistence", "mean", "ar", "var"] | None = None
    """Who predicts; by default the network, or the baseline that beat it on validation."""
    channels: str | None = None
    """Columns of the signal to show as traces: 300,2000."""
    horizon: int | None = None
    """Also forecast up to this many steps ahead from up to 256 starts in the span, beside every baseline."""
    spikes: bool = False
    """Also score the timing, the width and the noise at rest of spikes in a voltage."""
    out: Path | None = None
    """File to write, .h5 or .nwb, with scores and figures beside it; by default a folder in the run."""
    overwrite: bool = False
    """Replace --out if it is there."""


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    arguments = parse(Arguments, words, verb="predict")
    from neurofit.estimators.next_step import NextStep
    from neurofit.estimators.reporting import report_horizons, report_prediction, report_spikes
    from neurofit.estimators.tables import table_text, verdict
    from neurofit.runs import Run

    model, recording = NextStep.load(arguments.fitted), arguments.recording or None
    prediction = model.predict(
        recording,
        span=arguments.span,
        start=arguments.start,
        steps=arguments.steps,
        epoch=arguments.epoch,
        predictor=arguments.predictor,
    )
    where: dict[str, Any] = {"recording": recording, "span": arguments.span, "epoch": arguments.epoch}
    horizons = None if arguments.horizon is None else model.horizons(arguments.horizon, **where)
    spikes = model.spikes(**where) if arguments.spikes else None
    file = report_prediction(
        Run.open(arguments.fitted),
        prediction,
        model.fitted,
        model.options,
        out=arguments.out,
        columns=_columns(arguments.channels),
        overwrite=arguments.overwrite,
    )
    name = model.options.network.model
    span, scores = str(prediction.provenance["span"]), prediction.scores(seed=model.options.train.seed)
    print(table_text(scores, name))
    print(verdict(scores, model.fitted.validation_loss, name, span))
    if horizons is not None:
        print(horizons.table(name))
        print(f"horizons: {report_horizons(horizons, name, file.parent)}")
    if spikes is not None:
        print(spikes.table(name))
        print(f"spikes: {report_spikes(spikes, name, prediction.baseline_name, file.parent)}")
    print(f"scored: {name if prediction.predictor == 'network' else prediction.predictor}; written: {file}")
    return 0


def _columns(channels: str | None) -> list[int] | None:
    if channels is None:
        return None
    try:
        return [int(word) for word in channels.split(",")]
    except ValueError:
        raise RecordingError("", f"--channels {channels}", expected="column numbers such as 300,2000") from None

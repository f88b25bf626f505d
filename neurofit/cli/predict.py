"""`neurofit predict RUN [RECORDING]`: one-step prediction of unseen time, scored beside the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from neurofit.cli.parse import parse
from neurofit_io.errors import RecordingError

if TYPE_CHECKING:
    from neurofit.estimators.generated import Generated
    from neurofit.estimators.next_step import NextStep


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
    generate: int | None = None
    """Also let the network run on its own output for this many steps, and score what it makes."""
    mode: Literal["sample", "forecast", "orbit"] = "sample"
    """What runs: samples driven by innovations, the expected course, or the network on its own expectations."""
    innovations: Literal["resampled", "gaussian"] = "resampled"
    """What drives a sample: what the network missed of the validation span, or Gaussian noise like it."""
    runs: int = 8
    """Number of runs."""
    spikes: bool = False
    """Also score the timing, the width and the noise at rest of spikes in a voltage."""
    out: Path | None = None
    """File to write, .h5 or .nwb, with scores and figures beside it; by default a folder in the run."""
    overwrite: bool = False
    """Replace --out if it is there."""


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    arguments = parse(Arguments, words, verb="predict")
    from neurofit.estimators.drawing import channel_positions
    from neurofit.estimators.generation_report import report_generation
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
    generated = _generated(model, arguments)
    columns = _columns(arguments.channels)
    shown = None if columns is None else channel_positions(prediction, columns)
    file = report_prediction(
        Run.open(arguments.fitted),
        prediction,
        model.fitted,
        model.options,
        out=arguments.out,
        columns=columns,
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
    if generated is not None:
        print(generated.table(name))
        print(f"generated: {report_generation(generated, name, file.parent, shown)}")
    print(f"scored: {name if prediction.predictor == 'network' else prediction.predictor}; written: {file}")
    return 0


def _generated(model: NextStep, arguments: Arguments) -> Generated | None:
    if arguments.generate is None:
        return None
    if arguments.epoch is not None:
        found = f"--generate with --epoch {arguments.epoch}"
        raise RecordingError("", found, expected="the weights that the run ended with, whose innovations are known")
    chosen: dict[str, Any] = {name: getattr(arguments, name) for name in ("span", "mode", "innovations", "runs")}
    return model.generate(arguments.generate, arguments.recording or None, **chosen)


def _columns(channels: str | None) -> list[int] | None:
    if channels is None:
        return None
    try:
        return [int(word) for word in channels.split(",")]
    except ValueError:
        raise RecordingError("", f"--channels {channels}", expected="column numbers such as 300,2000") from None

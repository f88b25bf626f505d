"""`NextStep`: a recurrent network that predicts the next sample of every channel, beside the trivial answers.

model = NextStep(cell="gru", signal="vm", epochs=30).fit("session.nwb")
model.scores["test"]["skill_ar"]["pooled"]
model.predict().values
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
import weakref
from collections.abc import Sequence
from typing import Any, Self

from torch import Tensor

from neurofit.estimators.data import config_of, recording_of, was_fitted_on
from neurofit.estimators.evaluation import evaluate
from neurofit.estimators.fitting import check_output, count_scale, fit_run
from neurofit.estimators.free_run import channel_autoregression
from neurofit.estimators.generated import Generated, Mode
from neurofit.estimators.generation import generate
from neurofit.estimators.horizons import Horizons, measure_horizons
from neurofit.estimators.options import Device, FitOptions, Preset, check, fit_options
from neurofit.estimators.planning import announcement, new_network, shape_for
from neurofit.estimators.prediction import Prediction, pieces_at, predict_pieces
from neurofit.estimators.spike_report import SpikeReport
from neurofit.estimators.spikes import measure_spikes
from neurofit.estimators.stored import Fitted, read_weights
from neurofit.linear.noise import Draw
from neurofit.models import LinearSkip, NextStepNetwork
from neurofit.preparation import PreparedSeries, Span, prepare
from neurofit.runs import Resume, Run, RunError
from neurofit.training import TrainOptions, choose_device
from neurofit_io import Recording, RecordingError, RecordingWarning, load
from neurofit_io.loading import Paths

Data = Recording | Paths


class NextStep:
    """A next-step model of a continuous recording.

    Args:
        cell: Recurrent cell: `gru`, `lstm`, `peephole-lstm`, `rnn`, `gru-keras2015` or `lstm-keras2015`.
        preset: Recipe of a paper, under the options given beside it.
        device: Where to compute.
        **options: Any field of `NextStepOptions`, `PrepareOptions`, `TrainOptions` and `LoadOptions`.

    Attributes:
        options: All options.
        run: The run it was fitted in or loaded from; None before.

    Raises:
        RecordingError: No such option.
    """

    def __init__(
        self, cell: str | None = None, *, preset: Preset | None = None, device: Device = "auto", **options: Any
    ) -> None:
        chosen = {"model": cell, **options} if cell is not None else options
        self.options: FitOptions = fit_options(preset, device, **chosen)
        self.run: Run | None = None
        self._recording: Recording | None = None

    @classmethod
    def from_options(cls, options: FitOptions) -> Self:
        """An estimator with these options."""
        estimator = cls()
        estimator.options = options
        return estimator

    def fit(
        self,
        recording: Data,
        *,
        out: str | os.PathLike[str] | None = None,
        resume: Resume = "never",
        overwrite: bool = False,
        show: bool = True,
        command: Sequence[str] = (),
    ) -> Self:
        """Fits the network and all baselines on the training span, and scores them on the test span.

        Args:
            recording: The recording, or the path of one, or of several of the same channels.
            out: Folder of the run; a temporary one when None, which `save` keeps.
            resume: What to do with a run that is there: refuse, go on with it, or demand it.
            overwrite: Remove a run that is there.
            show: Print progress.
            command: The command line, for the record.

        Raises:
            RecordingError: The recording, an option or the folder does not allow it; one line says why.
            Interrupted: Ctrl-C or SIGTERM; a checkpoint is saved.
        """
        check(self.options)
        self._recording = recording = self._opened(recording)
        series = prepare(recording, self.options.prepare)
        _warn_of_choice_on_test(series, self.options.train)
        check_output(series, self.options)
        shape = shape_for(series, self.options.network)
        series.require(shape.chunk)
        if out is None:
            out = tempfile.mkdtemp(prefix="neurofit-")
            weakref.finalize(self, shutil.rmtree, out, ignore_errors=True)
        self.run = Run.create(out, config_of(recording, series, self.options), resume=resume, overwrite=overwrite)
        if self.run.finished:
            return self
        if show:
            print(announcement(series, self.options, shape), file=sys.stderr, flush=True)
        fit_run(self.run, self.options, series, shape, show=show, command=command)
        return self

    @property
    def scores(self) -> dict[str, Any]:
        """Scores by span: `test`, and `validation` where it is another span."""
        return self._fitted_run().scores()

    def predict(
        self,
        recording: Data | None = None,
        *,
        span: Span | None = None,
        start: int | None = None,
        steps: int | None = None,
        epoch: int | None = None,
        predictor: str | None = None,
    ) -> Prediction:
        """Predicts each sample from the truth before it.

        Args:
            recording: Another recording with the same channels; None for the one it was fitted on.
            span: `train`, `validation`, `test` or `all`; by default `test`, and `all` of a recording that the model
                was not fitted on.
            start: First step to predict, counted in the prepared signal, instead of a span.
            steps: Number of steps from `start` on; by default up to the next break in time.
            epoch: Use the weights of this snapshot instead of those the run ended with.
            predictor: `network`, `persistence`, `mean`, `ar` or `var`; by default the one the run chose.

        Raises:
            RecordingError: Another recording has other channels or another rate, or there is nothing to predict.
        """
        if (steps is not None and start is None) or (start is not None and span is not None):
            given = f"--steps {steps} without --start" if start is None else f"--start {start} with --span {span}"
            raise RecordingError("", given, expected="a span, or a start with or without steps")
        other = None if recording is None else self._opened(recording)
        series = self.series(other)
        span = span or self._default_span(other, series)
        pieces = pieces_at(series, start, steps) if start is not None else series.scored(span)
        if not pieces:
            raise RecordingError(
                series.place,
                f"no step of the {span} span can be scored",
                expected=f"{series.warmup_steps} steps before it",
            )
        predictor = predictor or self.fitted.predictor
        if predictor != "network" and predictor not in self.fitted.baselines.predictors():
            known = ", ".join(("network", *self.fitted.baselines.predictors()))
            raise RecordingError(self._fitted_run().path, f"no predictor {predictor!r}", expected=f"one of {known}")
        source = other or self._recording
        provenance = {
            "run": str(self._fitted_run().path),
            "recording": None if source is None else str(source.provenance.path),
            "span": span if start is None else f"steps {start}:{pieces[0].stop}",
            "epoch": epoch,
        }
        return predict_pieces(
            self.network(epoch), self.fitted.baselines, series, pieces, predictor=predictor, provenance=provenance
        )

    def score(self, recording: Data | None = None, *, span: Span | None = None) -> dict[str, Any]:
        """Scores of one-step prediction, with those of every baseline.

        Args:
            recording: Another recording with the same channels; None for the one it was fitted on.
            span: As for `predict`.

        Returns:
            One span of `scores.json`.
        """
        series, span = self._span_of(recording, span)
        evaluation = evaluate(self.network(), self.fitted.baselines, series, span)
        return evaluation.scores(self.fitted.predictor, seed=self.options.train.seed)

    def horizons(
        self, steps: int = 64, recording: Data | None = None, *, span: Span | None = None, epoch: int | None = None
    ) -> Horizons:
        """Forecasts up to `steps` ahead, scored beside those of every baseline.

        The network's are read out of its state directly, and stand beside its course on its own predictions; with
        `epoch`, or without a validation span, that course is all there is.

        Args:
            steps: Farthest step ahead.
            recording: Another recording with the same channels; None for the one it was fitted on.
            span: As for `predict`; it holds up to 256 starts.
            epoch: As for `predict`.

        Raises:
            RecordingError: No stretch of the span is as long.
        """
        (series, span), fitted, seed = self._span_of(recording, span), self.fitted, self.options.train.seed
        direct = fitted.closed_loop.direct if fitted.closed_loop and epoch is None else None
        return measure_horizons(
            self.network(epoch), fitted.baselines.predictors(), series, span=span, steps=steps, seed=seed, direct=direct
        )

    def generate(
        self,
        steps: int,
        recording: Data | None = None,
        *,
        span: Span | None = None,
        mode: Mode = "sample",
        innovations: Draw = "resampled",
        runs: int = 8,
        seed: int | None = None,
    ) -> Generated:
        """Lets the network run on its own output, and scores what it makes beside the truth.

        Args:
            steps: Length of a run; it may pass the end of the recording.
            recording: Another recording with the same channels; None for the one it was fitted on.
            span: As for `predict`; the runs start in it, each warmed up on the truth.
            mode: `sample` draws innovations, `forecast` is the expected course, `orbit` the network on its own
                expectations.
            innovations: What drives a sample: `resampled` residuals of the validation span, or `gaussian` ones.
            runs: Number of runs.
            seed: Seed of the innovations; that of the fit when None.

        Raises:
            RecordingError: The run has no innovations, or there are too few steps or inputs.
        """
        (series, span), fitted = self._span_of(recording, span), self.fitted
        ar = channel_autoregression(fitted.baselines.predictors())
        return generate(
            self.network(), fitted.closed_loop, ar, series, span=span, steps=steps, mode=mode,
            innovations=innovations, runs=runs, seed=self.options.train.seed if seed is None else seed,
            provenance={"run": str(self._fitted_run().path), "recording": series.place},
        )  # fmt: skip

    def spikes(
        self, recording: Data | None = None, *, span: Span | None = None, epoch: int | None = None
    ) -> SpikeReport:
        """Timing, width and noise at rest of the spikes in a voltage, scored beside those of every baseline.

        Args:
            recording: Another recording with the same channels; None for the one it was fitted on.
            span: As for `predict`.
            epoch: As for `predict`.

        Raises:
            RecordingError: The signal is no voltage, its steps are longer than 1 ms, or the span is too short.
        """
        series, span = self._span_of(recording, span)
        predictors, seed = self.fitted.baselines.predictors(), self.options.train.seed
        return measure_spikes(self.network(epoch), predictors, series, span=span, seed=seed)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Keeps the run in `folder`, which must not be there yet."""
        self._fitted_run().copy_to(folder)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """The estimator of a finished run.

        Raises:
            RecordingError: The folder holds no finished run of a next-step model.
        """
        run = Run.open(folder)
        config = run.config()
        if config.get("estimator") != "next_step":
            raise RunError(run.path, f"a run of {config.get('estimator')!r}", expected="a next-step model")
        try:
            estimator = cls.from_options(FitOptions.from_json(config["options"]))
        except (KeyError, TypeError) as error:
            raise RunError(run.path / "config.json", f"other options than this version has: {error}") from error
        estimator.run = run
        return estimator

    def state_dict(self) -> dict[str, Tensor]:
        """The network's weights, as plain torch loads them into `NextStepNetwork`."""
        return read_weights(self._fitted_run().model_path)

    @property
    def fitted(self) -> Fitted:
        """Standardiser, baselines and shapes."""
        return Fitted.load(self._fitted_run().path)

    def network(self, epoch: int | None = None) -> NextStepNetwork:
        """The fitted network on its device.

        Args:
            epoch: Weights of this snapshot instead of those the run ended with.

        Raises:
            RecordingError: There is no snapshot of that epoch.
        """
        run = self._fitted_run()
        path = run.model_path if epoch is None else run.snapshot_path(epoch)
        if epoch is not None and not path.exists():
            kept = [str(e) for e in sorted(self.options.train.snapshot_epochs) if run.snapshot_path(e).exists()]
            found = f"one of those kept: {', '.join(kept)}" if kept else "a run fitted with --snapshot-epochs"
            raise RunError(run.path, f"no snapshot of epoch {epoch}", expected=found)
        weights = read_weights(path)
        on_ar = self.options.network.output == "ar"
        skip = LinearSkip.from_state(weights, prefix="skip.") if on_ar else None
        counts = count_scale(self.fitted.frozen.standardiser, self.options)
        network = new_network(self.options.network, self.fitted.shape, skip=skip, counts=counts)
        network.load_state_dict(weights)
        try:
            return network.to(choose_device(self.options.device))
        except RunError:
            # What was fitted on a GPU can be read where there is none.
            return network.to(choose_device("auto"))

    def series(self, recording: Data | None = None) -> PreparedSeries:
        """A recording prepared as the fitted one was; None for the fitted one itself.

        Raises:
            RecordingError: It changed since the fit, or has other channels or another rate.
        """
        if recording is None:
            if self._recording is None:
                self._recording = recording_of(self._fitted_run(), self.options)
            return prepare(self._recording, self.options.prepare)
        return prepare(self._opened(recording), self.options.prepare, like=self.fitted.frozen)

    def _span_of(self, recording: Data | None, span: Span | None) -> tuple[PreparedSeries, Span]:
        """A prepared recording, and the span asked for or the one that the model has not seen."""
        other = None if recording is None else self._opened(recording)
        series = self.series(other)
        return series, span or self._default_span(other, series)

    def _default_span(self, other: Recording | None, series: PreparedSeries) -> Span:
        return "test" if other is None or was_fitted_on(self._fitted_run(), other, series) else "all"

    def _opened(self, recording: Data) -> Recording:
        return recording if isinstance(recording, Recording) else load(recording, self.options.load)

    def _fitted_run(self) -> Run:
        if self.run is None:
            raise RecordingError("", "the model is not fitted", do="call fit first, or NextStep.load")
        return self.run


def _warn_of_choice_on_test(series: PreparedSeries, options: TrainOptions) -> None:
    uses = {"--keep best": options.keep == "best", "--patience": options.patience is not None}
    chosen = " and ".join(option for option, used in uses.items() if used)
    if series.validation_is_test and chosen:
        text = f"leak: without a validation span the weights are chosen on the test span ({chosen})"
        warnings.warn(text, RecordingWarning, stacklevel=3)

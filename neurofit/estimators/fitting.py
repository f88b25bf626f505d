"""One fit of a next-step network: baselines, network, training, the choice between them, scores and report."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch

from neurofit.estimators.ar_output import better_autoregression, in_model_space, innovation_size
from neurofit.estimators.baselines import fit_series_baselines, training_step_size
from neurofit.estimators.closed_loop import fit_closed_loop
from neurofit.estimators.evaluation import evaluate
from neurofit.estimators.free_run import channel_autoregression
from neurofit.estimators.next_step_program import NextStepProgram
from neurofit.estimators.options import FitOptions
from neurofit.estimators.planning import baseline_line, new_network
from neurofit.estimators.prediction import predict_pieces
from neurofit.estimators.reporting import report_fit
from neurofit.estimators.stored import Fitted, Shape
from neurofit.linear import Baselines
from neurofit.models import CountScale, NextStepNetwork
from neurofit.preparation import PreparedSeries, Standardiser
from neurofit.runs import Run, environment
from neurofit.training import TrainResult, choose_device, device_name, seed_everything, train
from neurofit.training.memory import MemoryWatch
from neurofit.training.precision import check_precision
from neurofit_io import RecordingError


def fit_run(
    run: Run, options: FitOptions, series: PreparedSeries, shape: Shape, *, show: bool, command: Sequence[str]
) -> None:
    """Fits, scores and reports into a run, going on where its checkpoint stands.

    Args:
        run: The run.
        options: All options.
        series: The prepared recording.
        shape: Shape of the network and its batches.
        show: Print progress.
        command: The command line, for the record.
    """
    device = choose_device(options.device)
    check_precision(options.network.precision, device)
    run.write_environment(environment(threads=torch.get_num_threads(), device=device_name(device), command=command))
    baselines = fit_series_baselines(series)
    if show:
        print(baseline_line(baselines), file=sys.stderr, flush=True)
    program = _program(options, series, shape, baselines, device)
    watch = MemoryWatch(device)
    result = train(program, options.train, run, show=show)
    run.write_environment({**run.environment(), "peak_memory": watch.as_json()})
    _finish(run, options, series, shape, program.model, baselines, result)


def count_scale(standardiser: Standardiser, options: FitOptions) -> CountScale | None:
    """What samples mean in counts, for the poisson output; None for the others."""
    if options.network.output != "poisson":
        return None
    mean, std, train_mean = (torch.tensor(a) for a in (standardiser.mean, standardiser.std, standardiser.train_mean))
    return CountScale(mean, std, train_mean).float()


def check_output(series: PreparedSeries, options: FitOptions) -> None:
    """Checks that a recording is what an output is for.

    Raises:
        RecordingError: The poisson output on something else than counts.
    """
    if options.network.output == "poisson" and series.kind != "counts":
        raise RecordingError(
            series.place, f"--output poisson on {series.name}, which is {series.kind}",
            expected="counts of spikes", do="give --signal spikes --bin-ms 20, or another --output",
        )  # fmt: skip


def _program(
    options: FitOptions, series: PreparedSeries, shape: Shape, baselines: Baselines, device: torch.device
) -> NextStepProgram:
    """A fresh network, and how it is trained."""
    linear = better_autoregression(baselines) if options.network.output == "ar" else None
    seed_everything(options.train.seed)
    skip = None if linear is None else in_model_space(linear, series)
    scale = training_step_size(series) if linear is None else innovation_size(linear, series)
    counts = count_scale(series.standardiser, options)
    return NextStepProgram(
        new_network(options.network, shape, scale=scale, skip=skip, counts=counts).to(device),
        series,
        chunk=shape.chunk,
        batch=shape.batch,
        carried=options.network.state == "carried",
        patience=options.train.patience,
        seed=options.train.seed,
        linear=None if series.validation_is_test else linear,
        precision=options.network.precision,
    )


def _finish(
    run: Run,
    options: FitOptions,
    series: PreparedSeries,
    shape: Shape,
    network: NextStepNetwork,
    baselines: Baselines,
    result: TrainResult,
) -> None:
    """Chooses between network and baselines on validation, scores on test, and writes everything down."""
    validation = evaluate(network, baselines, series, "validation")
    predictor = "network" if series.validation_is_test else validation.best()
    closed_loop = fit_closed_loop(
        network, channel_autoregression(baselines.predictors()), series, seed=options.train.seed
    )
    fitted = Fitted(shape, series.frozen(), baselines, predictor, validation.pooled_loss(), closed_loop)
    fitted.save(run.path)
    pieces, provenance = series.scored("test"), {"span": "test"}
    test = predict_pieces(network, baselines, series, pieces, predictor=predictor, provenance=provenance)
    spans = {"test": test.evaluation}
    if not series.validation_is_test:
        spans["validation"] = validation
    run.write_scores({name: each.scores(predictor, seed=options.train.seed) for name, each in spans.items()})
    report_fit(run, options, fitted, test, result, notes=series.notes)
    run.finish()

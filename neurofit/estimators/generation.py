"""What a fitted network generates on its own output, scored by distribution beside the autoregression and the truth.

forecast   the expected course: read out of the state directly, the mean far out
orbit      the network on its own expected samples, without innovations
sample     the network at the gain of its closed loop, driven by innovations (`neurofit.estimators.closed_loop`)

Nothing is clipped: a run that leaves the range of the recording is kept, and the step is named at which it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.estimators.closed_loop import ClosedLoop
from neurofit.estimators.direct import forecast_directly, present_at
from neurofit.estimators.free_run import (
    ChannelAutoRegression,
    DrivenStep,
    LinearStep,
    PoissonStep,
    begin,
    histories,
    spread_starts,
    stretches,
    thresholds_of,
)
from neurofit.estimators.generated import Generated, Mode
from neurofit.estimators.prediction import new_array
from neurofit.linear import AutoRegression, Draw
from neurofit.metrics import FreeRunScores, SpikeThresholds, free_run_scores
from neurofit.metrics.free_run import STABLE_RATIO, unstable_runs
from neurofit.models import NextStepNetwork
from neurofit.models.rollout import Follow, FreeRun, linear_forecast
from neurofit.preparation import PreparedSeries, Span
from neurofit_io import RecordingError

RUNS = 8
PIECE_STEPS = 1000
SCORED_ENTRIES = 2**22
"""Samples of all runs that are scored, the last steps of each."""


@np.errstate(over="ignore", invalid="ignore")  # What explodes is reported, not warned of.
def generate(
    network: NextStepNetwork,
    closed_loop: ClosedLoop | None,
    ar: ChannelAutoRegression,
    series: PreparedSeries,
    *,
    span: Span,
    steps: int,
    mode: Mode = "sample",
    innovations: Draw = "resampled",
    runs: int = RUNS,
    seed: int,
    provenance: Mapping[str, Any] | None = None,
) -> Generated:
    """Runs a network on from starts in a span and scores what it makes.

    Args:
        network: The network, on the device it computes on.
        closed_loop: What the run keeps for this; None of a run that has none.
        ar: The autoregression of each channel, or of each channel and the measured inputs, as for `fit_closed_loop`.
        series: The prepared recording.
        span: Where the runs start, each warmed up on the truth.
        steps: Length of a run, at least 2; it may pass the end of the recording.
        mode: `sample`, `forecast` or `orbit`.
        innovations: What drives a sample: `gaussian` or `resampled`. A network that predicts counts draws them.
        runs: Number of runs.
        seed: Seed of the innovations.
        provenance: Where they come from.

    Raises:
        RecordingError: Too few steps or runs, a run without innovations, or inputs that end before the runs do.
    """
    longest = _check(series, closed_loop, network, span, steps, runs, mode)
    starts = spread_starts(series.scored(span), runs, min(steps, longest))
    values, inputs = histories(series, starts, steps if network.n_inputs else 0)
    history = series.in_score_units(values).astype(np.float32)
    follow, driven = _followers(network, closed_loop, ar, series, history, inputs, mode, innovations, seed)
    run = begin(network, values, inputs, follow)
    if mode == "forecast":
        assert closed_loop is not None
        made = _directly(closed_loop, ar, series, run, history, inputs, steps)
    else:
        made = _stepwise(run, series, steps)
    shown = min(steps, max(2, SCORED_ENTRIES // (runs * series.n_channels)))
    linear = linear_forecast(ar, history, steps=shown, inputs=inputs, follow=driven)
    truth, thresholds = stretches(series, span, steps), thresholds_of(series)
    drawn = "none" if mode != "sample" else "poisson" if network.counts is not None else innovations
    start_s = np.array([series.time_s(start, start + 1)[0] for start in starts.tolist()]) + series.dt_ms / 1000
    linear_name = "ar" if isinstance(ar, AutoRegression) else "arx"
    return Generated(
        series.name, series.kind, series.unit, mode, drawn,
        closed_loop.gain if mode == "sample" and closed_loop else 1.0, span, made, _physical(series, linear),
        linear_name, _physical(series, truth), start_s,
        1000 / series.dt_ms, series.channel_ids, series.columns, _diverged(series, made, truth, shown),
        _scores(series, truth, _standard(series, made[:, -shown:]), linear, linear_name, thresholds), shown,
        _physical_thresholds(series, thresholds), dict(provenance or {}),
    )  # fmt: skip


def _check(
    series: PreparedSeries,
    closed_loop: ClosedLoop | None,
    network: NextStepNetwork,
    span: Span,
    steps: int,
    runs: int,
    mode: Mode,
) -> int:
    """Steps of the longest stretch to start from."""
    longest = max((piece.stop - piece.start for piece in series.scored(span)), default=0)
    if steps < 2 or runs < 1:
        raise RecordingError("", f"--generate {steps} with {runs} runs", expected="2 or more steps, 1 or more runs")
    if longest < 2:
        raise RecordingError(series.place, f"no step of the {span} span can be scored", expected="a longer span")
    if closed_loop is None and (mode == "forecast" or (mode == "sample" and network.counts is None)):
        raise RecordingError(
            series.place, f"--generate in mode {mode} from a run without innovations",
            expected="a run with a validation span", do="fit again with --validation-fraction 0.1, or use --mode orbit",
        )  # fmt: skip
    if network.n_inputs and steps > longest:
        raise RecordingError(
            series.place, f"--generate {steps} with inputs measured for {longest} steps of the {span} span",
            expected=f"at most {longest}",
        )  # fmt: skip
    return longest


def _followers(
    network: NextStepNetwork,
    closed_loop: ClosedLoop | None,
    ar: ChannelAutoRegression,
    series: PreparedSeries,
    history: NDArray[np.float32],
    inputs: NDArray[np.float32],
    mode: Mode,
    innovations: Draw,
    seed: int,
) -> tuple[Follow | None, Follow | None]:
    """How samples of the network and of the autoregression follow each other; None: as expected."""
    if mode != "sample":
        return None, None
    runs, follow, driven = len(history), None, None
    if closed_loop is not None:
        linear = closed_loop.linear_noise.sampler(innovations, runs=runs, seed=seed)
        driven = LinearStep(linear)
        if closed_loop.noise is not None:
            sampler = closed_loop.noise.sampler(innovations, runs=runs, seed=seed)
            follow = DrivenStep(ar, closed_loop.gain, sampler, history, inputs, series)
    return PoissonStep(network, seed) if network.counts is not None else follow, driven


def _directly(
    closed_loop: ClosedLoop,
    ar: ChannelAutoRegression,
    series: PreparedSeries,
    run: FreeRun,
    history: NDArray[np.float32],
    inputs: NDArray[np.float32],
    steps: int,
) -> NDArray[np.float32]:
    """Forecasts (run, steps, channel) in physical units, before the run has begun."""
    hidden, following = run.hidden.cpu().numpy(), run.expected.cpu().numpy()
    known = min(ar.order + 1, history.shape[1])
    past, driving = history[:, -known:], inputs[:, history.shape[1] - known :]
    present = present_at(ar, hidden, following, past, driving, series)
    return _physical(series, forecast_directly(closed_loop.direct, ar, present, steps=steps))


def _stepwise(run: FreeRun, series: PreparedSeries, steps: int) -> NDArray[np.float32]:
    """Runs (run, steps, channel) in physical units; above 1 GB in a temporary file."""
    runs = len(run.last)
    made = new_array((runs * steps, series.n_channels)).reshape(runs, steps, series.n_channels)
    for first in range(0, steps, PIECE_STEPS):
        last = min(first + PIECE_STEPS, steps)
        made[:, first:last] = series.standardiser.undo(run.next(last - first).cpu().numpy())
    return made


def _scores(
    series: PreparedSeries,
    truth: NDArray[np.float32],
    made: NDArray[np.floating[Any]],
    linear: NDArray[np.floating[Any]],
    linear_name: str,
    thresholds: SpikeThresholds | None,
) -> dict[str, FreeRunScores]:
    """Of the network, of the autoregression, and of the later beside the earlier half of the truth."""
    count, steps, channels = truth.shape
    parts = truth if count > 1 else truth[:, : 2 * (steps // 2)].reshape(2, steps // 2, channels)
    half = len(parts) // 2
    pairs = {"network": (truth, made), linear_name: (truth, linear), "truth": (parts[:half], parts[half : 2 * half])}
    rate_hz = 1000 / series.dt_ms
    return {
        name: free_run_scores(true, other, rate_hz=rate_hz, thresholds=thresholds)
        for name, (true, other) in pairs.items()
        if true.shape[1] > 1
    }


def _diverged(
    series: PreparedSeries, made: NDArray[np.float32], truth: NDArray[np.float32], shown: int
) -> NDArray[np.int64]:
    """First step of each unstable run beyond 10 times the largest true excursion or not finite, -1 of stable ones.

    Of one that never is, the step from which its second half is too large.
    """
    reach = STABLE_RATIO * np.maximum(np.abs(truth).max(axis=(0, 1)), 1.0)
    steps = np.full(len(made), -1)
    for index in np.flatnonzero(unstable_runs(truth, _standard(series, made[:, -shown:]))):
        steps[index] = len(made[index]) - shown // 2
        for first in range(0, len(made[index]), PIECE_STEPS):
            inside = np.abs(_standard(series, made[index, first : first + PIECE_STEPS])) <= reach
            left = np.flatnonzero(~inside.all(axis=1))
            if len(left):
                steps[index] = first + left[0]
                break
    return steps


def _standard(series: PreparedSeries, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Physical units to units of the training standard deviation."""
    return ((values - series.standardiser.train_mean) / series.standardiser.train_std).astype(np.float32)


def _physical(series: PreparedSeries, values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    return (values * series.standardiser.train_std + series.standardiser.train_mean).astype(np.float32)


def _physical_thresholds(series: PreparedSeries, thresholds: SpikeThresholds | None) -> SpikeThresholds | None:
    if thresholds is None:
        return None
    mean, std = series.standardiser.train_mean, series.standardiser.train_std
    return SpikeThresholds(thresholds.baseline * std + mean, thresholds.level * std + mean, thresholds.sign)

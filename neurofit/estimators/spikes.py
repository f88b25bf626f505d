"""Does a fitted model know when a neuron fires, and is it calm while the neuron rests? Beside the trivial answers.

Every sample of held-out time is forecast h steps ahead, and the forecasts, put side by side, are a trace with threshold
crossings of its own. One step ahead any predictor, persistence included, has each spike within a tolerance of a step;
so h is 5 steps beyond the tolerance. Noise at rest, and how long spikes last, say something one step ahead too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neurofit.estimators.spike_report import PredictedSpikes, SpikeReport
from neurofit.estimators.spike_scene import DEVIATIONS, GUARD_S, SpikeScene, spike_scene
from neurofit.linear import LinearPredictor, Persistence, VectorAutoRegression
from neurofit.metrics import fair_horizon, rest_noise, spike_scores
from neurofit.models import NextStepNetwork
from neurofit.models.ahead import forecast_ahead, linear_forecast_ahead
from neurofit.preparation import PreparedSeries, Span

TOLERANCES_S = (0.0005, 0.001)
TAUS_S = (0.001, 0.005, 0.02)

MOST_ENTRIES = 2**22
"""Samples scored, all channels together: 70,000 steps of 60 channels, 2,000 of 2,022."""
MOST_PRODUCTS = 2**39
"""Multiplications of all closed-loop steps of the network and the vector autoregression: some 20 s of one core."""


def measure_spikes(
    network: NextStepNetwork,
    predictors: Mapping[str, LinearPredictor],
    series: PreparedSeries,
    *,
    span: Span,
    seed: int,
) -> SpikeReport:
    """Scores the spikes and the rest of a voltage over a span.

    Thresholds are set on the training span of the series. Beyond `MOST_ENTRIES` samples or `MOST_PRODUCTS` products
    the first steps of each stretch are scored, in equal shares.

    Args:
        network: The network, on the device it computes on.
        predictors: Linear predictors by name, on values in units of the training standard deviation.
        series: The prepared recording.
        span: What is scored.
        seed: Seed of the bootstrap.

    Raises:
        RecordingError: The signal is no voltage, its steps are longer than every tolerance, it has no training span to
            set thresholds on, or the span is too short.
    """
    fair = {tolerance: fair_horizon(tolerance, rate_hz=1000 / series.dt_ms) for tolerance in TOLERANCES_S}
    horizons = {tolerance: h for tolerance, h in fair.items() if 1000 * tolerance >= series.dt_ms * (1 - 1e-9)}
    farthest, distances = max(fair.values()), sorted({1, *horizons.values()})
    most = _most_steps(network, predictors, series.n_channels, farthest)
    scene = spike_scene(series, span, ahead=farthest, most=most, longest_step_ms=1000 * max(TOLERANCES_S))
    (copied,) = _joined(_linear_forecasts(Persistence(), scene, [1]))
    shown = [(column, rows, {"truth": scene.values[rows, column]}) for column, rows in scene.examples()]
    scores = {}
    for name in ("network", *predictors):
        linear = predictors.get(name) if name != "network" else None
        parts = _linear_forecasts(linear, scene, distances) if linear else _forecasts(network, scene, distances)
        forecasts = dict(zip(distances, _joined(parts), strict=True))
        scores[name] = _scores(scene, forecasts, copied, horizons, seed)
        for column, rows, traces in shown:
            traces[name] = forecasts[farthest][rows, column]
    return SpikeReport(
        span=span, signal=series.name, unit=series.unit, dt_ms=series.dt_ms, tolerances_s=TOLERANCES_S,
        horizons=horizons, threshold=_threshold_words(scene), steps=len(scene.values),
        span_steps=sum(piece.stop - piece.start for piece in series.scored(span)), bounded=scene.bounded,
        n_channels=series.n_channels, scores=scores, examples=tuple(scene.close_up(*each) for each in shown),
    )  # fmt: skip


def _most_steps(
    network: NextStepNetwork, predictors: Mapping[str, LinearPredictor], n_channels: int, ahead: int
) -> int:
    vector = sum(p.coefficients.size for p in predictors.values() if isinstance(p, VectorAutoRegression))
    products = ahead * (vector + sum(array.numel() for array in network.state_dict().values()))
    return max(1, min(MOST_ENTRIES // n_channels, MOST_PRODUCTS // products))


def _threshold_words(scene: SpikeScene) -> str:
    side = "above" if scene.thresholds.sign > 0 else "below"
    return f"{DEVIATIONS:g} robust standard deviations {side} the training median"


def _forecasts(network: NextStepNetwork, scene: SpikeScene, distances: Sequence[int]) -> Iterator[NDArray[Any]]:
    """For each stretch (distance, steps, channels)."""
    series = scene.series
    for warm, start, stop in scene.stretches:
        values, inputs = (torch.tensor(read(warm, stop)) for read in (series.read, series.read_inputs))
        driven = inputs if network.n_inputs else None
        ahead = forecast_ahead(network, values, first=start - warm, horizons=distances, inputs=driven)
        yield series.in_score_units(ahead.cpu().numpy())


def _linear_forecasts(
    predictor: LinearPredictor, scene: SpikeScene, distances: Sequence[int]
) -> Iterator[NDArray[Any]]:
    series = scene.series
    for warm, start, stop in scene.stretches:
        values, inputs = series.in_score_units(series.read(warm, stop)), series.read_inputs(warm, stop)
        yield linear_forecast_ahead(predictor, values, first=start - warm, horizons=distances, inputs=inputs)


def _joined(parts: Iterator[NDArray[Any]]) -> NDArray[np.float32]:
    return np.concatenate([part.astype(np.float32) for part in parts], axis=1)


def _scores(
    scene: SpikeScene,
    forecasts: Mapping[int, NDArray[np.float32]],
    copied: NDArray[np.float32],
    horizons: Mapping[float, int],
    seed: int,
) -> PredictedSpikes:
    """Scores one predictor from its forecasts (steps, channels) by distance; `copied` are those of persistence."""
    options: dict[str, Any] = {"rate_hz": scene.rate_hz, "starts": scene.starts, "seed": seed}
    truth, thresholds = scene.values, scene.thresholds
    ahead = {
        tolerance: spike_scores(
            truth, forecasts[h], thresholds, tolerances_s=(tolerance,),
            taus_s=TAUS_S if tolerance == max(horizons) else (), **options,
        )
        for tolerance, h in horizons.items()
    }  # fmt: skip
    one_step = spike_scores(truth, forecasts[1], thresholds, tolerances_s=(), taus_s=(), **options)
    rest = rest_noise(truth, forecasts[1], copied, scene.spikes, rate_hz=scene.rate_hz, guard_s=GUARD_S, seed=seed)
    return PredictedSpikes(ahead=ahead, one_step=one_step, rest_noise=rest)

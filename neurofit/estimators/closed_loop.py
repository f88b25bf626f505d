"""What a fitted network needs to run on its own output: innovations to drive it, a gain that keeps it calm, forecasts.

    x_{t+1} = l_{t+1} + k (f_{t+1} - l_{t+1}) + e_{t+1}

f is the network's prediction, l that of each channel's autoregression, e an innovation. Trained on the truth only, a
network may answer its own output as if it were events, and the run with k = 1 bursts. The gain k is the largest whose
sampled free runs from the validation span keep amplitude and spike rate of the training span within 25 %, and its
spectrum within 5 dB or as well as the autoregression does; 0 if there is none.
Noise is fitted to what this predictor misses of the validation span. A network that predicts counts needs neither: its
samples are Poisson counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.estimators.direct import fit_direct
from neurofit.estimators.evaluation import predicted_slabs
from neurofit.estimators.free_run import (
    ChannelAutoRegression,
    DrivenStep,
    begin,
    histories,
    spread_starts,
    stretches,
    thresholds_of,
)
from neurofit.linear import DirectForecast, InnovationNoise, fit_innovation_noise
from neurofit.metrics import FreeRunScores, free_run_scores
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries

GAINS = (1.0, 0.5, 0.25)
LEAST_ROWS = 20
"""Residuals below which no noise is fitted."""
GAIN_RUNS, GAIN_STEPS = 8, 1000
MOST_RATIO = 1.25
MOST_LSD_DB = 5.0


@dataclass(frozen=True, eq=False)
class ClosedLoop:
    """What a run keeps to forecast and to generate; all in units of the training standard deviation.

    Attributes:
        gain: k, from 0 (the autoregression) to 1 (the network).
        noise: Innovations at that gain; None for a network that predicts counts.
        linear_noise: Innovations of the autoregression of each channel.
        direct: Forecasts from the network's state.
    """

    gain: float
    noise: InnovationNoise | None
    linear_noise: InnovationNoise
    direct: DirectForecast

    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays, for a tensor file."""
        parts = {"noise": self.noise, "linear_noise": self.linear_noise, "direct": self.direct}
        arrays = {f"{k}.{name}": a for k, part in parts.items() if part is not None for name, a in part.state().items()}
        return arrays | {"gain": np.array([self.gain])}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> ClosedLoop:
        """What `state()` describes."""
        parts: dict[str, dict[str, NDArray[Any]]] = {"noise": {}, "linear_noise": {}, "direct": {}}
        for key, array in state.items():
            group, _, name = key.partition(".")
            if name:
                parts[group][name] = array
        noise = InnovationNoise.from_state(parts["noise"]) if parts["noise"] else None
        linear_noise = InnovationNoise.from_state(parts["linear_noise"])
        return cls(float(state["gain"][0]), noise, linear_noise, DirectForecast.from_state(parts["direct"]))


@np.errstate(over="ignore", invalid="ignore")  # A gain with which runs explode is passed over.
def fit_closed_loop(
    network: NextStepNetwork, ar: ChannelAutoRegression, series: PreparedSeries, *, seed: int
) -> ClosedLoop | None:
    """Fits noise, gain and forecasts after a fit; the test span is not looked at.

    Args:
        network: The fitted network, on the device it computes on.
        ar: The autoregression of each channel, or of each channel and the measured inputs.
        series: The recording it was fitted on.
        seed: Seed of the free runs that choose the gain.

    Returns:
        None without a validation span, or with fewer than 20 steps of it.
    """
    if series.validation_is_test or sum(p.stop - p.start for p in series.scored("validation")) < LEAST_ROWS:
        return None
    missed, linear_missed = _residuals(network, ar, series)
    linear_noise = fit_innovation_noise(linear_missed)
    gain, noise = 1.0, None
    if network.counts is None:
        gain, noise = _gain(network, ar, series, missed, linear_missed, linear_noise, seed)
    return ClosedLoop(gain, noise, linear_noise, fit_direct(network, ar, series))


def _residuals(
    network: NextStepNetwork, ar: ChannelAutoRegression, series: PreparedSeries
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """What network and autoregression miss of the validation span, a pair of lists of stretches (row, channel)."""
    missed, linear_missed = [], []
    for piece in series.scored("validation"):
        slabs = list(predicted_slabs(network, {"ar": ar}, series, piece))
        missed.append(np.concatenate([slab.truth - slab.predictions["network"] for slab in slabs]))
        linear_missed.append(np.concatenate([slab.truth - slab.predictions["ar"] for slab in slabs]))
    return missed, linear_missed


def _gain(
    network: NextStepNetwork,
    ar: ChannelAutoRegression,
    series: PreparedSeries,
    missed: list[NDArray[np.float64]],
    linear_missed: list[NDArray[np.float64]],
    linear_noise: InnovationNoise,
    seed: int,
) -> tuple[float, InnovationNoise]:
    """The largest gain whose free runs keep to the bounds, with its noise."""
    truth, thresholds = stretches(series, "train"), thresholds_of(series)
    pieces = series.scored("validation")
    steps = min(GAIN_STEPS, max(piece.stop - piece.start for piece in pieces))
    values, inputs = histories(series, spread_starts(pieces, GAIN_RUNS, steps), steps)

    def scores(gain: float, noise: InnovationNoise) -> FreeRunScores:
        sampler = noise.sampler("resampled", runs=GAIN_RUNS, seed=seed)
        follow = DrivenStep(ar, gain, sampler, series.in_score_units(values), inputs, series)
        made = series.in_score_units(begin(network, values, inputs, follow).next(steps).cpu().numpy())
        return free_run_scores(truth, made, rate_hz=1000 / series.dt_ms, thresholds=thresholds)

    most_lsd_db = MOST_LSD_DB
    for gain in GAINS:
        mixed = [gain * own + (1 - gain) * linear for own, linear in zip(missed, linear_missed, strict=True)]
        found = scores(gain, fit_innovation_noise(mixed, ranks=(0,)))
        if not _keeps(found):
            continue
        if found.lsd_db > most_lsd_db == MOST_LSD_DB:
            most_lsd_db = max(MOST_LSD_DB, scores(0.0, linear_noise).lsd_db)
        if found.lsd_db <= most_lsd_db:
            return gain, fit_innovation_noise(mixed)
    return 0.0, linear_noise


def _keeps(scores: FreeRunScores) -> bool:
    """Whether free runs are stable and keep amplitude and rate; a rate that is not defined does not count."""
    ratios = [scores.std_ratio, scores.rate_ratio if math.isfinite(scores.rate_ratio) else 1.0]
    return scores.stable and all(1 / MOST_RATIO <= ratio <= MOST_RATIO for ratio in ratios)

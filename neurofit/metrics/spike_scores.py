"""All spike scores of one predicted voltage, each beside what it is judged by.

Timing is scored by F1 within tolerances and by the van Rossum distance D over all channels,

    d = sqrt( sum_c D_c^2 / n_true ),

which is 0 for the true trains and about 1 for a prediction without spikes (exactly 1 when true spikes are far apart
compared with tau; crowded ones add up to more); duration is scored by the widths at half maximum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.metrics.bootstrap import Interval, block_bootstrap
from neurofit.metrics.spike_detection import SpikeThresholds, threshold_crossings
from neurofit.metrics.spike_shapes import spike_width, spike_width_error
from neurofit.metrics.spike_trains import SpikeMatches, matched_spikes, spike_f1, van_rossum_distance

APART_S = 10.0
"""Time put between stretches, so that the spikes of one have nothing to do with those of the next."""

CHANCE_PLACES = 10


@dataclass(frozen=True, eq=False)
class SpikeScores:
    """Spikes of a prediction beside the true ones.

    Attributes:
        matches: Matched spikes by tolerance in s; F1, precision and recall are its functions.
        f1_intervals: Of F1 over all channels, by tolerance in s: a block bootstrap over time.
        f1_chance: F1 over all channels of as many spikes at other times, by tolerance in s: the predicted trains moved
            on along a circle, together, to 10 random places. Who predicts many spikes hits some.
        van_rossum: d by tau in s; NaN without true spikes.
        true_width_s: (channel,), median width of the true spikes; NaN where there is none.
        width_error_s: (channel,), median width of the predicted minus that of the true spikes; NaN where either has
            none.
    """

    matches: dict[float, SpikeMatches]
    f1_intervals: dict[float, Interval]
    f1_chance: dict[float, float]
    van_rossum: dict[float, float]
    true_width_s: NDArray[np.float64]
    width_error_s: NDArray[np.float64]

    def as_json(self) -> dict[str, Any]:
        """The scores for a JSON file: times in ms, widths as medians over channels, null for what is undefined."""
        counts = next(iter(self.matches.values()))
        f1 = [
            {
                "tolerance_ms": _ms(tolerance),
                **_shares(found),
                "chance": _number(self.f1_chance[tolerance]),
                **_interval(self.f1_intervals[tolerance]),
            }
            for tolerance, found in self.matches.items()
        ]
        return {
            "true_spikes": int(counts.true.sum()),
            "predicted_spikes": int(counts.predicted.sum()),
            "f1": f1,
            "van_rossum": [{"tau_ms": _ms(tau), "pooled": _number(d)} for tau, d in self.van_rossum.items()],
            "true_width_ms": _number(1000 * _median(self.true_width_s)),
            "width_error_ms": _number(1000 * _median(self.width_error_s)),
        }


def spike_scores(
    truth: NDArray[np.floating[Any]],
    prediction: NDArray[np.floating[Any]],
    thresholds: SpikeThresholds,
    *,
    rate_hz: float,
    starts: Sequence[int] = (0,),
    tolerances_s: Sequence[float] = (0.0005, 0.001),
    taus_s: Sequence[float] = (0.001, 0.005, 0.02),
    refractory_s: float = 0.001,
    seed: int = 0,
) -> SpikeScores:
    """Score the spikes of a prediction.

    Args:
        truth: (time, channel), in the units of the thresholds.
        prediction: (time, channel), the same steps, each predicted from at least `fair_horizon` of the largest
            tolerance before, or a free run.
        thresholds: Chosen on training data.
        rate_hz: Steps per second.
        starts: Rows at which contiguous stretches begin, rising from 0; no spike reaches from one into the next.
        tolerances_s: Largest distances of a matched pair.
        taus_s: Time constants of the van Rossum distance.
        refractory_s: As for `threshold_crossings`.
        seed: Seed of the bootstrap and of the moves of chance.

    Returns:
        The scores.

    Raises:
        ValueError: The shapes differ, or the thresholds are of other channels.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} must be the same (time, channel)")
    stretches = [slice(*edges) for edges in pairwise([*starts, len(truth)])]
    true, predicted = (_Spikes(values, stretches, thresholds, rate_hz, refractory_s) for values in (truth, prediction))
    widths = zip(true.widths_s, predicted.widths_s, strict=True)
    return SpikeScores(
        matches={tolerance: spike_f1(true.times_s, predicted.times_s, tolerance) for tolerance in tolerances_s},
        f1_intervals={each: _f1_interval(true, predicted, each, len(truth), seed) for each in tolerances_s},
        f1_chance={each: _f1_chance(true, predicted, each, len(truth), rate_hz, seed) for each in tolerances_s},
        van_rossum={tau: _population_distance(true.times_s, predicted.times_s, tau) for tau in taus_s},
        true_width_s=np.array([_median(channel) for channel in true.widths_s]),
        width_error_s=np.array([spike_width_error(*pair) for pair in widths]),
    )


class _Spikes:
    """Steps, times in s and widths in s of the spikes of each channel, over several stretches."""

    def __init__(
        self,
        values: NDArray[np.floating[Any]],
        stretches: Sequence[slice],
        thresholds: SpikeThresholds,
        rate_hz: float,
        refractory_s: float,
    ) -> None:
        steps, times, widths = [], [], []
        for i, stretch in enumerate(stretches):
            part = values[stretch]
            trains = threshold_crossings(part, thresholds, rate_hz=rate_hz, refractory_s=refractory_s)
            steps.append([train + stretch.start for train in trains])
            times.append([(train + stretch.start) / rate_hz + i * APART_S for train in trains])
            widths.append(_widths(part, trains, thresholds, rate_hz))
        self.steps, self.times_s, self.widths_s = (
            [np.concatenate(channel) for channel in zip(*parts, strict=True)] for parts in (steps, times, widths)
        )


def _f1_interval(true: _Spikes, predicted: _Spikes, tolerance_s: float, n_steps: int, seed: int) -> Interval:
    """Interval of 2 sum_t m_t / sum_t (2 m_t + u_t): m_t pairs, at the step of the true spike, and u_t spikes alone."""
    pairs, alone = [], []
    for steps, a, b, others in zip(true.steps, true.times_s, predicted.times_s, predicted.steps, strict=True):
        matched = matched_spikes(a, b, tolerance_s)
        pairs.append(steps[matched])
        alone += [steps[~matched], others[~matched_spikes(b, a, tolerance_s)]]
    m, u = (np.bincount(np.concatenate(each), minlength=n_steps) for each in (pairs, alone))
    if not m.any():
        return Interval(None, "no spike is matched")
    series = np.stack([2.0 * m, 2.0 * m + u], axis=1)
    return block_bootstrap(series, lambda means: means[:, 0] / means[:, 1], seed=seed)


def _f1_chance(true: _Spikes, predicted: _Spikes, tolerance_s: float, n_steps: int, rate_hz: float, seed: int) -> float:
    places = np.random.default_rng(seed).integers(n_steps // 20, n_steps - n_steps // 20, CHANCE_PLACES)
    true_s = [steps / rate_hz for steps in true.steps]
    moved = ([np.sort((steps + place) % n_steps) / rate_hz for steps in predicted.steps] for place in places)
    return float(np.mean([spike_f1(true_s, trains, tolerance_s).f1 for trains in moved]))


def _population_distance(
    true: Sequence[NDArray[np.float64]], predicted: Sequence[NDArray[np.float64]], tau_s: float
) -> float:
    spikes = sum(map(len, true))
    squares = [van_rossum_distance(a, b, tau_s) ** 2 for a, b in zip(true, predicted, strict=True)]
    return math.sqrt(sum(squares) / spikes) if spikes else math.nan


def _widths(
    values: NDArray[np.floating[Any]],
    trains: Sequence[NDArray[np.intp]],
    thresholds: SpikeThresholds,
    rate_hz: float,
) -> list[NDArray[np.float64]]:
    return [
        spike_width(trace, train, baseline=float(baseline), sign=thresholds.sign, rate_hz=rate_hz)
        for trace, train, baseline in zip(values.T, trains, thresholds.baseline, strict=True)
    ]


def _shares(found: SpikeMatches) -> dict[str, float | None]:
    shares = {"pooled": found.f1, "median": _median(found.channel_f1)}
    shares |= {"precision": found.precision, "recall": found.recall}
    return {name: _number(share) for name, share in shares.items()}


def _interval(interval: Interval) -> dict[str, Any]:
    ci95 = None if interval.ci95 is None else list(interval.ci95)
    return {"ci95": ci95} if interval.note is None else {"ci95": ci95, "note": interval.note}


def _median(values: NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(np.median(defined)) if defined.size else math.nan


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 9)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value

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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.metrics.spike_detection import SpikeThresholds, threshold_crossings
from neurofit.metrics.spike_shapes import spike_width, spike_width_error
from neurofit.metrics.spike_trains import SpikeMatches, spike_f1, van_rossum_distance


@dataclass(frozen=True, eq=False)
class SpikeScores:
    """Spikes of a prediction beside the true ones.

    Attributes:
        matches: Matched spikes by tolerance in s; F1, precision and recall are its functions.
        van_rossum: d by tau in s; NaN without true spikes.
        true_width_s: (channel,), median width of the true spikes; NaN where there is none.
        width_error_s: (channel,), median width of the predicted minus that of the true spikes; NaN where either has
            none.
    """

    matches: dict[float, SpikeMatches]
    van_rossum: dict[float, float]
    true_width_s: NDArray[np.float64]
    width_error_s: NDArray[np.float64]

    def as_json(self) -> dict[str, Any]:
        """The scores for a JSON file: times in ms, widths as medians over channels, null for what is undefined."""
        counts = next(iter(self.matches.values()))
        return {
            "true_spikes": int(counts.true.sum()),
            "predicted_spikes": int(counts.predicted.sum()),
            "f1": [{"tolerance_ms": _ms(tolerance), **_shares(found)} for tolerance, found in self.matches.items()],
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
    tolerances_s: Sequence[float] = (0.0005, 0.001),
    taus_s: Sequence[float] = (0.001, 0.005, 0.02),
    refractory_s: float = 0.001,
) -> SpikeScores:
    """Score the spikes of a prediction.

    Args:
        truth: (time, channel), one contiguous stretch, in the units of the thresholds.
        prediction: (time, channel), the same steps, each predicted from at least `fair_horizon` of the largest
            tolerance before, or a free run.
        thresholds: Chosen on training data.
        rate_hz: Steps per second.
        tolerances_s: Largest distances of a matched pair.
        taus_s: Time constants of the van Rossum distance.
        refractory_s: As for `threshold_crossings`.

    Returns:
        The scores.

    Raises:
        ValueError: The shapes differ, or the thresholds are of other channels.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} must be the same (time, channel)")
    true, predicted = (
        threshold_crossings(values, thresholds, rate_hz=rate_hz, refractory_s=refractory_s)
        for values in (truth, prediction)
    )
    true_times, predicted_times = ([train / rate_hz for train in trains] for trains in (true, predicted))
    true_widths = _widths(truth, true, thresholds, rate_hz)
    widths = zip(true_widths, _widths(prediction, predicted, thresholds, rate_hz), strict=True)
    return SpikeScores(
        matches={tolerance: spike_f1(true_times, predicted_times, tolerance) for tolerance in tolerances_s},
        van_rossum={tau: _population_distance(true_times, predicted_times, tau) for tau in taus_s},
        true_width_s=np.array([_median(channel) for channel in true_widths]),
        width_error_s=np.array([spike_width_error(*pair) for pair in widths]),
    )


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


def _median(values: NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(np.median(defined)) if defined.size else math.nan


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 9)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value

"""Comparison of spike trains: matched spikes, the van Rossum distance, the distribution of intervals.

Matching pairs every true spike with at most one predicted spike no further away than the tolerance, in as many pairs
as possible: with m pairs, F1 = 2 m / (n_true + n_predicted).

The van Rossum distance (M. van Rossum, Neural Computation 13, 2001) compares trains filtered with exp(-t / tau):

    D^2 = (2 / tau) int (f_a(t) - f_b(t))^2 dt = sum_i v_i^2 (1 - exp(-2 (t_{i+1} - t_i) / tau))

over the spikes t_i of both trains in the order of time, v_i being f_a - f_b just after t_i and the last interval being
infinite. The factor 2 (van Rossum's own is 1) makes one spike that the other train lacks count 1. The sum of positive
terms needs no differences of large numbers, so that equal trains are at distance 0 exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDING_S = 1e-9
"""Pairs this much beyond the tolerance still match: times on a grid are not exact multiples of its step."""

FAIR_STEPS = 5


@dataclass(frozen=True, eq=False)
class SpikeMatches:
    """How many spikes of each channel found a partner.

    Attributes:
        matched: (channel,), pairs.
        true: (channel,), true spikes.
        predicted: (channel,), predicted spikes.
    """

    matched: NDArray[np.intp]
    true: NDArray[np.intp]
    predicted: NDArray[np.intp]

    @property
    def f1(self) -> float:
        """F1 over the spikes of all channels; NaN without any spike, 0 when only one side has spikes."""
        return _share(2 * self.matched.sum(), self.true.sum() + self.predicted.sum())

    @property
    def precision(self) -> float:
        """Share of the predicted spikes that are true; NaN without predicted spikes."""
        return _share(self.matched.sum(), self.predicted.sum())

    @property
    def recall(self) -> float:
        """Share of the true spikes that were predicted; NaN without true spikes."""
        return _share(self.matched.sum(), self.true.sum())

    @property
    def channel_f1(self) -> NDArray[np.float64]:
        """F1 of each channel: (channel,), NaN where neither side has spikes."""
        spikes = self.true + self.predicted
        return np.divide(2 * self.matched, spikes, out=np.full(spikes.size, np.nan), where=spikes > 0)


def spike_f1(
    true_times: Sequence[NDArray[np.floating[Any]]],
    predicted_times: Sequence[NDArray[np.floating[Any]]],
    tolerance_s: float,
) -> SpikeMatches:
    """Match the spikes of every channel one to one.

    A teacher-forced prediction that knows the sample before matches every spike within a tolerance of one step or
    more, persistence included: predict from `fair_horizon` steps before, or in free run.

    Args:
        true_times: For each channel the rising times (spike,) in s.
        predicted_times: The same of the prediction.
        tolerance_s: Largest distance of a pair.

    Returns:
        The counts of which F1, precision and recall are functions.

    Raises:
        ValueError: The two have different numbers of channels.
    """
    if len(true_times) != len(predicted_times):
        raise ValueError(f"true spikes of {len(true_times)} channels, predicted ones of {len(predicted_times)}")
    pairs = zip(true_times, predicted_times, strict=True)
    return SpikeMatches(
        matched=np.array([matched_spikes(*pair, tolerance_s).sum() for pair in pairs], np.intp),
        true=np.array([len(train) for train in true_times], np.intp),
        predicted=np.array([len(train) for train in predicted_times], np.intp),
    )


def matched_spikes(
    true: NDArray[np.floating[Any]], predicted: NDArray[np.floating[Any]], tolerance_s: float
) -> NDArray[np.bool_]:
    """Which true spikes of a channel find a predicted partner.

    Args:
        true: (spike,), rising times in s.
        predicted: (spike,), rising times in s.
        tolerance_s: Largest distance of a pair.

    Returns:
        (true spike,). Of all ways to pair them one with the most pairs.
    """
    # Pairing the two earliest spikes whenever they are close enough is optimal for points on a line.
    first, second = true.tolist(), predicted.tolist()
    matched = np.zeros(len(first), np.bool_)
    i = j = 0
    while i < len(first) and j < len(second):
        distance = first[i] - second[j]
        paired = abs(distance) <= tolerance_s + ROUNDING_S
        matched[i] = paired
        i += paired or distance < 0
        j += paired or distance > 0
    return matched


def fair_horizon(tolerance_s: float, *, rate_hz: float) -> int:
    """Steps ahead from which F1 with this tolerance says something: 5 steps beyond the tolerance.

    Args:
        tolerance_s: Largest distance of a pair.
        rate_hz: Steps per second.
    """
    return math.ceil(tolerance_s * rate_hz - ROUNDING_S * rate_hz) + FAIR_STEPS


def van_rossum_distance(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]], tau_s: float) -> float:
    """Distance of two spike trains.

    Args:
        a: (spike,), rising times in s.
        b: (spike,), rising times in s.
        tau_s: Time constant of the filter. Short ones compare timing, long ones counts.

    Returns:
        D: 0 for equal trains (two empty ones too), 1 for one spike too many, sqrt(n) for n spikes far apart that the
        other train lacks, sqrt(2) for a spike at quite the wrong time. A metric; symmetric in a and b.
    """
    times = np.concatenate([a, b]).astype(np.float64)
    order = np.argsort(times, kind="stable")
    signs = np.where(order < len(a), 1.0, -1.0)
    gaps = np.append(np.diff(times[order]), np.inf)[: len(times)] / tau_s
    weights, decays = -np.expm1(-2 * gaps), np.exp(-gaps)
    total, difference = 0.0, 0.0
    for sign, weight, decay in zip(signs.tolist(), weights.tolist(), decays.tolist(), strict=True):
        difference += sign
        total += weight * difference**2
        difference *= decay
    return math.sqrt(total)


def ks_distance(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> float:
    """Kolmogorov-Smirnov distance: the largest difference of two empirical distribution functions.

    Args:
        a: (sample,), such as interspike intervals in s.
        b: (sample,).

    Returns:
        Between 0 (the same distribution) and 1 (no overlap); NaN when either has no sample.
    """
    if not a.size or not b.size:
        return math.nan
    points = np.concatenate([a, b])
    shares = [np.searchsorted(np.sort(sample), points, side="right") / sample.size for sample in (a, b)]
    return float(np.abs(shares[0] - shares[1]).max())


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else math.nan

"""How likely spike counts are under predicted counts, in bits per spike.

With counts k and expected counts r of channel c in bin t, up to log k!, which no comparison sees:

    nll = sum_tc r_tc - k_tc log r_tc              bits per spike = (nll_null - nll) / (log 2 sum_tc k_tc)

The null predicts each channel's mean count in the training span (Pei and others, Neural Latents Benchmark, 2021, with
the training mean in place of that of the scored span, which nobody knows beforehand).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.metrics.bootstrap import block_bootstrap
from neurofit.metrics.scores import Score

RATE_FLOOR = 0.02
"""Least expected count, as a share of the channel's training mean: linear predictors go below zero, and one spike where
nothing at all was expected would decide the score."""


class LikelihoodSums:
    """Negative log likelihoods of one predictor over held-out time.

    Args:
        mean: (channel,) mean count of a bin in the training span.
    """

    def __init__(self, mean: NDArray[np.float64]) -> None:
        self.floor = RATE_FLOOR * mean
        self._steps: list[NDArray[np.float64]] = []
        self._channels: NDArray[np.float64] = np.zeros((2, len(mean)))

    def add(self, counts: NDArray[np.floating[Any]], expected: NDArray[np.floating[Any]]) -> None:
        """Add the next slab.

        Args:
            counts: (time, channel).
            expected: (time, channel), raised to the floor where below it.

        Raises:
            ValueError: The shapes differ.
        """
        if counts.shape != expected.shape:
            raise ValueError(f"counts {counts.shape} and expected counts {expected.shape} must be the same")
        rates = np.maximum(expected, self.floor)
        losses = rates - counts * np.log(rates)
        self._steps.append(np.stack([losses.mean(axis=1), counts.mean(axis=1)], axis=1))
        self._channels = self._channels + np.stack([losses.sum(axis=0), counts.sum(axis=0)])

    @property
    def steps(self) -> NDArray[np.float64]:
        """Negative log likelihood in nats and count of each step, averaged over channels: (time, 2)."""
        return np.concatenate(self._steps) if self._steps else np.empty((0, 2))

    @property
    def channels(self) -> NDArray[np.float64]:
        """Negative log likelihood in nats and count of each channel, summed over time: (2, channel)."""
        return self._channels

    @property
    def pooled(self) -> float:
        """Negative log likelihood of an entry, nats."""
        return float(self.steps[:, 0].mean())


def bits_per_spike(sums: LikelihoodSums, null: LikelihoodSums, *, seed: int = 0) -> Score:
    """Gain in log likelihood over the null, in bits per spike.

    Args:
        sums: Likelihoods of the predictor.
        null: Likelihoods of the training mean on the same steps.
        seed: Seed of the bootstrap.

    Returns:
        0 for the null itself. The median leaves out channels without a spike; NaN where there is no spike at all.
    """
    gain, spikes = null.channels[0] - sums.channels[0], null.channels[1]
    if not spikes.sum():
        return Score(math.nan, math.nan, None, "no spike in the span")
    by_channel = gain[spikes > 0] / spikes[spikes > 0] / math.log(2)
    series = np.stack([null.steps[:, 0] - sums.steps[:, 0], null.steps[:, 1]], axis=1)
    interval = block_bootstrap(series, lambda means: means[:, 0] / means[:, 1] / math.log(2), seed=seed)
    pooled = float(gain.sum() / spikes.sum()) / math.log(2)
    return Score(pooled, float(np.median(by_channel)), interval.ci95, interval.note)

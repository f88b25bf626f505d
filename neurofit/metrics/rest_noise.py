"""Errors at rest: how restless a prediction is while the neuron is silent.

    rest noise = rmse(prediction) / rmse(persistence),  both over steps with no true spike of that channel within 3 ms

Rest is decided by the true spikes alone. A mask from small changes of the trace would choose the steps at which
persistence is right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.metrics.bootstrap import block_bootstrap
from neurofit.metrics.scores import Score

ROW_BLOCK = 4096


def rest_noise(
    truth: NDArray[np.floating[Any]],
    prediction: NDArray[np.floating[Any]],
    persistence: NDArray[np.floating[Any]],
    spikes: Sequence[NDArray[np.intp]],
    *,
    rate_hz: float,
    guard_s: float = 0.003,
    seed: int = 0,
) -> Score:
    """Root mean square error at rest, divided by that of persistence.

    Args:
        truth: (time, channel), one contiguous stretch.
        prediction: (time, channel), the same steps and units.
        persistence: (time, channel), the same of persistence.
        spikes: For each channel the steps (spike,) of the true spikes; those just before and after the stretch count.
        rate_hz: Steps per second.
        guard_s: A step is at rest when no spike of its channel is closer than this or just this far away.
        seed: Seed of the bootstrap.

    Returns:
        `pooled` over all resting entries, and the median over channels: 1 is as calm as persistence, 0 perfect.
        Channels that are never at rest, or in which persistence makes no error at rest, are left out of the median.
        NaN with a note when no entry is left, or when a prediction is not finite at rest.

    Raises:
        ValueError: The shapes differ, or the spikes are of another number of channels.
    """
    if not truth.shape == prediction.shape == persistence.shape or len(spikes) != truth.shape[1]:
        raise ValueError(
            f"truth {truth.shape}, prediction {prediction.shape} and persistence {persistence.shape} must be the same "
            f"(time, channel), and spikes of {len(spikes)} channels as many"
        )
    resting = rest_mask(spikes, steps=len(truth), guard_steps=round(guard_s * rate_hz))
    losses, own = _squared_errors(truth, prediction, resting)
    reference_losses, reference = _squared_errors(truth, persistence, resting)
    if not np.isfinite(losses).all():
        return Score(math.nan, math.nan, None, f"{(~np.isfinite(losses)).sum()} predicted steps are not finite")
    if not reference.sum() > 0:
        return Score(math.nan, math.nan, None, "persistence makes no error at rest")
    by_channel = np.sqrt(own[reference > 0] / reference[reference > 0])
    interval = block_bootstrap(
        np.stack([losses, reference_losses], axis=1), lambda means: np.sqrt(means[:, 0] / means[:, 1]), seed=seed
    )
    pooled = math.sqrt(own.sum() / reference.sum())
    return Score(pooled, float(np.median(by_channel)), interval.ci95, interval.note)


def rest_mask(spikes: Sequence[NDArray[np.intp]], *, steps: int, guard_steps: int) -> NDArray[np.bool_]:
    """Where channels are at rest.

    Args:
        spikes: For each channel the steps (spike,) of its spikes, of which some may lie before or after the stretch.
        steps: Length of the stretch.
        guard_steps: Steps before and after a spike that are not rest.

    Returns:
        (time, channel), False within `guard_steps` of a spike of that channel.
    """
    resting = np.ones((len(spikes), steps), np.bool_)
    for channel, train in zip(resting, spikes, strict=True):
        for step in train.tolist():
            channel[max(step - guard_steps, 0) : max(step + guard_steps + 1, 0)] = False
    return resting.T


def _squared_errors(
    truth: NDArray[np.floating[Any]], prediction: NDArray[np.floating[Any]], counted: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of the counted squared errors over channels (time,) and over time (channel,)."""
    by_step, by_channel = np.empty(len(truth)), np.zeros(truth.shape[1])
    for start in range(0, len(truth), ROW_BLOCK):
        rows = slice(start, start + ROW_BLOCK)
        squared = np.zeros(truth[rows].shape)
        np.subtract(truth[rows], prediction[rows], out=squared, where=counted[rows], dtype=np.float64)
        np.square(squared, out=squared)
        by_step[rows] = squared.sum(axis=1)
        by_channel += squared.sum(axis=0)
    return by_step, by_channel

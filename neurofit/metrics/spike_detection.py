"""Spikes of a voltage: crossings of a threshold that was chosen on training data.

    level = median + sign k s        s = median |x - median| / 0.6745

s is the standard deviation of a Gaussian whose outliers, the spikes, hardly move it (R. Quian Quiroga, Z. Nadasdy and
Y. Ben-Shaul, Neural Computation 16, 2004, section 3). Membrane potentials cross upwards, extracellular ones downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

VoltageKind = Literal["vm", "extracellular"]

SPIKE_SIGN: dict[VoltageKind, int] = {"vm": 1, "extracellular": -1}

GAUSSIAN_MAD = 0.6744897501960817
"""Median absolute deviation of a standard normal variable."""

CHANNEL_BLOCK = 64


@dataclass(frozen=True, eq=False)
class SpikeThresholds:
    """Where each channel's spikes begin, in the units of the training data.

    Attributes:
        baseline: (channel,), median of the training data.
        level: (channel,), the threshold; NaN in a channel that has no noise to measure it by, which never spikes.
        sign: 1 when spikes point upwards, -1 when downwards.
    """

    baseline: NDArray[np.float64]
    level: NDArray[np.float64]
    sign: int


def spike_thresholds(
    training: NDArray[np.floating[Any]], *, kind: VoltageKind, deviations: float = 5.0
) -> SpikeThresholds:
    """Choose a threshold for every channel.

    Args:
        training: (time, channel), training data only, so that held-out time has no say in what counts as a spike.
        kind: What the voltage is; it decides the direction of spikes.
        deviations: k, distance of the threshold from the median in robust standard deviations.

    Returns:
        The thresholds, in the units of `training`. A channel of which more than half the samples are equal, or that
        holds a NaN, has no level.

    Raises:
        ValueError: No samples.
    """
    steps, channels = training.shape
    if not steps:
        raise ValueError("thresholds need at least one training sample")
    baseline, noise = np.empty(channels), np.empty(channels)
    for start in range(0, channels, CHANNEL_BLOCK):
        part = slice(start, start + CHANNEL_BLOCK)
        block = np.ascontiguousarray(training[:, part].T)
        baseline[part] = np.median(block, axis=1)
        deviation = np.abs(block - baseline[part, None].astype(block.dtype))
        noise[part] = np.median(deviation, axis=1, overwrite_input=True) / GAUSSIAN_MAD
    sign = SPIKE_SIGN[kind]
    level = np.where(noise > 0, baseline + sign * deviations * noise, np.nan)
    return SpikeThresholds(baseline=baseline, level=level, sign=sign)


def threshold_crossings(
    values: NDArray[np.floating[Any]], thresholds: SpikeThresholds, *, rate_hz: float, refractory_s: float = 0.001
) -> list[NDArray[np.intp]]:
    """Steps at which each channel passes its threshold, away from the baseline.

    Args:
        values: (time, channel), one contiguous stretch, in the units of the thresholds.
        thresholds: As from `spike_thresholds`.
        rate_hz: Steps per second.
        refractory_s: Crossings closer than this to the last counted one are part of the same spike.

    Returns:
        For every channel the rising steps (spike,) of the first samples at or beyond the level. The sample before must
        be on the other side: neither a stretch that begins beyond the level nor a NaN makes a spike.

    Raises:
        ValueError: Other channels than the thresholds have.
    """
    level, sign = thresholds.level, thresholds.sign
    if values.shape[1] != level.size:
        raise ValueError(f"{values.shape[1]} channels, but thresholds of {level.size}")
    beyond = values >= level if sign > 0 else values <= level
    short = values < level if sign > 0 else values > level
    steps, channels = np.nonzero(beyond[1:] & short[:-1])
    by_channel = np.argsort(channels, kind="stable")
    borders = np.searchsorted(channels[by_channel], np.arange(1, level.size))
    dead_steps = round(refractory_s * rate_hz)
    return [_outside_dead_time(train, dead_steps) for train in np.split(steps[by_channel] + 1, borders)]


def _outside_dead_time(steps: NDArray[np.intp], dead_steps: int) -> NDArray[np.intp]:
    if (np.diff(steps) >= dead_steps).all():
        return steps
    kept, spike = [], 0
    while spike < len(steps):
        kept.append(spike)
        spike = max(spike + 1, int(np.searchsorted(steps, steps[spike] + dead_steps)))
    return steps[kept]

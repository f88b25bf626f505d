"""The duration of spikes: full width at half maximum of the voltage around each of them.

With a peak p and the channel's baseline b, the half level is (p + b) / 2. The width is the time between the two places
where the trace, taken as linear between samples, passes that level on its way to and from the peak.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def spike_width(
    trace: NDArray[np.floating[Any]],
    steps: NDArray[np.intp],
    *,
    baseline: float,
    sign: int,
    rate_hz: float,
    window_s: float = 0.005,
) -> NDArray[np.float64]:
    """Full width at half maximum of every spike of one channel.

    Args:
        trace: (time,), one channel over one contiguous stretch.
        steps: (spike,), threshold crossings, as from `threshold_crossings`.
        baseline: Level from which the height is measured, in the units of the trace.
        sign: 1 when spikes point upwards, -1 when downwards.
        rate_hz: Steps per second.
        window_s: The peak is the extreme within this time after the crossing, and the trace has to fall to the half
            level within this time on either side of the peak.

    Returns:
        (spike,), in s. NaN for a spike that never falls to half within the window or the stretch, whose peak is not
        beyond the baseline, or that holds a NaN.
    """
    if not len(steps):
        return np.empty(0)
    reach = round(window_s * rate_hz)
    padded = np.pad(sign * (np.asarray(trace, dtype=np.float64) - baseline), reach + 1, constant_values=np.nan)
    starts = np.asarray(steps, dtype=np.intp) + reach + 1
    after = padded[np.minimum(starts[:, None] + np.arange(reach + 1), len(padded) - 1)]
    peaks = starts + np.argmax(np.where(np.isnan(after), -np.inf, after), axis=1)
    half = padded[peaks] / 2
    around = np.arange(1, reach + 1)
    width = sum(_distance_to(half, padded, peaks[:, None] + side * around, peaks) for side in (-1, 1))
    return np.where(half > 0, width, np.nan) / rate_hz


def spike_width_error(true_widths: NDArray[np.floating[Any]], predicted_widths: NDArray[np.floating[Any]]) -> float:
    """How much longer the predicted spikes of a channel last than the true ones.

    Args:
        true_widths: (spike,), in s, as from `spike_width`; NaN is left out.
        predicted_widths: (spike,), in s. Not the same spikes: free runs have their own.

    Returns:
        Median of the predicted minus median of the true widths, in s; NaN when either has none.
    """
    true, predicted = (widths[~np.isnan(widths)] for widths in (true_widths, predicted_widths))
    if not true.size or not predicted.size:
        return math.nan
    return float(np.median(predicted) - np.median(true))


def _distance_to(
    half: NDArray[np.float64], trace: NDArray[np.float64], path: NDArray[np.intp], peaks: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Steps from the peak to where the trace passes `half` along `path` (spike, step): (spike,), NaN if nowhere."""
    values = trace[path]
    # A NaN stops the search as a fall does, and makes the interpolation NaN.
    stopped = ~(values >= half[:, None])
    first = np.argmax(stopped, axis=1)
    rows = np.arange(len(peaks))
    outer = values[rows, first]
    inner = np.where(first > 0, values[rows, np.maximum(first - 1, 0)], trace[peaks])
    found = stopped[rows, first] & (inner > outer)
    share = np.divide(inner - half, inner - outer, out=np.full(len(peaks), np.nan), where=found)
    return first + share

"""What would be seen if the exact times of spikes did not matter: jitter, without resampling.

    x_w(t)  = mean of x over the lags of a window after t
    E(t)    = mean over u in -J..J of x_w(t + u)               the expectation when a spike at t is moved evenly
    Var(t)  = mean over u in -J..J of x_w(t + u)^2 - E(t)^2    its variance

Spikes moved independently of each other have sums of E and Var as moments, so that nothing need be drawn. Intervals
centred on the spikes make the test a cautious one: the spike as it was is one of its own alternatives, and always the
middle one. Means over windows are differences of running sums: their cost does not depend on the width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WIDE = 96
"""Cells from which on rows are added one by one: `cumsum` goes down one column after another, which misses caches."""


def window_means(values: NDArray[np.floating], first: int, last: int) -> NDArray[np.float64]:
    """Mean of rows t + first to t + last for every t where they exist, (rows - (last - first), ...), float64.

    Row 0 of the result is for t = -first.

    Args:
        values: (rows, ...).
        first: First lag.
        last: Last lag, not below the first.
    """
    width = last - first + 1
    sums = np.empty((len(values) + 1, *values.shape[1:]))
    sums[0] = 0
    if values.ndim > 1 and values[0].size >= _WIDE:
        for earlier, row, later in zip(sums[:-1], values, sums[1:], strict=True):
            np.add(earlier, row, out=later)
    else:
        np.cumsum(values, axis=0, dtype=np.float64, out=sums[1:])
    return (sums[width:] - sums[:-width]) / width


def jitter_mean(window: NDArray[np.floating], jitter: int) -> NDArray[np.float64]:
    """Mean of the value at a spike that is moved evenly by up to `jitter` steps, (steps - 2 J, cells).

    Row 0 is for a spike at step J.

    Args:
        window: Values by the step of the spike, (steps, cells).
        jitter: J, steps.
    """
    return window_means(window, -jitter, jitter)


def jitter_variance(window: NDArray[np.floating], mean: NDArray[np.floating], jitter: int) -> NDArray[np.float64]:
    """Variance of the same, (steps - 2 J, cells).

    Args:
        window: Values by the step of the spike, (steps, cells).
        mean: Their `jitter_mean`.
        jitter: J, steps.
    """
    return np.maximum(window_means(np.square(window), -jitter, jitter) - np.square(mean), 0)

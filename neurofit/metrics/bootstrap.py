"""Confidence intervals of scores of a time series whose steps are not independent.

The integrated autocorrelation time of a series with autocorrelation rho is

    tau = 1 + 2 sum_{k >= 1} rho_k

steps: n correlated steps say as much about a mean as n / tau independent ones. The sum is cut at the first lag
M >= 5 tau(M) (A. Sokal, Monte Carlo methods in statistical mechanics, 1989, section 3). The interval resamples
whole blocks of at least 3 tau steps (H. Kuensch, Annals of Statistics 17, 1989).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

MIN_BLOCKS = 20
MAX_BLOCKS = 1000


@dataclass(frozen=True)
class Interval:
    """A 95 % interval, or the reason in words why there is none.

    Attributes:
        ci95: Lower and upper bound, None when the series is too short.
        note: Why ci95 is None, else None.
    """

    ci95: tuple[float, float] | None
    note: str | None


def integrated_autocorrelation_time(series: NDArray[np.floating]) -> float:
    """Integrated autocorrelation time tau = 1 + 2 sum rho_k, in steps.

    Args:
        series: (time,).

    Returns:
        tau, at least 1; 1 for a constant series. (1 + phi) / (1 - phi) for a first-order autoregression phi.
    """
    n = len(series)
    centred = np.asarray(series, dtype=np.float64) - np.mean(series)
    power = np.abs(fft.rfft(centred, fft.next_fast_len(2 * n, real=True))) ** 2
    covariance = fft.irfft(power, fft.next_fast_len(2 * n, real=True))[:n]
    if n < 2 or covariance[0] <= np.finfo(np.float64).eps * n * np.mean(series) ** 2:
        return 1.0
    tau = 2 * np.cumsum(covariance / covariance[0]) - 1
    closed = np.flatnonzero(np.arange(n) >= 5 * tau)
    return max(1.0, float(tau[closed[0] if len(closed) else -1]))


def block_bootstrap(
    series: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Percentile interval of a statistic of the means of paired series.

    Time is cut into non-overlapping blocks of (nearly) equal length, at least three times the largest of the
    autocorrelation times and at most 1000 in number. All series are resampled with the same blocks.

    Args:
        series: (time, series), steps that belong together in one row. Stretches on both sides of a gap are taken
            as if they followed each other: a gap only lowers the correlation that the blocks have to hold.
        statistic: From means (resample, series) to values (resample,).
        resamples: Number of resamples.
        seed: Seed of the resampling.

    Returns:
        The 2.5 and 97.5 percentiles, or a note when fewer than 20 blocks fit or the statistic is not finite.
    """
    n_steps = len(series)
    length = max(math.ceil(3 * integrated_autocorrelation_time(column)) for column in series.T)
    n_blocks = min(n_steps // length, MAX_BLOCKS)
    if n_blocks < MIN_BLOCKS:
        return Interval(
            None,
            f"{n_steps} steps hold {n_blocks} blocks of {length} steps (3 autocorrelation times of the loss), "
            f"an interval needs {MIN_BLOCKS}",
        )
    edges = np.arange(n_blocks + 1) * n_steps // n_blocks
    weights = np.random.default_rng(seed).multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=resamples)
    sums = weights @ np.add.reduceat(series, edges[:-1], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = statistic(sums / (weights @ np.diff(edges))[:, None])
    if not np.isfinite(values).all():
        return Interval(None, "the score is not finite in every resample (the reference makes almost no errors)")
    lower, upper = np.quantile(values, (0.025, 0.975))
    return Interval((float(lower), float(upper)), None)

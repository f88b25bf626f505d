"""What the largest of many correlated scores is worth: the chance that the best of as many lags is as good.

Under no effect the scores of a pair at L lags are a Gaussian process with the autocorrelation of the voltage. How large
its largest absolute value gets is found by drawing such processes; z is the normal quantile of that chance, so that it
is standard normal again. Beyond the draws, the chance is that of one lag times what it was there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp

_DRAWS, _BATCH, _TAIL, _SCORES = 20_000, 2_000, 100, 2**18


def searched_z(score: NDArray[np.floating], correlation: NDArray[np.floating], *, seed: int = 0) -> NDArray[np.float64]:
    """z of scores that are the largest, in absolute value, of all lags.

    Args:
        score: Signed score, standard normal at any one lag.
        correlation: Of scores by their distance in lags, 1 first, (lags,).
        seed: Seed of the draws.
    """
    largest = np.sort(_largest(np.asarray(correlation, dtype=np.float64), seed))
    flat: NDArray[np.float64] = np.array(score, dtype=np.float64).reshape(-1)
    for start in range(0, len(flat), _SCORES):
        flat[start : start + _SCORES] = _z_of(flat[start : start + _SCORES], largest)
    return flat.reshape(np.shape(score))


def _z_of(score: NDArray[np.float64], largest: NDArray[np.float64]) -> NDArray[np.float64]:
    """z of scores, given the sorted largest ones of draws without any effect."""
    height = np.abs(score)
    # The chance of more than each of the sorted draws, down to where some are left to tell.
    kept = len(largest) - _TAIL
    log_p = np.log((len(largest) - 0.5 - np.arange(kept)) / len(largest))
    join = largest[kept - 1]
    beyond = np.log(2) + log_ndtr(-height) + (log_p[-1] - np.log(2) - log_ndtr(-join))
    drawn = np.interp(height, np.r_[0.0, largest[:kept]], np.r_[0.0, log_p])
    log_p = np.where(np.isnan(height), np.nan, np.where(height > join, np.minimum(beyond, log_p[-1]), drawn))
    return -np.sign(score) * ndtri_exp(log_p - np.log(2))


def _largest(correlation: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    n = len(correlation)
    distance = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    values, vectors = np.linalg.eigh(correlation[distance])
    root = vectors * np.sqrt(np.maximum(values, 0))
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    batches = (np.abs(root @ rng.standard_normal((n, _BATCH))).max(axis=0) for _ in range(_DRAWS // _BATCH))
    return np.concatenate(list(batches))

"""Confidence intervals of AUC and AP over presynaptic cells.

Pairs of one presynaptic cell share its spikes, so they are resampled together: whole presynaptic cells, with
replacement. A score of millions of pairs is not recomputed for each resample: pairs are put once into bins of
neighbouring ranks (narrow at the top, where AP is decided), and a resample adds up the histograms of its cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_CELLS = 20
_BINS = 400

Interval = tuple[float, float]


def rank_intervals(
    score: NDArray[np.floating],
    edge: NDArray[np.bool_],
    pre: NDArray[np.integer],
    *,
    resamples: int = 200,
    seed: int = 0,
) -> tuple[Interval, Interval] | None:
    """95 % percentile intervals of AUC and of AP.

    Args:
        score: What pairs are ranked by, (pairs,).
        edge: Whether a pair is a true edge, (pairs,).
        pre: Presynaptic cell of each pair, from 0, (pairs,).
        resamples: Number of resamples.
        seed: Seed of the resampling.

    Returns:
        Intervals of AUC and AP; None with fewer than 20 presynaptic cells, or where a resample has no edge.
    """
    present = np.flatnonzero(np.bincount(pre))
    if len(present) < MIN_CELLS:
        return None
    ranks = np.unique(np.geomspace(1, len(score), _BINS).astype(np.int64))
    bounds = np.unique(np.sort(score)[-ranks])
    shape = (int(present[-1]) + 1, len(bounds))
    place = pre.astype(np.int64) * shape[1] + (bounds.searchsorted(score, side="right") - 1)
    size = shape[0] * shape[1]
    # Bins from the highest score down.
    edges = np.bincount(place[edge], minlength=size).reshape(shape)[present, ::-1].astype(np.float64)
    others = np.bincount(place[~edge], minlength=size).reshape(shape)[present, ::-1].astype(np.float64)
    equal = np.full(len(present), 1 / len(present))
    weights = np.random.default_rng(seed).multinomial(len(present), equal, size=resamples).astype(np.float64)
    true_calls, false_calls = np.cumsum(weights @ edges, axis=1), np.cumsum(weights @ others, axis=1)
    n_edges, n_others = true_calls[:, -1:], false_calls[:, -1:]
    if not (n_edges > 0).all() or not (n_others > 0).all():
        return None
    found = np.diff(true_calls, axis=1, prepend=0.0) / n_edges
    false_before = np.concatenate([np.zeros_like(n_edges), false_calls[:, :-1]], axis=1)
    auc = 1 - (found * (false_calls + false_before) / 2 / n_others).sum(axis=1)
    ap = (found * true_calls / np.maximum(true_calls + false_calls, 1)).sum(axis=1)
    return _interval(auc), _interval(ap)


def _interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)

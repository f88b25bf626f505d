"""How well a ranking of pairs finds the true edges: ROC AUC, average precision and Matthews correlation.

Pairs are called edges from the highest score down; pairs of equal score are called together. Let T(s) and F(s) be the
numbers of edges and of other pairs with a score of at least s, P and Q their totals, and s run over the distinct
scores of the edges, of which dT(s) have that very score:

    AUC = 1 - sum_s dT(s) (F(s) + F(above s)) / 2 / (P Q)                 (a tie counts one half)
    AP  = sum_s dT(s) / P  T(s) / (T(s) + F(s))                           (no interpolation)
    MCC = (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN))

Edges and other pairs are sorted apart, as values without their indices: several times faster than one sorted list of
pairs, and a network of 2022 cells has four million.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class RankedPairs:
    """Scores of edges and of other pairs, each in ascending order.

    Attributes:
        edges: Scores of the true edges, (edges,), ascending.
        others: Scores of the other pairs, (others,), ascending.
    """

    edges: NDArray[np.floating]
    others: NDArray[np.floating]

    @property
    def defined(self) -> bool:
        """Whether there are both edges and other pairs, without which no score has a meaning."""
        return len(self.edges) > 0 and len(self.others) > 0

    def auc(self) -> float:
        """Area under the ROC curve; NaN unless `defined`."""
        if not self.defined:
            return math.nan
        below, at_most = (self.others.searchsorted(self.edges, side=side).sum() for side in ("left", "right"))
        return float(below + at_most) / 2 / (len(self.edges) * len(self.others))

    def ap(self) -> float:
        """Average precision; NaN unless `defined`."""
        if not self.defined:
            return math.nan
        recall, precision = self.precision_recall()
        return float(np.dot(np.diff(recall, prepend=0.0), precision))

    def precision_recall(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Recall, rising, and precision at the distinct scores of the edges, (thresholds,) each."""
        starts = np.ones(len(self.edges), dtype=bool)
        starts[1:] = self.edges[1:] != self.edges[:-1]
        first = np.flatnonzero(starts)[::-1]
        true_calls = len(self.edges) - first
        false_calls = len(self.others) - self.others.searchsorted(self.edges[first], side="left")
        return true_calls / max(len(self.edges), 1), true_calls / (true_calls + false_calls)

    def mcc(self, calls: int) -> float:
        """Matthews correlation when the `calls` highest pairs are called edges; NaN where it is not defined.

        Where the last call falls among pairs of equal score, the counts are those expected of a random order of them.
        """
        n_pairs = len(self.edges) + len(self.others)
        if not self.defined or not 0 < calls < n_pairs:
            return math.nan
        threshold = np.partition(np.concatenate([self.edges, self.others]), n_pairs - calls)[n_pairs - calls]
        above, tied = [], []
        for scores in (self.edges, self.others):
            low, high = (int(scores.searchsorted(threshold, side=side)) for side in ("left", "right"))
            above.append(len(scores) - high)
            tied.append(high - low)
        share = (calls - sum(above)) / sum(tied)
        true, false = (a + share * t for a, t in zip(above, tied, strict=True))
        return matthews(true, false, len(self.edges) - true, len(self.others) - false)


def ranked_pairs(score: NDArray[np.floating], edge: NDArray[np.bool_]) -> RankedPairs:
    """Pairs in the order of their scores.

    Args:
        score: What pairs are ranked by, highest first, (pairs,); finite.
        edge: Whether a pair is a true edge, (pairs,).
    """
    return RankedPairs(np.sort(score[edge]), np.sort(score[~edge]))


def matthews(true_calls: float, false_calls: float, missed: float, rejected: float) -> float:
    """Matthews correlation coefficient of a table of calls; NaN where a margin of the table is empty.

    Args:
        true_calls: Edges called.
        false_calls: Other pairs called.
        missed: Edges not called.
        rejected: Other pairs not called.

    Source: B. Matthews, Biochimica et Biophysica Acta 405 (1975) 442.
    """
    margins = (true_calls + false_calls, true_calls + missed, rejected + false_calls, rejected + missed)
    if min(margins) <= 0:
        return math.nan
    # Square roots first: the product of four margins of millions of pairs loses digits.
    return (true_calls * rejected - false_calls * missed) / math.prod(math.sqrt(margin) for margin in margins)

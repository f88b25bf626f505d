"""Which connections, and which signs of presynaptic cells, an estimate supports: false discovery rates on z.

A pair's two-sided p is 2 (1 - Phi(|z|)). The q of a pair is the smallest false discovery rate at which it is called,
after Y. Benjamini and Y. Hochberg, J. R. Stat. Soc. B 57 (1995) 289: with the p of m tests in ascending order,

    q_(i) = min_{k >= i} m p_(k) / k

The sign of a presynaptic cell j is that of S_j = sum_i z_ij |z_ij| over its targets i: strong effects decide, weak ones
hardly count. Without any effect z_ij |z_ij| has mean 0 and variance E z^4 = 3, so S_j / sqrt(3 n_j) is about standard
normal for n_j targets whose z are independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc
from scipy.stats import false_discovery_control

from neurofit.connectivity.estimate import Estimate


@dataclass(frozen=True, eq=False)
class EdgeCalls:
    """Pairs called connected at a false discovery rate.

    Attributes:
        sign: 1 for a pair called excitatory, -1 for one called inhibitory, 0 for one not called, (post, pre).
        n_tests: Number of pairs tested.
        fdr: The false discovery rate.
    """

    sign: NDArray[np.int8]
    n_tests: int
    fdr: float

    @property
    def called(self) -> NDArray[np.bool_]:
        """Whether a pair is called, (post, pre)."""
        return self.sign != 0

    @property
    def n_calls(self) -> int:
        """Number of pairs called."""
        return int(np.count_nonzero(self.sign))


@dataclass(frozen=True, eq=False)
class PresynapticSigns:
    """Whether a presynaptic cell excites or inhibits.

    Attributes:
        sign: 1, -1, or 0 for a cell that says nothing (it never fires), (pre,).
        p: Two-sided probability of so clear a sign without any effect, (pre,); 1 where the sign is 0.
    """

    sign: NDArray[np.int8]
    p: NDArray[np.float64]

    def called(self, fdr: float = 0.05) -> NDArray[np.int8]:
        """Signs that hold at a false discovery rate over the cells, 0 for the others, (pre,)."""
        tested = self.sign != 0
        q = np.ones(len(self.p))
        if tested.any():
            q[tested] = false_discovery_control(self.p[tested])
        return np.where(q <= fdr, self.sign, 0).astype(np.int8)


def two_sided_p(z: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probability of a standard normal at least as far from 0 as z, of any shape; NaN for NaN."""
    return erfc(np.abs(np.asarray(z, dtype=np.float64)) / np.sqrt(2))


def edge_calls(estimate: Estimate, fdr: float = 0.05) -> EdgeCalls:
    """Pairs called connected at a false discovery rate, over all pairs for which the estimate has a standard error.

    Args:
        estimate: The estimate; its diagonal and the pairs it says nothing about are no tests.
        fdr: Expected share of false calls among all calls, above 0 and at most 1.

    Raises:
        ValueError: `fdr` is no such share.
    """
    if not 0 < fdr <= 1:
        raise ValueError(f"fdr must be above 0 and at most 1, got {fdr}")
    p, n_tests = two_sided_p(estimate.z), int(_tested(estimate).sum())
    called = _tested(estimate) & (p <= _threshold(p[_tested(estimate) & (p <= fdr)], n_tests, fdr))
    return EdgeCalls(np.where(called, np.sign(estimate.z), 0).astype(np.int8), n_tests, fdr)


def q_values(estimate: Estimate) -> NDArray[np.float64]:
    """Smallest false discovery rate at which each pair is called, (post, pre); NaN where nothing was tested.

    Args:
        estimate: The estimate.
    """
    tested = _tested(estimate)
    q = np.full(estimate.z.shape, np.nan)
    if tested.any():
        q[tested] = false_discovery_control(two_sided_p(estimate.z[tested]))
    return q


def _tested(estimate: Estimate) -> NDArray[np.bool_]:
    tested = np.isfinite(estimate.se)
    np.fill_diagonal(tested, False)
    return tested


def _threshold(p: NDArray[np.float64], n_tests: int, fdr: float) -> float:
    """Largest p that is called, -1 for none; `p` holds those up to `fdr`, as no larger one can be."""
    p = np.sort(p)
    below = np.flatnonzero(p * n_tests <= fdr * np.arange(1, len(p) + 1))
    return float(p[below[-1]]) if len(below) else -1.0


def presynaptic_signs(z: NDArray[np.floating]) -> PresynapticSigns:
    """Sign of each presynaptic cell, and how likely one so clear is without any effect.

    Args:
        z: Signed evidence, standard normal where there is no effect, (post, pre). The diagonal is left out; so are
            pairs of z exactly 0 or not finite, of which nothing is known.

    Returns:
        Signs and their p. The normal approximation is good from about 20 targets on; with fewer, p is too small in the
        far tail. z that are correlated over targets (a shared disturbance) make p too small as well.
    """
    evidence = np.array(z, dtype=np.float64)
    np.fill_diagonal(evidence, 0.0)
    evidence[~np.isfinite(evidence)] = 0.0
    targets = np.count_nonzero(evidence, axis=0)
    total = (evidence * np.abs(evidence)).sum(axis=0)
    p = np.where(targets > 0, two_sided_p(total / np.sqrt(3.0 * np.maximum(targets, 1))), 1.0)
    return PresynapticSigns(np.sign(total).astype(np.int8), p)

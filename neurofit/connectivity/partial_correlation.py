"""Partial correlations of spike counts: what two cells share that no other recorded cell explains.

    R_a = (1 - a) R + a I        r_ij = -P_ij / sqrt(P_ii P_jj),   P = R_a^-1

R is the correlation matrix of the counts and a the oracle approximating shrinkage towards the identity (Y. Chen et al.,
IEEE Transactions on Signal Processing 58, 2010, in the form for many cells that scikit-learn has too). The measure has
no direction: both entries of a pair are equal, and an effect that outlasts the bin counts for little.
With d = bins - 1 - sum_k (1 - a) l_k / ((1 - a) l_k + a) degrees of freedom, l being the eigenvalues of R,
z = atanh(r) sqrt(d).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from neurofit.connectivity.estimate import Estimate, estimate_of
from neurofit.connectivity.spike_bins import bin_counts, silence_note
from neurofit_io import RecordingError, Spikes


def partial_correlation(spikes: Spikes, *, bin_ms: float = 5.0, shrinkage: float | None = None) -> Estimate:
    """Partial correlations of the counts of all pairs, without a direction.

    Args:
        spikes: Spikes of all cells.
        bin_ms: Bin width, ms.
        shrinkage: a, between 0 and 1; None chooses it from the counts.

    Returns:
        Weight: the partial correlation, the same both ways.

    Raises:
        RecordingError: No spikes, fewer than two cells, bins that do not fit, or counts that a shrinkage of 0 or
            nearly so cannot invert.
    """
    counts = bin_counts(spikes, bin_ms)
    bins = counts.shape[0]
    n_spikes = np.asarray(counts.sum(axis=0), np.float64)
    covariance = (counts.T @ counts).toarray().astype(np.float64) - np.outer(n_spikes, n_spikes) / bins
    variable = covariance.diagonal() > 0
    scale = np.sqrt(covariance.diagonal()[variable])
    correlation = covariance[np.ix_(variable, variable)] / np.outer(scale, scale)
    chosen = oas_shrinkage(correlation, bins) if shrinkage is None else shrinkage
    levels, vectors = linalg.eigh(correlation)
    shrunk = (1 - chosen) * levels + chosen
    freedom = bins - 1 - float(((1 - chosen) * levels / shrunk).sum()) if shrunk.min() > 1e-10 else 0.0
    if freedom < 1:
        raise RecordingError(
            "", f"{bins} bins for {len(levels)} cells that fire, shrinkage {chosen:.3g}", place=spikes.name,
            expected="more bins than cells, or shrinkage", do="use shorter bins, or a higher shrinkage",
        )  # fmt: skip
    precision = (vectors / shrunk) @ vectors.T
    root = np.sqrt(precision.diagonal())
    partial = -precision / np.outer(root, root)
    np.fill_diagonal(partial, 0.0)
    weight, se = (np.full(covariance.shape, np.nan) for _ in range(2))
    weight[np.ix_(variable, variable)] = partial
    se[np.ix_(variable, variable)] = (1 - partial**2) / np.sqrt(freedom)
    with np.errstate(invalid="ignore"):
        z = np.arctanh(weight) * np.sqrt(freedom)
    notes = (f"without direction; bins of {bin_ms:g} ms, shrinkage {chosen:.3g}", *silence_note(n_spikes))
    return estimate_of("partial-correlation", weight, se, z=z, unit="correlation", notes=notes)


def oas_shrinkage(correlation: NDArray[np.float64], samples: int) -> float:
    """Oracle approximating shrinkage of a correlation matrix towards the identity, between 0 and 1.

    Args:
        correlation: (cell, cell).
        samples: Number of samples behind it.
    """
    cells = len(correlation)
    square = float(np.mean(correlation**2))
    mean_square = float(np.mean(correlation.diagonal())) ** 2
    above, below = square + mean_square, (samples + 1) * (square - mean_square / cells)
    return 1.0 if below <= above else above / below

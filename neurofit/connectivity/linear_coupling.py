"""Linear coupling: the spikes of every cell regressed on the past spikes of all cells, through one synaptic kernel.

    x_i(t) = b_i + sum_j w_ij z_j(t) + noise        W = (G + r I)^-1 Z'X

with z_j the past of cell j through a kernel of sum 1, so that w_ij is the number of spikes of i that a spike of j adds.
All targets share the Gram matrix G = Z'Z of centred z, and z its inverse: common input and chains of cells are
accounted for as far as the recorded cells tell. The residual variance of each target, with
Var(W) = s_i^2 (G + rI)^-1 G (G + rI)^-1, gives the standard errors; residuals of short bins are taken to be white.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from neurofit.connectivity.estimate import Estimate, estimate_of
from neurofit.connectivity.spike_bins import Kernel, bin_counts, filtered_blocks, silence_note, synaptic_kernel
from neurofit_io import RecordingError, Spikes

RIDGE = 1e-3


def linear_coupling(
    spikes: Spikes,
    *,
    bin_ms: float = 0.5,
    tau_ms: float = 6.0,
    rise_ms: float = 1.0,
    delay_ms: float = 0.5,
    ridge: float = RIDGE,
) -> Estimate:
    """Least squares of each cell's spikes on the filtered past of all cells.

    Args:
        spikes: Spikes of all cells.
        bin_ms: Bin width, ms.
        tau_ms: Decay of the synaptic kernel, ms.
        rise_ms: Rise of the synaptic kernel, ms.
        delay_ms: Synaptic delay, ms.
        ridge: Penalty, relative to the mean diagonal of the Gram matrix.

    Returns:
        Weight: spikes of post that a spike of pre adds.

    Raises:
        RecordingError: No spikes, fewer than two cells, bins that do not fit, or no more bins than cells.
    """
    counts = bin_counts(spikes, bin_ms)
    bins, cells = counts.shape
    if bins <= cells + 1:
        raise RecordingError(
            "", f"{bins} bins for {cells} cells", place=spikes.name, expected="more bins than cells",
            do="use shorter bins or a longer recording",
        )  # fmt: skip
    kernel = synaptic_kernel(bin_ms=bin_ms, tau_ms=tau_ms, rise_ms=rise_ms, delay_ms=delay_ms)
    n_spikes = np.asarray(counts.sum(axis=0), np.float64)
    gram, cross = coupling_moments(counts, kernel)
    penalty = ridge * float(np.mean(gram.diagonal()))
    inverse = linalg.cho_solve(linalg.cho_factor(gram + penalty * np.eye(cells), lower=True), np.eye(cells))
    stacked = inverse @ cross
    total = np.asarray(counts.power(2).sum(axis=0), np.float64) - n_spikes**2 / bins
    residual = total - np.einsum("ji,ji->i", stacked, 2 * cross - gram @ stacked)
    spread = np.einsum("jk,kj->j", inverse @ gram, inverse)
    variance = np.outer(residual / (bins - cells - 1), spread)
    silent = n_spikes == 0
    variance[silent], variance[:, silent] = np.nan, np.nan
    notes = (f"kernel: rise {rise_ms:g} ms, decay {tau_ms:g} ms, delay {delay_ms:g} ms", *silence_note(n_spikes))
    with np.errstate(invalid="ignore"):
        se = np.sqrt(variance)
    return estimate_of("linear-coupling", stacked.T, se, unit="spikes per spike", notes=notes)


def coupling_moments(counts: sparse.csr_array, kernel: Kernel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centred moments of the filtered past z with itself and with the counts x.

    Args:
        counts: (bins, cells).
        kernel: The filter.

    Returns:
        Z'Z, (cell, cell), and Z'X, (pre, post).
    """
    bins, cells = counts.shape
    gram, cross, sums = np.zeros((cells, cells)), np.zeros((cells, cells)), np.zeros(cells)
    for start, past in filtered_blocks(counts, kernel):
        gram += past.T @ past
        cross += (counts[start : start + len(past)].T @ past).T
        sums += past.sum(axis=0, dtype=np.float64)
    gram -= np.outer(sums, sums) / bins
    cross -= np.outer(sums, np.asarray(counts.sum(axis=0), np.float64)) / bins
    return gram, cross

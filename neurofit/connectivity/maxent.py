"""Couplings of a pairwise maximum entropy model as an estimate of connectivity.

The couplings have no direction and are no synapses; they are scored as if they were, to see how far they go. The model
is that of `pairwise_model`, fitted as in `pseudo_likelihood`.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from neurofit.connectivity.estimate import Estimate, estimate_of
from neurofit.connectivity.pairwise_model import binary_words
from neurofit.connectivity.pseudo_likelihood import PairwiseFit, choose_prior_sd, fit_pairwise
from neurofit.connectivity.spike_bins import silence_note
from neurofit_io import Spikes


def maxent(spikes: Spikes, *, bin_ms: float = 20.0, prior_sd: float | None = None, tolerance: float = 0.01) -> Estimate:
    """Pairwise maximum entropy couplings of all cells.

    Args:
        spikes: Spikes of all cells.
        bin_ms: Bin width, ms; a cell is active in a bin in which it fires.
        prior_sd: Prior standard deviation of a coupling, log odds; None chooses it by the pseudo-likelihood of the last
            fifth of the recording given the rest.
        tolerance: A cell has converged when the norm of its gradient is at most this many standard errors.

    Returns:
        Weight: J, log odds, the same both ways.

    Raises:
        RecordingError: No spikes, fewer than two cells, or bins that do not fit.
    """
    words = binary_words(spikes, bin_ms)
    chosen = choose_prior_sd(words) if prior_sd is None else prior_sd
    return maxent_estimate(fit_pairwise(words, prior_sd=chosen, tolerance=tolerance), words, bin_ms=bin_ms)


def maxent_estimate(fit: PairwiseFit, words: sparse.csr_array, *, bin_ms: float) -> Estimate:
    """The couplings of a fit as an estimate.

    Args:
        fit: The fit.
        words: (bins, cells), the words that it was fitted to.
        bin_ms: Their bin width, ms.
    """
    active = np.asarray(words.sum(axis=0), np.float64)
    varies = int(np.count_nonzero((active > 0) & (active < words.shape[0])))
    notes = (
        f"without direction; {words.shape[0]} bins of {bin_ms:g} ms, prior sd {fit.prior_sd:g}",
        f"{fit.converged} of {varies} cells converged in {fit.iterations} steps; gradient norm at most "
        f"{fit.gradient_norm:.2g} standard errors",
        *silence_note(active),
    )
    return estimate_of("maxent", fit.model.coupling, fit.coupling_se, unit="log odds", notes=notes)

"""Cross-correlograms of all pairs against what remains of them when spikes are jittered.

    C(l)   = sum_t x_post(t) x_pre(t - l)
    excess = sum_l [w(l) - e(l)] C(l) / c         e = w * uniform jitter,   c = sum_l w(l) [w(l) - e(l)] / sum_l w(l)

w is 1 in the window of synaptic lags. Averaged over all jitters of the presynaptic spikes by up to J, the counts in the
window are the correlogram smoothed with the jitter (E. Stark and M. Abeles, Journal of Neuroscience Methods 179, 2009,
who convolve; A. Amarasingham et al., Journal of Neurophysiology 107, 2012, on jitter): nothing is resampled. Of a peak
inside the window a part c survives the subtraction, which the division mends. If spikes only follow rates slower than
J, C(l) is Poisson of one mean m for the lags concerned, and the variance of the excess m sum_l [w(l) - e(l)]^2 / c^2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neurofit.connectivity.estimate import Estimate, estimate_of
from neurofit.connectivity.spike_bins import Kernel, bin_counts, filtered_blocks, silence_note
from neurofit_io import Spikes


def correlogram(
    spikes: Spikes,
    *,
    bin_ms: float = 0.5,
    from_ms: float = 1.0,
    to_ms: float = 6.0,
    jitter_ms: float = 20.0,
) -> Estimate:
    """Spikes of each cell at synaptic lags after those of each other, beyond what jittered spikes give.

    Args:
        spikes: Spikes of all cells.
        bin_ms: Bin width, ms.
        from_ms: First lag of the window, ms, included.
        to_ms: Last lag of the window, ms, included.
        jitter_ms: Largest jitter, ms. Correlations slower than this count as expected.

    Returns:
        Weight: excess spikes of post per spike of pre. z is weight / se, with an expectation of at least one count in
        the variance, so that pairs which hardly ever fire together say little.

    Raises:
        RecordingError: No spikes, fewer than two cells, or bins that do not fit.
        ValueError: The window is empty, or shorter than a bin from 0.
    """
    counts = bin_counts(spikes, bin_ms)
    first, last, jitter = (round(span / bin_ms) for span in (from_ms, to_ms, jitter_ms))
    if not (1 <= first <= last and jitter >= 1):
        raise ValueError(
            f"lags from {from_ms:g} to {to_ms:g} ms, jitter {jitter_ms:g} ms, bins of {bin_ms:g} ms; expected "
            "rising lags of a bin or more and a jitter of a bin or more"
        )
    window, expected = window_and_jitter(first, last, jitter)
    difference = window - expected
    kept = float(window @ difference / window.sum())
    excess = _correlate(counts, Kernel(difference, first - jitter))
    mean = _correlate(counts, Kernel(expected / expected.sum(), first - jitter))
    n_spikes = np.asarray(counts.sum(axis=0), np.float64)
    floor = 1 / window.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = excess / kept / n_spikes
        se = np.sqrt(np.maximum(mean, floor) * float(difference @ difference)) / kept / n_spikes
    silent = n_spikes == 0
    se[silent], se[:, silent] = np.nan, np.nan
    return estimate_of("correlogram", weight, se, unit="spikes per spike", notes=silence_note(n_spikes))


def window_and_jitter(first: int, last: int, jitter: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of the lags `first - jitter` to `last + jitter` in the counts of the window, and in those expected.

    Args:
        first: First lag of the window, bins.
        last: Last lag of the window, bins.
        jitter: Largest jitter, bins; every whole shift up to it is as likely.
    """
    window = np.zeros(last - first + 1 + 2 * jitter)
    window[jitter : len(window) - jitter] = 1.0
    box = np.full(2 * jitter + 1, 1 / (2 * jitter + 1))
    return window, np.convolve(window, box, mode="same")


def _correlate(counts: sparse.csr_array, kernel: Kernel) -> NDArray[np.float64]:
    """sum_t x_post(t) sum_l k(l) x_pre(t - l), (post, pre)."""
    total = np.zeros((counts.shape[1],) * 2)
    for start, filtered in filtered_blocks(counts, kernel):
        total += counts[start : start + len(filtered)].T @ filtered
    return total

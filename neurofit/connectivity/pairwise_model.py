"""The pairwise maximum entropy model of binary words, its conditionals, and everything exact about small ones.

    P(s) = exp(sum_i h_i s_i + 1/2 sum_ij J_ij s_i s_j) / Z       s_i in {0, 1}, J symmetric, J_ii = 0

Of all distributions with the same means and pairwise correlations it has the highest entropy (E. Schneidman, M. Berry,
R. Segev and W. Bialek, Nature 440, 2006). A cell is 1 in a bin in which it fires, however often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import logsumexp

from neurofit.connectivity.spike_bins import BLOCK_ELEMENTS, bin_counts
from neurofit_io import Spikes

EXACT_CELLS = 20
"""Cells up to which all words are enumerated: a million of them."""


@dataclass(frozen=True, eq=False)
class PairwiseModel:
    """A pairwise maximum entropy model.

    Attributes:
        field: h, (cell,), natural log odds of a cell being active alone.
        coupling: J, (cell, cell), symmetric with a zero diagonal, natural log odds.
    """

    field: NDArray[np.float64]
    coupling: NDArray[np.float64]

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.field)


@dataclass(frozen=True, eq=False)
class WordMoments:
    """What words have in common, in a model or in data.

    Attributes:
        mean: (cell,), probability that a cell is active.
        pair: (cell, cell), probability that two are active together; the diagonal is `mean`.
        synchrony: P(K), (cells + 1,), probability that K cells are active together.
    """

    mean: NDArray[np.float64]
    pair: NDArray[np.float64]
    synchrony: NDArray[np.float64]

    @property
    def correlation(self) -> NDArray[np.float64]:
        """Pearson correlations of the cells, (cell, cell); 0 for a cell that is always the same."""
        sd = np.sqrt(self.mean * (1 - self.mean))
        scale = np.outer(sd, sd)
        covariance = self.pair - np.outer(self.mean, self.mean)
        return np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)


def binary_words(spikes: Spikes, bin_ms: float) -> sparse.csr_array:
    """1 where a cell fires in a bin, (bins, cells), float32.

    Args:
        spikes: Spikes of all cells.
        bin_ms: Bin width, ms.

    Raises:
        RecordingError: Fewer than two cells, no spikes, or a bin that does not fit.
    """
    words = bin_counts(spikes, bin_ms)
    words.data[:] = 1.0
    return words


def independent_model(words: sparse.csr_array) -> PairwiseModel:
    """The model of independent cells: fields by the means, half a word added to either side so that none is infinite.

    Args:
        words: (bins, cells).
    """
    active = np.asarray(words.sum(axis=0), np.float64) + 0.5
    inactive = words.shape[0] + 1 - active
    return PairwiseModel(np.log(active / inactive), np.zeros((words.shape[1],) * 2))


def data_moments(words: sparse.csr_array) -> WordMoments:
    """Moments of recorded words, (bins, cells)."""
    bins, cells = words.shape
    together = np.bincount(np.asarray(words.sum(axis=1)).astype(np.int64), minlength=cells + 1)
    pair = (words.T @ words).toarray().astype(np.float64) / bins
    return WordMoments(pair.diagonal().copy(), pair, together / bins)


def energies(model: PairwiseModel, words: sparse.csr_array) -> NDArray[np.float64]:
    """sum_i h_i s_i + 1/2 sum_ij J_ij s_i s_j of each word, (bins,)."""
    inputs = words @ model.coupling
    return np.asarray(words @ model.field + words.multiply(inputs).sum(axis=1) / 2).ravel()


def conditional_log_likelihood(model: PairwiseModel, words: sparse.csr_array) -> float:
    """Mean over bins of sum_i log P(s_i | the other cells), nats a bin: the pseudo-log-likelihood.

    Args:
        model: The model; for independent cells this is their log-likelihood.
        words: (bins, cells).
    """
    bins, cells = words.shape
    rows = max(1, BLOCK_ELEMENTS // cells)
    total = 0.0
    for start in range(0, bins, rows):
        block = words[start : start + rows]
        drive = model.field + block @ model.coupling
        total += float(block.multiply(drive).sum() - np.logaddexp(0, drive).sum())
    return total / bins


def independent_synchrony(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(K) of independent cells, (cells + 1,): the distribution of a sum of unequal coins.

    Args:
        mean: (cell,), probability that a cell is active.
    """
    synchrony = np.zeros(len(mean) + 1)
    synchrony[0] = 1.0
    for p in mean:
        synchrony[1:] = synchrony[1:] * (1 - p) + synchrony[:-1] * p
        synchrony[0] *= 1 - p
    return synchrony


def exact_log_partition(model: PairwiseModel) -> float:
    """log Z of at most 20 cells, by enumeration.

    Raises:
        ValueError: More than 20 cells.
    """
    return float(logsumexp(_all_energies(model)))


def exact_moments(model: PairwiseModel) -> WordMoments:
    """Moments of at most 20 cells, by enumeration.

    Raises:
        ValueError: More than 20 cells.
    """
    log_weight = _all_energies(model)
    probability = np.exp(log_weight - logsumexp(log_weight))
    mean, pair = np.zeros(model.n_cells), np.zeros(model.coupling.shape)
    synchrony = np.zeros(model.n_cells + 1)
    for first in range(0, len(probability), 2**14):
        block = probability[first : first + 2**14]
        words = _words(np.arange(first, first + len(block)), model.n_cells)
        mean += block @ words
        pair += words.T @ (block[:, None] * words)
        synchrony += np.bincount(words.sum(axis=1).astype(np.int64), block, minlength=len(synchrony))
    return WordMoments(mean, pair, synchrony)


def _all_energies(model: PairwiseModel) -> NDArray[np.float64]:
    """Energy of every word, of which bit i of its number is cell i, (2^cells,)."""
    if model.n_cells > EXACT_CELLS:
        raise ValueError(f"{model.n_cells} cells; at most {EXACT_CELLS} can be enumerated")
    out = np.empty(2**model.n_cells)
    for first in range(0, len(out), 2**14):
        words = _words(np.arange(first, min(first + 2**14, len(out))), model.n_cells)
        out[first : first + len(words)] = words @ model.field + ((words @ model.coupling) * words).sum(axis=1) / 2
    return out


def _words(numbers: NDArray[np.int64], cells: int) -> NDArray[np.float64]:
    return (numbers[:, None] >> np.arange(cells) & 1).astype(np.float64)

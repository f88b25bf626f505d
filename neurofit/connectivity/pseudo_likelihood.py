"""The pairwise maximum entropy model fitted by pseudo-likelihood: one logistic regression a cell, all at once.

    logit P(s_i = 1 | others) = h_i + sum_j J_ij s_j
    -log PL_i = sum_t [log(1 + exp(d_i(t))) - s_i(t) d_i(t)] + lambda/2 sum_j J_ij^2         d_i = h_i + sum_j J_ij s_j

J. Besag, The Statistician 24, 1975. The two estimates of a pair are averaged. Words of all cells take two dense
products (bins, cells) x (cells, cells) an evaluation, whatever Z may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit

from neurofit.connectivity.batched_lbfgs import minimise_columns
from neurofit.connectivity.pairwise_model import PairwiseModel, conditional_log_likelihood, independent_model
from neurofit.connectivity.spike_bins import BLOCK_ELEMENTS

Floats = NDArray[np.float64]

PRIOR_SDS = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Candidates for the prior standard deviation of a coupling, 1 / sqrt(lambda), log odds."""


@dataclass(frozen=True, eq=False)
class PairwiseFit:
    """A fitted pairwise model.

    Attributes:
        model: The model, its couplings symmetric.
        coupling_se: (cell, cell), standard errors of the couplings, symmetric; NaN for cells that never change.
        prior_sd: Prior standard deviation of the couplings.
        gradient_norm: Largest gradient norm of a cell, in standard errors.
        iterations: Steps of the search.
        converged: Number of regressions that came within the tolerance.
    """

    model: PairwiseModel
    coupling_se: Floats
    prior_sd: float
    gradient_norm: float
    iterations: int
    converged: int


def choose_prior_sd(
    words: sparse.csr_array,
    *,
    candidates: Sequence[float] = PRIOR_SDS,
    validation_fraction: float = 0.2,
    tolerance: float = 0.1,
) -> float:
    """The prior under which the last part of the words is most likely given the part before, by pseudo-likelihood.

    Priors are tried from the narrowest on until one does worse than the one before: wide ones fit slowest.

    Args:
        words: (bins, cells), training words only.
        candidates: Prior standard deviations.
        validation_fraction: Share of the words that is predicted.
        tolerance: Largest gradient norm, standard errors; coarser than that of the fit itself.
    """
    if len(candidates) == 1:
        return candidates[0]
    first = round(words.shape[0] * (1 - validation_fraction))
    before, after = words[:first], words[first:]
    chosen, best = min(candidates), -np.inf
    for prior_sd in sorted(candidates):
        score = conditional_log_likelihood(fit_pairwise(before, prior_sd=prior_sd, tolerance=tolerance).model, after)
        if score < best:
            break
        chosen, best = prior_sd, score
    return chosen


def fit_pairwise(
    words: sparse.csr_array, *, prior_sd: float, tolerance: float = 0.01, max_iterations: int = 200
) -> PairwiseFit:
    """Maximum pseudo-likelihood under a Gaussian prior on the couplings.

    Args:
        words: (bins, cells); a cell that never changes keeps the field of an independent one, and couplings of 0.
        prior_sd: Prior standard deviation of a coupling, log odds.
        tolerance: Largest gradient norm of a cell, in standard errors, all parameters together.
        max_iterations: Steps at most.
    """
    problem = _Regressions(words, prior_sd**-2)
    optimum = minimise_columns(
        problem.evaluate, problem.precondition, problem.start, tolerance=tolerance, max_iterations=max_iterations
    )
    directed, se = optimum.parameters[1:], problem.weight_errors(optimum.parameters)
    cells, varies = words.shape[1], problem.varies
    symmetric = (directed + directed.T) / 2
    coupling, coupling_se = np.zeros((cells, cells)), np.full((cells, cells), np.nan)
    coupling[np.ix_(varies, varies)] = symmetric
    # Both estimates come from the same words and hardly differ, so that averaging does not make them more certain.
    coupling_se[np.ix_(varies, varies)] = (se + se.T) / 2
    np.fill_diagonal(coupling_se, np.nan)
    # The log odds at mean words stay those of the regression when its couplings are replaced by the averages.
    field = independent_model(words).field
    field[varies] = optimum.parameters[0] - problem.mean @ symmetric
    norm = float(optimum.gradient_norm.max(initial=0.0))
    return PairwiseFit(
        PairwiseModel(field, coupling), coupling_se, prior_sd, norm, optimum.iterations, int(optimum.converged.sum())
    )


class _Regressions:
    """Logistic regressions of every cell on all others; a column is the log odds at mean words, then J_.i."""

    def __init__(self, words: sparse.csr_array, penalty: float) -> None:
        active = np.asarray(words.sum(axis=0), np.float64)
        self.varies = np.flatnonzero((active > 0) & (active < words.shape[0]))
        self.words = words[:, self.varies].tocsr()
        self.penalty = penalty
        self.bins, self.cells = self.words.shape
        self.active = active[self.varies]
        self.mean = self.active / self.bins
        together = (self.words.T @ self.words).toarray().astype(np.float64)
        self.cross = together - np.outer(self.active, self.active) / self.bins
        self._levels, self._vectors = np.linalg.eigh(self.cross)
        self._variance = self.mean * (1 - self.mean)
        self.start = np.zeros((self.cells + 1, self.cells))
        self.start[0] = np.log(self.mean / (1 - self.mean))

    def _drives(self, parameters: Floats) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        rows = max(1, BLOCK_ELEMENTS // self.cells)
        offset, weight = parameters[0].astype(np.float32), parameters[1:].astype(np.float32)
        mean = self.mean.astype(np.float32)
        for start in range(0, self.bins, rows):
            centred = self.words[start : start + rows].toarray() - mean
            yield centred, centred @ weight + offset

    def evaluate(self, parameters: Floats, columns: NDArray[np.intp]) -> tuple[Floats, Floats]:
        loss = self.penalty / 2 * np.square(parameters[1:]).sum(axis=0)
        loss -= (parameters[1:] * self.cross[:, columns]).sum(axis=0) + parameters[0] * self.active[columns]
        gradient = np.zeros(parameters.shape)
        for centred, drive in self._drives(parameters):
            loss += np.logaddexp(0, drive).sum(axis=0, dtype=np.float64)
            probability = expit(drive)
            gradient[0] += probability.sum(axis=0, dtype=np.float64)
            gradient[1:] += centred.T @ probability
        gradient[0] -= self.active[columns]
        gradient[1:] += self.penalty * parameters[1:] - self.cross[:, columns]
        gradient[columns + 1, np.arange(len(columns))] = 0.0
        return loss, gradient

    def precondition(self, gradient: Floats, columns: NDArray[np.intp]) -> Floats:
        """The gradient times the inverse Hessian of independent cells."""
        levels = self._levels[:, None] * self._variance[columns] + self.penalty
        weight = self._vectors @ ((self._vectors.T @ gradient[1:]) / levels)
        weight[columns, np.arange(len(columns))] = 0.0
        return np.concatenate([gradient[:1] / (self.bins * self._variance[columns]), weight])

    def weight_errors(self, parameters: Floats) -> Floats:
        """Standard errors of the directed couplings: correlations as of independent cells, the diagonal exact."""
        total, first, second = np.zeros(self.cells), np.zeros(self.cross.shape), np.zeros(self.cross.shape)
        for centred, drive in self._drives(parameters):
            variance = expit(drive) * expit(-drive)
            total += variance.sum(axis=0, dtype=np.float64)
            first += centred.T @ variance
            second += np.square(centred).T @ variance
        information = second - first**2 / total
        levels = self._levels[:, None] * self._variance
        spread = np.square(self._vectors) @ (levels / np.square(levels + self.penalty))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sqrt(spread * (self.cross.diagonal()[:, None] * self._variance) / information)

"""How well a pairwise maximum entropy model describes words it was not fitted to.

The log-likelihood of a bin is E(s) - log Z, with log Z exact up to 20 cells and by annealed importance sampling above;
the pseudo-log-likelihood needs no Z. Both stand beside independent cells, for whom the two are the same. P(K), the
probability that K cells are active together, is compared by the total variation 1/2 sum_K |P(K) - Q(K)|.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neurofit.connectivity.pairwise_model import (
    EXACT_CELLS,
    PairwiseModel,
    WordMoments,
    conditional_log_likelihood,
    data_moments,
    energies,
    exact_log_partition,
    exact_moments,
    independent_model,
    independent_synchrony,
)
from neurofit.connectivity.word_sampling import LogPartition, annealed_log_partition, sampled_moments


@dataclass(frozen=True)
class MaxentScores:
    """Scores of a pairwise model on held-out words, in nats a bin where they are likelihoods.

    Attributes:
        log_likelihood: Of the pairwise model; NaN when it was not asked for.
        log_likelihood_se: Standard error that log Z brings; 0 when it is exact.
        effective_chains: Chains that carry the weight of log Z; NaN when it is exact.
        independent_log_likelihood: Of independent cells.
        pseudo_log_likelihood: Of the pairwise model, sum over cells given all others.
        synchrony_distance: Total variation of P(K), model against held-out words.
        independent_synchrony_distance: The same of independent cells.
        training_synchrony_distance: Training against held-out words: what a perfect fit would still leave.
        mean_error: Root mean square difference of the cells' probabilities, model against training words.
        mean_sampling_error: What of that the sampling brings, from two halves of the chains; 0 when it is exact.
        correlation_error: The same of pairwise correlations, off the diagonal.
        correlation_sampling_error: What of that the sampling brings.
        independent_correlation_error: The same of independent cells, whose correlations are 0.
        method: How log Z and the moments were had: `exact` or `sampled`.
    """

    log_likelihood: float
    log_likelihood_se: float
    effective_chains: float
    independent_log_likelihood: float
    pseudo_log_likelihood: float
    synchrony_distance: float
    independent_synchrony_distance: float
    training_synchrony_distance: float
    mean_error: float
    mean_sampling_error: float
    correlation_error: float
    correlation_sampling_error: float
    independent_correlation_error: float
    method: str

    def as_json(self) -> dict[str, Any]:
        """The scores for a JSON file; None for what is not known."""
        return {name: None if value != value else value for name, value in asdict(self).items()}


@dataclass(frozen=True, eq=False)
class Synchrony:
    """P(K) of held-out words and of two models of them, each (cells + 1,)."""

    data: NDArray[np.float64]
    pairwise: NDArray[np.float64]
    independent: NDArray[np.float64]


def score_maxent(
    model: PairwiseModel,
    train: sparse.csr_array,
    held_out: sparse.csr_array,
    *,
    chains: int = 200,
    sweeps: int = 100,
    annealing_steps: int = 500,
    seed: int = 0,
) -> tuple[MaxentScores, Synchrony]:
    """Score a model on held-out words beside independent cells.

    Args:
        model: As fitted to `train`.
        train: (bins, cells), the words that were fitted.
        held_out: (bins, cells), later words.
        chains: Gibbs chains where sampling is needed.
        sweeps: Sweeps of each that are kept, after as many that are not.
        annealing_steps: Temperatures of the annealing; 0 leaves log Z, and the likelihood, unknown.
        seed: Seed of the sampling.
    """
    alone = independent_model(train)
    exact = model.n_cells <= EXACT_CELLS
    if exact:
        moments, partition = exact_moments(model), LogPartition(exact_log_partition(model), 0.0, np.nan)
        sampling_errors = 0.0, 0.0
    else:
        halves = [
            sampled_moments(model, chains=-(-chains // 2), sweeps=sweeps, burn_in=sweeps, seed=2 * seed + half)
            for half in range(2)
        ]
        moments = mean_moments(halves)
        # Two independent halves differ by twice what their mean errs by.
        errors = moment_errors(*halves)
        sampling_errors = errors[0] / 2, errors[1] / 2
        partition = LogPartition(np.nan, np.nan, np.nan)
        if annealing_steps:
            partition = annealed_log_partition(model, alone, chains=chains, steps=annealing_steps, seed=seed)
    fitted, later = data_moments(train), data_moments(held_out)
    synchrony = Synchrony(later.synchrony, moments.synchrony, independent_synchrony(fitted.mean))
    mean_error, correlation_error = moment_errors(moments, fitted)
    mean_sampling_error, correlation_sampling_error = sampling_errors
    off = ~np.eye(model.n_cells, dtype=bool)
    scores = MaxentScores(
        log_likelihood=float(energies(model, held_out).mean()) - partition.value,
        log_likelihood_se=partition.se,
        effective_chains=partition.effective_chains,
        independent_log_likelihood=conditional_log_likelihood(alone, held_out),
        pseudo_log_likelihood=conditional_log_likelihood(model, held_out),
        synchrony_distance=total_variation(moments.synchrony, later.synchrony),
        independent_synchrony_distance=total_variation(synchrony.independent, later.synchrony),
        training_synchrony_distance=total_variation(fitted.synchrony, later.synchrony),
        mean_error=mean_error,
        mean_sampling_error=mean_sampling_error,
        correlation_error=correlation_error,
        correlation_sampling_error=correlation_sampling_error,
        independent_correlation_error=_root_mean_square(fitted.correlation[off]),
        method="exact" if exact else "sampled",
    )
    return scores, synchrony


def mean_moments(samples: Sequence[WordMoments]) -> WordMoments:
    """Moments of samples of the same size taken together."""
    mean, pair, synchrony = (
        np.mean([getattr(sample, name) for sample in samples], axis=0) for name in ("mean", "pair", "synchrony")
    )
    return WordMoments(mean, pair, synchrony)


def moment_errors(model: WordMoments, data: WordMoments) -> tuple[float, float]:
    """Root mean square differences of the means, and of the correlations off the diagonal.

    Args:
        model: Moments.
        data: Others of the same cells.
    """
    off = ~np.eye(len(data.mean), dtype=bool)
    return _root_mean_square(model.mean - data.mean), _root_mean_square((model.correlation - data.correlation)[off])


def total_variation(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Half the summed absolute difference of two distributions: from 0, the same, to 1, no overlap."""
    return float(np.abs(p - q).sum() / 2)


def _root_mean_square(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))

"""Words drawn from a pairwise model, and its log Z, by Gibbs sampling of many chains at once.

A sweep sets every cell in turn to its conditional given the others. Annealed importance sampling (R. Neal, Statistics
and Computing 11, 2001) moves words from independent cells, whose log Z_0 is known, to the model in small steps of b,

    log f_b(s) = h0.s + b [(h - h0).s + 1/2 s'Js],      log w = sum_k (b_{k+1} - b_k) [(h - h0).s_k + 1/2 s_k'J s_k]

and Z / Z_0 = <w> over the chains.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, logsumexp

from neurofit.connectivity.pairwise_model import PairwiseModel, WordMoments, data_moments


@dataclass(frozen=True)
class LogPartition:
    """An estimate of log Z.

    Attributes:
        value: log Z, nats.
        se: Its standard error over the chains, nats; meaningless where few chains carry the weight.
        effective_chains: (sum w)^2 / sum w^2.
    """

    value: float
    se: float
    effective_chains: float


def sampled_moments(
    model: PairwiseModel, *, chains: int = 200, sweeps: int = 100, burn_in: int = 100, seed: int = 0
) -> WordMoments:
    """Moments of a model from Gibbs samples, of every sweep after the burn-in.

    Args:
        model: The model.
        chains: Independent chains, begun at independent cells with the model's fields.
        sweeps: Sweeps kept of each chain.
        burn_in: Sweeps before them.
        seed: Seed of everything random.
    """
    rng = np.random.default_rng(seed)
    state = _independent_words(model.field, chains, rng)
    coupling, field = _float32(model)
    cells = model.n_cells
    mean, pair, synchrony = np.zeros(cells), np.zeros((cells, cells)), np.zeros(cells + 1)
    for sweep in range(burn_in + sweeps):
        _sweep(state, field, coupling, rng)
        if sweep >= burn_in:
            sample = data_moments(sparse.csr_array(state.T))
            mean += sample.mean / sweeps
            pair += sample.pair / sweeps
            synchrony += sample.synchrony / sweeps
    return WordMoments(mean, pair, synchrony)


def annealed_log_partition(
    model: PairwiseModel, base: PairwiseModel, *, chains: int = 100, steps: int = 500, seed: int = 0
) -> LogPartition:
    """log Z by annealed importance sampling.

    Args:
        model: The model.
        base: Independent cells to begin with, as of `independent_model`; couplings are not looked at.
        chains: Independent chains.
        steps: Temperatures, a sweep at each.
        seed: Seed of everything random.
    """
    rng = np.random.default_rng(seed)
    state = _independent_words(base.field, chains, rng)
    coupling, field = _float32(model)
    start = base.field.astype(np.float32)
    log_weight = np.zeros(chains)
    levels = np.linspace(0, 1, steps + 1)
    for before, after in itertools.pairwise(levels):
        energy = (field - start) @ state + np.einsum("ic,ic->c", state, coupling @ state) / 2
        log_weight += (after - before) * energy
        _sweep(state, start + np.float32(after) * (field - start), np.float32(after) * coupling, rng)
    log_base = float(np.logaddexp(0, base.field).sum())
    share = np.exp(log_weight - logsumexp(log_weight))
    se = float(np.std(share * chains, ddof=1) / np.sqrt(chains))
    value = log_base + float(logsumexp(log_weight)) - float(np.log(chains))
    return LogPartition(value, se, float(1 / np.square(share).sum()))


def _float32(model: PairwiseModel) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return model.coupling.astype(np.float32), model.field.astype(np.float32)


def _independent_words(field: NDArray[np.float64], chains: int, rng: np.random.Generator) -> NDArray[np.float32]:
    return (rng.random((len(field), chains)) < expit(field)[:, None]).astype(np.float32)


def _sweep(
    state: NDArray[np.float32], field: NDArray[np.float32], coupling: NDArray[np.float32], rng: np.random.Generator
) -> None:
    """Every cell once, in order, in place; state (cell, chain)."""
    # log(u / (1 - u)) < drive says u < 1 / (1 + exp(-drive)), for all cells at once.
    uniform = rng.random(state.shape, dtype=np.float32)
    with np.errstate(divide="ignore"):
        threshold = np.log(uniform) - np.log1p(-uniform) - field[:, None]
    for cell in range(len(state)):
        state[cell] = threshold[cell] < coupling[cell] @ state

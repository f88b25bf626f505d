"""Innovations to drive a free run with: a Gaussian fitted to a predictor's residuals, or the residuals themselves.

    e_t = S (L z_t + sqrt(d) n_t),   z_t, n_t ~ N(0, 1)        gaussian: covariance S (L L' + diag(d)) S
    e_t = r_{s + t mod b},           s uniform, anew every b   resampled: whole rows, in blocks of b

Residuals of voltages come in bursts, which blocks keep and a Gaussian does not; both keep what channels share. L are
the first principal axes of the residuals' correlations, lambda_k the k-th eigenvalue,

    L = [v_1 sqrt(lambda_1 - m), ..., v_r sqrt(lambda_r - m)],   d = 1 - diag(L L'),   m the mean of the other ones,

and the rank r is the one with the highest likelihood on the last third of the rows when fitted on those before it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Draw = Literal["gaussian", "resampled"]

RANKS = (0, 1, 2, 4, 8, 16, 32, 64)
KEPT_ENTRIES = 2**22
"""Residuals kept to be drawn from, all channels together."""
CALM = 0.02
"""Autocorrelation of the residuals' size below which a burst is over."""
LONGEST_BLOCK = 256
_LEAST = 1e-3
"""Smallest share of a channel's variance that is left to itself."""


@dataclass(frozen=True, eq=False)
class InnovationNoise:
    """What a predictor leaves, as something to draw from; in the units of its residuals.

    Attributes:
        scale: (channel,) S, standard deviations.
        loadings: (channel, rank) L.
        rows: (row, channel), residuals without their means, in order of time.
        starts: (stretch,), rows at which stretches of time begin, 0 first.
        block: b, rows drawn together.
    """

    scale: NDArray[np.float32]
    loadings: NDArray[np.float32]
    rows: NDArray[np.float32]
    starts: NDArray[np.int64]
    block: int

    @property
    def rank(self) -> int:
        """Number of shared axes."""
        return self.loadings.shape[1]

    def covariance(self) -> NDArray[np.float64]:
        """Of the Gaussian, (channel, channel)."""
        shared = (self.loadings @ self.loadings.T).astype(np.float64)
        np.fill_diagonal(shared, 1.0)
        return shared * np.outer(self.scale, self.scale)

    def sampler(self, draw: Draw, *, runs: int, seed: int) -> Sampler:
        """Innovations of `runs` runs, step by step, the same for the same seed.

        Args:
            draw: From the Gaussian, or from the residuals.
            runs: Number of independent runs.
            seed: Seed.
        """
        rng = np.random.default_rng(seed)
        return _Gaussian(self, runs, rng) if draw == "gaussian" else _Resampled(self, runs, rng)

    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays, for a tensor file."""
        arrays = {name: getattr(self, name) for name in ("scale", "loadings", "rows", "starts")}
        return arrays | {"block": np.array([self.block])}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> InnovationNoise:
        """The noise that `state()` describes."""
        return cls(state["scale"], state["loadings"], state["rows"], state["starts"], int(state["block"][0]))


class Sampler:
    """Draws one row of innovations for every run."""

    def next(self) -> NDArray[np.float32]:
        """Innovations (run, channel) of the next step."""
        raise NotImplementedError


class _Gaussian(Sampler):
    def __init__(self, noise: InnovationNoise, runs: int, rng: np.random.Generator) -> None:
        self.noise, self.runs, self.rng = noise, runs, rng
        self.own = np.sqrt(1 - np.square(noise.loadings).sum(axis=1))

    def next(self) -> NDArray[np.float32]:
        channels, rank = self.noise.loadings.shape
        shared = self.rng.standard_normal((self.runs, rank), np.float32) @ self.noise.loadings.T
        return self.noise.scale * (shared + self.own * self.rng.standard_normal((self.runs, channels), np.float32))


class _Resampled(Sampler):
    def __init__(self, noise: InnovationNoise, runs: int, rng: np.random.Generator) -> None:
        self.noise, self.runs, self.rng, self.step = noise, runs, rng, 0
        edges = [*noise.starts.tolist(), len(noise.rows)]
        self.first = np.concatenate([np.arange(low, high - noise.block + 1) for low, high in itertools.pairwise(edges)])

    def next(self) -> NDArray[np.float32]:
        if self.step % self.noise.block == 0:
            self.at = self.rng.choice(self.first, self.runs)
        drawn = self.noise.rows[self.at + self.step % self.noise.block]
        self.step += 1
        return drawn


def fit_innovation_noise(
    residuals: Sequence[NDArray[np.floating[Any]]], *, ranks: Sequence[int] = RANKS
) -> InnovationNoise:
    """Fits both kinds of noise to residuals of data that the predictor was not fitted on.

    Args:
        residuals: Stretches of consecutive rows (row, channel), in order of time.
        ranks: Candidate ranks.

    Returns:
        The noise; of more than `KEPT_ENTRIES` residuals the first rows of each stretch are kept, in equal shares.

    Raises:
        ValueError: Fewer than three rows, or values that are not finite.
    """
    every = np.concatenate(residuals).astype(np.float64)
    if len(every) < 3 or not np.isfinite(every).all():
        raise ValueError(f"noise needs at least three rows of finite residuals, got {len(every)} rows")
    mean, deviation = every.mean(axis=0), every.std(axis=0)
    standard = (every - mean) / np.where(deviation > 0, deviation, 1.0)
    rank = _rank(standard, ranks)
    most = max(1, KEPT_ENTRIES // (every.shape[1] * len(residuals)))
    kept = [(stretch[:most] - mean).astype(np.float32) for stretch in residuals if len(stretch)]
    return InnovationNoise(
        scale=deviation.astype(np.float32),
        loadings=(_loadings(*_axes(standard), rank) if rank else np.zeros((every.shape[1], 0))).astype(np.float32),
        rows=np.concatenate(kept),
        starts=np.cumsum([0, *(len(stretch) for stretch in kept[:-1])]),
        block=min(_burst(standard), min(map(len, kept))),
    )


def _rank(standard: NDArray[np.float64], ranks: Sequence[int]) -> int:
    """The rank with the highest held-out likelihood, of those that the rows can tell."""
    if len(ranks) == 1:
        return ranks[0]
    held_out = len(standard) // 3
    fitted, held = standard[: len(standard) - held_out], standard[len(standard) - held_out :]
    axes = _axes(fitted)
    possible = [rank for rank in ranks if rank == 0 or rank < min(fitted.shape)]
    return max(possible, key=lambda rank: log_likelihood(_loadings(*axes, rank), held))


def _axes(standard: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues (axis,) and eigenvectors (axis, channel) of the correlations, the largest first."""
    _, singular, axes = np.linalg.svd(standard, full_matrices=False)
    return np.square(singular) / len(standard), axes


def _loadings(eigenvalues: NDArray[np.float64], axes: NDArray[np.float64], rank: int) -> NDArray[np.float64]:
    """L (channel, rank)."""
    rest = eigenvalues[rank:].sum() / max(1, axes.shape[1] - rank)
    loadings = axes[:rank].T * np.sqrt(np.maximum(eigenvalues[:rank] - rest, 0.0))
    shared = np.square(loadings).sum(axis=1, keepdims=True)
    return loadings * np.sqrt(np.minimum(1.0, (1 - _LEAST) / np.maximum(shared, _LEAST)))


def log_likelihood(loadings: NDArray[np.float64], standard: NDArray[np.float64]) -> float:
    """Mean Gaussian log likelihood of a row, but for the constant, by the matrix inversion lemma.

    Args:
        loadings: (channel, rank) L.
        standard: (row, channel).
    """
    own = 1 - np.square(loadings).sum(axis=1)
    weighted = loadings / own[:, None]
    inner = np.eye(loadings.shape[1]) + loadings.T @ weighted
    projected = standard @ weighted
    inside = np.einsum("ij,ij->i", projected, np.linalg.solve(inner, projected.T).T)
    outside = np.einsum("ij,ij,j->i", standard, standard, 1 / own)
    return float(-0.5 * (np.log(own).sum() + np.linalg.slogdet(inner)[1] + np.mean(outside - inside)))


def _burst(standard: NDArray[np.float64]) -> int:
    """Steps until the autocorrelation of the residuals' size, averaged over channels, is below `CALM`."""
    size = np.abs(standard) - np.abs(standard).mean(axis=0)
    power = np.square(size).sum()
    for lag in range(1, min(LONGEST_BLOCK, len(size) // 4)):
        if np.einsum("ij,ij->", size[lag:], size[:-lag]) < CALM * power:
            return lag
    return max(1, min(LONGEST_BLOCK, len(size) // 4))

"""Where cells lie and who connects to whom.

    P(j connects to i) = min(1, p_0 exp(-d_ij / 150 um)),   p_0 so that the mean over pairs is the density
    weight = mean exp(sigma z - sigma^2 / 2), z standard normal, sigma = 0.8
    delay  = 0.5 ms + d_ij / (0.3 m/s), in whole steps
Cells lie uniformly in a column of radius 150 um and height 400 um; the first 80 % excite.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

RADIUS_UM, HEIGHT_UM = 150.0, 400.0
EXCITATORY = 0.8
DECAY_UM = 150.0
SIGMA = 0.8
SHORTEST_DELAY_MS = 0.5
VELOCITY_UM_PER_MS = 300.0


@dataclass(frozen=True)
class Synapses:
    """How many connections there are, and how strong.

    Attributes:
        density: Share of the ordered pairs of different cells.
        weight_e_ns: Mean excitatory weight, nS.
        weight_i_ns: Mean inhibitory weight, nS.
    """

    density: float
    weight_e_ns: float
    weight_i_ns: float


@dataclass(frozen=True, eq=False)
class Wiring:
    """Connections, sorted by the presynaptic cell and then the postsynaptic one.

    Attributes:
        first: Rows `first[j]:first[j + 1]` are those of presynaptic cell j, (cells + 1,).
        post: Postsynaptic cell of each row, (rows,).
        weights_ns: Peak conductance of each row, nS, never negative, (rows,).
        delay_steps: Steps from a spike to its arrival, at least 1, (rows,).
        excitatory: Whether a cell excites, (cells,).
    """

    first: NDArray[np.int64]
    post: NDArray[np.int64]
    weights_ns: NDArray[np.float64]
    delay_steps: NDArray[np.int64]
    excitatory: NDArray[np.bool_]

    @property
    def n_cells(self) -> int:
        return len(self.excitatory)

    @property
    def pre(self) -> NDArray[np.int64]:
        """Presynaptic cell of each row, (rows,)."""
        return np.repeat(np.arange(self.n_cells), np.diff(self.first))

    @property
    def signed_weights_ns(self) -> NDArray[np.float64]:
        """Weights, nS, negative where the presynaptic cell inhibits, (rows,)."""
        return np.where(self.excitatory[self.pre], self.weights_ns, -self.weights_ns)


def draw_positions(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Places uniform in the column, whose axis is z, (cells, 3), um."""
    radius, angle = RADIUS_UM * np.sqrt(rng.random(n)), 2 * np.pi * rng.random(n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), HEIGHT_UM * rng.random(n)], axis=1)


def distances(a_um: NDArray[np.float64], b_um: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of every place in `a_um` (n, 3) from every one in `b_um` (m, 3), (n, m), um."""
    squares = sum(np.subtract.outer(a_um[:, axis], b_um[:, axis]) ** 2 for axis in range(3))
    return np.sqrt(squares)


def connection_probability(positions_um: NDArray[np.float64], density: float) -> NDArray[np.float64]:
    """P(connect) of every ordered pair, (cells, cells), zero on the diagonal, symmetric.

    Args:
        positions_um: (cells, 3), um.
        density: Mean over the ordered pairs of different cells.
    """
    falloff = np.exp(distances(positions_um, positions_um) / -DECAY_UM)
    np.fill_diagonal(falloff, 0.0)
    pairs = falloff.size - len(falloff)
    scale = density * pairs / falloff.sum()
    if scale * falloff.max() > 1:
        if density == 1:
            return 1.0 - np.eye(len(falloff))

        def excess(log_scale: float) -> float:
            return float(np.minimum(np.exp(log_scale) * falloff, 1).sum()) / pairs - density

        # At 1 / the smallest probability every pair is certain.
        smallest = falloff[falloff > 0].min()
        scale = np.exp(brentq(excess, np.log(scale), -np.log(smallest) + 1e-9))
    return np.minimum(scale * falloff, 1.0)


def draw_wiring(
    positions_um: NDArray[np.float64], synapses: Synapses, *, dt_ms: float, rng: np.random.Generator
) -> Wiring:
    """Draws the connections among cells at `positions_um` (cells, 3), um."""
    n = len(positions_um)
    excitatory = np.arange(n) < round(EXCITATORY * n)
    pre, post = np.nonzero(rng.random((n, n)) < connection_probability(positions_um, synapses.density))
    mean = np.where(excitatory, synapses.weight_e_ns, synapses.weight_i_ns)
    weights = mean[pre] * np.exp(SIGMA * rng.standard_normal(len(pre)) - SIGMA**2 / 2)
    distance = np.linalg.norm(positions_um[pre] - positions_um[post], axis=1)
    steps = np.round((SHORTEST_DELAY_MS + distance / VELOCITY_UM_PER_MS) / dt_ms).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(np.bincount(pre, minlength=n))])
    return Wiring(first, post, weights, np.maximum(steps, 1), excitatory)

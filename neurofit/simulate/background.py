"""What cells outside the network do to those in it: conductances that fluctuate, and never fall below 0.

    G_i = max(0, mean_i + x_i),   dx_i = -x_i dt / tau + sd sqrt(2 / tau) (sqrt(1 - c) dW_i + sqrt(c) dW)

An excitatory and an inhibitory one for every cell; c is the share of the excitatory variance in common. x is updated
exactly: x <- x exp(-dt / tau) + kick, the kick being normal of variance sd^2 (1 - exp(-2 dt / tau)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Background:
    """Conductances by which cells outside the network act on one of its cells.

    Attributes:
        mean_e_ns: Mean over time and cells, nS.
        mean_i_ns: Mean, nS, the same for all cells.
        sd_e_ns: Standard deviation in time, nS, before negative values are set to 0.
        sd_i_ns: Standard deviation in time, nS.
        spread: Standard deviation over cells of the excitatory mean, relative to it.
        shared: Share of the excitatory variance that all cells have in common.
        tau_e_ms: Time constant of the excitatory fluctuations, ms.
        tau_i_ms: Time constant of the inhibitory ones, ms.
    """

    mean_e_ns: float
    mean_i_ns: float = 8.0
    sd_e_ns: float = 4.0
    sd_i_ns: float = 2.0
    spread: float = 0.06
    shared: float = 0.02
    tau_e_ms: float = 3.0
    tau_i_ms: float = 8.0


class BackgroundNoise:
    """The background's means, and kicks that drive its fluctuations, excitatory cells' first, then the inhibitory.

    Args:
        background: Its constants.
        n: Cells.
        unit_ns: Conductance that counts as 1, nS.
        dt_ms: Step, ms.
        rng: Source of means and kicks.
    """

    def __init__(self, background: Background, n: int, unit_ns: float, dt_ms: float, rng: np.random.Generator) -> None:
        self._rng, self._n = rng, n
        mean_e = background.mean_e_ns * (1 + background.spread * rng.standard_normal(n))
        self.mean = (np.concatenate([mean_e, np.full(n, background.mean_i_ns)]) / unit_ns).astype(np.float32)
        sd = np.repeat([background.sd_e_ns, background.sd_i_ns], n) / unit_ns
        taus_ms = np.repeat([background.tau_e_ms, background.tau_i_ms], n)
        kick = sd * np.sqrt(-np.expm1(-2 * dt_ms / taus_ms))
        own = np.repeat([np.sqrt(1 - background.shared), 1.0], n)
        self._own, self._own_sd = (kick * own).astype(np.float32), (sd * own).astype(np.float32)
        common = np.sqrt(background.shared) * (np.arange(2 * n) < n)
        self._common, self._common_sd = (kick * common).astype(np.float32), (sd * common).astype(np.float32)
        self._normal = np.empty((0, 2 * n), np.float32)

    def stationary(self) -> NDArray[np.float32]:
        """Deviations to begin with, (2 cells,)."""
        own = self._rng.standard_normal(2 * self._n, dtype=np.float32)
        return self._own_sd * own + self._common_sd * self._rng.standard_normal(dtype=np.float32)

    def fill(self, out: NDArray[np.float32]) -> None:
        """Writes the kicks of as many steps as `out` has to it, (steps, 2 cells)."""
        n, steps = self._n, len(out)
        if len(self._normal) != steps:
            self._normal = np.empty((steps, 2 * n), np.float32)
        self._rng.standard_normal(dtype=np.float32, out=self._normal)
        np.multiply(self._normal, self._own, out=out)
        common = self._rng.standard_normal((steps, 1), dtype=np.float32)
        out[:, :n] += common * self._common[:n]

"""A small network of Poisson cells with known couplings, for tests of what is inferred from spikes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurofit_io import Spikes
from neurofit_io.spikes import sorted_spikes


def planted_spikes(
    weight: NDArray[np.float64],
    *,
    duration_s: float,
    rate_hz: float = 15.0,
    tau_ms: float = 5.0,
    bin_ms: float = 1.0,
    seed: int = 0,
) -> Spikes:
    """Spikes of cells whose log rate each spike of j changes by weight[i, j] exp(-(lag - 1) / tau), lag in bins from 1.

    Args:
        weight: (post, pre).
        duration_s: Length, s.
        rate_hz: Rate without input, Hz.
        tau_ms: Decay of the effect, ms.
        bin_ms: Step, ms; a cell fires at most once a step, in the middle of it.
        seed: Seed.
    """
    rng = np.random.default_rng(seed)
    cells, bins = len(weight), round(duration_s * 1000 / bin_ms)
    decay, base = np.exp(-bin_ms / tau_ms), rate_hz * bin_ms / 1000
    trace, fired = np.zeros(cells), np.zeros((bins, cells), dtype=bool)
    uniform = rng.random((bins, cells))
    for step in range(bins):
        fired[step] = uniform[step] < base * np.exp(weight @ trace)
        trace = decay * trace + fired[step]
    steps, units = np.nonzero(fired)
    return sorted_spikes(
        (steps + 0.5) * bin_ms / 1000, units, name="spikes", unit_ids=np.arange(cells), start_s=0, stop_s=duration_s
    )

"""Spikes of known rates: Poisson counts in bins, each spike at a random place within its bin.

count[trial, bin, neuron] ~ Poisson(rate * width),   t = (bin + u) * width,  u ~ U(0, 1)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MARGIN = 1e-6
"""Share of a bin that no spike falls into at either end, so that rounding moves none into the next bin."""


def draw_counts(rates_hz: NDArray[np.floating], *, bin_ms: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Poisson counts, in the shape of the rates (Hz)."""
    return rng.poisson(np.asarray(rates_hz, np.float64) * (bin_ms / 1000))


def place_spikes(
    counts: NDArray[np.integer], bins: NDArray[np.integer], *, bin_ms: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Spike times that fall into the bins as often as the counts say.

    Args:
        counts: (steps, neurons).
        bins: Number of the bin that each step is, from the begin of the recording, (steps,).
        bin_ms: Width of a bin, ms.
        rng: Where in its bin each spike lies.

    Returns:
        Times in s and the neuron of each spike, both (spikes,), bin by bin.
    """
    step, neuron = np.nonzero(counts)
    repeats = counts[step, neuron]
    within = MARGIN + (1 - 2 * MARGIN) * rng.random(int(repeats.sum()))
    times_s = (np.repeat(np.asarray(bins)[step], repeats) + within) * (bin_ms / 1000)
    return times_s, np.repeat(neuron, repeats).astype(np.int32)

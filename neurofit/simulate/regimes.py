"""What the options leave open, by the size of the network and the regime.

Density is a power of the number of cells, mean weights are powers of the connections a cell receives, and the mean
excitatory background is linear in the logarithm of the number of cells, through two networks of known activity.
"""

from __future__ import annotations

import math

from neurofit.simulate.background import Background
from neurofit.simulate.network_options import NetworkOptions
from neurofit.simulate.wiring import Synapses

SMALL = (300, 0.10, 0.8, 5.0, 5.5)
LARGE = (2022, 0.08, 0.4, 3.0, 5.8)
"""Cells, density, mean excitatory and inhibitory weight, mean excitatory background, nS."""

REGIMES = {
    "irregular": (0.0, 4.0, 0.06, 0.02),
    "sparse": (0.0, 3.0, 0.06, 0.02),
    "synchronous": (0.5, 2.0, 0.15, 0.10),
}
"""Of the excitatory background: mean above that of its size, nS, standard deviation in time, nS, spread over cells, and
share of the variance in common. Fluctuations that weak leave cells silent unless the mean makes up for it."""


def background(options: NetworkOptions) -> Background:
    """The background of a regime, with what the options say instead."""
    more_ns, sd_e_ns, spread, shared = REGIMES[options.regime]
    size = math.log(options.neurons / SMALL[0]) / math.log(LARGE[0] / SMALL[0])
    mean_e_ns = SMALL[4] + (LARGE[4] - SMALL[4]) * size + more_ns
    return Background(
        mean_e_ns if options.background_e_ns is None else options.background_e_ns,
        options.background_i_ns,
        sd_e_ns=sd_e_ns,
        spread=spread,
        shared=shared if options.shared_input is None else options.shared_input,
    )


def synapses(options: NetworkOptions) -> Synapses:
    """Density and weights for the size of the network, with what the options say instead."""
    density = options.density
    if density is None:
        density = _power(options.neurons, SMALL[0], SMALL[1], LARGE[0], LARGE[1])
    received, small, large = density * options.neurons, SMALL[0] * SMALL[1], LARGE[0] * LARGE[1]
    weight_e, weight_i = (_power(received, small, SMALL[k], large, LARGE[k]) for k in (2, 3))
    return Synapses(
        density,
        weight_e if options.weight_e_ns is None else options.weight_e_ns,
        weight_i if options.weight_i_ns is None else options.weight_i_ns,
    )


def _power(x: float, x_0: float, y_0: float, x_1: float, y_1: float) -> float:
    """The power law through two points."""
    return y_0 * (x / x_0) ** (math.log(y_1 / y_0) / math.log(x_1 / x_0))

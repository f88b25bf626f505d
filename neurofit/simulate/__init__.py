"""Ground truth: networks and systems whose connections and states are known.

Names are imported when they are first used, so that the help of a command costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofit.simulate.chaotic import simulate_chaotic as simulate_chaotic
    from neurofit.simulate.degradation import degrade as degrade
    from neurofit.simulate.degradation_options import DegradationOptions as DegradationOptions
    from neurofit.simulate.lif_pair import psp_peak as psp_peak
    from neurofit.simulate.lif_pair import simulate_lif_pair as simulate_lif_pair
    from neurofit.simulate.lorenz import simulate_lorenz as simulate_lorenz
    from neurofit.simulate.network import simulate_network as simulate_network
    from neurofit.simulate.network_options import NetworkOptions as NetworkOptions
    from neurofit.simulate.pulse import simulate_pulse as simulate_pulse
    from neurofit.simulate.reaching import simulate_reaching as simulate_reaching
    from neurofit.simulate.system_options import ChaoticOptions as ChaoticOptions
    from neurofit.simulate.system_options import LifPairOptions as LifPairOptions
    from neurofit.simulate.system_options import LorenzOptions as LorenzOptions
    from neurofit.simulate.system_options import PulseOptions as PulseOptions
    from neurofit.simulate.system_options import ReachingOptions as ReachingOptions

_HOME = {
    "ChaoticOptions": "system_options", "DegradationOptions": "degradation_options", "LifPairOptions": "system_options",
    "LorenzOptions": "system_options", "NetworkOptions": "network_options", "PulseOptions": "system_options",
    "ReachingOptions": "system_options", "degrade": "degradation", "psp_peak": "lif_pair",
    "simulate_chaotic": "chaotic", "simulate_lif_pair": "lif_pair", "simulate_lorenz": "lorenz",
    "simulate_network": "network", "simulate_pulse": "pulse", "simulate_reaching": "reaching",
}  # fmt: skip

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

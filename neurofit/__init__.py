"""neurofit fits models to neural population recordings and scores them on time they have not seen.

Names are imported when they are first used, so that `import neurofit` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofit.connectivity.scoring import score_connectivity as score_connectivity
    from neurofit.connectivity.spike_triggered_average import spike_triggered_average as spike_triggered_average
    from neurofit.estimators.connectivity_infer import infer_connectivity as infer_connectivity
    from neurofit.estimators.next_step import NextStep as NextStep
    from neurofit.simulate.network import simulate_network as simulate_network
    from neurofit_io import load as load
    from neurofit_io import save as save

__version__ = "0.1.0"

_HOME = {
    "NextStep": "neurofit.estimators.next_step",
    "infer_connectivity": "neurofit.estimators.connectivity_infer",
    "load": "neurofit_io",
    "save": "neurofit_io",
    "score_connectivity": "neurofit.connectivity.scoring",
    "simulate_network": "neurofit.simulate.network",
    "spike_triggered_average": "neurofit.connectivity.spike_triggered_average",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name == "io":
        return importlib.import_module("neurofit.io")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)

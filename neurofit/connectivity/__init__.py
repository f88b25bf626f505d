"""Connections inferred from voltages and spikes, and scored against the truth.

Names are imported when they are first used, so that the help of a command costs nothing. Functions that bear the name
of their file (gls, correlogram, lif_current, maxent, spike_triggered_average, ...) are imported from it:
`from neurofit.connectivity.gls import gls`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofit.connectivity.average_blocks import AverageBlock as AverageBlock
    from neurofit.connectivity.average_cube import write_average_cube as write_average_cube
    from neurofit.connectivity.average_options import AverageWindows as AverageWindows
    from neurofit.connectivity.average_summaries import AverageSummaries as AverageSummaries
    from neurofit.connectivity.coupled_glm import glm as glm
    from neurofit.connectivity.dale import dale_step as dale_step
    from neurofit.connectivity.detection import detect_spikes as detect_spikes
    from neurofit.connectivity.discovery import EdgeCalls as EdgeCalls
    from neurofit.connectivity.discovery import PresynapticSigns as PresynapticSigns
    from neurofit.connectivity.discovery import edge_calls as edge_calls
    from neurofit.connectivity.discovery import presynaptic_signs as presynaptic_signs
    from neurofit.connectivity.discovery import q_values as q_values
    from neurofit.connectivity.estimate import Estimate as Estimate
    from neurofit.connectivity.estimate import estimate_of as estimate_of
    from neurofit.connectivity.matrices import read_matrices as read_matrices
    from neurofit.connectivity.methods import METHODS as METHODS
    from neurofit.connectivity.methods import infer as infer
    from neurofit.connectivity.plan_from_recording import plan_of_recording as plan_of_recording
    from neurofit.connectivity.plan_options import PlanOptions as PlanOptions
    from neurofit.connectivity.planning import duration_for_ap as duration_for_ap
    from neurofit.connectivity.planning import expected_curve as expected_curve
    from neurofit.connectivity.planning import expected_scores as expected_scores
    from neurofit.connectivity.population import Population as Population
    from neurofit.connectivity.population import population_of as population_of
    from neurofit.connectivity.scoring import ConnectivityScores as ConnectivityScores
    from neurofit.connectivity.scoring import score_connectivity as score_connectivity
    from neurofit.connectivity.sta_estimates import sta as sta
    from neurofit.connectivity.sta_estimates import sta_corrected as sta_corrected
    from neurofit.connectivity.synaptic_input import SynapticKernel as SynapticKernel
    from neurofit.connectivity.truth import TrueConnections as TrueConnections
    from neurofit.connectivity.truth import true_connections as true_connections

_HOME = {
    "AverageBlock": "average_blocks", "AverageSummaries": "average_summaries", "AverageWindows": "average_options",
    "ConnectivityScores": "scoring", "EdgeCalls": "discovery", "Estimate": "estimate", "METHODS": "methods",
    "PlanOptions": "plan_options", "Population": "population", "PresynapticSigns": "discovery", "SynapticKernel":
    "synaptic_input", "TrueConnections": "truth", "dale_step": "dale", "detect_spikes": "detection",
    "duration_for_ap": "planning", "edge_calls": "discovery", "estimate_of": "estimate", "expected_curve":
    "planning", "expected_scores": "planning", "glm": "coupled_glm", "infer": "methods", "plan_of_recording":
    "plan_from_recording", "population_of": "population", "presynaptic_signs": "discovery", "q_values": "discovery",
    "read_matrices": "matrices", "score_connectivity": "scoring", "sta": "sta_estimates", "sta_corrected":
    "sta_estimates", "true_connections": "truth", "write_average_cube": "average_cube",
}  # fmt: skip

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

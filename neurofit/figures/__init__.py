"""Figures and the report: arrays in, matplotlib figures and one HTML page out. Nothing here computes a score."""

from .comparison import LossCurve, compared_losses
from .horizons import horizon_curves
from .losses import loss_curves
from .recording import SignalTraces, SpikeRaster, WeightMatrix, recording_overview
from .report import report_html
from .scores import score_summary
from .skill import channel_skill
from .spectrum import residual_spectrum
from .style import figure_png
from .traces import prediction_traces

__all__ = [
    "LossCurve",
    "SignalTraces",
    "SpikeRaster",
    "WeightMatrix",
    "channel_skill",
    "compared_losses",
    "figure_png",
    "horizon_curves",
    "loss_curves",
    "prediction_traces",
    "recording_overview",
    "report_html",
    "residual_spectrum",
    "score_summary",
]

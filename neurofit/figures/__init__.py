"""Figures and the report: arrays in, matplotlib figures and one HTML page out. Nothing here computes a score."""

from neurofit.figures.comparison import LossCurve, compared_losses
from neurofit.figures.generation import generated_spectra, generated_traces, interval_histograms
from neurofit.figures.horizons import horizon_curves
from neurofit.figures.losses import loss_curves
from neurofit.figures.recording import SignalTraces, SpikeRaster, WeightMatrix, recording_overview
from neurofit.figures.report import report_html
from neurofit.figures.scores import score_summary
from neurofit.figures.skill import channel_skill
from neurofit.figures.spectrum import residual_spectrum
from neurofit.figures.spikes import ScorePanel, SpikeTraces, spike_summary
from neurofit.figures.style import figure_png
from neurofit.figures.traces import prediction_traces

__all__ = [
    "LossCurve",
    "ScorePanel",
    "SignalTraces",
    "SpikeRaster",
    "SpikeTraces",
    "WeightMatrix",
    "channel_skill",
    "compared_losses",
    "figure_png",
    "generated_spectra",
    "generated_traces",
    "horizon_curves",
    "interval_histograms",
    "loss_curves",
    "prediction_traces",
    "recording_overview",
    "report_html",
    "residual_spectrum",
    "score_summary",
    "spike_summary",
]

"""A recording at a glance: the first seconds of each signal, the spikes, the connectivity."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurofit import figures
from neurofit_io import Recording, Signal, Spikes
from neurofit_io.files import write_bytes

SPAN_S = 1.0
CHANNELS = 8
MOST_STEPS = 20_000


def draw_overview(recording: Recording, path: Path) -> None:
    """Draws the first second of every regular signal and of the spikes, and the weights, into a PNG file."""
    signals = [_traces(signal) for signal in recording.signals.values() if signal.rate_hz]
    spikes, weights = recording.spikes, recording.connectivity
    figure = figures.recording_overview(
        signals,
        spikes=None if spikes is None else _raster(spikes),
        connectivity=None if weights is None else figures.WeightMatrix(weights.weight, weights.unit),
        title=Path(recording.provenance.path).name,
    )
    write_bytes(path, figures.figure_png(figure))


def _traces(signal: Signal) -> figures.SignalTraces:
    steps = min(signal.shape[0], MOST_STEPS, max(2, round(SPAN_S * (signal.rate_hz or 1.0))))
    shown = np.arange(min(CHANNELS, signal.shape[1]))
    values = signal.read(0, steps, shown)
    labels = [str(label) for label in signal.channel_ids]
    return figures.SignalTraces(signal.name, signal.unit, signal.time_s(0, steps), values, labels)


def _raster(spikes: Spikes) -> figures.SpikeRaster:
    shown = spikes.times_s < spikes.start_s + SPAN_S
    types = spikes.columns.get("ei")
    kinds = [str(kind).upper() for kind in types] if types is not None else [""] * spikes.n_units
    return figures.SpikeRaster(spikes.times_s[shown], spikes.units[shown], kinds)

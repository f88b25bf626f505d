"""What a generation leaves on disk: the runs, their scores, and the figures beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import signal

from neurofit import figures
from neurofit.estimators.generated import Generated
from neurofit.metrics.spike_detection import threshold_crossings
from neurofit_io import save
from neurofit_io.files import write_bytes, write_json

TRACE_STEPS = 3000
TRACE_CHANNELS = 4
SPECTRUM_STEPS = 2**17
WINDOW_STEPS = 512


def report_generation(generated: Generated, name: str, folder: Path, shown: Sequence[int] | None = None) -> Path:
    """Writes `generated.h5`, `generated.json` and the figures of traces, spectra and, of voltages, intervals.

    Args:
        generated: The runs.
        name: What the network is called.
        folder: Where to; what is there of an earlier generation is replaced.
        shown: Channels to show as traces, as positions among the generated; None for lively and quiet ones.

    Returns:
        The file with the runs.
    """
    file = folder / "generated.h5"
    save(generated.as_recording(), file, overwrite=True)
    write_json(folder / "generated.json", generated.as_json())
    for suffix, figure in generation_figures(generated, name, shown).items():
        write_bytes(folder / "figures" / f"generated_{suffix}.png", figures.figure_png(figure))
    return file


def generation_figures(generated: Generated, name: str, shown: Sequence[int] | None = None) -> dict[str, Figure]:
    """Traces, spectra and intervals of the first run, of the autoregression and of the truth, by what they show."""
    drawn = {"traces": _traces(generated, name, shown), "spectra": _spectra(generated, name)}
    return drawn if generated.thresholds is None else {**drawn, "intervals": _intervals(generated, name)}


def _traces(generated: Generated, name: str, shown: Sequence[int] | None) -> Figure:
    steps = min(TRACE_STEPS, *(made.shape[1] for made in (generated.truth, generated.values, generated.linear)))
    columns = list(shown) if shown else _lively(generated.truth[0, :steps])
    truth, values, linear = (made[0, :steps][:, columns] for made in _made(generated))
    labels = [str(generated.channel_ids[column]) for column in columns]
    time_s, runs = np.arange(1, steps + 1) / generated.rate_hz, {name: values, generated.linear_name: linear}
    return figures.generated_traces(time_s, truth, runs, labels, generated.unit, signal=generated.signal)


def _spectra(generated: Generated, name: str) -> Figure:
    window = min(WINDOW_STEPS, *(made.shape[1] for made in _made(generated)))
    densities = {}
    for each, made in zip(("truth", name, generated.linear_name), _made(generated), strict=True):
        values = made[:, -SPECTRUM_STEPS:].astype(np.float64)
        frequency_hz, density = signal.welch(values, fs=generated.rate_hz, nperseg=window, axis=1)
        # The last frequency, half the rate, has half the density of its neighbours by convention.
        densities[each] = density.mean(axis=(0, 2))[:-1]
    return figures.generated_spectra(frequency_hz[:-1], densities, generated.unit)


def _intervals(generated: Generated, name: str) -> Figure:
    named = zip(("truth", name, generated.linear_name), _made(generated), strict=True)
    return figures.interval_histograms({each: intervals_s(generated, made) for each, made in named})


def intervals_s(generated: Generated, made: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Intervals between the spikes (interval,) of runs (run, time, channel) in physical units, all channels, s."""
    assert generated.thresholds is not None
    trains = [
        train for run in made for train in threshold_crossings(run, generated.thresholds, rate_hz=generated.rate_hz)
    ]
    return np.concatenate([np.diff(train) for train in trains]) / generated.rate_hz


def _made(generated: Generated) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    return generated.truth, generated.values, generated.linear


def _lively(truth: NDArray[np.float32]) -> list[int]:
    """Channels from the largest excursion down to the median one."""
    reach = np.abs(truth - np.median(truth, axis=0)).max(axis=0)
    order = np.argsort(-reach, kind="stable")
    picks = np.linspace(0, (len(order) - 1) // 2, min(TRACE_CHANNELS, len(order))).astype(int)
    return [int(order[i]) for i in dict.fromkeys(picks.tolist())]

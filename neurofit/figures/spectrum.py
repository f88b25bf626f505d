"""Power spectra of the signal and of what each prediction misses: at which frequencies does the model know more?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from neurofit.figures.style import in_house_style, legend_above, look, new_figure, plain

_BINS_PER_DECADE = 40


@in_house_style
def residual_spectrum(
    frequency_hz: ArrayLike,
    truth: ArrayLike,
    model: ArrayLike,
    baselines: Mapping[str, ArrayLike],
    unit: str,
) -> Figure:
    """Power spectral density of the signal, of the model's residual and of the baselines' residuals, log-log.

    Densities are averaged in bins of 1/40 decade, so that line styles stay readable where frequencies crowd.

    Args:
        frequency_hz: Frequencies (frequency,), in Hz; the zero frequency is left out.
        truth: Density of the signal (frequency,), in `unit` squared per Hz.
        model: Density of truth - model prediction (frequency,), in `unit` squared per Hz.
        baselines: Density of truth - prediction (frequency,) by baseline, in `unit` squared per Hz.
        unit: Unit of the signal.

    Returns:
        The figure.
    """
    frequency = np.asarray(frequency_hz, dtype=np.float64)
    figure = new_figure(8.0, 4.2)
    axes = figure.add_subplot()
    densities = {"truth": truth, **baselines, "model": model}
    for name, density in densities.items():
        label = "signal" if name == "truth" else f"residual of {look(name).label}"
        axes.plot(*_by_decade(frequency, np.asarray(density, dtype=np.float64)), **look(name).line(), label=label)
    axes.set(xscale="log", yscale="log", xlabel="frequency (Hz)")
    axes.set_ylabel(f"power spectral density ({_squared(unit)}/Hz)")
    legend_above(axes, columns=3)
    return figure


def _squared(unit: str) -> str:
    if not unit:
        return "1"
    return f"{plain(unit)}²" if unit.isalpha() else f"({plain(unit)})²"


def _by_decade(
    frequency: NDArray[np.float64], density: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shown = (frequency > 0) & (density > 0)
    frequency, density = frequency[shown], density[shown]
    _, bins = np.unique(np.floor(_BINS_PER_DECADE * np.log10(frequency)), return_inverse=True)
    count = np.maximum(np.bincount(bins), 1)
    return np.bincount(bins, frequency) / count, np.bincount(bins, density) / count

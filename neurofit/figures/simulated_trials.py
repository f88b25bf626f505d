"""A few simulated trials side by side: spikes, true rates, and the states and inputs behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neurofit.figures.style import INK, in_house_style, new_figure, plain, with_unit

_LINES = ("-", (0, (4, 1.6)), (0, (1, 1.4)), (0, (5, 1.5, 1, 1.5)), (0, (5, 1.5, 1, 1.5, 1, 1.5)))
_COLORS = ("#000000", "#df5d0c", "#08306b", "#1a7560", "#7f7f7f")
MOST_LINES = len(_LINES)


@dataclass(frozen=True)
class TrialScene:
    """One trial to draw; times count from its beginning.

    Attributes:
        title: Which trial.
        spike_times_s: Spike times (spike,), in s.
        spike_units: Neuron of each spike (spike,).
        rates_hz: True rates (time, neuron), in Hz.
        lines: Further quantities by name (time, channel); the first five channels are drawn.
    """

    title: str
    spike_times_s: NDArray[np.floating]
    spike_units: NDArray[np.integer]
    rates_hz: NDArray[np.floating]
    lines: Mapping[str, NDArray[np.floating]]


@in_house_style
def simulated_trials(
    trials: Sequence[TrialScene],
    *,
    bin_ms: float,
    units: Mapping[str, str],
    labels: Mapping[str, Sequence[str]],
    title: str = "",
) -> Figure:
    """Rasters, true rates, and lines, a trial a column; a row shares its axes, a neuron its grey scale.

    Args:
        trials: The trials, all with the same quantities.
        bin_ms: Bin of rates and lines, in ms.
        units: Unit of each of the lines.
        labels: Names of the channels of each of the lines.
        title: Title of the figure.

    Returns:
        The figure.
    """
    names = list(trials[0].lines)
    duration_s = len(trials[0].rates_hz) * bin_ms / 1000
    figure = new_figure(3.2 * len(trials) + 1.2, 2.1 * (2 + len(names)) + 0.6)
    figure.suptitle(plain(title, 100))
    panels = figure.subplots(2 + len(names), len(trials), sharex=True, sharey="row", squeeze=False)
    highest = np.max([trial.rates_hz.max(axis=0) for trial in trials], axis=0)
    highest = np.where(highest > 0, highest, 1.0)
    for column, trial in zip(panels.T, trials, strict=True):
        _draw_spikes(column[0], trial)
        image = column[1].imshow(
            (trial.rates_hz / highest).T, aspect="auto", origin="lower", cmap="Greys", vmin=0, vmax=1,
            extent=(0, duration_s, -0.5, trial.rates_hz.shape[1] - 0.5), interpolation="nearest",
        )  # fmt: skip
        for axes, name in zip(column[2:], names, strict=True):
            _draw_lines(axes, trial.lines[name], bin_ms / 1000)
        column[-1].set(xlabel="time in the trial (s)", xlim=(0, duration_s))
    bar = figure.colorbar(image, cax=panels[1, -1].inset_axes((1.04, 0.0, 0.04, 1.0)))
    bar.set_label("true rate (share of the\nneuron's highest here)")
    panels[0, 0].set_ylabel("neuron")
    panels[1, 0].set_ylabel("neuron")
    for row, name in zip(panels[2:], names, strict=True):
        row[0].set_ylabel(with_unit(name, units[name]))
        _name_lines(row[-1], labels[name])
    return figure


def _draw_spikes(axes: Axes, trial: TrialScene) -> None:
    size = float(np.clip(130.0 / max(trial.rates_hz.shape[1], 1), 1.0, 6.0))
    axes.plot(
        trial.spike_times_s, trial.spike_units, color=INK, linestyle="none", marker="|", markersize=size,
        markeredgewidth=0.8,
    )  # fmt: skip
    axes.set_title(f"{plain(trial.title)}\n{trial.spike_times_s.size} spikes")


def _draw_lines(axes: Axes, values: NDArray[np.floating], width_s: float) -> None:
    middles = (np.arange(len(values)) + 0.5) * width_s
    for channel in range(min(values.shape[1], MOST_LINES)):
        axes.plot(middles, values[:, channel], color=_COLORS[channel], linestyle=_LINES[channel], linewidth=1.1)


def _name_lines(axes: Axes, labels: Sequence[str]) -> None:
    shown = [plain(label, 16) for label in labels[:MOST_LINES]]
    if len(labels) > len(shown):
        shown[-1] += f" (of {len(labels)})"
    axes.legend(axes.get_lines(), shown, loc="center left", bbox_to_anchor=(1.0, 0.5))

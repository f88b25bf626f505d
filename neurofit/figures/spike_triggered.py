"""Spike-triggered averages of pairs of cells: the voltage of one after the spikes of the other, raw and blanked.

The mean of the postsynaptic cell is the trivial answer, a line in every panel; bands are two standard errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from neurofit.figures.placement import finite
from neurofit.figures.style import INK, in_house_style, new_figure, plain, with_unit

_RAW, _BLANKED = "#7d7d7d", "#08306b"


@dataclass(frozen=True, eq=False)
class PairAverage:
    """The average of one pair.

    Attributes:
        title: What the pair is, such as its cells and whether they are connected.
        raw: Average relative to the postsynaptic cell's mean (lag,), in `unit`.
        raw_se: Its standard error (lag,).
        blanked: The same with the postsynaptic cell's own spikes taken out (lag,).
        blanked_se: Its standard error (lag,).
    """

    title: str
    raw: NDArray[np.floating]
    raw_se: NDArray[np.floating]
    blanked: NDArray[np.floating]
    blanked_se: NDArray[np.floating]


@in_house_style
def pair_averages_figure(lag_ms: ArrayLike, pairs: Sequence[PairAverage], *, unit: str = "mV") -> Figure:
    """One panel a pair, two panels a row.

    Args:
        lag_ms: Time after the presynaptic spike (lag,), in ms.
        pairs: At least one pair.
        unit: Unit of the averages.

    Returns:
        The figure.
    """
    lags, rows = np.asarray(lag_ms, dtype=np.float64), -(-len(pairs) // 2)
    figure = new_figure(10.0, 2.3 * rows + 0.9)
    panels = figure.subplots(rows, 2, squeeze=False, sharex=True)
    for axes, pair in zip(panels.flat, pairs, strict=False):
        _draw(axes, lags, pair)
        axes.set_title(plain(pair.title, 80), fontsize=9)
    for axes in panels.flat[len(pairs) :]:
        axes.set_axis_off()
    for column in range(2):
        shown = [i for i in range(rows) if 2 * i + column < len(pairs)]
        if shown:
            panels[shown[-1], column].set_xlabel("time after the presynaptic spike (ms)")
            panels[shown[-1], column].tick_params(labelbottom=True)
    figure.supylabel(with_unit("voltage from the mean of the cell", unit), fontsize=10)
    handles = [
        Line2D([], [], color=_RAW, linestyle=(0, (3, 1.2)), label="as recorded"),
        Line2D([], [], color=_BLANKED, label="own spikes blanked"),
        Patch(facecolor=_BLANKED, alpha=0.2, label="2 standard errors"),
        Line2D([], [], color=INK, linewidth=0.8, label="mean of the cell"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, columnspacing=1.6)
    return figure


def _draw(axes: Axes, lags: NDArray[np.float64], pair: PairAverage) -> None:
    axes.axhline(0.0, color=INK, linewidth=0.8)
    for values, error, color, style, layer in (
        (pair.raw, pair.raw_se, _RAW, (0, (3, 1.2)), 3.0),
        (pair.blanked, pair.blanked_se, _BLANKED, "-", 2.5),
    ):
        axes.fill_between(lags, values - 2 * error, values + 2 * error, color=color, alpha=0.2, linewidth=0)
        axes.plot(lags, values, color=color, linestyle=style, zorder=layer)
    if not finite(pair.raw, pair.blanked).size:
        axes.annotate("fewer than two spikes", (0.5, 0.6), xycoords="axes fraction", ha="center")
    if lags[0] < 0 < lags[-1]:
        axes.axvline(0.0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.set_xlim(lags[0], lags[-1])


@in_house_style
def sizes_of_averages(groups: Sequence[tuple[str, ArrayLike]], *, quantity: str = "|peak|", unit: str = "mV") -> Figure:
    """How large the averages of groups of pairs are: cumulative shares, one line a group.

    Args:
        groups: Pairs (name, sizes); the unconnected pairs last, as what the others are to be told from.
        quantity: What the sizes are.
        unit: Their unit.

    Returns:
        The figure.
    """
    figure = new_figure(6.4, 3.8)
    axes = figure.subplots()
    styles = ("-", (0, (4, 1.4)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
    colors = ("#d9600f", "#08306b", "#7d7d7d", INK)
    largest = 0.0
    for (name, sizes), style, color in zip(groups, styles, colors, strict=False):
        known = np.sort(finite(np.asarray(sizes, dtype=np.float64)))
        if not known.size:
            continue
        largest = max(largest, float(np.quantile(known, 0.995)))
        at = np.unique(np.linspace(0, known.size - 1, 400).astype(int))
        axes.plot(known[at], (at + 1) / known.size, color=color, linestyle=style, label=f"{plain(name)} ({known.size})")
    axes.axhline(0.5, color=INK, linewidth=0.6, linestyle=(0, (1, 3)))
    axes.set(xlabel=with_unit(quantity, unit), ylabel="share of pairs below", ylim=(0, 1.02))
    axes.set_xlim(0, largest or 1.0)
    axes.legend(loc="lower right")
    return figure

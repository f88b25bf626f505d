"""Averages of the voltage after spikes of cells that are not connected to it, and what they are made of.

Figure 13 of Nayebi, Cable and Wedeen 2015, with chance in the same panel, and an answer to the question it leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from neurofit.figures.style import FAINT, INK, in_house_style, look, new_figure, plain

_OURS = look("model").color
_NOISE = look("persistence").color


@dataclass(frozen=True, eq=False)
class AveragePair:
    """Average voltage of one cell after spikes of another.

    Attributes:
        label: Which pair, and how many spikes.
        raw: mV, (lag,).
        blanked: With own spikes of the postsynaptic cell blanked, mV, (lag,).
        chance: Bounds of 95 % of averages after moved spikes, raw voltage, mV, (2, lag).
        chance_blanked: The same, blanked, mV, (2, lag).
    """

    label: str
    raw: NDArray[np.floating]
    blanked: NDArray[np.floating]
    chance: NDArray[np.floating]
    chance_blanked: NDArray[np.floating]


@in_house_style
def unconnected_pair(lag_ms: ArrayLike, pairs: Sequence[AveragePair]) -> Figure:
    """Averages of pairs, one a row: raw on the left, own spikes blanked on the right, each within its chance band.

    Args:
        lag_ms: Time after the spike, ms, (lag,).
        pairs: The averages.
    """
    figure = new_figure(11.0, 0.8 + 2.4 * len(pairs))
    rows = figure.subplots(len(pairs), 2, sharex=True, squeeze=False)
    for row, pair in zip(rows, pairs, strict=True):
        shown = (("as it is", pair.raw, pair.chance), ("own spikes blanked", pair.blanked, pair.chance_blanked))
        for axes, (what, average, band) in zip(row, shown, strict=True):
            axes.fill_between(lag_ms, *band, color=FAINT, label="95 % of moved spike trains", linewidth=0)
            axes.plot(lag_ms, average, color=INK, label="average after spikes")
            axes.set_title(f"{plain(pair.label, 48)}: {what}")
            axes.set_ylabel("V (mV)")
    for axes in rows[-1]:
        axes.set_xlabel("time after the presynaptic spike (ms)")
    figure.suptitle("Voltage after spikes of a cell that is not connected to it")
    figure.legend(*rows[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@in_house_style
def average_sizes(
    lengths: Sequence[tuple[str, int, float, float]],
    n_spikes: ArrayLike,
    amplitude: ArrayLike,
    noise: ArrayLike,
    shares: Sequence[tuple[str, float, float, float]],
) -> Figure:
    """What averages of unconnected pairs are made of: by path length, by number of spikes, and by cause.

    Args:
        lengths: Rows (synapses on the shortest path, pairs, root mean power in mV, the same of moved spikes).
        n_spikes: Spikes of each presynaptic cell, (pre,).
        amplitude: Root mean power over its unconnected pairs, mV, (pre,).
        noise: The same of moved spikes, mV, (pre,).
        shares: Rows (cause, share, low, high) of the power of unconnected pairs; NaN where not known.
    """
    figure = new_figure(13.0, 4.4)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.15, 1.0, 1.0))
    _by_length(left, lengths)
    n, order = np.asarray(n_spikes, dtype=float), np.argsort(n_spikes)
    middle.scatter(n, noise, s=14, marker="s", color=_NOISE, label="moved spikes", linewidths=0)
    middle.scatter(n, amplitude, s=14, color=_OURS, label="unconnected pairs", linewidths=0, zorder=3)
    if len(n):
        scale = float(np.median(np.asarray(noise) * np.sqrt(n)))
        middle.plot(n[order], scale / np.sqrt(n[order]), color=INK, linewidth=1.0, linestyle=(0, (4, 2)),
                    label="1 / sqrt(spikes)")  # fmt: skip
        middle.set(xscale="log", yscale="log")
        for axis in (middle.xaxis, middle.yaxis):
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FormatStrFormatter("%g"))
            axis.set_minor_formatter(NullFormatter())
    middle.set(xlabel="spikes of the presynaptic cell", ylabel="size of the average (mV)")
    middle.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2, columnspacing=1.0)
    _shares(right, shares)
    return figure


def _by_length(axes: Axes, lengths: Sequence[tuple[str, int, float, float]]) -> None:
    place = np.arange(len(lengths))
    axes.bar(place - 0.2, [row[2] for row in lengths], 0.4, color=_OURS, label="average")
    axes.bar(place + 0.2, [row[3] for row in lengths], 0.4, color=_NOISE, hatch="///", edgecolor="white",
             label="moved spikes")  # fmt: skip
    names = [f"{'connected' if label == '1' else plain(label)}\n{pairs}" for label, pairs, *_ in lengths]
    axes.set_xticks(place, names, fontsize=8)
    axes.set(xlabel="synapses on the shortest path, and pairs", ylabel="size of the average (mV)")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)


def _shares(axes: Axes, shares: Sequence[tuple[str, float, float, float]]) -> None:
    for place, (_, value, low, high) in enumerate(shares):
        if not np.isfinite(value):
            axes.annotate("not known", (0.0, place), va="center", fontsize=9)
            continue
        axes.plot([low, high], [place, place], color=INK, linewidth=1.2)
        axes.plot([value], [place], marker="o", color=_OURS, markersize=6)
        axes.annotate(f"{value:.2f}", (value, place), xytext=(0, 6), textcoords="offset points", ha="center",
                      fontsize=9)  # fmt: skip
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.axvline(1.0, color=INK, linewidth=0.8, linestyle=(0, (1, 3)))
    axes.set_yticks(range(len(shares)), [plain(row[0]) for row in shares])
    axes.set_ylim(len(shares) - 0.4, -0.6)
    axes.set_xlabel("share of the power (*: own spikes blanked)")

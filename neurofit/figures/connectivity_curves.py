"""How well methods find connections: precision against recall, and average precision against recording length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import ArrayLike

from neurofit.figures.style import INK, in_house_style, new_figure, plain

_LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (2, 1)), (0, (5, 1.5, 1, 1.5)), (0, (1, 1)), (0, (8, 2, 2, 2)))
_COLORS = ("#df5d0c", "#08306b", "#1a7560", "#6a3d9a", "#8a6d00", "#444444")
_MARKERS = ("o", "^", "s", "D", "v", "P")
_NULL = "#9b9b9b"
_MOST_POINTS = 2000


@in_house_style
def precision_recall_curves(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    chance: float,
    ap: Mapping[str, float | None],
    distance: tuple[ArrayLike, ArrayLike] | None = None,
    ap_distance: float | None = None,
) -> Figure:
    """Precision against recall of several methods, chance and the ranking by distance alone in the same panel.

    Args:
        curves: By method, recall (threshold,) and precision (threshold,); recall rises.
        chance: Precision of guessing: the share of edges among the pairs.
        ap: Average precision by method, for the legend.
        distance: Recall and precision of the ranking by nearness; None when positions are not known.
        ap_distance: Its average precision.

    Returns:
        The figure.
    """
    figure = new_figure(8.6, 4.6)
    axes = figure.add_subplot()
    for place, (name, (recall, precision)) in enumerate(curves.items()):
        axes.plot(*_thinned(recall, precision), **_look(place), label=_with_ap(name, ap.get(name)))
    if distance is not None:
        axes.plot(*_thinned(*distance), color=_NULL, linewidth=2.4, label=_with_ap("distance alone", ap_distance))
    axes.axhline(chance, color=INK, linewidth=1.0, linestyle=(0, (1, 3)), label=f"chance, {chance:.3f}")
    axes.set(xlabel="recall (share of the true edges found)", ylabel="precision (share of calls that are true)")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), title="average precision", alignment="left")
    return figure


@in_house_style
def ap_by_length(
    durations_s: Sequence[float],
    ap: Mapping[str, Sequence[float | None]],
    *,
    chance: float,
    ap_distance: float | None = None,
) -> Figure:
    """Average precision against the length of the recording, by method.

    Args:
        durations_s: Lengths (length,), s, rising.
        ap: By method (length,); None where there is none.
        chance: Average precision of guessing.
        ap_distance: That of the ranking by nearness alone, if positions are known.

    Returns:
        The figure.
    """
    figure = new_figure(8.6, 4.2)
    axes = figure.add_subplot()
    for place, (name, values) in enumerate(ap.items()):
        shown = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        marker = _MARKERS[place % len(_MARKERS)]
        axes.plot(durations_s, shown, **_look(place), marker=marker, markersize=5, label=plain(name))
    if ap_distance is not None:
        axes.axhline(ap_distance, color=_NULL, linewidth=2.4, zorder=1, label="distance alone")
    axes.axhline(chance, color=INK, linewidth=1.0, linestyle=(0, (1, 3)), label="chance")
    length_axis(axes, durations_s)
    axes.set(ylabel="average precision", ylim=(0, 1.02))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return figure


def length_axis(axes: Axes, durations_s: Sequence[float]) -> None:
    """A logarithmic axis of recording lengths, s, labelled at those that were measured."""
    axes.set_xscale("log")
    axes.set_xticks(list(durations_s), [f"{duration:g}" for duration in durations_s])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("length of the recording (s)")


def _look(place: int) -> dict[str, Any]:
    return {"color": _COLORS[place % len(_COLORS)], "linestyle": _LINES[place % len(_LINES)]}


def _with_ap(name: str, ap: float | None) -> str:
    return f"{plain(name)}, {'n/a' if ap is None else f'{ap:.3f}'}"


def _thinned(recall: ArrayLike, precision: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """At most some thousand points of a curve, even in recall, its first ones all."""
    x, y = np.asarray(recall, dtype=np.float64), np.asarray(precision, dtype=np.float64)
    if len(x) > _MOST_POINTS:
        kept = np.unique(np.concatenate([np.arange(100), np.linspace(0, len(x) - 1, _MOST_POINTS).astype(np.int64)]))
        x, y = x[kept], y[kept]
    return x, y

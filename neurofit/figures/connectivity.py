"""Inferred connections beside the true ones: the two matrices in one order and one colour scale, and weight on weight.

Colours stay apart in greyscale: excitation is drawn in a middle tone, inhibition in a dark one, nothing in white.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from neurofit.figures.placement import finite
from neurofit.figures.style import EXCITATORY, FAINT, INHIBITORY, INK, in_house_style, new_figure, plain, with_unit

MOST_CELLS = 500
MOST_POINTS = 4000
_UNKNOWN = "#8f8f8f"
_SIGNED = LinearSegmentedColormap.from_list("signed", [INHIBITORY, "#ffffff", EXCITATORY]).with_extremes(bad=_UNKNOWN)


@in_house_style
def connection_matrices(
    estimate: ArrayLike,
    truth: ArrayLike | None = None,
    *,
    types: ArrayLike | None = None,
    quantity: str = "z",
    unit: str = "",
    truth_unit: str = "",
    method: str = "estimate",
) -> Figure:
    """Estimated, and true, connections, cells sorted excitatory, inhibitory, unknown.

    Both matrices are drawn from -1 to 1 in units of a large value of their own, named above each: the 99th percentile
    of the absolute values of the estimate, and the 75th of those of the true edges, so that weak ones are seen as well.

    Args:
        estimate: (post, pre), in `unit`.
        truth: (post, pre), in `truth_unit`; NaN where not known; None without a truth.
        types: `e`, `i` or empty per cell (cell,).
        quantity: What the estimate is: z, or weight.
        unit: Unit of the estimate.
        truth_unit: Unit of the truth.
        method: Name of the estimate.

    Returns:
        The figure. Of more than 500 cells every k-th is drawn, in that order; it says so.
    """
    shown = np.array(estimate, dtype=np.float64)
    np.fill_diagonal(shown, np.nan)
    kinds = np.full(len(shown), "") if types is None else np.asarray(types)
    order = np.concatenate([np.flatnonzero(kinds == kind) for kind in ("e", "i", "")])
    order = order[:: -(-len(order) // MOST_CELLS)] if len(order) else order
    panels = [(shown, method, with_unit(quantity, unit), _large(shown, 99))]
    if truth is not None:
        known = np.array(truth, dtype=np.float64)
        np.fill_diagonal(known, np.nan)
        panels.append((known, "truth", with_unit("weight", truth_unit), _large(known[known != 0], 75)))
    by_type = ", sorted by type" if (kinds != "").any() else ""
    figure = new_figure(5.0 * len(panels) + 0.4, 6.3)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for panel, (matrix, name, what, large) in zip(axes, panels, strict=True):
        image = panel.imshow(matrix[np.ix_(order, order)] / large, cmap=_SIGNED, vmin=-1, vmax=1)
        panel.spines[:].set(visible=True, color=FAINT)
        panel.set_title(f"{plain(name, 30)}: {what}, ±1 is {large:.3g}", pad=20)
        panel.set(xlabel=f"presynaptic cell{by_type}", ylabel=f"postsynaptic cell{by_type}" if panel is axes[0] else "")
        _mark_types(panel, kinds[order])
    bar = figure.colorbar(image, ax=axes, shrink=0.5, aspect=30, location="bottom", ticks=[-1, -0.5, 0, 0.5, 1])
    label = "negative: inhibitory (dark), positive: excitatory"
    unknown = truth is not None and np.isnan(panels[-1][0]).sum() > len(shown)
    bar.set_label(label + (", grey: not known" if unknown else ""))
    if len(order) < len(shown):
        figure.suptitle(f"{len(order)} of {len(shown)} cells: one in {-(-len(shown) // MOST_CELLS)} is drawn")
    return figure


def _large(values: NDArray, percent: float) -> float:
    present = np.abs(finite(values))
    return float(np.percentile(present, percent) if present.size else 0.0) or 1.0


def _mark_types(axes: Axes, kinds: NDArray) -> None:
    """Lines between the cells of each type, and its letter at the top and at the right; `kinds` are sorted."""
    if not (kinds != "").any():
        return
    n, low = len(kinds), 0
    for kind, letter in (("e", "E"), ("i", "I"), ("", "?")):
        high = low + int(np.count_nonzero(kinds == kind))
        if high > low:
            axes.text((low + high - 1) / 2, -0.5 - 0.012 * n, letter, ha="center", va="bottom")
            axes.text(n - 0.5 + 0.012 * n, (low + high - 1) / 2, letter, ha="left", va="center")
        if low < high < n:
            axes.axvline(high - 0.5, color=INK, linewidth=0.8)
            axes.axhline(high - 0.5, color=INK, linewidth=0.8)
        low = high


@in_house_style
def weight_scatter(
    estimate: ArrayLike,
    truth: ArrayLike,
    *,
    r_edges: float | None,
    r_all: float | None,
    quantity: str = "weight",
    unit: str = "",
    truth_unit: str = "",
    method: str = "estimate",
) -> Figure:
    """Estimated against true weight: edges as points, the pairs that are not connected as a histogram at their side.

    Args:
        estimate: Estimate of each scored pair (pair,), in `unit`.
        truth: True weight of each (pair,), in `truth_unit`; 0 where nothing connects.
        r_edges: Correlation over the edges, as scored; None where undefined.
        r_all: Correlation over all pairs.
        quantity: What the estimate is: weight, or z.
        unit: Unit of the estimate.
        truth_unit: Unit of the truth.
        method: Name of the estimate.

    Returns:
        The figure; of more than 4000 edges every k-th of those sorted by true weight is drawn, and it says so.
    """
    estimate, truth = np.asarray(estimate, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    edge = truth != 0
    figure = new_figure(8.4, 4.6)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    order = np.flatnonzero(edge)[np.argsort(truth[edge], kind="stable")]
    drawn = order[:: -(-len(order) // MOST_POINTS)] if len(order) else order
    for sign, color, marker, name in ((1, EXCITATORY, "o", "excitatory"), (-1, INHIBITORY, "^", "inhibitory")):
        own = drawn[np.sign(truth[drawn]) == sign]
        if own.size:
            left.plot(truth[own], estimate[own], color=color, marker=marker, linestyle="none", markersize=2.5,
                      alpha=0.6, label=f"{name} edges", rasterized=True)  # fmt: skip
    for axes in (left, right):
        axes.axhline(0.0, color=INK, linewidth=0.8)
    left.axvline(0.0, color=INK, linewidth=0.8)
    part = f"{len(drawn)} of {len(order)} edges" if len(drawn) < len(order) else f"{len(order)} edges"
    left.set(xlabel=with_unit("true weight", truth_unit), ylabel=with_unit(f"{method}: {quantity}", unit))
    left.set_title(f"{part}, r = {_number(r_edges)} (all pairs {_number(r_all)})")
    _draw_others(right, estimate[~edge], estimate[edge])
    handles, labels = (
        one + other for one, other in zip(*(a.get_legend_handles_labels() for a in (left, right)), strict=True)
    )
    figure.legend(handles, labels, loc="outside lower center", ncols=4, columnspacing=1.4, markerscale=2.0)
    return figure


def _draw_others(axes: Axes, others: NDArray, edges: NDArray) -> None:
    low, high = np.percentile(estimate, (0, 100)) if (estimate := np.concatenate([others, edges])).size else (-1, 1)
    bins = np.linspace(low, high if high > low else low + 1, 51)
    for values, color, label, filled in (
        (others, "#9b9b9b", "pairs not connected", True),
        (edges, INK, "edges", False),
    ):
        if values.size:
            axes.hist(values, bins=list(bins), weights=np.full(values.size, 1 / values.size), orientation="horizontal",
                      color=color, histtype="stepfilled" if filled else "step", label=label)  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlabel("share of pairs")
    axes.set_title(f"{others.size} not connected")


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"

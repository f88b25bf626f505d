"""Synchrony of a population: how often K cells are active together, in recorded words and in models of them."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from neurofit.figures.style import in_house_style, legend_above, look, new_figure


@in_house_style
def synchrony(data: ArrayLike, pairwise: ArrayLike, independent: ArrayLike, *, bin_ms: float) -> Figure:
    """P(K) on a logarithmic axis: held-out words, the pairwise maximum entropy model, independent cells.

    Args:
        data: P(K) of held-out words, (cells + 1,).
        pairwise: P(K) of the pairwise model, (cells + 1,).
        independent: P(K) of independent cells with the same means, (cells + 1,).
        bin_ms: Bin width, ms.

    Returns:
        The figure.
    """
    curves = [np.asarray(curve, dtype=np.float64) for curve in (data, pairwise, independent)]
    names = [("held-out", "truth"), ("pairwise maximum entropy", "model"), ("independent", "mean")]
    seen = curves[0] > 0
    last = int(max(np.flatnonzero(np.maximum(curves[0], curves[1]) > 0).max(initial=1), 1))
    lowest = curves[0][seen].min(initial=1.0) / 10
    figure = new_figure(5.8, 3.8)
    axes = figure.add_subplot()
    for curve, (label, name) in zip(curves, names, strict=True):
        shown = np.where(curve > 0, curve, np.nan)
        # What was recorded is a histogram with empty places, which a line would bridge or hide: points show it.
        marks = {"linestyle": "none", "marker": "o", "markersize": 3.5} if name == "truth" else {}
        axes.plot(np.arange(len(curve)), shown, **(look(name).line() | marks), label=label)
    axes.set(yscale="log", xlim=(-0.5, last + 0.5), ylim=(lowest, 1.5 * max(curve.max() for curve in curves)))
    axes.set_xlabel(f"K, cells active in a bin of {bin_ms:g} ms")
    axes.set_ylabel("P(K)")
    legend_above(axes, columns=3)
    return figure

"""How far ahead a model predicts: R2 and skill by steps ahead, the trivial answers in the same panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from neurofit.figures.style import INK, in_house_style, look, new_figure

_LOWEST = -1.0


@in_house_style
def horizon_curves(
    h: Sequence[int],
    r2: Mapping[str, ArrayLike],
    skill: Mapping[str, ArrayLike],
    *,
    dt_ms: float,
    threshold: float = 0.05,
) -> Figure:
    """R2 against the training mean and skill over the last known value, by steps ahead.

    Args:
        h: Steps ahead (horizon,).
        r2: By predictor (horizon,), dimensionless; NaN where undefined.
        skill: By predictor (horizon,), dimensionless.
        dt_ms: Length of a step, in ms.
        threshold: R2 above which a horizon counts as predictable, drawn as a line.

    Returns:
        The figure; values below -1 are drawn at its lower edge.
    """
    figure = new_figure(10.0, 4.0)
    left, right = figure.subplots(1, 2)
    time_ms = np.asarray(h) * dt_ms
    _draw(left, time_ms, r2, "R2 (against the training mean)")
    _draw(right, time_ms, skill, "skill over the last known value")
    left.axhline(threshold, color=INK, linewidth=0.8, linestyle=(0, (1, 3)))
    left.annotate(f"R2 = {threshold:g}", (time_ms[-1], threshold), ha="right", va="bottom", fontsize=9)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=len(r2), columnspacing=1.4)
    return figure


def _draw(axes: Axes, time_ms: np.ndarray, curves: Mapping[str, ArrayLike], label: str) -> None:
    for name, values in curves.items():
        shown = np.maximum(np.asarray(values, dtype=np.float64), _LOWEST)
        axes.plot(time_ms, shown, **look(name).line(), marker=look(name).marker, markersize=4, label=look(name).label)
    if any(np.nanmin(np.asarray(values, dtype=np.float64), initial=0.0) < _LOWEST for values in curves.values()):
        axes.annotate("lower values are drawn at -1", (0.5, 0.02), xycoords="axes fraction", ha="center", fontsize=9)
    axes.axhline(0.0, color=INK, linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.set_xticks(time_ms, [f"{t:g}" for t in time_ms])
    axes.set(xlabel="time ahead (ms)", ylabel=label, ylim=(_LOWEST - 0.08, 1.08))

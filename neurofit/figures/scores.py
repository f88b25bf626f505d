"""The result in one picture: the model's error beside the errors of the trivial answers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofit.figures.placement import finite, label_log_axis, wants_log
from neurofit.figures.style import FAINT, INK, in_house_style, look, new_figure, with_unit

Interval = tuple[float, float] | None


@in_house_style
def score_summary(
    mse: Mapping[str, float],
    ci: Mapping[str, Interval] | None = None,
    *,
    unit: str = "training std squared",
) -> Figure:
    """Mean squared error of the model and of each baseline, smallest on top, with values and intervals.

    Bars start at zero; where the errors span more than a factor of ten, a log axis with dots takes their place.

    Args:
        mse: Mean squared error by predictor, in `unit`; one that is not finite is listed as not available.
        ci: 95 % interval (low, high) by predictor, in `unit`; None or absent where there is none.
        unit: Unit of the errors.

    Returns:
        The figure.
    """
    names = sorted(mse, key=lambda name: np.nan_to_num(mse[name], nan=np.inf))
    intervals = {name: interval for name, interval in (ci or {}).items() if interval is not None}
    figure = new_figure(8.0, 1.0 + 0.38 * len(names))
    axes = figure.add_subplot()
    values = finite(list(mse.values()))
    log = wants_log(values)
    for place, name in enumerate(names):
        _draw_score(axes, place, name, mse[name], intervals.get(name), log=log)
    if log:
        axes.set_xscale("log")
        label_log_axis(axes.xaxis, values)
        axes.margins(x=0.08)
    axes.set_yticks(range(len(names)), [look(name).label for name in names])
    axes.set(ylim=(len(names) - 0.4, -0.6), xlabel=with_unit("mean squared error", unit))
    _write_values(axes, [_value(mse[name], intervals.get(name)) for name in names])
    return figure


def _draw_score(axes: Axes, place: int, name: str, mse: float, interval: Interval, *, log: bool) -> None:
    drawn = look(name)
    if log:
        axes.axhline(place, color=FAINT, linewidth=0.8, zorder=0)
        axes.plot(mse, place, marker=drawn.marker, markersize=8, color=drawn.color, linestyle="none")
    else:
        axes.barh(place, mse, height=0.62, color=drawn.color)
    if interval is not None:
        axes.plot(interval, (place, place), color=INK, linewidth=1.2, marker="|", markersize=7)


def _write_values(axes: Axes, values: list[str]) -> None:
    for place, value in enumerate(values):
        axes.annotate(value, (1.02, place), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)


def _value(mse: float, interval: Interval) -> str:
    if not np.isfinite(mse):
        return "not available"
    return f"{mse:.4g}" if interval is None else f"{mse:.4g}  [{interval[0]:.4g}, {interval[1]:.4g}]"

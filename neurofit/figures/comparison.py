"""The losses of many models side by side: a panel a model, one scale for all, the trivial answers as lines in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from neurofit.figures.losses import TRAIN
from neurofit.figures.placement import finite, label_log_axis, wants_log
from neurofit.figures.style import in_house_style, look, new_figure, plain, with_unit

_COLUMNS = 4
_PANEL_IN = 2.1


class LossCurve(NamedTuple):
    """Losses of one run, (epoch,) each."""

    epochs: ArrayLike
    train: ArrayLike
    validation: ArrayLike


@in_house_style
def compared_losses(
    curves: Mapping[str, Sequence[LossCurve]],
    baselines: Mapping[str, float],
    *,
    loss: str = "mean squared error",
    unit: str = "training std squared",
) -> Figure:
    """Training and validation loss by epoch, a panel a model and a line a seed, all on one scale.

    The scale holds every loss and the best baseline; a worse one may lie outside, and has its error in the legend.

    Args:
        curves: Runs by model, one a seed; a model without runs has an empty panel that says so.
        baselines: Validation loss of each baseline by name, in `unit`.
        loss: What is measured.
        unit: Unit of all losses.

    Returns:
        The figure.
    """
    columns = min(_COLUMNS, len(curves))
    rows = -(-len(curves) // columns)
    figure = new_figure(max(8.0, 2.8 * columns), _PANEL_IN * rows + 0.9)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    shown = {name: mse for name, mse in baselines.items() if np.isfinite(mse)}
    for axes, (name, runs) in zip(panels.flat, curves.items(), strict=False):
        _draw_model(axes, name, runs, shown)
    for axes in panels.flat[len(curves) :]:
        axes.set_axis_off()
    losses = finite(*(values for runs in curves.values() for run in runs for values in run[1:]))
    _scale(panels[0, 0], np.append(losses, sorted(shown.values())[:1]))
    figure.supxlabel("epoch", fontsize=10)
    figure.supylabel(with_unit(loss, unit) if rows > 1 else f"{loss}\n({unit})", fontsize=10)
    _legend(figure, panels)
    return figure


def _draw_model(axes: Axes, name: str, runs: Sequence[LossCurve], baselines: Mapping[str, float]) -> None:
    axes.set_title(plain(name, 32))
    for baseline, mse in baselines.items():
        axes.axhline(mse, **look(baseline).line(), label=f"{look(baseline).label}  {mse:.3g}")
    for i, run in enumerate(runs):
        marker = "." if np.size(run.epochs) <= 40 else None
        axes.plot(run.epochs, run.train, color=TRAIN, marker=marker, label="" if i else "training")
        axes.plot(run.epochs, run.validation, **look("model").line(), marker=marker, label="" if i else "validation")
    if not runs:
        axes.text(0.5, 0.5, "no epoch was run", transform=axes.transAxes, ha="center", va="center")


def _scale(axes: Axes, values: np.ndarray) -> None:
    """One scale for all panels, which share the axes of the first: what holds `values`, so that none is a flat line."""
    if wants_log(values):
        axes.set_yscale("log")
        label_log_axis(axes.yaxis, values)
    if values.size and np.ptp(values) > 0:
        low, high = axes.yaxis.get_transform().transform(np.array([values.min(), values.max()]))
        margin = 0.08 * (high - low)
        axes.set_ylim(*axes.yaxis.get_transform().inverted().transform(np.array([low - margin, high + margin])))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _legend(figure: Figure, panels: np.ndarray) -> None:
    labelled = {
        label: handle
        for axes in panels.flat
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }  # fmt: skip
    if labelled:
        figure.legend(labelled.values(), labelled.keys(), loc="outside upper right", ncols=len(labelled))

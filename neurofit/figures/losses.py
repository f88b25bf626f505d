"""Loss by epoch, with the trivial answers as horizontal lines: below a line, the network beats that answer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from neurofit.figures.placement import finite, label_log_axis, label_right, wants_log
from neurofit.figures.style import INK, in_house_style, legend_above, look, new_figure, with_unit

_HEIGHT_IN = 3.8
TRAIN = "#f3b183"


@in_house_style
def loss_curves(
    epochs: ArrayLike,
    train: ArrayLike,
    validation: ArrayLike,
    baselines: Mapping[str, float],
    *,
    best_epoch: int | None = None,
    loss: str = "mean squared error",
    unit: str = "training std squared",
) -> Figure:
    """Training and validation loss by epoch beside the baselines' validation loss.

    Args:
        epochs: Epoch numbers (epoch,).
        train: Loss on the training span (epoch,), in `unit`; NaN where not measured.
        validation: Loss on the validation span (epoch,), in `unit`.
        baselines: Validation loss of each baseline by name, in `unit`.
        best_epoch: The epoch whose weights are kept, marked; one of `epochs`.
        loss: What is measured.
        unit: Unit of all losses.

    Returns:
        The figure.
    """
    figure = new_figure(8.0, _HEIGHT_IN)
    axes = figure.add_subplot()
    marker = "o" if np.size(epochs) <= 40 else None
    axes.plot(epochs, train, color=TRAIN, linewidth=2.2, marker=marker, markersize=4, label="training")
    axes.plot(epochs, validation, **look("model").line(), marker=marker, markersize=4, label="validation")
    _mark_kept(axes, np.asarray(epochs), np.asarray(validation, dtype=np.float64), best_epoch)
    shown = {name: mse for name, mse in baselines.items() if np.isfinite(mse)}
    for name, mse in shown.items():
        axes.axhline(mse, **look(name).line())
    values = finite(train, validation, list(shown.values()))
    if wants_log(values):
        axes.set_yscale("log")
        label_log_axis(axes.yaxis, values)
    axes.set(xlabel="epoch", ylabel=with_unit(loss, unit))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    pad = max(0.02 * np.ptp(epochs), 0.5)
    axes.set_xlim(np.min(epochs) - pad, np.max(epochs) + pad)
    label_right(
        axes,
        [(mse, f"{look(name).label}  {mse:.3g}", look(name).color) for name, mse in shown.items()],
        height_in=_HEIGHT_IN - 0.9,
    )
    legend_above(axes)
    return figure


def _mark_kept(axes: Axes, epochs: np.ndarray, validation: np.ndarray, best_epoch: int | None) -> None:
    if best_epoch is None:
        return
    kept = validation[epochs == best_epoch][0]
    axes.axvline(best_epoch, color=INK, linewidth=0.6, zorder=1)
    axes.plot(
        best_epoch,
        kept,
        linestyle="none",
        marker="*",
        markersize=13,
        color=INK,
        zorder=4,
        label=f"kept: epoch {best_epoch}, validation {kept:.3g}",
    )

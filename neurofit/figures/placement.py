"""Where labels and limits go: labels that keep a distance from each other, and axes that choose their own scale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import ArrayLike, NDArray


def finite(*arrays: ArrayLike) -> NDArray[np.float64]:
    """All finite numbers of the arrays, as one vector (value,)."""
    values = np.concatenate([np.ravel(np.asarray(array, dtype=np.float64)) for array in arrays] or [np.empty(0)])
    return values[np.isfinite(values)]


def wants_log(values: NDArray[np.float64], *, ratio: float = 10.0) -> bool:
    """True where positive values (value,) span more than `ratio`, so that a linear axis would hide the small ones."""
    return bool(values.size and values.min() > 0 and values.max() > ratio * values.min())


def label_log_axis(axis: Axis, values: NDArray[np.float64]) -> None:
    """Ticks of a log axis of positive values (value,): over up to three decades 1, 2 and 5 as plain numbers."""
    if values.max() < 1e3 * values.min():
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())


def spread(positions: Sequence[float], gap: float, *, high: float = 1.0) -> list[float]:
    """Move positions apart, keeping their order, until neighbours are at least `gap` from each other.

    Args:
        positions: Wanted positions, in any order.
        gap: Least distance.
        high: No position ends above this.

    Returns:
        The new positions, in the order given.
    """
    order = np.argsort(positions, kind="stable")
    moved = np.asarray(positions, dtype=np.float64)[order]
    for i in range(1, moved.size):
        moved[i] = max(moved[i], moved[i - 1] + gap)
    ceiling = high
    for i in reversed(range(moved.size)):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - gap
    placed = np.empty_like(moved)
    placed[order] = moved
    return placed.tolist()


def label_right(axes: Axes, labels: Iterable[tuple[float, str, str]], *, height_in: float) -> None:
    """Write labels at the right edge of the axes, each joined to its height by a short line, none over another.

    Args:
        axes: The axes, with their final limits.
        labels: Triples (height in data units, text, colour of the joining line).
        height_in: Height of the axes in inches.
    """
    rows = list(labels)
    to_fraction = axes.transData + axes.transAxes.inverted()
    heights = [float(to_fraction.transform((axes.get_xlim()[1], y))[1]) for y, _, _ in rows]
    lines = max((text.count("\n") + 1 for _, text, _ in rows), default=1)
    places = spread(heights, 0.18 * lines / height_in)
    for height, place, (_, text, color) in zip(heights, places, rows, strict=True):
        axes.annotate(
            text,
            xy=(1.0, height),
            xytext=(1.035, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            fontsize=9,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.8, "shrinkA": 1, "shrinkB": 0},
        )

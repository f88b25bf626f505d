"""The traces of many models side by side: a column a model, the truth in each, all of a channel on one scale.

One-step predictions at 0.1 ms lie on the truth when seen whole. So each channel has a row around its largest event,
and below it what every model misses, truth - prediction, over the whole time: there one sees who is noisy at rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from neurofit.figures.placement import finite
from neurofit.figures.style import FAINT, in_house_style, look, new_figure, plain, with_unit
from neurofit.figures.traces import largest_event

MOST_CHANNELS = 3
_ZOOM_SAMPLES = 60
_ROW_IN = 3.0


@in_house_style
def compared_traces(
    time_s: ArrayLike,
    truth: ArrayLike,
    predictions: Mapping[str, ArrayLike],
    channel_labels: Sequence[str],
    unit: str,
    *,
    signal: str,
) -> Figure:
    """Truth and predictions around the largest event of each channel, and the residuals, a column a model.

    Args:
        time_s: Time of each sample (time,), in s.
        truth: Recorded signal (time, channel), in `unit`; NaN where missing.
        predictions: Predicted signal (time, channel) by model, in `unit`.
        channel_labels: Name of each channel (channel,).
        unit: Unit of the signal.
        signal: Name of the signal, such as `vm`.

    Returns:
        The figure; it shows the first `MOST_CHANNELS` channels.
    """
    time, true = np.asarray(time_s, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    predicted = {name: np.asarray(values, dtype=np.float64) for name, values in predictions.items()}
    rows = min(true.shape[1], MOST_CHANNELS)
    said = f"({plain(unit)})" if unit else ""
    figure = new_figure(max(8.0, 2.6 * len(predicted) + 0.8), _ROW_IN * rows + 0.6)
    panels = figure.subplots(2 * rows, len(predicted), sharey="row", squeeze=False)
    for row in range(rows):
        event, residual = panels[2 * row], panels[2 * row + 1]
        near = _near(time, largest_event(true[:, row]))
        for column, (name, values) in enumerate(predicted.items()):
            _draw_event(event[column], near, true[:, row], values[:, row], name)
            _draw_residual(residual[column], time, true[:, row] - values[:, row], name)
            residual[column].set_xlabel("time (s)")
        _scale(event[0], true[:, row])
        event[0].set_ylabel("\n".join([f"channel {plain(channel_labels[row], 16)}", plain(signal, 16), said]))
        residual[0].set_ylabel(with_unit("residual", unit))
    for axes, name in zip(panels[0], predicted, strict=True):
        axes.set_title(plain(look(name).label, 32))
    figure.align_ylabels(panels[:, 0])
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    return figure


@dataclass(frozen=True)
class _Near:
    """Samples around an event, their times (sample,), and the label of these."""

    samples: slice
    time: NDArray[np.float64]
    label: str


def _near(time_s: NDArray[np.float64], peak: int) -> _Near:
    samples = slice(max(0, peak - _ZOOM_SAMPLES // 2), peak + _ZOOM_SAMPLES // 2)
    near = time_s[samples]
    if np.ptp(near) < 1.0:
        return _Near(samples, 1e3 * (near - time_s[peak]), f"from {time_s[peak]:.4g} s (ms)")
    return _Near(samples, near, "time (s)")


def _draw_event(axes: Axes, near: _Near, truth: NDArray[np.float64], values: NDArray[np.float64], name: str) -> None:
    axes.plot(near.time, truth[near.samples], **look("truth").line(), label="truth")
    axes.plot(near.time, values[near.samples], **look(name).line(), marker=".", markersize=4, label="prediction")
    axes.set_xlabel(near.label)
    if not finite(truth).size:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", va="center")


def _draw_residual(axes: Axes, time_s: NDArray[np.float64], residual: NDArray[np.float64], name: str) -> None:
    axes.axhline(0.0, color=FAINT, linewidth=0.8, zorder=1)
    axes.plot(time_s, residual, **{**look(name).line(), "linewidth": 0.8, "linestyle": "-"})
    axes.margins(x=0.01)


def _scale(axes: Axes, truth: NDArray[np.float64]) -> None:
    """The scale of the truth for a whole row: the size of a prediction that runs away is seen in its residual."""
    true = finite(truth)
    if true.size and np.ptp(true) > 0:
        margin = 0.25 * np.ptp(true)
        axes.set_ylim(true.min() - margin, true.max() + margin)

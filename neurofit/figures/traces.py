"""Predicted against true traces: the whole span, the largest event close up, and what each prediction misses.

One-step predictions at 0.1 ms lie on the truth when seen whole. So each channel has a second, narrow panel around the
largest deviation of its truth from its median, and below both the residual, truth - prediction, of every predictor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from numpy.typing import ArrayLike, NDArray

from neurofit.figures.placement import finite
from neurofit.figures.style import FAINT, in_house_style, look, new_figure, plain

MOST_CHANNELS = 6
_ZOOM_SAMPLES = 60
_ROW_IN = 2.5


@in_house_style
def prediction_traces(
    time_s: ArrayLike,
    truth: ArrayLike,
    predictions: Mapping[str, ArrayLike],
    channel_labels: Sequence[str],
    unit: str,
    *,
    signal: str,
) -> Figure:
    """Truth and predictions, one row a channel, with a close-up of the largest event and the residuals.

    Args:
        time_s: Time of each sample (time,), in s; up to some 10,000 samples can be told apart.
        truth: Recorded signal (time, channel), in `unit`; NaN where missing.
        predictions: Predicted signal (time, channel) by predictor, in `unit`: the model and its best baseline.
        channel_labels: Name of each channel (channel,).
        unit: Unit of the signal.
        signal: Name of the signal, such as `vm`.

    Returns:
        The figure; it shows the first `MOST_CHANNELS` channels.
    """
    time = np.asarray(time_s, dtype=np.float64)
    true = np.asarray(truth, dtype=np.float64)
    predicted = {name: np.asarray(values, dtype=np.float64) for name, values in predictions.items()}
    rows = min(true.shape[1], MOST_CHANNELS)
    figure = new_figure(10.0, _ROW_IN * rows + 0.8)
    grid = figure.add_gridspec(2 * rows, 2, width_ratios=(3, 1), height_ratios=(2, 1) * rows)
    for row in range(rows):
        column = {name: values[:, row] for name, values in predicted.items()}
        channel = _Channel(time, true[:, row], column, f"channel {plain(channel_labels[row])}")
        _draw_row(figure, grid, row, channel, signal=signal, unit=unit)
    _finish(figure, rows)
    return figure


@dataclass(frozen=True)
class _Channel:
    """One channel: time (time,) in s, truth (time,), predictions (time,) by name, and its title."""

    time_s: NDArray[np.float64]
    truth: NDArray[np.float64]
    predictions: Mapping[str, NDArray[np.float64]]
    title: str

    def part(self, samples: slice, *, origin_s: float, scale: float) -> _Channel:
        """The samples of a slice, with time counted from `origin_s` in units of 1 / `scale` s."""
        cut = {name: values[samples] for name, values in self.predictions.items()}
        return _Channel((self.time_s[samples] - origin_s) * scale, self.truth[samples], cut, "")


def _draw_row(figure: Figure, grid: GridSpec, row: int, channel: _Channel, *, signal: str, unit: str) -> None:
    peak = largest_event(channel.truth)
    span = slice(max(0, peak - _ZOOM_SAMPLES // 2), min(channel.truth.size, peak + _ZOOM_SAMPLES // 2))
    length_s = np.ptp(channel.time_s[span])
    fast = length_s < 1.0
    zoom = channel.part(span, origin_s=channel.time_s[peak] if fast else 0.0, scale=1e3 if fast else 1.0)

    whole = _pair(figure, grid, row, 0, channel, marker=None)
    _pair(figure, grid, row, 1, zoom, marker=".")
    if finite(channel.truth).size:
        for axes in whole:
            axes.axvspan(*channel.time_s[[span.start, span.stop - 1]], color=FAINT, alpha=0.6, linewidth=0, zorder=0)
    whole[0].set_title(channel.title)
    whole[0].set_ylabel(_two_lines(signal, unit))
    whole[1].set_ylabel(_two_lines("residual", unit))
    whole[1].set_xlabel("time (s)")
    figure.axes[-1].set_xlabel(f"time from {channel.time_s[peak]:.4g} s (ms)" if fast else "time (s)")


def _two_lines(quantity: str, unit: str) -> str:
    return f"{plain(quantity, 16)}\n({plain(unit)})" if unit else plain(quantity, 16)


def _pair(figure: Figure, grid: GridSpec, row: int, side: int, channel: _Channel, *, marker: str | None) -> list[Axes]:
    trace = figure.add_subplot(grid[2 * row, side])
    residual = figure.add_subplot(grid[2 * row + 1, side], sharex=trace)
    _draw_trace(trace, channel, marker)
    _draw_residual(residual, channel)
    trace.tick_params(labelbottom=False)
    trace.margins(x=0.01)
    trace.dataLim.update_from_data_x(channel.time_s, ignore=False)
    return [trace, residual]


def _draw_trace(axes: Axes, channel: _Channel, marker: str | None) -> None:
    axes.plot(channel.time_s, channel.truth, **look("truth").line(), marker=marker, label="truth")
    for name, values in channel.predictions.items():
        axes.plot(channel.time_s, values, **look(name).line(), label=look(name).label)
    true = finite(channel.truth)
    if not true.size:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", va="center")
    if true.size and np.ptp(true) > 0:
        # A prediction that runs away must not flatten the truth: its size is seen in the residual.
        margin = 0.25 * np.ptp(true)
        axes.set_ylim(true.min() - margin, true.max() + margin)


def _draw_residual(axes: Axes, channel: _Channel) -> None:
    axes.axhline(0.0, color=FAINT, linewidth=0.8, zorder=1)
    for name, values in channel.predictions.items():
        axes.plot(channel.time_s, channel.truth - values, **look(name).line())


def _finish(figure: Figure, rows: int) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    figure.align_ylabels(figure.axes[0::2])


def largest_event(truth: NDArray[np.float64]) -> int:
    """Sample of a trace (time,) that lies furthest from its median; the middle sample where all are NaN."""
    known = finite(truth)
    if not known.size:
        return truth.size // 2
    return int(np.nanargmax(np.abs(truth - np.median(known))))

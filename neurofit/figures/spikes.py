"""Spikes seen ahead: traces with their detected spikes, and the scores of every predictor beside each other.

A trace of forecasts holds, at each time, what was predicted for it a fixed time before. Ticks below a trace are its
threshold crossings, one row a predictor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from neurofit.figures.placement import finite, label_log_axis, wants_log
from neurofit.figures.style import INK, in_house_style, look, new_figure, plain, with_unit

_TRACE_IN, _PANEL_IN, _TICK_IN = 1.7, 2.4, 0.16
_HATCHES = {"persistence": "", "mean": "....", "ar": "////", "var": "\\\\\\\\"}


@dataclass(frozen=True, eq=False)
class SpikeTraces:
    """One channel: the truth, forecasts of it, and the spikes of both.

    Attributes:
        label: Name of the channel.
        time_s: (time,), in s.
        traces: (time,) by predictor, `truth` first, in the signal's unit.
        spikes_s: (spike,) by predictor, in s.
    """

    label: str
    time_s: NDArray[np.float64]
    traces: Mapping[str, NDArray[np.floating]]
    spikes_s: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class ScorePanel:
    """One score of all predictors, in groups of bars.

    Attributes:
        quantity: What the bars show, with its unit.
        groups: Names of the groups (group,).
        values: (group,) by predictor; NaN where undefined.
        intervals: 95 % interval (low, high) or None (group,) by predictor.
        chance: What chance would score (group,) by predictor; NaN where undefined, empty without it.
        reference: Height of a line and its name, None without one.
    """

    quantity: str
    groups: Sequence[str]
    values: Mapping[str, Sequence[float]]
    intervals: Mapping[str, Sequence[Sequence[float] | None]]
    chance: Mapping[str, Sequence[float]] = field(default_factory=dict)
    reference: tuple[float, str] | None = None


@in_house_style
def spike_summary(
    channels: Sequence[SpikeTraces], panels: Sequence[ScorePanel], *, signal: str, unit: str, ahead_ms: float
) -> Figure:
    """Channels from above, each with its trace and ticks of its spikes; below them the scores, two panels a row.

    Bars start at zero; where scores span more than a factor of ten, a log axis with markers takes their place.

    Args:
        channels: Channels to show; without any the scores stand alone.
        panels: Scores, in the same order of predictors each.
        signal: Name of the signal, such as `vm`.
        unit: Unit of the signal.
        ahead_ms: How long before the forecasts were made, in ms.

    Returns:
        The figure.
    """
    ticks_in = _TICK_IN * max((len(channel.traces) for channel in channels), default=0) + 0.15
    rows = -(-len(panels) // 2)
    heights = [*[_TRACE_IN, ticks_in] * len(channels), *[_PANEL_IN] * rows]
    figure = new_figure(10.0, sum(heights) + 0.6 + 0.45 * (len(channels) + rows))
    figure.set_layout_engine("constrained", hspace=0.04)
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    for i, channel in enumerate(channels):
        trace = figure.add_subplot(grid[2 * i, :])
        ticks = figure.add_subplot(grid[2 * i + 1, :], sharex=trace)
        _draw_channel(trace, channel, with_unit(signal, unit))
        _draw_ticks(ticks, channel)
        if i == 0:
            trace.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(channel.traces), borderaxespad=0.2)
            title = f"{trace.get_title(loc='left')}, forecast {ahead_ms:g} ms ahead"
            trace.set_title(title)
        if i == len(channels) - 1:
            ticks.set_xlabel("time (s)")
    for i, panel in enumerate(panels):
        axes = figure.add_subplot(grid[2 * len(channels) + i // 2, i % 2])
        _draw_panel(axes, panel)
    _name_predictors(figure, list(panels[0].values))
    return figure


def _draw_channel(axes: Axes, channel: SpikeTraces, label: str) -> None:
    for name, trace in channel.traces.items():
        axes.plot(channel.time_s, trace, **look(name).line(), label=look(name).label)
    true = finite(next(iter(channel.traces.values())))
    if true.size and np.ptp(true) > 0:
        # A forecast that runs away must not flatten the truth.
        axes.set_ylim(true.min() - 0.25 * np.ptp(true), true.max() + 0.25 * np.ptp(true))
    axes.set_title(f"channel {plain(channel.label)}")
    axes.set_ylabel(label)
    axes.margins(x=0.0)
    axes.tick_params(labelbottom=False)


def _draw_ticks(axes: Axes, channel: SpikeTraces) -> None:
    names = list(channel.traces)
    for place, name in enumerate(names):
        axes.eventplot(
            [channel.spikes_s[name]], lineoffsets=place, linelengths=0.8, linewidths=1.8, colors=look(name).color
        )
    axes.set_yticks(range(len(names)), [look(name).label for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)


def _draw_panel(axes: Axes, panel: ScorePanel) -> None:
    log = wants_log(finite(*panel.values.values()))
    width = 0.84 / max(1, len(panel.values))
    for i, (name, values) in enumerate(panel.values.items()):
        places = np.arange(len(values)) + (i - (len(panel.values) - 1) / 2) * width
        _draw_scores(axes, name, places, values, width=0.92 * width, log=log)
        for place, value, interval in zip(places, values, panel.intervals[name], strict=True):
            _mark(axes, place, value, interval)
        for place, chance in zip(places, panel.chance.get(name, ()), strict=False):
            axes.plot((place - width / 2, place + width / 2), (chance, chance), color=INK, linewidth=1.6, zorder=5)
    said = []
    if panel.reference is not None:
        height, reference = panel.reference
        axes.axhline(height, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        said.append(f"dashed: {reference}")
    if panel.chance:
        said.append("thick line: chance")
    axes.set_title("; ".join(said), fontsize=9)
    axes.set_xticks(range(len(panel.groups)), [plain(group) for group in panel.groups])
    axes.set_xlim(-0.5, len(panel.groups) - 0.5)
    axes.tick_params(bottom=False)
    axes.set_ylabel(panel.quantity)
    if log:
        axes.set_yscale("log")
        label_log_axis(axes.yaxis, finite(*panel.values.values()))
        axes.margins(y=0.15)
    else:
        low, high = axes.dataLim.intervaly
        axes.set_ylim(low - (0.15 * (high - low) if low < 0 else 0.0), (high + 0.15 * (high - low)) or 1.0)


def _name_predictors(figure: Figure, names: Sequence[str]) -> None:
    """A legend with the bar and the marker of each predictor."""
    handles: list[Any] = [
        (
            Patch(facecolor=look(name).color, edgecolor="white", linewidth=0, hatch=_hatch(name)),
            Line2D([], [], color=look(name).color, marker=look(name).marker, markersize=8, linestyle="none"),
        )
        for name in names
    ]
    figure.legend(
        handles, [look(name).label for name in names], loc="outside lower center", ncols=len(names), handlelength=4,
        handler_map={tuple: HandlerTuple(ndivide=None)},
    )  # fmt: skip


def _hatch(name: str) -> str:
    return _HATCHES.get(name.split("(")[0].strip().lower(), "")


def _draw_scores(
    axes: Axes, name: str, places: NDArray[np.floating], values: Sequence[float], *, width: float, log: bool
) -> None:
    color = look(name).color
    if log:
        axes.plot(places, values, marker=look(name).marker, markersize=8, color=color, linestyle="none")
        return
    heights = np.nan_to_num(np.asarray(values, dtype=np.float64))
    axes.bar(places, heights, width, color=color, edgecolor="white", linewidth=0, hatch=_hatch(name))


def _mark(axes: Axes, place: float, value: float, interval: Sequence[float] | None) -> None:
    """The interval of a score, and its number above or below both."""
    ends = finite([value, *(interval or ())])
    if interval is not None:
        axes.plot((place, place), interval, color=INK, linewidth=1.0, zorder=4)
    up = not value < 0
    end = 0.0 if not ends.size else ends.max() if up else ends.min()
    said = f"{value:.2g}" if np.isfinite(value) else "n/a"
    low_edge = (place, 0.0) if not ends.size else (place, end)
    axes.annotate(
        said, low_edge, xycoords="data" if ends.size else ("data", "axes fraction"), xytext=(0, 5 if up else -5),
        textcoords="offset points", ha="center", va="bottom" if up else "top", fontsize=7,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8},
    )  # fmt: skip

"""The paper's figures redrawn: panels as the paper has them, the same held out below, and what they miss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nayebi2015.windows import Traces
from neurofit import figures
from neurofit.figures.style import FAINT, in_house_style, look, new_figure, plain, with_unit

CLOSE_UP = 45
"""Steps shown close up, the free ones at the end of them."""
MODEL_LINES = (("#df5d0c", "-"), ("#7a3b9a", (0, (4, 1))), ("#2f9e77", (0, (1.5, 1))), ("#b8860b", (0, (6, 1, 1, 1))))
FREE = ("persistence", "ar")


@in_house_style
def trace_figure(
    rows: Sequence[tuple[str, Traces]], models: Sequence[str], *, title: str, signal: str, unit: str
) -> Figure:
    """Predictions of several networks beside the truth, a row a channel and span.

    Each row has a panel a network, one with the baselines, and all of them close up where they run free, shaded. Below
    every panel is what is missed, also by the baselines. Errors in the titles are root mean squares one step ahead.

    Args:
        rows: Pairs (name of the row, traces), each with a line a network.
        models: Names of the lines of the networks, from left to right.
        title: Title of the figure.
        signal: Name of the signal.
        unit: Its unit.

    Returns:
        The figure.
    """
    columns = len(models) + 2
    figure = new_figure(3.3 * columns, 2.9 * len(rows) + 0.8)
    ratios = [1.0] * (columns - 1) + [0.8]
    grid = figure.add_gridspec(2 * len(rows), columns, height_ratios=(2, 1) * len(rows), width_ratios=ratios)
    for row, (name, traces) in enumerate(rows):
        left: tuple[Axes, Axes] | None = None
        for column, lines in enumerate([*([model] for model in models), [*FREE]]):
            panel = figure.add_subplot(grid[2 * row, column])
            below = figure.add_subplot(grid[2 * row + 1, column], sharex=panel, sharey=left and left[1])
            left = left or (panel, below)
            styles = {line: _style(line, models[:0]) for line in dict.fromkeys((*lines, *FREE))}
            _draw(panel, below, traces, lines, styles)
            panel.set_title(f"{'' if column else name}\n{_errors(traces, lines, unit)}", fontsize=9)
            below.set_xlabel("time (s)")
        panel, below = (figure.add_subplot(grid[2 * row + i, -1]) for i in (0, 1))
        below.sharex(panel)
        _draw(panel, below, _end(traces), [*models, *FREE], {line: _style(line, models) for line in (*models, *FREE)})
        panel.set_title("\nfree-running steps close up", fontsize=9)
        below.set_xlabel("time in the free run (ms)")
        for axes, quantity in zip(left or (), (plain(signal, 16), "missed"), strict=True):
            axes.set_ylabel(with_unit(quantity, unit))
    figure.suptitle(title, x=0.01, ha="left")
    handles, labels = figure.axes[-2].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def loss_figure(
    curves: Mapping[str, Sequence[Mapping[str, Any]]], baselines: Mapping[str, float], *, n_channels: int, title: str
) -> Figure:
    """The loss of equation 2 by epoch, training and dev, with the dev loss of the baselines as lines.

    Args:
        curves: Rows of `metrics.jsonl` by the name of the panel.
        baselines: Mean squared dev error by baseline, in squared units of the training standard deviation.
        n_channels: Channels over which equation 2 sums.
        title: Title of the figure.

    Returns:
        The figure.
    """
    shown = {
        name: [figures.LossCurve([row["epoch"] for row in rows], *(
            [n_channels * row[key] for row in rows] for key in ("train", "validation")
        ))]
        for name, rows in curves.items()
    }  # fmt: skip
    figure = figures.compared_losses(shown, {name: n_channels * mse for name, mse in baselines.items()})
    width, height = figure.get_size_inches()
    figure.set_size_inches(max(9.0, width), height + 1.0)
    figure.supylabel("loss, equation 2 (squared training std)", fontsize=10)
    first = figure.axes[0]
    first.set_title(f"{title}\n\n{first.get_title('left')}", loc="left", fontsize=10)
    return figure


def _draw(
    panel: Axes, below: Axes, traces: Traces, lines: Sequence[str], styles: Mapping[str, Mapping[str, Any]]
) -> None:
    """Truth and `lines` in a panel, and what all in `styles` miss below it."""
    time, truth = traces.time_s, traces.lines["truth"]
    panel.plot(time, truth, **look("truth").line(), label="truth")
    below.axhline(0.0, color=FAINT, linewidth=0.8, zorder=1)
    for name, style in styles.items():
        if name in lines:
            panel.plot(time, traces.lines[name], **style, label=look(name).label if name in FREE else name)
        below.plot(time, truth - traces.lines[name], **style)
    for axes in (panel, below):
        axes.axvspan(time[traces.free], time[-1], color=FAINT, alpha=0.6, linewidth=0, zorder=0)
        axes.margins(x=0.01)
    panel.tick_params(labelbottom=False)
    low, high = _limits(truth, [traces.lines[name] for name in lines])
    panel.set_ylim(low, high)


def _limits(truth: NDArray[np.float64], lines: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Limits that hold the truth, and predictions as far as they do not flatten it: their size is seen below."""
    reach = max(np.ptp(truth), 1e-12)
    drawn = np.concatenate([truth, *lines])
    low, high = (np.clip(end, truth.min() - reach, truth.max() + reach) for end in (np.nanmin(drawn), np.nanmax(drawn)))
    return float(low - 0.05 * reach), float(high + 0.05 * reach)


def _end(traces: Traces) -> Traces:
    """The last steps, with time in ms from the first free one on."""
    first = max(0, len(traces.time_s) - CLOSE_UP)
    time = 1000 * (traces.time_s - traces.time_s[traces.free])
    return Traces(
        traces.where, time[first:], traces.free - first, {name: line[first:] for name, line in traces.lines.items()}
    )


def _style(name: str, models: Sequence[str]) -> dict[str, Any]:
    """How a line is drawn: networks alike where each has a panel of its own, and apart where they share one."""
    if name in FREE:
        return {**look(name).line(), "linewidth": 1.0}
    color, dashes = MODEL_LINES[models.index(name) % len(MODEL_LINES) if models else 0]
    return {"color": color, "linestyle": dashes, "linewidth": 1.1, "zorder": 3.0}


def _errors(traces: Traces, names: Sequence[str], unit: str) -> str:
    """Root mean square errors of the steps that are predicted from the truth."""
    forced = slice(traces.free)
    missed = {name: traces.lines["truth"][forced] - traces.lines[name][forced] for name in names}
    said = ", ".join(
        f"{look(name).label if name in FREE else name} {np.sqrt(np.nanmean(error**2)):.3g}"
        for name, error in missed.items()
    )
    return plain(f"rms missed: {said} {unit}", 80)

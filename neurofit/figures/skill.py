"""Skill of the model channel by channel: sorted dots beside the distribution, over persistence and over the best AR.

skill = 1 - mse(model) / mse(baseline): 1 is perfect, 0 no better than the baseline, below 0 worse, without limit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from neurofit.figures.placement import finite, label_right
from neurofit.figures.style import INK, in_house_style, legend_above, look, new_figure, plain

_HEIGHT_IN = 4.2
_MOST_NAMED = 40
_LEAST_LINEAR = -1.0


@in_house_style
def channel_skill(skill_persistence: ArrayLike, skill_ar: ArrayLike, channel_labels: Sequence[str]) -> Figure:
    """Per-channel skill, channels sorted by the skill over the best autoregression, and both distributions.

    Args:
        skill_persistence: 1 - mse / mse of persistence (channel,), dimensionless; NaN where not scored.
        skill_ar: 1 - mse / mse of the best autoregression (channel,), dimensionless; NaN where not scored.
        channel_labels: Name of each channel (channel,).

    Returns:
        The figure; channels without a finite skill over the autoregression are left out and counted in the title.
    """
    over = {
        "persistence": np.asarray(skill_persistence, dtype=np.float64),
        "ar": np.asarray(skill_ar, dtype=np.float64),
    }
    scored = np.flatnonzero(np.isfinite(over["ar"]))
    order = scored[np.argsort(over["ar"][scored], kind="stable")]
    figure = new_figure(10.0, _HEIGHT_IN + (0.8 if _named(order.size) else 0.0))
    dots, shares = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    _set_scale(dots, finite(*over.values()))
    _draw_dots(dots, {name: skill[order] for name, skill in over.items()})
    _name_channels(dots, [channel_labels[i] for i in order], over["ar"][order])
    _draw_shares(shares, {name: finite(skill) for name, skill in over.items()})
    missing = over["ar"].size - order.size
    dots.set_title(f"{missing} of {over['ar'].size} channels not scored" if missing else "")
    return figure


def _set_scale(axes: Axes, skills: NDArray[np.float64]) -> None:
    lowest = min(skills.min(initial=0.0), -0.05)
    axes.set_ylim(lowest * (1.6 if lowest < _LEAST_LINEAR else 1.1), 1.05)
    if lowest < _LEAST_LINEAR:
        axes.set_yscale("symlog", linthresh=1.0, linscale=1.3)
        steps = (1.0, 2.0, 5.0) if lowest > -1000.0 else (1.0,)
        far = np.outer(-(10.0 ** np.arange(np.ceil(np.log10(-lowest)) + 1)), steps).ravel()
        axes.yaxis.set_major_locator(FixedLocator([*far, -0.5, 0.0, 0.5, 1.0]))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda skill, _: f"{skill:g}"))
    axes.set_ylabel("skill = 1 - mse / mse of baseline")


def _draw_dots(axes: Axes, over: dict[str, NDArray[np.float64]]) -> None:
    count = over["ar"].size
    size = float(np.clip(45.0 / np.sqrt(max(count, 1)), 1.6, 7.0))
    axes.axhline(0.0, color=INK, linewidth=1.0, zorder=1)
    for name, skill in over.items():
        drawn = look(name)
        axes.plot(
            np.arange(1, count + 1),
            skill,
            color=drawn.color,
            marker=drawn.marker,
            markersize=size,
            linestyle="none",
            zorder=drawn.zorder,
            label=f"over {_baseline(name)}",
        )
    axes.set_xlim(0.0, count + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    legend_above(axes, markerscale=7.0 / size)


def _baseline(name: str) -> str:
    return "best AR" if name == "ar" else look(name).label


def _named(channels: int) -> bool:
    return 0 < channels <= _MOST_NAMED


def _name_channels(axes: Axes, labels: list[str], skill: NDArray[np.float64]) -> None:
    if _named(len(labels)):
        axes.set_xticks(np.arange(1, len(labels) + 1), [plain(label, 18) for label in labels], rotation=90)
        axes.set_xlabel("channel")
        return
    axes.set_xlabel("channels, sorted by skill over the best AR")
    if labels:
        ends = [f"{plain(labels[i], 24)} at {skill[i]:.3g}" for i in (0, -1)]
        axes.set_xlabel(f"{axes.get_xlabel()}\n(lowest: {ends[0]}; highest: {ends[1]})")


def _draw_shares(axes: Axes, over: dict[str, NDArray[np.float64]]) -> None:
    scale = axes.yaxis.get_transform()
    low, high = scale.transform(np.asarray(axes.get_ylim()))
    count = max(skill.size for skill in over.values())
    width = (high - low) / np.clip(2 * np.sqrt(count), 8, 50)
    edges = scale.inverted().transform(width * np.arange(np.floor(low / width), np.ceil(high / width) + 1))
    axes.axhline(0.0, color=INK, linewidth=1.0, zorder=1)
    medians = []
    for name, skill in over.items():
        drawn = look(name)
        held, _ = np.histogram(skill, edges)
        axes.stairs(held, edges, orientation="horizontal", color=drawn.color, linestyle=drawn.linestyle, linewidth=1.2)
        axes.stairs(held, edges, orientation="horizontal", fill=True, color=drawn.color, alpha=0.25)
        if skill.size:
            axes.axhline(np.median(skill), **drawn.line())
            medians.append((float(np.median(skill)), f"median {np.median(skill):.3g}\n{_baseline(name)}", drawn.color))
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_xlabel("channels in bin")
    label_right(axes, medians, height_in=_HEIGHT_IN - 1.2)

"""The current of a leaky integrate-and-fire cell, its weighted synaptic input, and how its voltage follows them.

Figures 14 to 16 of Nayebi, Cable and Wedeen 2015, each with what spoils it beside what is left when that is mended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from neurofit.figures.style import (
    EXCITATORY,
    FAINT,
    INHIBITORY,
    INK,
    in_house_style,
    look,
    new_figure,
    plain,
    with_unit,
)

_CURRENT = look("model").color


@dataclass(frozen=True, eq=False)
class CurrentPanel:
    """One time constant: the current of the voltage as it is, and with own spikes blanked.

    Attributes:
        tau_ms: Time constant, ms.
        label: What it stands for, such as "C = 35 steps of 0.1 ms".
        raw: R I of the voltage as it is, mV, (time,).
        blanked: R I with own spikes blanked, mV, (time,).
    """

    tau_ms: float
    label: str
    raw: NDArray[np.floating]
    blanked: NDArray[np.floating]


@in_house_style
def current_beside_voltage(
    time_s: ArrayLike, vm: ArrayLike, vm_blanked: ArrayLike, panels: Sequence[CurrentPanel], *, cell: str
) -> Figure:
    """Current over voltage of one cell, a row a time constant: as it is on the left, own spikes blanked on the right.

    Args:
        time_s: Time of each sample, s, (time,).
        vm: Voltage, mV, (time,).
        vm_blanked: The same with own spikes blanked, mV, (time,).
        panels: The currents.
        cell: Label of the cell.
    """
    figure = new_figure(11.0, 0.9 + 2.3 * len(panels))
    rows = figure.subplots(len(panels), 2, sharex=True, squeeze=False)
    for row, panel in zip(rows, panels, strict=True):
        pairs = (("as it is", vm, panel.raw), ("own spikes blanked", vm_blanked, panel.blanked))
        for axes, (what, voltage, current) in zip(row, pairs, strict=True):
            axes.plot(time_s, current, color=_CURRENT, linewidth=0.9, label="R I = V + tau dV/dt", zorder=2.0)
            axes.plot(time_s, voltage, color=INK, linewidth=1.2, label="V", zorder=3.0)
            axes.set_title(f"tau = {panel.tau_ms:g} ms ({plain(panel.label)}): {what}")
            axes.set_ylabel("mV")
    for axes in rows[-1]:
        axes.set_xlabel("time (s)")
    figure.suptitle(f"Cell {plain(cell)}: estimated current, and the voltage it is made of")
    figure.legend(*rows[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@in_house_style
def weighted_input(
    time_s: ArrayLike,
    excitation: ArrayLike,
    inhibition: ArrayLike,
    current: ArrayLike,
    vm: ArrayLike,
    *,
    unit: str,
    tau_ms: float,
    cell: str,
    said: str,
) -> Figure:
    """Weighted input of one cell over time, above its estimated current and its voltage, own spikes blanked.

    Args:
        time_s: Time of each sample, s, (time,).
        excitation: Input through positive weights, in `unit`, (time,).
        inhibition: Input through negative weights, in `unit`, 0 or below, (time,).
        current: R I, mV, (time,).
        vm: Voltage, mV, (time,).
        unit: Unit of the weights.
        tau_ms: Time constant of the current, ms.
        cell: Label of the cell.
        said: How far current and voltage follow the input, beside chance.
    """
    figure = new_figure(11.0, 6.2)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(1.4, 1.0, 1.0))
    total = np.asarray(excitation) + np.asarray(inhibition)
    top.plot(time_s, excitation, color=EXCITATORY, linewidth=0.9, label="through positive weights")
    top.plot(time_s, inhibition, color=INHIBITORY, linewidth=0.9, linestyle=(0, (4, 1.2)),
             label="through negative weights")  # fmt: skip
    top.plot(time_s, total, color=INK, linewidth=1.3, label="sum")
    top.axhline(0.0, color=FAINT, linewidth=0.8, zorder=1.0)
    top.set_ylabel(with_unit("weighted input", unit))
    top.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.2)
    middle.plot(time_s, current, color=_CURRENT, linewidth=0.9)
    middle.set_ylabel("R I (mV)")
    middle.set_title(f"estimated current, tau = {tau_ms:g} ms, own spikes blanked")
    bottom.plot(time_s, vm, color=INK, linewidth=1.0)
    bottom.set_ylabel("V (mV)")
    bottom.set_title("voltage, own spikes blanked")
    bottom.set_xlabel("time (s)")
    figure.suptitle(f"Cell {plain(cell)}: {plain(said, 130)}")
    return figure


@dataclass(frozen=True, eq=False)
class CellCorrelations:
    """Correlation of averaged input and voltage over cells, one set a bar style.

    Attributes:
        label: Such as "own spikes blanked".
        r: Of each cell, (cells,); NaN where undefined.
        chance: 95 % quantile of its size by chance, (cells,).
    """

    label: str
    r: NDArray[np.floating]
    chance: NDArray[np.floating]


@in_house_style
def input_against_voltage(
    time_s: ArrayLike,
    averaged: ArrayLike,
    vm: ArrayLike,
    cells: Sequence[CellCorrelations],
    *,
    scatter: tuple[ArrayLike, ArrayLike],
    unit: str,
    window_ms: float,
    cell: str,
    said: str,
) -> Figure:
    """Moving average of the input against the voltage: over time and as a scatter for one cell, r for all cells.

    Args:
        time_s: Time of each sample of the first panel, s, (time,).
        averaged: Moving average of the weighted input, in `unit`, (time,).
        vm: Voltage, own spikes blanked, mV, (time,).
        cells: Correlations of all cells, with their chance.
        scatter: (averaged input, voltage) of the whole recording, thinned, (samples,) each.
        unit: Unit of the weights.
        window_ms: Window of the moving average, ms.
        cell: Label of the cell.
        said: Its correlation beside chance.
    """
    figure = new_figure(11.0, 6.0)
    grid = figure.add_gridspec(2, 1, height_ratios=(1.0, 1.25))
    over_time = figure.add_subplot(grid[0])
    below = grid[1].subgridspec(1, 2, width_ratios=(1.0, 1.3))
    left, right = figure.add_subplot(below[0]), figure.add_subplot(below[1])
    _over_time(over_time, time_s, averaged, vm, unit)
    left.scatter(*scatter, s=3, color=INK, alpha=0.25, linewidths=0)
    left.set(xlabel=with_unit("averaged input", unit), ylabel="V (mV)")
    left.locator_params(axis="x", nbins=4)
    left.set_title(plain(said, 70))
    _histogram(right, cells)
    figure.suptitle(f"Cell {plain(cell)}: input averaged over the last {window_ms:g} ms, and voltage")
    return figure


def _over_time(axes: Axes, time_s: ArrayLike, averaged: ArrayLike, vm: ArrayLike, unit: str) -> None:
    axes.plot(time_s, vm, color=INK, linewidth=1.0)
    axes.set(xlabel="time (s)", ylabel="V (mV), black")
    other = axes.twinx()
    other.spines["right"].set_visible(True)
    other.plot(time_s, averaged, color=_CURRENT, linewidth=1.1, linestyle=(0, (5, 1)))
    other.set_ylabel(f"{with_unit('averaged input', unit)}, dashed", color=_CURRENT)


def _histogram(axes: Axes, cells: Sequence[CellCorrelations]) -> None:
    known = [each.r[np.isfinite(each.r)] for each in cells]
    reach = max((float(np.abs(r).max()) for r in known if len(r)), default=1.0)
    edges = np.linspace(-reach, reach, 31)
    styles: tuple[dict[str, Any], ...] = (
        {"color": FAINT, "histtype": "stepfilled"},
        {"edgecolor": _CURRENT, "histtype": "step", "linewidth": 1.6},
    )
    for each, r, style in zip(cells, known, styles, strict=False):
        middle = f"median {np.median(r):.2f}" if len(r) else "none"
        axes.hist(r, bins=list(edges), label=f"{plain(each.label)}: {middle}", **style)
    chance = np.concatenate([each.chance[np.isfinite(each.chance)] for each in cells])
    if len(chance):
        level = float(np.median(chance))
        for sign in (-1, 1):
            axes.axvline(sign * level, color=INK, linewidth=1.0, linestyle=(0, (1, 2)),
                         label=f"chance, 95 % within {level:.2f}" if sign > 0 else None)  # fmt: skip
    axes.axvline(0.0, color=INK, linewidth=0.6)
    axes.set(xlabel="r of averaged input and voltage", ylabel="cells")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2, columnspacing=1.2)

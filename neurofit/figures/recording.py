"""A recording at a glance: a few seconds of each signal, the spikes, and the connectivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize, SymLogNorm
from matplotlib.figure import Figure, FigureBase
from numpy.typing import NDArray

from neurofit.figures.placement import finite
from neurofit.figures.style import (
    EXCITATORY,
    FAINT,
    INHIBITORY,
    INK,
    in_house_style,
    legend_above,
    new_figure,
    plain,
    with_unit,
)

MOST_CHANNELS = 8
_KINDS = {"E": ("excitatory", EXCITATORY), "I": ("inhibitory", INHIBITORY), "": ("type unknown", INK)}
_UNKNOWN = "#bdbdbd"
_SIGNED = LinearSegmentedColormap.from_list("signed", [INHIBITORY, "#ffffff", EXCITATORY]).with_extremes(bad=_UNKNOWN)


@dataclass(frozen=True)
class SignalTraces:
    """Part of a signal to draw.

    Attributes:
        name: Name of the signal, such as `vm`.
        unit: Its unit.
        time_s: Time of each sample (time,), in s.
        values: Samples (time, channel), in `unit`; NaN where missing. The first `MOST_CHANNELS` channels are drawn.
        channel_labels: Name of each channel (channel,).
    """

    name: str
    unit: str
    time_s: NDArray[np.floating]
    values: NDArray[np.floating]
    channel_labels: Sequence[str]


@dataclass(frozen=True)
class SpikeRaster:
    """Spikes to draw, unit by unit.

    Attributes:
        times_s: Spike times (spike,), in s.
        units: Index of the unit of each spike (spike,), 0 to `len(kinds)` - 1.
        kinds: `E`, `I` or empty where not known (unit,).
    """

    times_s: NDArray[np.floating]
    units: NDArray[np.integer]
    kinds: Sequence[str]


@dataclass(frozen=True)
class WeightMatrix:
    """Connectivity to draw.

    Attributes:
        weight: Signed weights (post, pre), in `unit`; 0 where not connected, NaN where not known.
        unit: Unit of the weights.
    """

    weight: NDArray[np.floating]
    unit: str


@in_house_style
def recording_overview(
    signals: Sequence[SignalTraces],
    *,
    spikes: SpikeRaster | None = None,
    connectivity: WeightMatrix | None = None,
    title: str = "",
) -> Figure:
    """Stacked traces of each signal and a spike raster on one time axis, the connectivity matrix beside them.

    Args:
        signals: The signals, in the order drawn.
        spikes: The spikes of the same span of time.
        connectivity: The weights.
        title: Title of the figure, such as the file's name.

    Returns:
        The figure.
    """
    rows = len(signals) + (spikes is not None)
    wide = (7.0 if rows else 0.0) + (5.0 if connectivity else 0.0)
    figure = new_figure(max(wide, 5.0), max(2.1 * rows + 0.6, 4.4 if connectivity else 2.0))
    figure.suptitle(plain(title, 100))
    left: FigureBase = figure
    right: FigureBase = figure
    if rows and connectivity:
        left, right = figure.subfigures(1, 2, width_ratios=(7, 5), squeeze=False)[0]
    if rows:
        _draw_time(list(left.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]), signals, spikes)
    if connectivity is not None:
        _draw_weights(right.add_subplot(), connectivity)
    return figure


def _draw_time(panels: list[Axes], signals: Sequence[SignalTraces], spikes: SpikeRaster | None) -> None:
    for axes, signal in zip(panels, signals, strict=False):
        _draw_stack(axes, signal)
    if spikes is not None:
        _draw_raster(panels[-1], spikes)
    panels[-1].set_xlabel("time (s)")


def _draw_stack(axes: Axes, signal: SignalTraces) -> None:
    values = np.asarray(signal.values, dtype=np.float64)[:, :MOST_CHANNELS]
    shown, total = values.shape[1], len(signal.channel_labels)
    step = _spacing(values)
    for channel in range(shown):
        known = finite(values[:, channel])
        middle = np.median(known) if known.size else 0.0
        axes.plot(signal.time_s, (values[:, channel] - middle) / step - channel, color=INK, linewidth=0.7)
    axes.set_yticks(-np.arange(shown), [plain(label, 14) for label in signal.channel_labels[:shown]])
    axes.set_title(f"{plain(signal.name)}, {shown} of {total} channels" if shown < total else plain(signal.name))
    axes.set_ylabel("channel")
    axes.margins(x=0.01)
    _scale_bar(axes, step, signal.unit)


def _spacing(values: NDArray[np.float64]) -> float:
    ranges = np.array([np.ptp(finite(column)) for column in values.T if finite(column).size])
    return 1.1 * float(np.percentile(ranges[ranges > 0], 75)) if np.any(ranges > 0) else 1.0


def _scale_bar(axes: Axes, step: float, unit: str) -> None:
    power = 10.0 ** np.floor(np.log10(step))
    length = max(nice * power for nice in (1.0, 2.0, 5.0) if nice * power <= step)
    across = axes.get_yaxis_transform()
    low = axes.get_ylim()[0]
    axes.plot((1.015, 1.015), (low, low + length / step), transform=across, color=INK, linewidth=2.5, clip_on=False)
    axes.text(1.03, low + 0.5 * length / step, f"{length:g} {plain(unit)}", transform=across, va="center", fontsize=9)
    axes.set_ylim(bottom=low)


def _draw_raster(axes: Axes, spikes: SpikeRaster) -> None:
    kinds = np.asarray([kind if kind in _KINDS else "" for kind in spikes.kinds], dtype=np.str_)
    order = np.argsort([list(_KINDS).index(kind) for kind in kinds], kind="stable")
    row = np.empty(kinds.size, dtype=np.int64)
    row[order] = np.arange(kinds.size)
    size = float(np.clip(100.0 / max(kinds.size, 1), 1.0, 8.0))
    for kind in dict.fromkeys(kinds[order]):
        name, color = _KINDS[kind]
        chosen = kinds[spikes.units] == kind
        label = f"{name} ({np.count_nonzero(kinds == kind)})"
        axes.plot(
            spikes.times_s[chosen],
            row[spikes.units[chosen]],
            color=color,
            linestyle="none",
            marker="|",
            markersize=size,
            markeredgewidth=0.8,
            label=label,
        )
    axes.set_ylim(-1, kinds.size)
    axes.margins(x=0.01)
    axes.set(ylabel="unit", title=f"{spikes.times_s.size} spikes of {kinds.size} units")
    axes.locator_params(axis="y", integer=True)
    if np.any(kinds != ""):
        legend_above(axes, markerscale=8.0 / size)


def _draw_weights(axes: Axes, connectivity: WeightMatrix) -> None:
    weight = np.asarray(connectivity.weight, dtype=np.float64)
    present = np.abs(finite(weight[weight != 0]))
    axes.set_anchor("N")
    norm = _signed_norm(present)
    image = axes.imshow(weight, cmap=_SIGNED, norm=norm, origin="upper", interpolation="nearest")
    axes.spines[:].set(visible=True, color=FAINT)
    unknown = np.count_nonzero(np.isnan(weight))
    title = f"{present.size} connected pair{'s' * (present.size != 1)}"
    title += f", {unknown} unknown (grey)" if unknown else ""
    axes.set(xlabel="presynaptic cell", ylabel="postsynaptic cell", title=title)
    axes.locator_params(integer=True)
    bar = axes.figure.colorbar(image, cax=axes.inset_axes((0.0, -0.2, 1.0, 0.035)), orientation="horizontal")
    bar.set_label(with_unit("weight", connectivity.unit))
    if isinstance(norm, SymLogNorm):
        ends = np.sqrt((norm.linthresh * present.max(), present.max() ** 2))
        ticks = [*-ends[::-1], 0.0, *ends]
        bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
        bar.minorticks_off()


def _signed_norm(present: NDArray[np.float64]) -> Normalize:
    """Colour scale symmetric about zero; logarithmic beyond the smallest weights where they span decades."""
    if not present.size:
        return Normalize(-1.0, 1.0)
    small, large = np.percentile(present, (5, 100))
    if large <= 10 * small:
        return Normalize(-large, large)
    return SymLogNorm(linthresh=small, linscale=0.6, vmin=-large, vmax=large)

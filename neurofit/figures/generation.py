"""Generated activity beside the recording: traces, power spectra, and the intervals between spikes.

A free run cannot follow the recording beyond its predictability horizon, so nothing is drawn on top of the truth: each
generator has panels of its own at the truth's scale, and distributions are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from neurofit.figures.placement import finite
from neurofit.figures.style import INK, in_house_style, legend_above, look, new_figure, plain, with_unit

_MOST_CHANNELS = 4
_PANEL_IN = 0.85
_BINS_PER_DECADE = 12


@in_house_style
def generated_traces(
    time_s: ArrayLike,
    truth: ArrayLike,
    generated: Mapping[str, ArrayLike],
    channel_labels: Sequence[str],
    unit: str,
    *,
    signal: str,
) -> Figure:
    """Channels from above, each with a panel of the truth and one of every generator, at the same scale.

    Args:
        time_s: Time from the start of a run (time,), in s.
        truth: Recorded signal (time, channel), in `unit`.
        generated: Generated signal (time, channel) by generator, in `unit`.
        channel_labels: Name of each channel (channel,).
        unit: Unit of the signal.
        signal: Name of the signal, such as `vm`.

    Returns:
        The figure; it shows the first four channels. What leaves the truth's range by more than a quarter leaves the
        panel, and the panel says what share of the run does.
    """
    everything = {"truth": truth, **generated}
    traces = {name: np.asarray(values, dtype=np.float64) for name, values in everything.items()}
    shown = min(traces["truth"].shape[1], _MOST_CHANNELS)
    figure = new_figure(10.0, _PANEL_IN * shown * len(traces) + 0.8)
    panels = figure.subplots(shown * len(traces), 1, sharex=True, squeeze=False)[:, 0]
    for i, axes in enumerate(panels):
        channel, place = divmod(i, len(traces))
        name = list(traces)[place]
        _draw_trace(axes, np.asarray(time_s), traces[name][:, channel], traces["truth"][:, channel], name)
        if place == 0:
            axes.set_title(f"channel {plain(channel_labels[channel])}")
    figure.supylabel(with_unit(signal, unit), fontsize=10)
    panels[-1].set_xlabel("time from the start of the run (s)")
    panels[-1].margins(x=0.0)
    return figure


def _draw_trace(
    axes: Axes, time_s: NDArray[np.float64], values: NDArray[np.float64], truth: NDArray[np.float64], name: str
) -> None:
    axes.plot(time_s, values, color=look(name).color, linewidth=0.8)
    axes.annotate(look(name).label, (0.995, 0.98), xycoords="axes fraction", ha="right", va="top", fontsize=9)
    true = finite(truth)
    if not true.size or np.ptp(true) == 0:
        return
    low, high = true.min() - 0.25 * np.ptp(true), true.max() + 0.25 * np.ptp(true)
    axes.set_ylim(low, high)
    outside = float(np.mean(~((values >= low) & (values <= high))))
    if outside > 0:
        said = f"{100 * outside:.2g} % beyond the panel"
        axes.annotate(said, (0.005, 0.98), xycoords="axes fraction", va="top", fontsize=9)


@in_house_style
def generated_spectra(frequency_hz: ArrayLike, densities: Mapping[str, ArrayLike], unit: str) -> Figure:
    """Power spectral densities of the truth and of what was generated, log-log.

    Args:
        frequency_hz: Frequencies (frequency,), in Hz; the zero frequency is left out.
        densities: Density (frequency,) by generator and of the `truth`, in `unit` squared per Hz; what is not above 0
            is left out.
        unit: Unit of the signal.

    Returns:
        The figure.
    """
    frequency = np.asarray(frequency_hz, dtype=np.float64)
    figure = new_figure(8.0, 4.2)
    axes = figure.add_subplot()
    for name, density in densities.items():
        power = np.asarray(density, dtype=np.float64)
        shown = (frequency > 0) & (power > 0) & np.isfinite(power)
        axes.plot(frequency[shown], power[shown], **look(name).line(), label=look(name).label)
    axes.set(xscale="log", yscale="log", xlabel="frequency (Hz)")
    axes.set_ylabel(with_unit("power spectral density", f"{unit}²/Hz" if unit else "1/Hz"))
    legend_above(axes, columns=4)
    return figure


@in_house_style
def interval_histograms(intervals_s: Mapping[str, ArrayLike]) -> Figure:
    """Shares of the intervals between spikes, in twelve bins a decade.

    Args:
        intervals_s: Intervals (interval,) by generator and of the `truth`, all channels together, in s; above 0.

    Returns:
        The figure; whoever has no interval is only named.
    """
    figure = new_figure(8.0, 4.2)
    axes = figure.add_subplot()
    every = finite(*intervals_s.values())
    edges = _edges(every[every > 0])
    for name, intervals in intervals_s.items():
        known = np.asarray(intervals, dtype=np.float64)
        drawn = look(name)
        label = f"{drawn.label} ({known.size})"
        if known.size:
            shares = np.histogram(known, edges)[0] / known.size
            axes.stairs(shares, 1000 * edges, color=drawn.color, linewidth=drawn.linewidth, label=label)
        else:
            axes.plot([], [], color=drawn.color, label=label)
    axes.axhline(0.0, color=INK, linewidth=0.6)
    axes.set(xscale="log", xlim=(1000 * edges[0], 1000 * edges[-1]))
    axes.set(xlabel="interval between spikes (ms)", ylabel="share of the intervals")
    legend_above(axes, columns=4)
    return figure


def _edges(intervals_s: NDArray[np.float64]) -> NDArray[np.float64]:
    if not intervals_s.size:
        return np.array([1e-3, 1.0])
    low, high = np.floor(np.log10(intervals_s.min())), np.ceil(np.log10(intervals_s.max() * (1 + 1e-9)))
    return np.logspace(low, high, int(_BINS_PER_DECADE * max(1, high - low)) + 1)

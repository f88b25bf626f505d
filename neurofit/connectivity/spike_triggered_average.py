"""The voltage of every cell after the spikes of every other one.

    W[post, pre, lag] = mean over spikes s of pre of V_post(s + lag)

The post-spike voltage average of Nayebi et al. (2015), section 6.1, where lags are 1 to 300 steps of 0.1 ms. V is taken
relative to each cell's own mean over the recording, which is given beside it: float32 sums of values near -60 mV would
lose what matters. A spike counts if everything that is asked for lies within the recording: all lags, and all windows
where those are wanted. A cell without a spike that counts says nothing: NaN.

Cost: an addition a spike, postsynaptic cell and lag; windows alone cost an addition a spike and cell. Memory, beside
what is returned: at most `HELD_BYTES` of voltage, twice for a moment, and `SUMS_BYTES` of sums, or sums of 24 cells
where those are more, however long the recording.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.average_blocks import AverageBlock, average_blocks
from neurofit.connectivity.average_options import (
    LAGS,
    OF_THE_AVERAGE,
    OF_WINDOWS,
    AverageWindows,
    Summary,
    checked_lags,
)
from neurofit.connectivity.average_summaries import AverageSummaries, peaks_of
from neurofit.connectivity.cell_voltages import CellVoltages, cell_voltages
from neurofit.connectivity.window_scores import window_scores
from neurofit_io import RecordingError, Signal, Spikes

Lags = tuple[int, int] | range


@overload
def spike_triggered_average(
    spikes: Spikes,
    vm: Signal | NDArray[np.floating],
    lags: Lags = ...,
    *,
    reduce: Literal["none"],
    blanked: bool = ...,
    rate_hz: float | None = ...,
) -> Iterator[AverageBlock]: ...


@overload
def spike_triggered_average(
    spikes: Spikes,
    vm: Signal | NDArray[np.floating],
    lags: Lags = ...,
    *,
    reduce: tuple[Summary, ...] = ...,
    windows: AverageWindows | None = ...,
    blanked: bool = ...,
    rate_hz: float | None = ...,
) -> AverageSummaries: ...


def spike_triggered_average(
    spikes: Spikes,
    vm: Signal | NDArray[np.floating],
    lags: Lags = LAGS,
    *,
    reduce: tuple[Summary, ...] | Literal["none"] = (*OF_THE_AVERAGE, *OF_WINDOWS),
    windows: AverageWindows | None = None,
    blanked: bool = False,
    rate_hz: float | None = None,
) -> AverageSummaries | Iterator[AverageBlock]:
    """Averages of all ordered pairs of cells, or summaries of them.

    Args:
        spikes: Spikes; units are matched to the channels of `vm` by their ids.
        vm: A signal of constant rate, or an array (steps, cells) in mV that begins at `spikes.start_s`.
        lags: First and last lag in steps, or a range of them; they may be negative.
        reduce: Summaries to keep, or "none" for the averages themselves, a block of postsynaptic cells at a time.
        windows: Windows of the summaries; the default ones when None.
        blanked: Take each cell's own spikes out of its voltage first (blanking.py).
        rate_hz: Steps per second, for an array.

    Raises:
        RecordingError: Spikes and voltages of other cells, no constant rate, or a recording shorter than a window.
    """
    cells = cell_voltages(spikes, vm, blanked=blanked, rate_hz=rate_hz)
    span = checked_lags(lags)
    if reduce == "none":
        return average_blocks(cells, counted_spikes(cells, span), span)
    unknown = sorted(set(reduce) - {*OF_THE_AVERAGE, *OF_WINDOWS})
    if unknown or not reduce:
        raise RecordingError("", f"reduce is {', '.join(unknown) or 'empty'}",
                             expected=f"some of {', '.join((*OF_THE_AVERAGE, *OF_WINDOWS))}, or none")  # fmt: skip
    return _summaries(cells, span, set(reduce), windows or AverageWindows())


def _summaries(
    cells: CellVoltages, lags: tuple[int, int], kept: set[Summary], windows: AverageWindows
) -> AverageSummaries:
    steps = windows.steps(cells.dt_ms)
    spans = [lags] * bool(kept & set(OF_THE_AVERAGE)) + [steps.span] * bool(kept & set(OF_WINDOWS))
    trains = counted_spikes(cells, (min(low for low, _ in spans), max(high for _, high in spans)))
    n_spikes = np.array([len(train) for train in trains], dtype=np.int64)
    found: dict[str, object] = {}
    if kept & set(OF_WINDOWS):
        scores = window_scores(cells, trains, steps)
        found |= {"mean": scores.mean, "windows": scores.windows, "baseline_z": scores.baseline_z,
                  "jitter_z": scores.jitter_z}  # fmt: skip
    if kept & set(OF_THE_AVERAGE):
        peaks = peaks_of(average_blocks(cells, trains, lags), cells.n_cells)
        lag_ms = (peaks.lag + lags[0]) * cells.dt_ms
        latency = np.where(np.isfinite(peaks.peak), lag_ms, np.nan).astype(np.float32)
        found |= {"mean": peaks.mean, "peak": peaks.peak, "latency": latency,
                  "area": peaks.area * np.float32(cells.dt_ms)}  # fmt: skip
    return AverageSummaries(
        lags_ms=np.arange(lags[0], lags[1] + 1) * cells.dt_ms,
        n_spikes=n_spikes,
        n_dropped=cells.spikes.n_spikes - int(n_spikes.sum()),
        silent=np.flatnonzero(n_spikes == 0),
        mean=found["mean"],  # type: ignore[arg-type]
        jitter_excess=scores.jitter_excess if "jitter_z" in kept else None,
        **{("latency_ms" if name == "latency" else name): found[name] for name in kept},  # type: ignore[arg-type]
    )


def counted_spikes(cells: CellVoltages, span: tuple[int, int]) -> list[NDArray[np.int64]]:
    """Steps of the spikes of each cell whose lags `span` lie within the recording, ascending, (cells) of (spikes,).

    Raises:
        RecordingError: The recording is shorter than the span.
    """
    low, high = min(0, span[0]), max(0, span[1])
    if high - low >= cells.n_steps:
        raise RecordingError(
            cells.vm.source.place, f"{cells.n_steps} steps of {cells.vm.name}",
            expected=f"more than the {high - low} steps that the lags span", do="use fewer lags or shorter windows",
        )  # fmt: skip
    return cells.trains(-low, cells.n_steps - high)


def pair_averages(
    cells: CellVoltages, pairs: Sequence[tuple[int, int]], lags: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Averages of some pairs and their standard errors over spikes, mV, (pair, lag) each.

    Args:
        cells: Voltages.
        pairs: (post, pre) of each.
        lags: First and last lag, steps.

    Returns:
        Average relative to the postsynaptic cell's mean, and standard error; NaN without two spikes that count.
    """
    trains = counted_spikes(cells, lags)
    n_lags = lags[1] - lags[0] + 1
    average, error = np.full((2, len(pairs), n_lags), np.nan)
    for post in sorted({post for post, _ in pairs}):
        voltage = cells.of(slice(post, post + 1)).read(0, cells.n_steps)[:, 0].astype(np.float64)
        windows = np.lib.stride_tricks.sliding_window_view(voltage - voltage.mean(), n_lags)
        for row, (_, pre) in ((row, pair) for row, pair in enumerate(pairs) if pair[0] == post):
            n = len(trains[pre])
            if n < 2:
                continue
            mean, square = np.zeros(n_lags), np.zeros(n_lags)
            for step in trains[pre]:
                mean += windows[step + lags[0]]
                square += np.square(windows[step + lags[0]])
            average[row] = mean / n
            error[row] = np.sqrt(np.maximum(square - n * average[row] ** 2, 0) / (n * (n - 1)))
    return average, error

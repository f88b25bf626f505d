"""A cell's own spikes taken out of its voltage: what a reset does to Vm says nothing about its inputs.

Samples from `before_ms` before to `after_ms` after each spike of the cell itself are blank. Averages see a straight
line across them (`interpolate_blanks`); regressions leave them out. A spike that a list missed still stands in the
voltage, and one is enough to spoil a regression: so upward crossings of a high level count as well (`spike_level`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurofit.metrics import spike_thresholds
from neurofit_io import Signal, Spikes
from neurofit_io.spikes import EDGE

BEFORE_MS = 0.2
AFTER_MS = 2.3
LEVEL_DEVIATIONS = 6.0
LOOKED_AT, STRETCHES = 2_000_000, 16
"""Samples, and stretches of the recording they are taken from, by which levels are set."""


def spike_steps(spikes: Spikes, *, rate_hz: float, start_s: float) -> NDArray[np.int64]:
    """Step of a signal in which each spike falls, (spikes,), ascending; outside the signal where the spike is.

    Args:
        spikes: The spikes.
        rate_hz: Rate of the signal.
        start_s: Time of its first sample, s.
    """
    return np.floor((spikes.times_s - start_s) * rate_hz + EDGE).astype(np.int64)


def blank_mask(
    spikes: Spikes,
    vm: Signal,
    start: int,
    stop: int,
    *,
    before_ms: float = BEFORE_MS,
    after_ms: float = AFTER_MS,
) -> NDArray[np.bool_]:
    """Where steps `start:stop` of each cell lie beside one of its own spikes, (stop - start, cells).

    Args:
        spikes: Spikes; unit i is channel i of `vm`.
        vm: A signal of constant rate.
        start: First step.
        stop: One past the last step.
        before_ms: Time before a spike that is blank, ms.
        after_ms: Time after it, ms.
    """
    rate = float(vm.rate_hz or np.nan)
    before, after = round(before_ms * rate / 1000), round(after_ms * rate / 1000)
    steps = spike_steps(spikes, rate_hz=rate, start_s=vm.start_s)
    low, high = np.searchsorted(steps, [start - after, stop + before])
    mask = np.zeros((stop - start, spikes.n_units), dtype=bool)
    mark_blank(mask, steps[low:high] - start, spikes.units[low:high], before=before, after=after)
    return mask


def mark_blank(
    mask: NDArray[np.bool_], steps: NDArray[np.integer], cells: NDArray[np.integer], *, before: int, after: int
) -> None:
    """Marks what lies beside some spikes.

    Args:
        mask: (time, cell), changed.
        steps: Row of each spike, which may lie outside, (spikes,).
        cells: Its cell, (spikes,).
        before: Steps before a spike that are blank.
        after: Steps after it.
    """
    rows = steps[:, None] + np.arange(-before, after + 1)
    inside = (rows >= 0) & (rows < len(mask))
    mask[rows[inside], np.broadcast_to(cells[:, None], rows.shape)[inside]] = True


def spike_level(vm: Signal, *, deviations: float = LEVEL_DEVIATIONS) -> NDArray[np.float32]:
    """Voltage of each cell that only its spikes reach: the median and some robust standard deviations, mV, (cells,).

    Args:
        vm: Voltages; stretches from all over the recording are looked at.
        deviations: Robust standard deviations above the median.

    Returns:
        The levels; infinite for a cell that does not vary.
    """
    n_steps, n_cells = vm.shape
    length = min(n_steps, max(1, LOOKED_AT // (n_cells * STRETCHES)))
    begins = np.linspace(0, n_steps - length, STRETCHES).astype(int)
    values = np.concatenate([vm.read(begin, begin + length) for begin in begins])
    thresholds = spike_thresholds(values, kind="vm", deviations=deviations)
    return np.where(np.isfinite(thresholds.level), thresholds.level, np.inf).astype(np.float32)


def interpolate_blanks(values: NDArray[np.floating], blank: NDArray[np.bool_]) -> NDArray[np.float32]:
    """`values` with a straight line across each blank stretch; a stretch at an end takes the nearest sample kept.

    Args:
        values: (time, cell).
        blank: (time, cell).

    Returns:
        (time, cell), float32; a cell that is blank throughout keeps its values.
    """
    out = np.array(values, dtype=np.float32, order="F")
    steps = np.arange(len(out))
    for cell in np.flatnonzero(blank.any(axis=0) & ~blank.all(axis=0)):
        hidden = blank[:, cell]
        out[hidden, cell] = np.interp(steps[hidden], steps[~hidden], out[~hidden, cell])
    return out

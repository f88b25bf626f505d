"""A cell's own spikes taken out of its voltage: what a reset does to Vm says nothing about its inputs.

Samples from `before_ms` before to `after_ms` after each spike of the cell itself are blank. Averages see a straight
line across them (`interpolate_blanks`); regressions leave them out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurofit_io import Signal, Spikes
from neurofit_io.spikes import EDGE

BEFORE_MS = 0.2
AFTER_MS = 2.3


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
    rows = steps[low:high, None] + np.arange(-before, after + 1) - start
    inside = (rows >= 0) & (rows < stop - start)
    mask = np.zeros((stop - start, spikes.n_units), dtype=bool)
    mask[rows[inside], np.broadcast_to(spikes.units[low:high, None], rows.shape)[inside]] = True
    return mask


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

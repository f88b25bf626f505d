"""The voltage that regressions of connections see: own spikes blanked, averaged in bins.

    V_b = mean of the samples of bin b that are not blank        (a straight line where all of them are)

Bins with a blank sample are kept out of responses by `valid`. Each cell's mean over valid bins is taken away, so that
float32 holds what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.blanking import (
    AFTER_MS,
    BEFORE_MS,
    blank_mask,
    interpolate_blanks,
    mark_blank,
    spike_level,
)
from neurofit_io import RecordingError, Signal, Spikes

BIN_MS = 0.5
SLAB_BYTES = 32 * 2**20


@dataclass(frozen=True, eq=False)
class BinnedVoltage:
    """Voltages in bins.

    Attributes:
        values: Deviation from each cell's mean, mV, (bins, cells).
        valid: Whether no sample of the bin lies beside a spike of the cell itself, (bins, cells).
        mean: Mean over valid bins, mV, (cells,).
        bin_ms: Width of a bin, ms.
        start_s: Begin of the first bin, s.
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]
    mean: NDArray[np.float64]
    bin_ms: float
    start_s: float

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.values)


def binned_voltage(
    vm: Signal,
    spikes: Spikes,
    *,
    bin_ms: float = BIN_MS,
    before_ms: float = BEFORE_MS,
    after_ms: float = AFTER_MS,
    blanked: bool = True,
) -> BinnedVoltage:
    """Reads a voltage once and bins it.

    Args:
        vm: Signal of constant rate, mV.
        spikes: Spikes; unit i is channel i of `vm`.
        bin_ms: Width of a bin, ms; rounded to samples, one sample at least.
        before_ms: Time before a spike that is blank, ms.
        after_ms: Time after it, ms.
        blanked: False keeps spikes in; every bin is valid then.

    Raises:
        RecordingError: A value is not finite, or there are fewer than 100 bins.
    """
    n_cells = vm.shape[1]
    width, n_bins = bin_shape(vm, bin_ms)
    if n_bins < 100:
        raise RecordingError(vm.source.place, f"{n_bins} bins of {bin_ms:g} ms", expected="100 or more")
    values, valid = np.empty((n_bins, n_cells), np.float32), np.ones((n_bins, n_cells), dtype=bool)
    total = np.zeros(n_cells)
    rows = max(1, SLAB_BYTES // (4 * n_cells * width))
    unlisted = _Unlisted(vm, before_ms, after_ms) if blanked else None
    for first in range(0, n_bins, rows):
        last = min(first + rows, n_bins)
        begin, end = first * width, last * width
        low, high = (begin, end) if unlisted is None else unlisted.seen_from(begin, end)
        window = vm.read(low, high)
        samples = window[begin - low : end - low].reshape(last - first, width, n_cells)
        if not np.isfinite(samples).all():
            raise RecordingError(
                vm.source.place, "values that are not finite", place=f"steps {begin}:{end}",
                expected="a number for every cell and step", do="leave those cells or that time out",
            )  # fmt: skip
        if unlisted is not None:
            blank = blank_mask(spikes, vm, begin, end, before_ms=before_ms, after_ms=after_ms)
            unlisted.mark(blank, window, low - begin)
            values[first:last], valid[first:last] = _mean_of_kept(samples, blank.reshape(samples.shape))
        else:
            values[first:last] = samples.mean(axis=1)
        total += np.where(valid[first:last], values[first:last], 0).sum(axis=0, dtype=np.float64)
    mean = total / np.maximum(valid.sum(axis=0), 1)
    return BinnedVoltage(_centred(values, valid, mean), valid, mean, 1000 * width / float(vm.rate_hz or np.nan),
                         vm.start_s)  # fmt: skip


class _Unlisted:
    """Spikes that stand in the voltage, whether or not they were listed.

    Args:
        vm: The voltages.
        before_ms: Time before a spike that is blank, ms.
        after_ms: Time after it, ms.
    """

    def __init__(self, vm: Signal, before_ms: float, after_ms: float) -> None:
        rate = float(vm.rate_hz or np.nan)
        self.n_steps, self.level = vm.shape[0], spike_level(vm)
        self.before, self.after = round(before_ms * rate / 1000), round(after_ms * rate / 1000)

    def seen_from(self, start: int, stop: int) -> tuple[int, int]:
        """Steps in which a spike makes some of the steps `start:stop` blank."""
        return max(0, start - self.after - 1), min(self.n_steps, stop + self.before)

    def mark(self, blank: NDArray[np.bool_], window: NDArray[np.float32], first: int) -> None:
        """Marks what lies beside upward crossings of the level in `window`, which begins at row `first` of `blank`."""
        above = window >= self.level
        steps, cells = np.nonzero(above[1:] & ~above[:-1])
        mark_blank(blank, steps + 1 + first, cells, before=self.before, after=self.after)


def bin_shape(vm: Signal, bin_ms: float) -> tuple[int, int]:
    """Samples in a bin, and whole bins in the signal."""
    width = max(1, round(bin_ms * float(vm.rate_hz or np.nan) / 1000))
    return width, vm.shape[0] // width


def _mean_of_kept(
    samples: NDArray[np.float32], blank: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Means over the samples of each bin that are not blank, NaN where all are, and which bins have no blank one."""
    dirty: NDArray[np.bool_] = np.asarray(blank.any(axis=1))
    means = samples.mean(axis=1)
    bins, cells = np.nonzero(dirty)
    kept = ~blank[bins, :, cells]
    with np.errstate(invalid="ignore"):
        means[bins, cells] = np.where(kept, samples[bins, :, cells], 0).sum(axis=1) / kept.sum(axis=1)
    return means, ~dirty


def _centred(values: NDArray[np.float32], valid: NDArray[np.bool_], mean: NDArray[np.float64]) -> NDArray[np.float32]:
    """Deviations from the mean with a straight line across bins that hold nothing; 0 for a cell that never has one."""
    values -= mean.astype(np.float32)
    values[:, ~valid.any(axis=0)] = 0.0
    block = max(1, SLAB_BYTES // (8 * len(values)))
    for first in range(0, values.shape[1], block):
        part = np.asfortranarray(values[:, first : first + block])
        values[:, first : first + block] = interpolate_blanks(part, np.isnan(part))
    return values

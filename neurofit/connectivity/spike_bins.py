"""Spikes in bins, as sparse matrices, and what regressions ask of them: past spikes seen through a kernel.

    z_j(t) = sum_l k(l) x_j(t - l)

x_j(t) being the number of spikes of cell j in bin t. Most bins are empty, so that counts stay sparse, and a filtered
block of them is a banded matrix times a sparse one: its cost is spikes times taps, whatever the number of bins.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neurofit_io import RecordingError, RecordingWarning, Spikes
from neurofit_io.spikes import EDGE

BLOCK_ELEMENTS = 2**23
"""Entries of a dense block: 32 MB in float32."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """Taps of a filter on a grid of bins.

    Attributes:
        taps: (lags,), the weight of a spike l bins ago.
        first_lag: Lag of the first tap, bins; below 0 where the filter looks ahead.
    """

    taps: NDArray[np.float64]
    first_lag: int

    @property
    def last_lag(self) -> int:
        """Lag of the last tap, bins."""
        return self.first_lag + len(self.taps) - 1


def synaptic_kernel(*, bin_ms: float, tau_ms: float, rise_ms: float, delay_ms: float) -> Kernel:
    """A synaptic effect, exp(-a / tau) - exp(-a / rise) at age a after the delay, of sum 1.

    Two spikes l bins apart are l bin widths apart on average, which is what the age of a tap is counted from. The bin
    of a spike itself has no tap: within it nobody knows which spike came first.

    Args:
        bin_ms: Bin width, ms.
        tau_ms: Time constant of the decay, ms.
        rise_ms: Time constant of the rise, ms, shorter than that of the decay; 0 for a jump.
        delay_ms: Delay, ms.

    Raises:
        ValueError: The constants are not those of a rise and a slower decay.
    """
    if not (bin_ms > 0 and 0 <= rise_ms < tau_ms and delay_ms >= 0):
        raise ValueError(
            f"bin {bin_ms:g}, rise {rise_ms:g}, decay {tau_ms:g} and delay {delay_ms:g} ms; expected a bin above 0 and "
            "0 <= rise < decay"
        )
    first = max(1, int(np.ceil(delay_ms / bin_ms - EDGE)))
    age = np.maximum((first + np.arange(int(np.ceil(6 * tau_ms / bin_ms)))) * bin_ms - delay_ms, 0.0)
    rise = np.exp(-age / rise_ms) if rise_ms > 0 else np.zeros_like(age)
    taps = np.exp(-age / tau_ms) - rise
    return Kernel(taps / taps.sum(), first)


def bin_counts(spikes: Spikes, bin_ms: float) -> sparse.csr_array:
    """Spikes in whole bins from the beginning of the recording, (bins, units), float32.

    Args:
        spikes: The spikes; those outside the recording, or in a last bin that is not whole, are left out.
        bin_ms: Bin width, ms.

    Raises:
        RecordingError: Fewer than two cells, no spikes, or a bin that is not positive or longer than the recording.
    """
    bins = int(np.floor(spikes.duration_s * 1000 / bin_ms + 1e-6)) if bin_ms > 0 else 0
    if not bins:
        raise RecordingError(
            "", f"a bin of {bin_ms:g} ms on {spikes.duration_s:g} s of spikes", place=spikes.name,
            expected="a bin above 0 ms and shorter than the recording",
        )  # fmt: skip
    if spikes.n_units < 2:
        raise RecordingError("", f"{spikes.n_units} cell", place=spikes.name, expected="two cells or more")
    outside = int(np.count_nonzero((spikes.times_s < spikes.start_s) | (spikes.times_s > spikes.stop_s)))
    if outside:
        warnings.warn(
            f"{spikes.name}: {outside} of {spikes.n_spikes} spikes lie outside {spikes.start_s:g} to "
            f"{spikes.stop_s:g} s and are left out",
            RecordingWarning,
            stacklevel=3,
        )
    place = np.floor((spikes.times_s - spikes.start_s) * 1000 / bin_ms + EDGE).astype(np.int64)
    inside = (place >= 0) & (place < bins)
    if not inside.any():
        raise RecordingError("", "no spikes", place=spikes.name, expected="cells that fire")
    ones = np.ones(int(inside.sum()), np.float32)
    return sparse.csr_array((ones, (place[inside], spikes.units[inside])), shape=(bins, spikes.n_units))


def silence_note(n_spikes: NDArray[np.floating]) -> tuple[str, ...]:
    """One note that says how many cells never fire, or none.

    Args:
        n_spikes: (units,), spikes counted.
    """
    silent = int(np.count_nonzero(n_spikes == 0))
    return (f"{silent} of {len(n_spikes)} cells never fire: their pairs are 0",) if silent else ()


def filtered_blocks(counts: sparse.csr_array, kernel: Kernel) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Counts seen through a kernel, in blocks of consecutive bins; outside the bins nothing fires.

    Args:
        counts: (bins, units).
        kernel: The filter.

    Yields:
        First bin of a block and z, (bins of the block, units).
    """
    bins, units = counts.shape
    rows = max(1, BLOCK_ELEMENTS // units)
    for start in range(0, bins, rows):
        stop = min(start + rows, bins)
        first, last = max(0, start - kernel.last_lag), min(bins, stop - kernel.first_lag)
        near = counts[first:last]
        # Entry [t, s] of the band is the tap of lag (start + t) - (first + s).
        shifts = start - first - np.arange(kernel.first_lag, kernel.last_lag + 1)
        band = sparse.diags_array(
            [np.float32(tap) for tap in kernel.taps], offsets=shifts, shape=(stop - start, last - first),
            dtype=np.float32,
        )  # fmt: skip
        yield start, np.asarray((band.tocsr() @ near).toarray(), np.float32)

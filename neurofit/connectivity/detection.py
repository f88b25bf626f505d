"""Spikes of every channel of an extracellular recording, each counted once, on the electrode that it belongs to.

A spike is a trough of the whitened voltage (`extracellular_whitening`) below k robust standard deviations, the deepest
within the refractory time. Whitening takes out what neighbours share on average, not all of every spike, so that a
large one crosses the threshold on several channels. Each channel i has a footprint r_ij, the mean depth on j at its own
troughs relative to that on i; its own are those that no channel which sees the same spikes tops. A trough of depth d_j
beside a deeper one d_i is a copy of it if what the footprint leaves, d_j - r_ij d_i, is below the threshold; if not,
both cells fired.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import minimum_filter1d

from neurofit.connectivity.extracellular_whitening import block_spans, highpassed_blocks, whitening_matrix
from neurofit.metrics.spike_detection import GAUSSIAN_MAD
from neurofit_io import RecordingError, RecordingWarning, Signal, Spikes
from neurofit_io.spikes import sorted_spikes

NOISE_STEPS = 20_000
NOTICED = 3.0
"""Depths beside a trough up to this, robust standard deviations, are not kept: copies are deeper."""
RELATED = 0.15
"""Relative depth above which two channels see the same spikes."""
ROWS_AT_ONCE = 2000


@dataclass(frozen=True, eq=False)
class Troughs:
    """Candidates of a recording, in the order of time.

    Attributes:
        steps: (troughs,), rising steps of the signal.
        channels: (troughs,).
        depths: (troughs,), positive, in robust standard deviations of the whitened channel.
        footprint: (channel, channel), r_ij.
    """

    steps: NDArray[np.int64]
    channels: NDArray[np.int64]
    depths: NDArray[np.float32]
    footprint: NDArray[np.float32]


def detect_spikes(
    extracellular: Signal,
    *,
    highpass_hz: float = 300.0,
    threshold: float = 5.5,
    refractory_ms: float = 1.0,
    together_ms: float = 0.5,
) -> Spikes:
    """Detect the spikes of the cell beside each electrode.

    Args:
        extracellular: Voltage at a constant rate, channels being electrodes.
        highpass_hz: Cut-off of the high-pass, Hz.
        threshold: Depth of a spike, in robust standard deviations of the whitened channel.
        refractory_ms: Of troughs on one channel closer than this only the deepest counts, ms.
        together_ms: Troughs on two channels at most this far apart may be one spike, ms.

    Returns:
        One unit a channel, with the channel's id and position; times are those of the troughs.

    Raises:
        RecordingError: The signal has no constant rate, gaps, values that are not finite, or a rate too low for the
            high-pass.
    """
    rate = extracellular.rate_hz
    if rate is None or len(extracellular.segments) != 1:
        raise RecordingError(
            "", f"{extracellular.name} without one constant rate", expected="a regular signal without gaps",
            do="use --resample-hz or --time",
        )  # fmt: skip
    if rate < 4 * highpass_hz:
        raise RecordingError(
            "", f"{extracellular.name} at {rate:g} Hz", expected=f"{4 * highpass_hz:g} Hz or more to see spikes"
        )
    troughs = find_troughs(
        extracellular, highpass_hz=highpass_hz, threshold=threshold, refractory_ms=refractory_ms,
        together_ms=together_ms,
    )  # fmt: skip
    kept = ~copies(troughs, threshold=threshold, together=round(together_ms * rate / 1000))
    return sorted_spikes(
        extracellular.time_s()[troughs.steps[kept]], troughs.channels[kept], name="spikes",
        unit_ids=extracellular.channel_ids, start_s=extracellular.start_s,
        stop_s=extracellular.start_s + extracellular.duration_s, positions_um=extracellular.positions_um,
        metadata={"detected_from": extracellular.name, "troughs": len(kept), "copies": int(np.sum(~kept))},
    )  # fmt: skip


def find_troughs(
    signal: Signal, *, highpass_hz: float, threshold: float, refractory_ms: float, together_ms: float
) -> Troughs:
    """Troughs below the threshold, copies included, and the footprint of each channel.

    Args:
        signal: Voltage at a constant rate.
        highpass_hz: Cut-off of the high-pass, Hz.
        threshold: Depth, robust standard deviations.
        refractory_ms: Of troughs on one channel closer than this only the deepest counts, ms.
        together_ms: Depths on other channels are looked for within this of a trough, ms.

    Raises:
        RecordingError: Values that are not finite.
    """
    rate, steps, channels = float(signal.rate_hz or np.nan), *signal.shape
    dead, near = (max(1, round(span * rate / 1000)) for span in (refractory_ms, together_ms))
    pad_ms = 1000 * (dead + near + 1) / rate
    matrix, alive = whitening_matrix(signal, cutoff_hz=highpass_hz)
    if not alive.all():
        warnings.warn(
            f"{signal.name}: {np.sum(~alive)} of {channels} channels are constant and have no spikes",
            RecordingWarning,
            stacklevel=3,
        )
    noise: NDArray[np.float32] | None = None
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []
    beside: list[sparse.csr_array] = []
    spans = block_spans(steps, channels)
    for low, start, values in highpassed_blocks(signal, spans, cutoff_hz=highpass_hz, pad_ms=pad_ms):
        white = values @ matrix
        if noise is None:
            noise = robust_noise(white[:NOISE_STEPS])
        white /= noise
        rows, columns = _deepest(white, threshold, dead)
        inside = (rows + low >= start) & (rows + low < min(start + spans[0][1], steps))
        rows, columns = rows[inside], columns[inside]
        found.append((rows + low, columns, -white[rows, columns]))
        minimum_filter1d(white, 2 * near + 1, axis=0, mode="nearest", output=white)
        parts = range(0, len(rows), ROWS_AT_ONCE)
        beside += [sparse.csr_array(_above(-white[rows[part : part + ROWS_AT_ONCE]])) for part in parts]
    where, which, depths = (np.concatenate(parts) for parts in zip(*found, strict=True))
    depths_beside = sparse.vstack(beside, format="csr") if beside else sparse.csr_array((0, channels), dtype=np.float32)
    return Troughs(where, which, depths, footprints(which, depths, depths_beside))


def footprints(
    channels: NDArray[np.int64], depths: NDArray[np.float32], beside: sparse.csr_array
) -> NDArray[np.float32]:
    """Mean depth on every channel at the troughs that are a channel's own, relative to the depth on it.

    Averages over all troughs of a channel, chance coincidences and copies included, tell which channels see the same
    spikes; a trough is the channel's own if it is the deepest among those.

    Args:
        channels: (troughs,).
        depths: (troughs,), positive.
        beside: (troughs, channels), depth of the deepest sample of each channel about the trough, 0 where it is small.

    Returns:
        (channel, channel), each row for one channel's spikes; 0 for a channel without troughs of its own.
    """
    size = beside.shape[1]

    def relative(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        index = np.flatnonzero(chosen)
        members = sparse.csr_array((np.ones(len(index), np.float32), (channels[index], index)), (size, len(channels)))
        own = np.bincount(channels[index], depths[index], minlength=size)[:, None]
        total = (members @ beside).toarray().astype(np.float64)
        return np.divide(total, own, out=np.zeros_like(total), where=own > 0)

    first = relative(np.ones(len(channels), dtype=bool))
    related = np.maximum(first, first.T) > RELATED
    rows = beside.tocoo()
    topped = (rows.data > depths[rows.row]) & related[channels[rows.row], rows.col]
    topped &= rows.col != channels[rows.row]
    own = np.ones(len(channels), dtype=bool)
    own[rows.row[topped]] = False
    return relative(own).astype(np.float32)


def robust_noise(white: NDArray[np.float32]) -> NDArray[np.float32]:
    """Robust standard deviation of each channel, from the median absolute value; infinite where that is 0."""
    noise = np.array([np.median(np.abs(channel)) for channel in white.T], np.float32) / np.float32(GAUSSIAN_MAD)
    return np.where(noise > 0, noise, np.float32(np.inf))


def copies(troughs: Troughs, *, threshold: float, together: int) -> NDArray[np.bool_]:
    """Which troughs are another channel's spike, (troughs,).

    Args:
        troughs: As found.
        threshold: Depth that remains when two cells fired.
        together: Largest distance of two troughs of one spike, steps.
    """
    copy = np.zeros(len(troughs.steps), dtype=bool)
    steps, channels, depths = troughs.steps, troughs.channels, troughs.depths
    for shift in range(1, len(steps)):
        close = steps[shift:] - steps[:-shift] <= together
        if not close.any():
            break
        first = np.flatnonzero(close)
        pair = np.stack([first, first + shift])
        pair = pair[:, channels[pair[0]] != channels[pair[1]]]
        deeper_first = depths[pair[0]] >= depths[pair[1]]
        large, small = np.where(deeper_first, pair[0], pair[1]), np.where(deeper_first, pair[1], pair[0])
        left = depths[small] - troughs.footprint[channels[large], channels[small]] * depths[large]
        copy[small[left < threshold]] = True
    return copy


def _deepest(white: NDArray[np.float32], threshold: float, dead: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and channels of samples below the threshold that none within the dead time undercuts, in order of time."""
    rows, columns = np.nonzero(white < -threshold)
    order = np.lexsort((rows, columns))
    rows, columns = rows[order], columns[order]
    depth = white[rows, columns]
    keep = np.ones(len(rows), dtype=bool)
    # Only samples below the threshold can undercut one that is; they are few, and the next ones in the list.
    for shift in range(1, dead + 1):
        if shift >= len(rows):
            break
        near = (columns[shift:] == columns[:-shift]) & (rows[shift:] - rows[:-shift] <= dead)
        keep[:-shift] &= ~(near & (depth[shift:] < depth[:-shift]))
        keep[shift:] &= ~(near & (depth[:-shift] <= depth[shift:]))
    rows, columns = rows[keep], columns[keep]
    order = np.lexsort((columns, rows))
    return rows[order], columns[order]


def _above(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Depths with 0 where they are no more than noise reaches."""
    return np.where(depth > NOTICED, depth, np.float32(0))

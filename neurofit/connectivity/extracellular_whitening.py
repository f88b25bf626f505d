"""Extracellular voltages high-passed and whitened, a block of time at a time.

    y_t = W x_t,    W = U (L + e I)^-1/2 U',    Cov(x) = U L U'

x is the voltage through a Butterworth high-pass run both ways. W is the symmetric root of the inverse covariance (ZCA;
A. Bell and T. Sejnowski, Vision Research 37, 1997): of all whitenings it leaves every channel closest to itself, so
that a spike stays on its electrode and what neighbours share is taken out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import signal as filters

from neurofit_io import RecordingError, Signal

BLOCK_ELEMENTS = 2**22
COVARIANCE_STEPS = 30_000
"""Samples that the covariance is estimated from, in pieces spread over the recording."""
PIECES = 10
LEVEL = 1e-6
"""e, relative to the mean variance."""
CONSTANT = 1e-9
"""Variance relative to the mean one at which a channel is constant but for rounding."""


def highpassed_blocks(
    signal: Signal, spans: list[tuple[int, int]], *, cutoff_hz: float, pad_ms: float
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Stretches of a signal through a zero-phase high-pass, with a margin of each side filtered along.

    Args:
        signal: A signal of constant rate.
        spans: Stretches (start, stop), steps.
        cutoff_hz: Cut-off of the third-order Butterworth filter, Hz.
        pad_ms: Margin on each side, ms, that is part of what comes out where the recording has it.

    Yields:
        First step of what is yielded, first step of the stretch, and values (steps, channels) with both margins.

    Raises:
        RecordingError: A value is not finite.
    """
    rate = float(signal.rate_hz or np.nan)
    sections = filters.butter(3, cutoff_hz, btype="highpass", fs=rate, output="sos").astype(np.float32)
    pad, settle = round(pad_ms * rate / 1000), round(3 * rate / cutoff_hz)
    for start, stop in spans:
        first, last = max(0, start - pad - settle), min(signal.shape[0], stop + pad + settle)
        values = signal.read(first, last)
        if not np.isfinite(values).all():
            step, channel = np.argwhere(~np.isfinite(values))[0]
            raise RecordingError(
                signal.source.place, f"step {first + step} of channel {signal.channel_ids[channel]} is not finite",
                place=signal.name, expected="numbers throughout",
            )  # fmt: skip
        values -= values.mean(axis=0)
        filtered = filters.sosfiltfilt(sections, values, axis=0, padlen=min(settle, len(values) - 1))
        low, high = max(0, start - pad), min(signal.shape[0], stop + pad)
        yield low, start, np.asarray(filtered[low - first : high - first], np.float32)


def block_spans(steps: int, channels: int) -> list[tuple[int, int]]:
    """Consecutive stretches of about 16 MB that cover all steps."""
    rows = max(1000, BLOCK_ELEMENTS // channels)
    return [(start, min(start + rows, steps)) for start in range(0, steps, rows)]


def whitening_matrix(signal: Signal, *, cutoff_hz: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """ZCA whitening of a high-passed signal.

    Args:
        signal: A signal of constant rate.
        cutoff_hz: Cut-off of the high-pass, Hz.

    Returns:
        W, (channels, channels), and which channels vary at all; rows and columns of the others are 0.
    """
    steps, channels = signal.shape
    piece = -(-min(steps, max(COVARIANCE_STEPS, 5 * channels)) // PIECES)
    starts = np.unique(np.linspace(0, max(0, steps - piece), PIECES).astype(np.int64))
    spans = [(int(start), min(int(start) + piece, steps)) for start in starts]
    total, rows = np.zeros((channels, channels)), 0
    for _, _, values in highpassed_blocks(signal, spans, cutoff_hz=cutoff_hz, pad_ms=0.0):
        total += values.T @ values
        rows += len(values)
    covariance = total / rows
    alive = covariance.diagonal() > CONSTANT * np.mean(covariance.diagonal())
    levels, vectors = np.linalg.eigh(covariance[np.ix_(alive, alive)])
    floor = LEVEL * float(np.mean(levels)) if alive.any() else 1.0
    matrix = np.zeros((channels, channels), np.float32)
    matrix[np.ix_(alive, alive)] = (vectors / np.sqrt(np.maximum(levels, 0) + floor)) @ vectors.T
    return matrix, alive

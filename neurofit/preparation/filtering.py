"""Filters that only look back, on blocks of one stretch of time after the other.

A zero-phase filter runs over the signal in both directions and so carries the test span's future into the training
span; these are causal, and pay with a delay. Each starts every stretch from the steady state of its first value, so
nothing rings at the beginning. A stage takes the blocks of a stretch and gives them back: blocks are
(steps, channels) in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from neurofit.preparation.options import PrepareOptions
from neurofit_io import RecordingError

BUTTERWORTH_ORDER = 4
NOTCH_QUALITY = 30.0

Blocks = Iterator[NDArray[np.float64]]


def sections(options: PrepareOptions, rate_hz: float) -> NDArray[np.float64] | None:
    """Second-order sections (n, 6) of the notch, high-pass and low-pass asked for, one after the other.

    Raises:
        RecordingError: A frequency is not between 0 and half the rate, or the high-pass lies above the low-pass.
    """
    asked = {"highpass": options.highpass_hz, "lowpass": options.lowpass_hz, "notch": options.notch_hz}
    for name, hertz in asked.items():
        if hertz is not None and not 0 < hertz < rate_hz / 2:
            raise RecordingError(
                "", f"--{name}-hz {hertz:g} at {rate_hz:g} samples per s", expected=f"between 0 and {rate_hz / 2:g}"
            )
    high, low, notch = asked.values()
    if high is not None and low is not None and high >= low:
        raise RecordingError("", f"--highpass-hz {high:g} above --lowpass-hz {low:g}", expected="high-pass below")
    designs = []
    if notch is not None:
        designs.append(scipy.signal.tf2sos(*scipy.signal.iirnotch(notch, NOTCH_QUALITY, fs=rate_hz)))
    for kind, hertz in (("highpass", high), ("lowpass", low)):
        if hertz is not None:
            designs.append(scipy.signal.butter(BUTTERWORTH_ORDER, hertz, kind, fs=rate_hz, output="sos"))
    return np.concatenate(designs) if designs else None


def filtered(blocks: Blocks, sos: NDArray[np.float64]) -> Blocks:
    """Runs second-order sections (n, 6) over a stretch."""
    state: NDArray[np.float64] | None = None
    for block in blocks:
        if state is None:
            state = scipy.signal.sosfilt_zi(sos)[:, :, None] * block[0]
        out, state = scipy.signal.sosfilt(sos, block, axis=0, zi=state)
        yield out


def referenced(blocks: Blocks, reference: str) -> Blocks:
    """Subtracts the `mean` or `median` over channels from every step."""
    centre = np.mean if reference == "mean" else np.median
    for block in blocks:
        yield block - centre(block, axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Trend:
    """A line per channel over the number of usable steps t since the beginning: level + slope * (t - middle).

    Attributes:
        level: (channels,).
        slope: Per step, (channels,).
        middle: In steps.
    """

    level: NDArray[np.float64]
    slope: NDArray[np.float64]
    middle: float

    def removed(self, blocks: Blocks, first: int) -> Blocks:
        """Subtracts the line from the blocks of a stretch whose first step is number `first`."""
        for block in blocks:
            steps = np.arange(first, first + len(block)) - self.middle
            yield block - self.level - self.slope * steps[:, None]
            first += len(block)


def fit_trend(blocks: Blocks, n_steps: int, *, linear: bool) -> Trend:
    """Least-squares line through the first `n_steps` steps, or their mean, with the sums taken by streaming.

    Only steps at the beginning are looked at, so that nothing of the test span is in the line.

    Args:
        blocks: Blocks of all stretches in order.
        n_steps: Steps to fit, at least 2.
        linear: Fit a slope too.
    """
    middle = (n_steps - 1) / 2
    origin: Any = None
    seen, total, product = 0, np.zeros(1), np.zeros(1)
    for block in blocks:
        part = block[: n_steps - seen]
        origin = part[0] if origin is None else origin
        total = total + (part - origin).sum(axis=0)
        product = product + (np.arange(seen, seen + len(part)) - middle) @ (part - origin)
        seen += len(part)
        if seen == n_steps:
            break
    slope = product / (n_steps * (n_steps**2 - 1) / 12) if linear else np.zeros_like(product)
    return Trend(origin + total / n_steps, slope, middle)

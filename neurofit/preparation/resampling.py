"""Fewer steps, or even ones.

Decimation by q: a causal low-pass filter of 20 q + 1 taps at half the new rate (Hamming window), then every q-th step.
The filter is symmetric, so the new signal lags by 10 q old steps, that is 10 new ones; its times are those at which
each value was known. Irregular samples are interpolated linearly.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from neurofit.preparation.filtering import Blocks
from neurofit.preparation.splitting import Stretch, Stretches, floor_steps
from neurofit_io import RecordingError, Signal
from neurofit_io.clock import GAP

HALF_LENGTH = 10
BLOCK_ELEMENTS = 2**21


def anti_alias(factor: int) -> NDArray[np.float64]:
    """Taps of the low-pass filter before decimation, (20 factor + 1,), with unit gain at 0 Hz."""
    return scipy.signal.firwin(2 * HALF_LENGTH * factor + 1, 1 / factor, window="hamming")


def decimated(blocks: Blocks, factor: int) -> Blocks:
    """Every `factor`-th step of a stretch after the anti-aliasing filter; n steps become ceil(n / factor).

    Before its beginning a stretch is taken to have stood at its first value.
    """
    taps = anti_alias(factor)
    history: NDArray[np.float64] | None = None
    skip = 0
    for block in blocks:
        if history is None:
            history = np.repeat(block[:1], len(taps) - 1, axis=0)
        joined = np.concatenate([history, block])
        whole = scipy.signal.upfirdn(taps, joined[skip:], down=factor, axis=0)
        n_out = max(0, -(-(len(block) - skip) // factor))
        yield whole[2 * HALF_LENGTH : 2 * HALF_LENGTH + n_out]
        skip += n_out * factor - len(block)
        history = joined[len(joined) - len(taps) + 1 :]


def even_stretches(signal: Signal, usable: Stretches, rate_hz: float) -> Stretches:
    """The usable stretches of an irregular signal, broken where an interval exceeds 1.5 medians.

    Raises:
        RecordingError: The rate is below half that of the samples, so that faster parts would be folded into it.
    """
    times = signal.time_s()
    steps = np.diff(times)
    median = float(np.median(steps))
    if not rate_hz >= 0.5 / median:
        raise RecordingError(
            signal.source.place, f"--resample-hz {rate_hz:g} on {1 / median:g} samples per s",
            expected=f"at least {0.5 / median:g}", do="slow it down with --decimate",
        )  # fmt: skip
    breaks = np.flatnonzero(steps > GAP * median) + 1
    out: list[Stretch] = []
    for stretch in usable:
        inside = breaks[(breaks > stretch.start) & (breaks < stretch.stop)].tolist()
        edges = [stretch.start, *inside, stretch.stop]
        out += [Stretch(a, b) for a, b in itertools.pairwise(edges)]
    return tuple(out)


def resampled_steps(signal: Signal, stretch: Stretch, rate_hz: float) -> int:
    """Number of steps at `rate_hz` from the first to the last sample of a stretch."""
    first, last = (signal.time_s(i, i + 1)[0] for i in (stretch.start, stretch.stop - 1))
    return floor_steps(float(last - first) * rate_hz + 1e-6) + 1


def interpolated(signal: Signal, stretch: Stretch, rate_hz: float) -> Iterator[NDArray[np.float64]]:
    """Values of a stretch on even steps from its first sample on, on straight lines between samples."""
    times = signal.time_s(stretch.start, stretch.stop)
    total = resampled_steps(signal, stretch, rate_hz)
    rows = max(1, BLOCK_ELEMENTS // signal.shape[1])
    for first in range(0, total, rows):
        wanted = times[0] + np.arange(first, min(first + rows, total)) / rate_hz
        left = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, max(0, len(times) - 2))
        right = np.minimum(left + 1, len(times) - 1)
        low, high = int(left[0]), int(right[-1]) + 1
        values = signal.read(stretch.start + low, stretch.start + high).astype(np.float64)
        share = np.clip((wanted - times[left]) / np.where(right > left, times[right] - times[left], 1.0), 0, 1)
        yield values[left - low] * (1 - share)[:, None] + values[right - low] * share[:, None]

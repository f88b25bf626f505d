"""Resample, detrend, filter, reference and decimate, in this order, stretch by stretch, once.

No stage looks across the edge of a stretch. The outcome is a signal of its own, whose segments are the stretches.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurofit.preparation.filtering import Blocks, Trend, filtered, fit_trend, referenced, sections
from neurofit.preparation.options import PrepareOptions
from neurofit.preparation.resampling import decimated, even_stretches, interpolated, resampled_steps
from neurofit.preparation.residency import scratch
from neurofit.preparation.splitting import Stretch, Stretches, floor_steps
from neurofit_io import Clock, RecordingError, Segment, Signal
from neurofit_io.sources import ArraySource


def needed(options: PrepareOptions) -> bool:
    """Whether the options change values or steps."""
    numbers = (options.resample_hz, options.highpass_hz, options.lowpass_hz, options.notch_hz, options.decimate)
    return any(n is not None for n in numbers) or options.detrend != "none" or options.reference != "none"


@dataclass(frozen=True, eq=False)
class _Evenly:
    """Stretches of a signal at even steps: as recorded, or interpolated."""

    signal: Signal
    stretches: Stretches
    rate_hz: float
    irregular: bool

    def blocks(self, stretch: Stretch) -> Blocks:
        if self.irregular:
            return interpolated(self.signal, stretch, self.rate_hz)
        return (values.astype(np.float64) for _, values in self.signal.slabs(stretch.start, stretch.stop))

    def lengths(self) -> list[int]:
        if self.irregular:
            return [resampled_steps(self.signal, stretch, self.rate_hz) for stretch in self.stretches]
        return [stretch.n_steps for stretch in self.stretches]

    def starts_s(self) -> list[float]:
        return [float(self.signal.time_s(stretch.start, stretch.start + 1)[0]) for stretch in self.stretches]


def conditioned(signal: Signal, usable: Stretches, options: PrepareOptions) -> Signal:
    """The usable stretches of a signal after all that the options ask for, in memory or in a temporary file.

    Args:
        signal: In physical units, without channels that are to be left out.
        usable: Stretches without missing values.
        options: What to do.

    Raises:
        RecordingError: An option does not fit the signal.
    """
    _check(signal, options)
    even, factor = _evenly(signal, usable, options), options.decimate or 1
    lengths, starts = even.lengths(), even.starts_s()
    edges = _edges([-(-length // factor) for length in lengths])
    values = scratch((edges[-1], signal.shape[1]))
    stages = _stages(even, options)
    for stretch, first, position in zip(even.stretches, _edges(lengths), edges, strict=False):
        for block in stages(even.blocks(stretch), first):
            values[position : position + len(block)] = block
            position += len(block)
    sweeps = tuple(Segment(a, b, start) for (a, b), start in zip(itertools.pairwise(edges), starts, strict=True))
    clock = Clock(edges[-1], even.rate_hz / factor, starts[0], sweeps=sweeps)
    source = ArraySource(values, signal.source.place)
    return dataclasses.replace(signal, source=source, clock=clock, gain=1.0, offset=0.0)


def _evenly(signal: Signal, usable: Stretches, options: PrepareOptions) -> _Evenly:
    if options.resample_hz is not None:
        return _Evenly(signal, even_stretches(signal, usable, options.resample_hz), options.resample_hz, True)
    assert signal.rate_hz is not None
    return _Evenly(signal, usable, signal.rate_hz, False)


def _stages(even: _Evenly, options: PrepareOptions) -> Callable[[Blocks, int], Blocks]:
    """What to do with the blocks of a stretch whose first step is number `first` of all."""
    sos = sections(options, even.rate_hz)
    trend = _trend(even, options) if options.detrend != "none" else None

    def run(blocks: Blocks, first: int) -> Blocks:
        if trend is not None:
            blocks = trend.removed(blocks, first)
        if sos is not None:
            blocks = filtered(blocks, sos)
        if options.reference != "none":
            blocks = referenced(blocks, options.reference)
        return decimated(blocks, options.decimate) if options.decimate else blocks

    return run


def _trend(even: _Evenly, options: PrepareOptions) -> Trend:
    blocks = itertools.chain.from_iterable(even.blocks(stretch) for stretch in even.stretches)
    n_steps = max(2, floor_steps(options.train_fraction * sum(even.lengths())))
    return fit_trend(blocks, n_steps, linear=options.detrend == "linear")


def _edges(lengths: list[int]) -> list[int]:
    return [0, *itertools.accumulate(lengths)]


def _check(signal: Signal, options: PrepareOptions) -> None:
    if options.resample_hz is not None and signal.clock.regular:
        raise RecordingError(
            signal.source.place, f"--resample-hz on regular samples at {signal.rate_hz:g} Hz", do="use --decimate"
        )
    if options.decimate is not None and options.decimate < 2:
        raise RecordingError("", f"--decimate {options.decimate}", expected="a whole number of 2 or more")
    if options.reference != "none" and signal.shape[1] < 2:
        raise RecordingError(signal.source.place, f"--reference {options.reference} on 1 channel", expected="several")

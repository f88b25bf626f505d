"""Which steps may be trained on, which choose between models, and which score them.

With N usable steps counted through the recording, train fraction f, validation fraction v and gap g:

    B = floor(f N), V = B - floor(v B):   train [0, V - g), validation [V, B), test [B + g, N)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurofit.preparation.options import PrepareOptions
from neurofit_io import RecordingError, Segment

HIGHEST_ORDER = 20
STEPS_PER_LAG = 20
_EDGE = 1e-9


class Stretch(NamedTuple):
    """Steps `start:stop` that follow each other in time."""

    start: int
    stop: int

    @property
    def n_steps(self) -> int:
        return self.stop - self.start


Stretches = tuple[Stretch, ...]


class Scored(NamedTuple):
    """Steps `start:stop` to be predicted and scored, after feeding the truth of `warm:start`."""

    warm: int
    start: int
    stop: int


@dataclass(frozen=True)
class Split:
    """The three spans and the lengths that separate them.

    Attributes:
        train: Steps to fit on.
        validation: Steps to choose by; the very object `test` when the validation fraction is 0.
        test: Steps to score on.
        max_order: Highest autoregressive order to consider: a 20th of the steps before validation, 1 to 20.
        gap_steps: Usable steps left out before validation and before test.
        warmup_steps: Steps of truth that a model is fed before it is scored, at least `max_order`.
    """

    train: Stretches
    validation: Stretches
    test: Stretches
    max_order: int
    gap_steps: int
    warmup_steps: int


def split(usable: Stretches, *, dt_ms: float, options: PrepareOptions, max_order: int | None = None) -> Split:
    """Divides usable steps into train, validation and test, in order of time.

    Args:
        usable: Stretches without a gap, a sweep edge or a missing value, in order.
        dt_ms: Length of a step, ms.
        options: `train_fraction`, `validation_fraction`, `gap_ms`, `warmup_ms`.
        max_order: Highest autoregressive order of a model fitted before; by default what the training span supports.
    """
    total = count(usable)
    train_part = floor_steps(options.train_fraction * total)
    before = train_part - floor_steps(options.validation_fraction * train_part)
    order = max_order or min(HIGHEST_ORDER, max(1, before // STEPS_PER_LAG))
    separation = max(ceil_steps(options.gap_ms / dt_ms), order)
    gap = separation if options.gap_ms > 0 else 0
    warmup = separation if options.warmup_ms is None else max(ceil_steps(options.warmup_ms / dt_ms), order)
    test = take(usable, train_part + gap, total)
    if options.validation_fraction == 0:
        return Split(take(usable, 0, train_part), test, test, order, gap, warmup)
    train, validation = take(usable, 0, before - gap), take(usable, before, train_part)
    return Split(train, validation, test, order, gap, warmup)


def take(stretches: Stretches, first: int, last: int) -> Stretches:
    """The steps `first:last`, counted through the stretches; none of them empty, no step for a negative `last`."""
    taken, before = [], 0
    for stretch in stretches:
        start, stop = max(first - before, 0), min(last - before, stretch.n_steps)
        if start < stop:
            taken.append(Stretch(stretch.start + start, stretch.start + stop))
        before += stretch.n_steps
    return tuple(taken)


def without(segments: Iterable[Stretch | Segment], missing: NDArray[np.int64]) -> Stretches:
    """The segments less the runs of missing steps.

    Args:
        segments: Stretches or segments in order.
        missing: Runs (k, 2) of steps `start:stop` in order, which may touch.
    """
    kept = []
    for segment in segments:
        start = segment.start
        low = np.searchsorted(missing[:, 1], segment.start, side="right")
        high = np.searchsorted(missing[:, 0], segment.stop, side="left")
        for hole_start, hole_stop in missing[low:high].tolist():
            kept.append(Stretch(start, hole_start))
            start = hole_stop
        kept.append(Stretch(start, segment.stop))
    return tuple(stretch for stretch in kept if stretch.n_steps > 0)


def union(*runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The steps that are in any of several lists of runs (k, 2), as runs in order."""
    ordered = np.concatenate(runs)
    ordered = ordered[np.argsort(ordered[:, 0], kind="stable")]
    reach = np.maximum.accumulate(ordered[:, 1])
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:, 0] > reach[:-1]])[: len(ordered)])
    ends = np.concatenate([begins[1:], [len(ordered)]])[: len(begins)] - 1
    return np.stack([ordered[begins, 0], reach[ends]], axis=1)


def scored(span: Stretches, usable: Stretches, *, warmup_steps: int) -> tuple[Scored, ...]:
    """Where a model warms up and where it is scored.

    The truth before a span is fed as far as time is unbroken, into the gap and the span before; a stretch that begins
    after a break spends its own first steps. Stretches that have none left are not in the result.

    Args:
        span: Stretches to score.
        usable: All usable stretches.
        warmup_steps: Steps of truth to feed before the first scored step.
    """
    starts = np.array([stretch.start for stretch in usable], dtype=np.int64)
    out = []
    for stretch in span:
        begin = int(starts[np.searchsorted(starts, stretch.start, side="right") - 1])
        start = max(stretch.start, begin + warmup_steps)
        if start < stretch.stop:
            out.append(Scored(start - warmup_steps, start, stretch.stop))
    return tuple(out)


def count(stretches: Sequence[Stretch]) -> int:
    """Number of steps in all stretches."""
    return sum(stretch.n_steps for stretch in stretches)


def floor_steps(steps: float) -> int:
    """The whole number below, or the one a hair above that float arithmetic missed."""
    return int(np.floor(steps + _EDGE))


def ceil_steps(steps: float) -> int:
    """The whole number above, or the one a hair below that float arithmetic passed."""
    return int(np.ceil(steps - _EDGE))


def check(options: PrepareOptions) -> None:
    """Checks the fractions and times of a split.

    Raises:
        RecordingError: One of them is out of range.
    """
    if not 0 < options.train_fraction < 1:
        raise RecordingError("", f"--train-fraction {options.train_fraction:g}", expected="between 0 and 1")
    if not 0 <= options.validation_fraction < 1:
        raise RecordingError("", f"--validation-fraction {options.validation_fraction:g}", expected="0 to below 1")
    for name, value in (("--gap-ms", options.gap_ms), ("--warmup-ms", options.warmup_ms)):
        if value is not None and not 0 <= value < float("inf"):
            raise RecordingError("", f"{name} {value:g}", expected="a finite time of 0 ms or more")

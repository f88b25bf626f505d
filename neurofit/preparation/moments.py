"""Per-channel mean and standard deviation by streaming, and the values that are missing.

Blocks a, b of n_a, n_b steps are merged in float64 by Chan, Golub and LeVeque (1983), with d = mean_b - mean_a:

    mean = mean_a + d n_b / n,   M2 = M2_a + M2_b + d^2 n_a n_b / n,   std = sqrt(M2 / n)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.preparation.splitting import Stretches
from neurofit_io import Signal


@dataclass(frozen=True, eq=False)
class Moments:
    """First two moments of each channel over the same steps.

    Attributes:
        n_steps: Number of steps.
        mean: (channels,).
        squares: Sums of squares about the mean, (channels,).
    """

    n_steps: int
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviation (divided by n), (channels,)."""
        return np.sqrt(self.squares / max(1, self.n_steps))

    def merged(self, values: NDArray[Any]) -> Moments:
        """These moments and those of further steps (steps, channels)."""
        block = values.astype(np.float64)
        n_steps = self.n_steps + len(block)
        mean = block.mean(axis=0)
        squares = np.square(block - mean).sum(axis=0)
        change = mean - self.mean
        return Moments(
            n_steps,
            self.mean + change * (len(block) / n_steps),
            self.squares + squares + np.square(change) * (self.n_steps * len(block) / n_steps),
        )

    def of(self, columns: NDArray[np.intp]) -> Moments:
        """The moments of some channels."""
        return Moments(self.n_steps, self.mean[columns], self.squares[columns])

    def pooled(self) -> Moments:
        """The moments of all values of all channels together, given to each channel."""
        width = len(self.mean)
        squares = self.squares.sum() + self.n_steps * np.square(self.mean - self.mean.mean()).sum()
        return Moments(self.n_steps, np.full(width, self.mean.mean()), np.full(width, squares / width))


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass over a signal found.

    Attributes:
        moments: Over the steps asked for.
        missing: Number of values of each channel that are not finite, (channels,).
        holes: Blocks with such values, as (first step, bits (steps, channels / 8)).
    """

    moments: Moments
    missing: NDArray[np.int64]
    holes: tuple[tuple[int, NDArray[np.uint8]], ...]

    def runs(self, columns: NDArray[np.intp]) -> NDArray[np.int64]:
        """Runs `start:stop` of steps at which any of these channels is missing, (runs, 2)."""
        found = [np.empty((0, 2), np.int64)]
        for first, bits in self.holes:
            flags = np.unpackbits(bits, axis=1, count=len(self.missing))[:, columns].any(axis=1)
            edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
            found.append(first + edges.reshape(-1, 2))
        return np.concatenate(found)


def survey(signal: Signal, steps: Stretches) -> Survey:
    """Reads a signal once: moments over some of its steps, missing values over all of them.

    Moments of steps with missing values are not numbers; ask again for the steps that are left.
    """
    moments, holes = _nothing(signal.shape[1]), []
    missing = np.zeros(signal.shape[1], np.int64)
    for first, values in signal.slabs():
        bad = ~np.isfinite(values)
        if bad.any():
            missing += bad.sum(axis=0)
            holes.append((first, np.packbits(bad, axis=1)))
        with np.errstate(invalid="ignore"):
            for start, stop in _overlaps(steps, first, first + len(values)):
                moments = moments.merged(values[start - first : stop - first])
    return Survey(moments, missing, tuple(holes))


def moments_over(signal: Signal, steps: Stretches) -> Moments:
    """Moments over some steps of a signal."""
    moments = _nothing(signal.shape[1])
    for stretch in steps:
        for _, values in signal.slabs(stretch.start, stretch.stop):
            moments = moments.merged(values)
    return moments


def _overlaps(steps: Stretches, start: int, stop: int) -> Iterable[tuple[int, int]]:
    return ((max(s.start, start), min(s.stop, stop)) for s in steps if s.start < stop and s.stop > start)


def _nothing(channels: int) -> Moments:
    return Moments(0, np.zeros(channels), np.zeros(channels))

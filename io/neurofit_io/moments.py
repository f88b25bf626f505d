"""Per-channel statistics of a signal in one streamed pass, exact in float64.

Blocks are merged by Chan's formula, M2 = M2_a + M2_b + d^2 n_a n_b / (n_a + n_b) (Chan, Golub and LeVeque 1983).
Channels that are copies of each other up to gain and offset are found without comparing all pairs: with random
weights w_t, p = sum_t w_t (x_t - mean) / sqrt(M2) is the same number for copies and differs for all others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit_io.signals import Signal

PROJECTIONS = 4
SAME = 1e-4


@dataclass(frozen=True, eq=False)
class Moments:
    """What one pass over a signal leaves; every array is (channels,) unless said otherwise.

    Args:
        finite: Number of finite values.
        nan: Number of NaN.
        inf: Number of infinite values.
        first_bad: Step of the first value that is not finite; -1 for none.
        mean: Mean of the finite values.
        std: Their standard deviation.
        low: Smallest finite value.
        high: Largest finite value.
        projections: (PROJECTIONS, channels), equal for copies; NaN for constant channels.
        marked: Number of values equal to each of the values looked for, (values, channels).
    """

    finite: NDArray[np.int64]
    nan: NDArray[np.int64]
    inf: NDArray[np.int64]
    first_bad: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    projections: NDArray[np.float64]
    marked: NDArray[np.int64]

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Channels whose finite values are all the same."""
        return (self.finite > 0) & (self.std <= 1e-7 * np.abs(self.mean))

    def copies(self) -> list[list[int]]:
        """Groups of channels that are each other's copies up to gain and offset."""
        usable = np.flatnonzero(np.all(np.isfinite(self.projections), axis=0))
        order = usable[np.argsort(self.projections[0, usable], kind="stable")]
        groups: list[list[int]] = []
        for channel in order:
            points = self.projections[:, channel]
            if groups and np.all(np.abs(points - self.projections[:, groups[-1][-1]]) < SAME):
                groups[-1].append(int(channel))
            else:
                groups.append([int(channel)])
        return sorted(sorted(group) for group in groups if len(group) > 1)


def moments(signal: Signal, looked_for: NDArray[np.float32] | None = None) -> Moments:
    """Streams `signal` once.

    Args:
        signal: Any signal with at least one step.
        looked_for: Values to count and to leave out of mean, std, low and high, (values, channels), in the signal's
            unit as read.
    """
    n = signal.shape[1]
    sums = _Sums(n, np.empty((0, n), np.float32) if looked_for is None else looked_for)
    for start, block in signal.slabs():
        sums.add(start, block)
    return sums.result()


class _Sums:
    """Running sums of differences from a value of each channel, exact where the mean is large beside the spread."""

    def __init__(self, n_channels: int, looked_for: NDArray[np.float32]) -> None:
        n = n_channels
        self.looked_for, self.random = looked_for, np.random.default_rng(0)
        self.finite, self.nan, self.inf = (np.zeros(n, np.int64) for _ in range(3))
        self.first_bad, self.marked = np.full(n, -1), np.zeros(looked_for.shape, np.int64)
        self.mean, self.m2, self.shift = np.zeros(n), np.zeros(n), np.full(n, np.nan)
        self.low, self.high = np.full(n, np.inf), np.full(n, -np.inf)
        self.weighted, self.weights = np.zeros((PROJECTIONS, n)), np.zeros((PROJECTIONS, n))

    def add(self, start: int, block: NDArray[np.float32]) -> None:
        good = self._count(start, block)
        self.low = np.minimum(self.low, np.where(good, block, np.inf).min(axis=0))
        self.high = np.maximum(self.high, np.where(good, block, -np.inf).max(axis=0))
        new = np.isnan(self.shift) & good.any(axis=0)
        self.shift[new] = block[np.argmax(good[:, new], axis=0), np.flatnonzero(new)]
        self._merge(np.where(good, block - np.nan_to_num(self.shift), 0.0), good)

    def _count(self, start: int, block: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Counts what is not finite or marked and says which values are neither."""
        good = np.isfinite(block)
        self.nan += np.isnan(block).sum(axis=0)
        self.inf += np.isinf(block).sum(axis=0)
        fresh = (self.first_bad < 0) & ~good.all(axis=0)
        self.first_bad[fresh] = start + np.argmin(good[:, fresh], axis=0)
        for row, value in enumerate(self.looked_for):
            hit = block == value
            self.marked[row] += hit.sum(axis=0)
            good &= ~hit
        return good

    def _merge(self, x: NDArray[np.float64], good: NDArray[np.bool_]) -> None:
        count = good.sum(axis=0)
        total = np.maximum(self.finite + count, 1)
        mean = x.sum(axis=0) / np.maximum(count, 1)
        delta = mean - self.mean
        spread = np.where(good, (x - mean) ** 2, 0.0).sum(axis=0)
        self.m2 += spread + delta**2 * self.finite * count / total
        self.mean += delta * count / total
        self.finite += count
        draw = self.random.standard_normal((PROJECTIONS, len(x)))
        self.weighted += draw @ x
        self.weights += draw @ good

    def result(self) -> Moments:
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = (self.weighted - self.mean * self.weights) / np.sqrt(self.m2)
        return Moments(
            self.finite, self.nan, self.inf, self.first_bad, self.mean + np.nan_to_num(self.shift),
            np.sqrt(self.m2 / np.maximum(self.finite, 1)), self.low, self.high,
            np.where(self.m2 > 0, scaled, np.nan), self.marked,
        )  # fmt: skip

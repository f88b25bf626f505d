"""When each step of a signal was taken, and where time jumps.

A stream with timestamps is regular when every interval lies within 1 % of their median; an interval above 1.5
medians is a gap, which no chunk may cross; anything else is irregular and has to be resampled on request.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neurofit_io.errors import RecordingError
from neurofit_io.sources import Source

JITTER = 0.01
GAP = 1.5
_BLOCK = 2**20


@dataclass(frozen=True)
class Segment:
    """Steps `start:stop` that follow each other without a jump; the first one was taken at `start_s`."""

    start: int
    stop: int
    start_s: float


@dataclass(frozen=True, eq=False)
class Clock:
    """The time base of a signal.

    Args:
        n_steps: Number of samples.
        rate_hz: Samples per second; None when only timestamps are known, or nothing.
        start_s: Time of the first sample, s.
        timestamps: Time of each sample, s, as a (steps, 1) source; None for a constant rate.
        sweeps: Separate stretches at `rate_hz` with their own starts, which may overlap; None for one stretch.
    """

    n_steps: int
    rate_hz: float | None
    start_s: float = 0.0
    timestamps: Source | None = None
    sweeps: tuple[Segment, ...] | None = None

    @property
    def regular(self) -> bool:
        """Whether all steps are `1 / rate_hz` apart, but for gaps."""
        return self.timestamps is None or self._pattern[0] is not None

    @property
    def step_rate_hz(self) -> float | None:
        """The rate given, or the one the timestamps keep between gaps; None when irregular or unknown."""
        return self.rate_hz if self.timestamps is None else self._pattern[0]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Stretches without gaps, in order; one when the rate is constant.

        Raises:
            RecordingError: The timestamps go back, repeat or hold NaN.
        """
        if self.timestamps is not None:
            return self._pattern[1]
        return self.sweeps or (Segment(0, self.n_steps, self.start_s),)

    @property
    def duration_s(self) -> float:
        """Time the samples cover, gaps left out, s; NaN when the rate is not known."""
        rate = self.step_rate_hz
        return self.n_steps / rate if rate else float("nan")

    def time_s(self, start: int, stop: int) -> NDArray[np.float64]:
        """Times of the steps `start:stop`, s, (stop - start,)."""
        if self.timestamps is not None:
            return self.timestamps.read(start, stop)[:, 0].astype(np.float64)
        if not self.rate_hz:
            raise RecordingError("", "a signal without a sampling rate has no times", do="give --rate-hz")
        steps, rate = np.arange(start, stop), self.rate_hz
        if self.sweeps is None:
            return self.start_s + steps / rate
        sweep = np.searchsorted([s.start for s in self.sweeps], steps, side="right") - 1
        first, begin = (np.array([getattr(s, name) for s in self.sweeps]) for name in ("start", "start_s"))
        return begin[sweep] + (steps - first[sweep]) / rate

    @cached_property
    def _pattern(self) -> tuple[float | None, tuple[Segment, ...]]:
        times = self._checked_times()
        if len(times) < 2:
            first = float(times[0]) if len(times) else 0.0
            return self.rate_hz, (Segment(0, len(times), first),)
        steps = np.diff(times)
        median = float(np.median(steps))
        jumps = np.flatnonzero(steps > GAP * median) + 1
        within = np.delete(steps, jumps - 1)
        if len(within) and np.abs(within - median).max() > JITTER * median:
            return None, (Segment(0, len(times), float(times[0])),)
        edges = [0, *jumps.tolist(), len(times)]
        parts = tuple(Segment(a, b, float(times[a])) for a, b in itertools.pairwise(edges))
        return 1.0 / (float(within.mean()) if len(within) else median), parts

    def _checked_times(self) -> NDArray[np.float64]:
        assert self.timestamps is not None
        place = self.timestamps.place
        blocks = [self.timestamps.read(i, min(i + _BLOCK, self.n_steps)) for i in range(0, self.n_steps, _BLOCK)]
        times = np.concatenate([b[:, 0] for b in blocks]).astype(np.float64) if blocks else np.empty(0)
        bad = np.flatnonzero(~np.isfinite(times))
        if len(bad):
            raise RecordingError(
                place, f"{len(bad)} timestamps are not finite, the first at index {bad[0]}",
                expected="a time in s for every sample", do="repair the file",
            )  # fmt: skip
        back = np.flatnonzero(np.diff(times) <= 0)
        if len(back):
            first = int(back[0])
            raise RecordingError(
                place, f"timestamps do not increase at {len(back)} places, first at index {first + 1} by "
                f"{times[first + 1] - times[first]:.6g} s", expected="increasing times",
                do="repair the file; nothing is sorted silently",
            )  # fmt: skip
        return times


def same_rate(first_hz: float, second_hz: float) -> bool:
    """Whether two rates agree as stored rates do (49999.99999999999 and 50000)."""
    return abs(first_hz - second_hz) <= 1e-6 * max(abs(first_hz), abs(second_hz))

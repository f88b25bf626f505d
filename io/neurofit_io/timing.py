"""The time base of arrays: a rate from the user, from the file, or from a time vector beside the data.

A time vector of whole numbers one apart only counts samples (or milliseconds, as some files have it), so it tells
which axis is time but no rate.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurofit_io.clock import Clock
from neurofit_io.errors import RecordingError, RecordingWarning
from neurofit_io.options import LoadOptions
from neurofit_io.sources import array_source

if TYPE_CHECKING:
    from neurofit_io.arrays import NamedArray

RATE_NAMES = (
    "rate",
    "rate_hz",
    "sampling_rate",
    "samplingrate",
    "sample_rate",
    "sampling_frequency",
    "fs",
    "fps",
    "sr",
)
_TIME_NAME = re.compile(
    r"(t|time|times|timestamps?|tvec|time_vector|timebase|frame_times?)([_ ]?[(\[]?(s|sec|ms|us)[)\]]?)?"
)
_FACTORS = {"ms": 1e-3, "us": 1e-6}
_AGREE = 0.01


@dataclass(frozen=True, eq=False)
class TimeVector:
    """Times beside the data.

    Args:
        name: Its name in the file.
        values: As stored, (steps,).
        factor: Stored values to s, as far as the name tells.
        place: The file and its path in it, for messages.
    """

    name: str
    values: NDArray
    factor: float
    place: str

    @property
    def counts_samples(self) -> bool:
        """Whether it holds whole numbers one apart, which tell no rate."""
        steps = np.diff(self.values[:1000].astype(np.float64))
        whole = np.array_equal(self.values[:1000], np.round(self.values[:1000]))
        return bool(self.factor == 1.0 and whole and np.all(steps == 1.0))

    @property
    def rate_hz(self) -> float | None:
        """Steps per second when regular and in s; None when it only counts samples or has gaps."""
        if self.counts_samples or len(self.values) < 2:
            return None
        return self.clock().step_rate_hz

    def in_seconds(self, rate_hz: float) -> bool:
        """Whether its steps are `1 / rate_hz`, in s or in ms."""
        return self._ratio(rate_hz) is not None

    def times_s(self, rate_hz: float) -> NDArray[np.float64]:
        """Times in s, given the true rate."""
        return self.values.astype(np.float64) * self.factor * (self._ratio(rate_hz) or 1.0)

    def clock(self) -> Clock:
        """The times as they stand, gaps and jitter included."""
        values = self.values.astype(np.float64) * self.factor
        return Clock(len(values), None, timestamps=array_source(values, place=self.place))

    @property
    def notes(self) -> tuple[str, ...]:
        if self.counts_samples:
            return (f"{self.name} counts samples and tells no rate",)
        return () if self.factor != 1.0 or self.name.endswith("_s") else (f"times of {self.name} taken in s",)

    def _ratio(self, rate_hz: float) -> float | None:
        step = float(np.median(np.diff(self.values.astype(np.float64)))) * self.factor * rate_hz
        return next((r for r in (1.0, 1e-3) if abs(step * r - 1) < _AGREE), None)


def time_vector(arrays: Sequence[NamedArray], n_steps: int | None = None, *, of: str = "") -> TimeVector | None:
    """The time base of the array called `of`: named t, time, timestamps, time_ms, ... in its group or above.

    Args:
        arrays: Where to look.
        n_steps: Values it has to have; None for any number.
        of: Name of the array it belongs to; empty to look at the top only.
    """
    for array in arrays:
        parts = _parts(array.name)
        match = _TIME_NAME.fullmatch(parts[-1].lower())
        size = int(np.prod(array.shape))
        if match and _reaches(parts, of) and _is_numeric_vector(array) and n_steps in (None, size):
            return TimeVector(array.name, array.in_memory().reshape(-1), _FACTORS.get(match[3], 1.0), array.place)
    return None


def is_time_vector(array: NamedArray) -> bool:
    """Whether the array is named and shaped as a time base."""
    return bool(_TIME_NAME.fullmatch(_parts(array.name)[-1].lower())) and _is_numeric_vector(array)


def rate_beside(of: str, arrays: Sequence[NamedArray]) -> float | None:
    """The one number called fs, fps, rate, ... in the group or struct of the array called `of`, or above."""
    for array in arrays:
        parts = _parts(array.name)
        if parts[-1].lower() in RATE_NAMES and _reaches(parts, of) and np.prod(array.shape) == 1:
            return float(array.in_memory().reshape(-1)[0])
    return None


def _parts(name: str) -> list[str]:
    return re.split(r"[./]", name.strip("/"))


def _reaches(parts: list[str], of: str) -> bool:
    """Whether something at `parts` belongs to the group of `of`, or to one above it."""
    return _parts(of)[: len(parts) - 1] == parts[:-1]


def _is_numeric_vector(array: NamedArray) -> bool:
    return bool(array.is_vector and array.values.dtype.kind in "iuf" and np.prod(array.shape) > 1)


def rate_of(
    times: TimeVector | None, options: LoadOptions, stored_hz: float | None, place: str
) -> tuple[float, tuple[str, ...]]:
    """The rate, Hz, and what was assumed: the user's, else the file's, else the time vector's.

    Raises:
        RecordingError: Nobody says, or what was said is not a rate.
    """
    found = times.rate_hz if times is not None else None
    rate = options.rate_hz if options.rate_hz is not None else stored_hz if stored_hz is not None else found
    if rate is None:
        why = "" if times is None else f" ({times.name} {'counts samples' if times.counts_samples else 'is irregular'})"
        raise RecordingError(place, f"no sampling rate in the file{why}", do="give it with --rate-hz")
    if not (np.isfinite(rate) and rate > 0):
        raise RecordingError(place, f"sampling rate {rate}", expected="a number above 0", do="give --rate-hz")
    if times is None or found is None or times.in_seconds(rate):
        return float(rate), ()
    text = f"{place}: {times.name} steps at {found:.6g} Hz, {rate:g} Hz is used"
    warnings.warn(text, RecordingWarning, stacklevel=2)
    return float(rate), (text,)


def clock_of(
    n_steps: int, times: TimeVector | None, options: LoadOptions, stored_hz: float | None, stored_start_s: float | None,
    place: str,
) -> tuple[Clock, tuple[str, ...]]:  # fmt: skip
    """The clock of a continuous signal and what was assumed; a time vector with gaps is kept as timestamps."""
    if options.rate_hz is None and stored_hz is None and times is not None and not times.counts_samples:
        clock = times.clock()
        if clock.step_rate_hz is None or len(clock.segments) > 1:
            return clock, ()
    rate, notes = rate_of(times, options, stored_hz, place)
    start = options.start_s if options.start_s is not None else stored_start_s
    if start is None:
        start = float(times.times_s(rate)[0]) if times is not None and times.in_seconds(rate) else 0.0
    return Clock(n_steps, rate, start), notes

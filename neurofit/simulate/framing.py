"""A signal at a lower rate: each frame is the mean of the samples taken while it was exposed, as a camera makes it.

    frame j = (x_{jk} + ... + x_{jk + k - 1}) / k

Its time is the begin of its exposure, so that bin j of spikes counted in bins of a frame covers the same time. Samples
at the end of a stretch that do not fill a frame are left out.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit_io import Clock, RecordingError, Segment, Signal

READ_BYTES = 16 * 2**20
WHOLE = 1e-5
"""How far from a whole number, relative to it, the samples in a frame may be."""


@dataclass(frozen=True, eq=False)
class FrameSource:
    """Means over frames of a signal, in its unit.

    Attributes:
        signal: The signal.
        samples: Samples in a frame.
        firsts: First sample of each frame, (frames,).
    """

    signal: Signal
    samples: int
    firsts: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.firsts), self.signal.shape[1]

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    @property
    def place(self) -> str:
        return self.signal.source.place

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        width = self.shape[1] if channels is None else len(channels)
        out = np.empty((stop - start, width), np.float32)
        for begin, end in self._runs(start, stop, max(1, READ_BYTES // (4 * self.samples * max(width, 1)))):
            first = int(self.firsts[begin])
            values = self.signal.read(first, first + (end - begin) * self.samples, channels)
            # One sample after the other, so that the sum does not depend on how many frames are read together.
            total = np.zeros((end - begin, width))
            for k in range(self.samples):
                total += values[k :: self.samples]
            out[begin - start : end - start] = total / self.samples
        return out

    def _runs(self, start: int, stop: int, longest: int) -> Iterator[tuple[int, int]]:
        """Frames that follow each other without a jump, `longest` at the most."""
        jumps = np.flatnonzero(np.diff(self.firsts[start:stop]) != self.samples) + 1
        for begin, end in itertools.pairwise([0, *jumps.tolist(), stop - start]):
            for some in range(begin, end, longest):
                yield start + some, start + min(some + longest, end)


def samples_in_frame(rate_hz: float, frame_rate_hz: float, *, place: str = "") -> int:
    """Samples that make a frame; 1 where the signal is no faster than that.

    Raises:
        RecordingError: It is not a whole number.
    """
    ratio = rate_hz / frame_rate_hz
    samples = max(1, round(ratio))
    if ratio > 1 and abs(ratio - samples) > WHOLE * samples:
        raise RecordingError(
            place, f"{ratio:g} samples of {rate_hz:g} Hz in a frame", expected="a whole number",
            do=f"say --frame-rate-hz {rate_hz / samples:.7g}",
        )  # fmt: skip
    return samples


def framed(signal: Signal, frame_rate_hz: float) -> Signal:
    """The signal in frames; itself where it is no faster.

    Raises:
        RecordingError: It is not sampled evenly, or not a whole number of samples makes a frame, or no frame is full.
    """
    rate_hz = signal.rate_hz
    if rate_hz is None:
        raise RecordingError(signal.source.place, f"{signal.name} is not sampled evenly", expected="a rate to lower")
    samples = samples_in_frame(rate_hz, frame_rate_hz, place=f"{signal.source.place}: {signal.name}")
    if samples == 1:
        return signal
    parts = [(part, (part.stop - part.start) // samples) for part in signal.segments]
    parts = [(part, frames) for part, frames in parts if frames]
    if not parts:
        raise RecordingError(
            signal.source.place, f"{signal.name} lasts no frame of {frame_rate_hz:g} Hz", expected="a higher rate"
        )
    firsts = np.concatenate([part.start + samples * np.arange(frames) for part, frames in parts])
    edges = np.cumsum([0, *(frames for _, frames in parts)]).tolist()
    segments = tuple(
        Segment(a, b, part.start_s) for (a, b), (part, _) in zip(itertools.pairwise(edges), parts, strict=True)
    )
    clock = Clock(len(firsts), rate_hz / samples, segments[0].start_s, sweeps=segments if len(segments) > 1 else None)
    source = FrameSource(signal, samples, firsts)
    return dataclasses.replace(signal, source=source, clock=clock, gain=1.0, offset=0.0)

"""A continuously sampled quantity in physical units: `physical = stored * gain + offset`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurofit_io.clock import Clock, Segment
from neurofit_io.damage import in_words
from neurofit_io.errors import RecordingError
from neurofit_io.sources import Source, array_source

DESIGN_UNITS = {"vm": "mV", "extracellular": "uV", "lfp": "uV"}
"""Units after reading, by kind; any other kind keeps the file's own unit."""

SLAB_BYTES = 16 * 2**20


@dataclass(frozen=True, eq=False)
class Signal:
    """A lazily read signal, time first.

    Args:
        name: What `--signal` calls it, such as `vm` or `extracellular_probe1`.
        kind: What it is: vm, calcium, extracellular, lfp, fluorescence, dff, deconvolved, counts, true_rates,
            current, or other.
        unit: Unit of what `read` returns.
        source: The stored values, (steps, channels).
        clock: Rate or timestamps, and start.
        gain: Stored to physical, one number or one per channel: conversion x channel_conversion x unit change.
        offset: Added after `gain`, in `unit`, one number or one per channel.
        channel_ids: A label per channel, integers or strings; 0..N-1 by default.
        positions_um: Where the channels lie, um, (channels, 3); NaN where not known; None when nowhere known.
        metadata: Whatever else the file says, JSON-able.
    """

    name: str
    kind: str
    unit: str
    source: Source
    clock: Clock
    gain: float | NDArray[np.float64] = 1.0
    offset: float | NDArray[np.float64] = 0.0
    channel_ids: NDArray = field(default_factory=lambda: np.empty(0, np.int64))
    positions_um: NDArray[np.float64] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n_steps, n_channels = self.source.shape
        ids = np.asarray(self.channel_ids) if len(self.channel_ids) else np.arange(n_channels)
        object.__setattr__(self, "channel_ids", ids)
        if len(ids) != n_channels:
            raise RecordingError(self.source.place, f"{len(ids)} channel ids for {n_channels} channels")
        if self.clock.n_steps != n_steps:
            raise RecordingError(
                self.source.place, f"{n_steps} samples but {self.clock.n_steps} timestamps", expected="one for each"
            )
        for what, value in (("conversion", self.gain), ("offset", self.offset)):
            if np.size(value) not in (1, n_channels):
                raise RecordingError(self.source.place, f"{np.size(value)} {what} values for {n_channels} channels")
        if not np.all(np.isfinite(self.gain)) or np.any(np.asarray(self.gain) == 0):
            raise RecordingError(self.source.place, f"conversion is {self.gain}", expected="a finite number, not 0")

    @property
    def shape(self) -> tuple[int, int]:
        """(steps, channels)."""
        return self.source.shape

    @property
    def rate_hz(self) -> float | None:
        """Samples per second between gaps; None when irregular or unknown."""
        return self.clock.step_rate_hz

    @property
    def start_s(self) -> float:
        """Time of the first sample, s."""
        return self.clock.segments[0].start_s

    @property
    def duration_s(self) -> float:
        """Time the samples cover, gaps left out, s; NaN when the rate is not known."""
        return self.clock.duration_s

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Stretches of steps without gaps."""
        return self.clock.segments

    def read(
        self, start: int = 0, stop: int | None = None, channels: Sequence[int] | NDArray | None = None
    ) -> NDArray[np.float32]:
        """Values of steps `start:stop` in `unit`, (steps, channels), float32, computed in float64.

        Args:
            start: First step.
            stop: One past the last step; None for the end.
            channels: Column numbers (not ids), in any order; None for all.

        Raises:
            RecordingError: The span or a channel lies outside the signal, or the stored bytes cannot be read.
        """
        n_steps, n_channels = self.shape
        stop = n_steps if stop is None else stop
        if not 0 <= start <= stop <= n_steps:
            raise RecordingError(self.source.place, f"steps {start}:{stop} asked for", expected=f"within 0:{n_steps}")
        columns = None if channels is None else np.asarray(channels, dtype=np.intp).reshape(-1)
        if columns is not None and len(columns) and not (columns.min() >= 0 and columns.max() < n_channels):
            found = columns.min() if columns.min() < 0 else columns.max()
            raise RecordingError(self.source.place, f"channel {found} asked for", expected=f"0 to {n_channels - 1}")
        with in_words(self.source.place):
            raw = self.source.read(start, stop, columns)
        gain, offset = (_columns_of(value, columns) for value in (self.gain, self.offset))
        # Numbers beyond float32 read as infinite, without a word: `check` and the preparation count them.
        with np.errstate(over="ignore", invalid="ignore"):
            if np.ndim(gain) == 0 and np.ndim(offset) == 0 and gain == 1.0 and offset == 0.0:
                return raw.astype(np.float32)
            return (raw.astype(np.float64) * gain + offset).astype(np.float32)

    def slabs(
        self, start: int = 0, stop: int | None = None, channels: Sequence[int] | NDArray | None = None
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Steps `start:stop` as (first step, values) in contiguous slabs of about 16 MB."""
        stop = self.shape[0] if stop is None else stop
        rows = max(1, SLAB_BYTES // (4 * max(1, self.shape[1])))
        for first in range(start, stop, rows):
            yield first, self.read(first, min(first + rows, stop), channels)

    def time_s(self, start: int = 0, stop: int | None = None) -> NDArray[np.float64]:
        """Times of steps `start:stop`, s."""
        return self.clock.time_s(start, self.shape[0] if stop is None else stop)

    def renamed(self, name: str) -> Signal:
        """The same signal under another name."""
        return dataclasses.replace(self, name=name)


def _columns_of(value: float | NDArray[np.float64], columns: NDArray[np.intp] | None) -> float | NDArray[np.float64]:
    return value if np.ndim(value) == 0 or columns is None else np.asarray(value).reshape(-1)[columns]


def signal_from_array(
    values: ArrayLike,
    *,
    name: str,
    rate_hz: float | None,
    unit: str = "",
    kind: str | None = None,
    start_s: float = 0.0,
    place: str = "memory",
    **more: Any,
) -> Signal:
    """A `Signal` of an array already in `unit`, (steps,) or (steps, channels)."""
    source = array_source(values, place=place)
    return Signal(name, kind or name, unit, source, Clock(source.shape[0], rate_hz, start_s), **more)

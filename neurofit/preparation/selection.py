"""Which signal, which of its channels and which time: a smaller `Signal`, still read lazily."""

from __future__ import annotations

import dataclasses
import math
import operator
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurofit.preparation.options import PrepareOptions
from neurofit_io import Clock, Recording, RecordingError, Segment, Signal
from neurofit_io.sources import SelectedSource

OPERATORS = {
    "==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_CONDITION = re.compile(r"\s*(.+?)\s*(==|!=|>=|<=|>|<)\s*(.+?)\s*")
_EDGE = 1e-6


def select(recording: Recording, options: PrepareOptions) -> tuple[Signal, NDArray[np.intp]]:
    """The signal, channels and time that the options ask for.

    Args:
        recording: Where to look.
        options: `signal`, `bin_ms`, `channels`, `units`, `time`.

    Returns:
        The smaller signal, and the positions of its channels in the recording's signal.

    Raises:
        RecordingError: No such signal, channel, column or time, or nothing is left.
    """
    signal = chosen_signal(recording, options)
    columns = np.arange(signal.shape[1])
    if options.channels is not None:
        columns = parse_channels(options.channels, signal)
    if options.units is not None:
        passes = passing(options.units, _table(recording, signal), signal)
        columns = columns[passes[columns]]
        if not len(columns):
            raise RecordingError(signal.source.place, f"no channel of {signal.name} has {options.units}")
    return at_time(narrowed(signal, columns), options.time), columns


def select_like(recording: Recording, options: PrepareOptions, channel_ids: NDArray) -> tuple[Signal, NDArray[np.intp]]:
    """As `select`, with the channels that carry these ids, in this order.

    Raises:
        RecordingError: A channel is not there, or several carry its id.
    """
    signal = chosen_signal(recording, options)
    there = [str(label) for label in signal.channel_ids.tolist()]
    wanted = [str(label) for label in channel_ids.tolist()]
    counts = Counter(there)
    absent = [label for label in wanted if counts[label] != 1]
    if absent:
        raise RecordingError(
            signal.source.place, f"{len(absent)} of the model's {len(wanted)} channels are not there once: "
            f"{', '.join(absent[:5])}", expected="the channels the model was fitted on",
        )  # fmt: skip
    position = {label: column for column, label in enumerate(there)}
    columns = np.array([position[label] for label in wanted], dtype=np.intp)
    return at_time(narrowed(signal, columns), options.time), columns


def chosen_signal(recording: Recording, options: PrepareOptions) -> Signal:
    """The signal that `signal` and `bin_ms` ask for, whole."""
    signal = recording.signal(options.signal, bin_ms=options.bin_ms)
    if options.bin_ms is not None and signal.name not in recording.spike_trains:
        raise RecordingError(
            recording.provenance.path, f"--bin-ms on {signal.name}, which are not spikes", do="use --decimate"
        )
    return signal


def narrowed(signal: Signal, columns: NDArray[np.intp]) -> Signal:
    """The signal with only these columns, in this order."""
    if np.array_equal(columns, np.arange(signal.shape[1])):
        return signal
    gain, offset = (np.asarray(v).reshape(-1)[columns] if np.size(v) > 1 else v for v in (signal.gain, signal.offset))
    return dataclasses.replace(
        signal,
        source=SelectedSource(signal.source, ((0, signal.shape[0]),), columns),
        gain=gain,
        offset=offset,
        channel_ids=signal.channel_ids[columns],
        positions_um=None if signal.positions_um is None else signal.positions_um[columns],
    )


def at_time(signal: Signal, time: str | None) -> Signal:
    """The steps with `A <= time < B` of "A:B" in s; either side may be empty, None takes all."""
    if time is None:
        return signal
    begin, end = parse_time(time)
    clock, place = signal.clock, signal.source.place
    if clock.timestamps is None and not clock.rate_hz:
        raise RecordingError(place, f"--time {time} on a signal without a sampling rate", do="give --rate-hz")
    pieces = [piece for segment in clock.segments for piece in _within(clock, segment, begin, end)]
    if not pieces:
        first, last = (clock.time_s(step, step + 1)[0] for step in (0, clock.n_steps - 1))
        raise RecordingError(place, f"no sample in --time {time}", expected=f"within {first:g}:{last:g}")
    blocks = tuple((piece.start, piece.stop) for piece in pieces)
    sizes = np.cumsum([0, *(stop - start for start, stop in blocks)]).tolist()
    if clock.timestamps is not None:
        kept = Clock(sizes[-1], clock.rate_hz, pieces[0].start_s, SelectedSource(clock.timestamps, blocks))
    else:
        sweeps = tuple(Segment(sizes[i], sizes[i + 1], piece.start_s) for i, piece in enumerate(pieces))
        kept = Clock(sizes[-1], clock.rate_hz, pieces[0].start_s, sweeps=sweeps)
    return dataclasses.replace(signal, source=SelectedSource(signal.source, blocks), clock=kept)


def _within(clock: Clock, segment: Segment, begin: float, end: float) -> list[Segment]:
    """The part of a segment between two times, if there is any."""
    if clock.timestamps is not None:
        edges = np.searchsorted(clock.time_s(segment.start, segment.stop), [begin, end], side="left")
    else:
        assert clock.rate_hz is not None
        steps = np.ceil((np.array([begin, end]) - segment.start_s) * clock.rate_hz - _EDGE)
        edges = np.clip(steps, 0, segment.stop - segment.start)
    low, high = (segment.start + int(edge) for edge in edges)
    return [Segment(low, high, float(clock.time_s(low, low + 1)[0]))] if low < high else []


def parse_time(text: str) -> tuple[float, float]:
    """ "A:B" in s as two numbers; an empty side is infinite."""
    sides = text.split(":")
    try:
        begin, end = (float(side) if side.strip() else None for side in sides)
    except ValueError:
        begin = end = math.nan
    bounds = -math.inf if begin is None else begin, math.inf if end is None else end
    if not bounds[0] < bounds[1]:
        raise RecordingError("", f"--time {text}", expected="A:B in s with A before B, such as 10:60 or :60")
    return bounds


def parse_channels(text: str, signal: Signal) -> NDArray[np.intp]:
    """Column numbers of "0,3,10:20", in that order."""
    width, place = signal.shape[1], signal.source.place
    chosen: list[int] = []
    for item in text.split(","):
        if not re.fullmatch(r"\s*(\d+|\d*:\d*)\s*", item):
            raise RecordingError("", f"--channels {text}", expected="column numbers and slices, such as 0,3,10:20")
        low, colon, high = item.strip().partition(":")
        start = int(low or 0)
        stop = int(high or width) if colon else start + 1
        if stop > width:
            raise RecordingError(place, f"--channels {item.strip()}", expected=f"columns from 0 to {width - 1}")
        chosen += range(start, stop)
    if not chosen or len(set(chosen)) < len(chosen):
        raise RecordingError("", f"--channels {text}", expected="at least one column, and each column once")
    return np.array(chosen, dtype=np.intp)


def passing(condition: str, table: Mapping[str, ArrayLike], signal: Signal) -> NDArray[np.bool_]:
    """Which channels meet a condition such as "snr>=4", (channels,)."""
    match, place = _CONDITION.fullmatch(condition), signal.source.place
    if match is None:
        raise RecordingError("", f"--units {condition}", expected="column==value, or with !=, >=, <=, >, <")
    name, sign, value = match.groups()
    if name not in table:
        listed = ", ".join(table) or "none"
        raise RecordingError(place, f"no column {name!r} for {signal.name}", expected=f"one of: {listed}")
    column = np.asarray(table[name])
    compare = OPERATORS[sign]
    if column.dtype.kind in "biuf":
        return np.asarray(compare(column, _number(value, condition)), dtype=bool)
    if sign not in ("==", "!="):
        raise RecordingError(place, f"--units {condition}, but {name} holds text", expected="== or !=")
    return np.asarray(compare(column.astype(str), value), dtype=bool)


def _number(value: str, condition: str) -> float:
    try:
        return float({"true": "1", "false": "0"}.get(value.lower(), value))
    except ValueError:
        raise RecordingError("", f"--units {condition}", expected="a number, as the column holds numbers") from None


def _table(recording: Recording, signal: Signal) -> Mapping[str, Any]:
    if signal.name in recording.spike_trains:
        return recording.spike_trains[signal.name].columns
    return signal.metadata.get("channel_columns", {})

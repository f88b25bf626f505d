"""`join`: several recordings of the same channels as one, laid one after the other in the order given.

Step n of recording k is step N_0 + ... + N_{k-1} + n of the whole. The edges are breaks in time, as those of sweeps
are; every part keeps the times of its own clock. Channels and units are found by their ids, in the first one's order.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit_io.clock import Clock, Segment, same_rate
from neurofit_io.connectivity import Connectivity
from neurofit_io.errors import RecordingError, RecordingWarning
from neurofit_io.nwb_sweeps import ScaledSource
from neurofit_io.recording import Provenance, Recording
from neurofit_io.signals import Signal
from neurofit_io.sources import ConcatenatedSource, SelectedSource
from neurofit_io.spikes import Spikes, sorted_spikes
from neurofit_io.trials import Trials

NAMED_FILES = 3
"""Files of a joined recording that its name lists."""


@dataclass(frozen=True, eq=False)
class JoinedSpikes(Spikes):
    """Spikes of several recordings: their times laid end to end, their counts made with each one's own clock.

    Args:
        parts: The spikes of each recording, on its own clock, units in the same order.
        places: Where they are from, for messages.
    """

    parts: tuple[Spikes, ...] = ()
    places: tuple[str, ...] = ()

    def binned(self, bin_ms: float, *, place: str = "") -> Signal:
        """The counts of each recording in bins that begin with it, one after the other; the edges are breaks.

        Args:
            bin_ms: Bin width, ms.
            place: Not looked at: each recording has its own.

        Raises:
            RecordingError: The bin is not positive or longer than one of the recordings.
        """
        each = [part.binned(bin_ms, place=where) for part, where in zip(self.parts, self.places, strict=True)]
        return _after_each_other(each)


def join(recordings: Sequence[Recording]) -> Recording:
    """One recording of several.

    Signals and spikes that the later ones lack or hold otherwise are left out: asking for one says why. Channels that
    only later ones have are left out with a warning, and so are tables and connectivity that are not the same in all.

    Args:
        recordings: At least one, each once.

    Returns:
        The first one itself when it is the only one; else a recording whose provenance lists all.

    Raises:
        RecordingError: There is none, one is given twice, or no signal is in all of them alike.
    """
    if not recordings:
        raise RecordingError("", "no recording", expected="at least one")
    if len(recordings) == 1:
        return recordings[0]
    _refuse_twice(recordings)
    notes: list[str] = []
    signals, no_signal = _joined(recordings, "signals", _join_signals, notes)
    spikes, no_spikes = _joined(recordings, "spike_trains", _join_spikes, notes)
    refused = {**no_signal, **no_spikes}
    if refused and not signals and not spikes:
        raise next(iter(refused.values()))
    return Recording(
        _provenance(recordings, notes),
        signals,
        spikes,
        _same_in_all(recordings, "connectivities", notes),
        _same_in_all(recordings, "intervals", notes),
        unavailable=refused,
    )


Place = tuple[str, Any]
"""The file of a recording and what it calls by a name."""


def _joined(
    recordings: Sequence[Recording], field: str, joiner: Callable[[list[Place], list[str]], Any], notes: list[str]
) -> tuple[dict[str, Any], dict[str, RecordingError]]:
    """What all hold under the same name, joined, and why the rest cannot be."""
    done, refused = {}, {}
    first, held = recordings[0], [getattr(recording, field) for recording in recordings]
    for name in held[0]:
        lacking = [r for r, has in zip(recordings, held, strict=True) if name not in has]
        try:
            if lacking:
                raise RecordingError(_file(lacking[0]), f"no signal {name!r}", expected=f"{name}, as in {_file(first)}")
            done[name] = joiner([(_file(r), has[name]) for r, has in zip(recordings, held, strict=True)], notes)
        except RecordingError as error:
            refused[name] = error
            notes.append(f"{name} is not joined: {error}")
    later = sorted({name for has in held[1:] for name in has} - {*held[0]})
    if later:
        notes.append(f"not in {_file(first)} and left out: {', '.join(later)}")
    return done, refused


def _join_signals(parts: list[Place], notes: list[str]) -> Signal:
    (file, first), *others = parts
    if not first.rate_hz:
        do = "give --rate-hz" if first.clock.timestamps is None else "fit each file by itself"
        raise RecordingError(file, f"{first.name} has {_rate(first)}", expected="one to be joined by", do=do)
    for other, part in others:
        rates = bool(part.rate_hz) and same_rate(part.rate_hz or 0.0, first.rate_hz)
        for same, found, wanted in (
            (rates, _rate(part), _rate(first)),
            (part.unit == first.unit, f"the unit {part.unit or 'none'}", f"the unit {first.unit or 'none'}"),
            (part.kind == first.kind, f"the kind {part.kind}", f"the kind {first.kind}"),
        ):
            if not same:
                text = f"{part.name} has {found}"
                raise RecordingError(other, text, expected=f"{wanted}, as in {file}", do="join files of one kind")
    orders = _orders([(place, part.channel_ids) for place, part in parts], f"channels of {first.name}", notes)
    return _after_each_other([_ordered(part, order) for (_, part), order in zip(parts, orders, strict=True)])


def _after_each_other(parts: Sequence[Signal]) -> Signal:
    """Signals of the same channels and rate as one, with the segments of each."""
    first = parts[0]
    alike = all(np.array_equal(p.gain, first.gain) and np.array_equal(p.offset, first.offset) for p in parts)
    sources = [part.source if alike else ScaledSource(part.source, part.gain, part.offset) for part in parts]
    begins = np.cumsum([0, *(part.shape[0] for part in parts)]).tolist()
    sweeps = tuple(
        Segment(begin + segment.start, begin + segment.stop, segment.start_s)
        for begin, part in zip(begins, parts, strict=False)
        for segment in part.segments
    )
    clock = Clock(begins[-1], first.rate_hz, first.start_s, sweeps=sweeps)
    gain, offset = (first.gain, first.offset) if alike else (1.0, 0.0)
    return dataclasses.replace(first, source=ConcatenatedSource(sources), clock=clock, gain=gain, offset=offset)


def _join_spikes(parts: list[Place], notes: list[str]) -> JoinedSpikes:
    (_, first), *_ = parts
    orders = _orders([(place, part.unit_ids) for place, part in parts], f"units of {first.name}", notes)
    own = tuple(_of_units(part, order) for (_, part), order in zip(parts, orders, strict=True))
    shifts = np.cumsum([first.start_s, *(part.duration_s for part in own)]) - [*(part.start_s for part in own), 0.0]
    laid = [(part, float(shift)) for part, shift in zip(own, shifts, strict=False)]
    observed = None
    if any(part.observed_s is not None for part in own):
        observed = tuple(
            np.concatenate([_observed(part, unit) + shift for part, shift in laid]) for unit in range(first.n_units)
        )
    joined = sorted_spikes(
        np.concatenate([part.times_s + shift for part, shift in laid]),
        np.concatenate([part.units for part in own]),
        name=first.name, unit_ids=first.unit_ids, start_s=first.start_s, stop_s=own[-1].stop_s + laid[-1][1],
    )  # fmt: skip
    given = {f.name: getattr(joined, f.name) for f in dataclasses.fields(joined)}
    more = {"columns": first.columns, "positions_um": first.positions_um, "metadata": first.metadata}
    places = tuple(place for place, _ in parts)
    return JoinedSpikes(**{**given, **more, "observed_s": observed}, parts=own, places=places)


def _orders(parts: Sequence[tuple[str, NDArray]], what: str, notes: list[str]) -> list[NDArray[np.intp]]:
    """Where each part has the ids of the first, (parts of (channels,)).

    Raises:
        RecordingError: A part lacks one of them, or holds an id twice in another order.
    """
    (file, ids), *others = parts
    wanted = [str(label) for label in ids.tolist()]
    orders = [np.arange(len(wanted))]
    for other, labels in others:
        there = [str(label) for label in labels.tolist()]
        if there == wanted:
            orders.append(np.arange(len(wanted)))
            continue
        counts = Counter(there)
        absent = [label for label in wanted if counts[label] != 1]
        if absent:
            fewer = not set(there) - set(wanted) and max(counts.values(), default=0) == 1
            raise RecordingError(
                other, f"{len(absent)} of {len(wanted)} {what} are not there once: {', '.join(absent[:5])}",
                expected=f"those of {file}", do=f"give {other} first" if fewer and there else "",
            )  # fmt: skip
        if len(there) > len(wanted):
            _say(f"{other}: {len(there) - len(wanted)} of {len(there)} {what} left out, not in {file}", notes)
        place = {label: column for column, label in enumerate(there)}
        orders.append(np.array([place[label] for label in wanted], dtype=np.intp))
    return orders


def _ordered(signal: Signal, columns: NDArray[np.intp]) -> Signal:
    if np.array_equal(columns, np.arange(signal.shape[1])):
        return signal
    gain, offset = (np.asarray(v).reshape(-1)[columns] if np.size(v) > 1 else v for v in (signal.gain, signal.offset))
    source = SelectedSource(signal.source, ((0, signal.shape[0]),), columns)
    return dataclasses.replace(
        signal, source=source, gain=gain, offset=offset, channel_ids=signal.channel_ids[columns], positions_um=None
    )


def _of_units(spikes: Spikes, order: NDArray[np.intp]) -> Spikes:
    """The spikes of these units, numbered in this order."""
    if np.array_equal(order, np.arange(spikes.n_units)):
        return spikes
    number = np.full(spikes.n_units, -1, np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    kept = number[spikes.units] >= 0
    return sorted_spikes(
        spikes.times_s[kept], number[spikes.units[kept]], name=spikes.name, unit_ids=spikes.unit_ids[order],
        start_s=spikes.start_s, stop_s=spikes.stop_s,
        observed_s=None if spikes.observed_s is None else tuple(spikes.observed_s[unit] for unit in order),
    )  # fmt: skip


def _observed(spikes: Spikes, unit: int) -> NDArray[np.float64]:
    if spikes.observed_s is None:
        return np.array([[spikes.start_s, spikes.stop_s]])
    return np.asarray(spikes.observed_s[unit], np.float64).reshape(-1, 2)


def _same_in_all(recordings: Sequence[Recording], field: str, notes: list[str]) -> dict[str, Any]:
    """Tables or connectivity of the first that every recording holds alike; the others are left out with a warning."""
    held: list[Mapping[str, Any]] = [getattr(recording, field) for recording in recordings]
    same = {name: one for name, one in held[0].items() if all(name in m and _equal(one, m[name]) for m in held[1:])}
    dropped = sorted({name for names in held for name in names} - {*same})
    if dropped:
        _say(f"{', '.join(dropped)} left out of {len(recordings)} joined files, not the same in all", notes)
    return same


def _equal(one: Connectivity | Trials, other: Connectivity | Trials) -> bool:
    return all(
        _same_value(getattr(one, field.name), getattr(other, field.name))
        for field in dataclasses.fields(one)
        if field.name != "metadata"
    )


def _same_value(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(_same_value(one[key], other[key]) for key in one)
    one, other = np.asarray(one), np.asarray(other)
    return np.array_equal(one, other, equal_nan=one.dtype.kind == other.dtype.kind == "f")


def _provenance(recordings: Sequence[Recording], notes: Sequence[str]) -> Provenance:
    parts = tuple(recording.provenance for recording in recordings)
    formats = {part.format: None for part in parts}
    files = {file: None for part in parts for file in part.files}
    said = (f"{len(parts)} files one after the other: {', '.join(Path(part.path).name for part in parts)}",)
    own = tuple(f"{Path(part.path).name}: {note}" for part in parts for note in part.notes)
    return Provenance(_name(parts), "+".join(formats), (*files,), parts[0].metadata, (*said, *notes, *own), parts)


def _name(parts: Sequence[Provenance]) -> Path:
    """What a joined recording is called: the first path, and the names of the others."""
    first, others = Path(parts[0].path), [Path(part.path).name for part in parts[1:]]
    few = len(parts) <= NAMED_FILES
    return first.parent / (", ".join([first.name, *others]) if few else f"{first.name} and {len(others)} more")


def _refuse_twice(recordings: Sequence[Recording]) -> None:
    counts = Counter(file for recording in recordings for file in _identity(recording))
    for file, times in counts.items():
        if times > 1:
            raise RecordingError(file, f"given {times} times", expected="each recording once")


def _identity(recording: Recording) -> Iterator[str]:
    if recording.provenance.files:
        yield str(Path(recording.provenance.path).resolve())


def _say(text: str, notes: list[str]) -> None:
    notes.append(text)
    warnings.warn(text, RecordingWarning, stacklevel=2)


def _file(recording: Recording) -> str:
    return str(recording.provenance.path)


def _rate(signal: Signal) -> str:
    if signal.rate_hz:
        return f"{signal.rate_hz:.10g} samples per s"
    return "no sampling rate" if signal.clock.timestamps is None else "irregular timestamps"

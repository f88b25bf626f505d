"""`check`: reads a recording once and says what is wrong with it, before a model does.

Errors make a fit wrong or impossible; warnings should be known. Numbers name the kind of trouble:
1-15 the file, 16-28 format, layout, scale and type, 29-32 values, 33-41 clocks, 42-50 spikes, 51-53 trials and
columns, 54-56 connectivity and tables, 57-60 size and safety.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from neurofit_io.clock import same_rate
from neurofit_io.connectivity_checks import check_connectivity
from neurofit_io.errors import RecordingError, RecordingWarning
from neurofit_io.findings import Finding as Finding
from neurofit_io.loading import load
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Recording
from neurofit_io.signal_checks import check_signal
from neurofit_io.signals import Signal
from neurofit_io.spike_checks import check_spikes, check_trials

SAME_START_S = 1e-3


def check(
    recording: Recording | str | os.PathLike[str], options: LoadOptions | None = None, **changes: Any
) -> list[Finding]:
    """Reads everything once, in slabs, and lists what it found, errors first.

    Args:
        recording: A `Recording`, or a path to load; what goes wrong while loading is a finding too.
        options: How to load a path.
        **changes: Single options by name, over `options`.
    """
    if isinstance(recording, Recording):
        return _ordered(_findings(recording))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", RecordingWarning)
        try:
            opened = load(recording, options, **changes)
            found = list(_findings(opened))
        except RecordingError as error:
            found = [Finding("error", 0, "", str(error))]
    spoken = [Finding("warning", 0, "", str(w.message)) for w in said if issubclass(w.category, RecordingWarning)]
    return _ordered(iter(found + list(dict.fromkeys(spoken))))


def _ordered(findings: Iterator[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.severity != "error")


def _findings(recording: Recording) -> Iterator[Finding]:
    signals = list(recording.signals.values())
    if not (signals or recording.spike_trains or recording.connectivities or recording.intervals):
        yield Finding("error", 0, "", f"{recording.provenance.path}: nothing in it that can be read")
    for signal in signals:
        yield from check_signal(signal)
    streams = _timed(signals)
    yield from _clocks(streams)
    span = (min(s.start_s for s in streams), max(s.stop_s for s in streams)) if streams else None
    for spikes in recording.spike_trains.values():
        yield from check_spikes(spikes, span, recording.trials)
    for trials in recording.intervals.values():
        yield from check_trials(trials, span)
    for connectivity in recording.connectivities.values():
        yield from check_connectivity(connectivity, _n_recorded(recording))


@dataclass(frozen=True)
class _Stream:
    """A signal whose clock can be read: rate in Hz, first and last time in s."""

    name: str
    rate_hz: float
    start_s: float
    stop_s: float


def _timed(signals: list[Signal]) -> list[_Stream]:
    out = []
    for signal in signals:
        try:
            rate, segments = signal.rate_hz, signal.segments
        except RecordingError:
            continue
        if rate and signal.shape[0]:
            stop = max(s.start_s + (s.stop - s.start) / rate for s in segments)
            out.append(_Stream(signal.name, rate, min(s.start_s for s in segments), stop))
    return out


def _clocks(streams: list[_Stream]) -> Iterator[Finding]:
    """Cases 39 and 41: streams that do not run on one clock."""
    for stream in streams[1:]:
        first = streams[0]
        if not same_rate(stream.rate_hz, first.rate_hz):
            yield Finding(
                "warning", 39, stream.name,
                f"{stream.rate_hz:.6g} Hz, but {first.name} has {first.rate_hz:.6g} Hz; a fit of both needs one bin",
            )  # fmt: skip
        if abs(stream.start_s - first.start_s) > SAME_START_S:
            yield Finding(
                "warning", 41, stream.name,
                f"it starts at {stream.start_s:.6g} s, {first.name} at {first.start_s:.6g} s: "
                f"{stream.start_s - first.start_s:+.6g} s apart",
            )  # fmt: skip


def _n_recorded(recording: Recording) -> int | None:
    counts = {signal.shape[1] for signal in recording.signals.values() if signal.kind in ("vm", "calcium")}
    counts |= {recording.spikes.n_units} if recording.spikes is not None else set()
    return counts.pop() if len(counts) == 1 else None

"""Trials that cannot be cut from the data: inverted, empty, without an end, or beyond what was recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neurofit_io.recording import Recording
from neurofit_io.trials import Trials


def mended(recording: Recording, how: Literal["error", "drop", "clip"]) -> Recording:
    """The recording with its bad trials dropped or clipped, and a note of how many.

    Args:
        recording: What was read.
        how: `drop` leaves bad trials out, `clip` cuts them to the data; `error` keeps them all, for `check` to report.
    """
    trials, span = recording.trials, _span(recording)
    if how == "error" or trials is None or span is None:
        return recording
    bad = int(bad_rows(trials, *span).sum())
    kept = dropped(trials, *span) if how == "drop" else clipped(trials, *span)
    note = f"trials: {bad} of {len(trials)} do not lie in the data, {len(kept)} kept by --bad-trials {how}"
    provenance = replace(recording.provenance, notes=(*recording.provenance.notes, note))
    return replace(recording, provenance=provenance, intervals={**recording.intervals, "trials": kept})


def bad_rows(trials: Trials, start_s: float, stop_s: float) -> NDArray[np.bool_]:
    """Which trials are not inside `start_s` to `stop_s` with an end after their begin, (trials,)."""
    return ~((trials.start_s >= start_s) & (trials.stop_s <= stop_s) & (trials.stop_s > trials.start_s))


def dropped(trials: Trials, start_s: float, stop_s: float) -> Trials:
    """The trials without the bad ones."""
    return _rows(trials, ~bad_rows(trials, start_s, stop_s), trials.start_s, trials.stop_s)


def clipped(trials: Trials, start_s: float, stop_s: float) -> Trials:
    """The trials cut to the data; those of which nothing is left are dropped."""
    begin, end = np.maximum(trials.start_s, start_s), np.minimum(trials.stop_s, stop_s)
    return _rows(trials, end > begin, begin, end)


def _rows(trials: Trials, keep: NDArray[np.bool_], start_s: NDArray, stop_s: NDArray) -> Trials:
    columns = {name: values[keep] for name, values in trials.columns.items()}
    return Trials(trials.name, start_s[keep], stop_s[keep], columns)


def _span(recording: Recording) -> tuple[float, float] | None:
    """From the first to the last moment of anything recorded, s; None when there is nothing with times."""
    spans = [(spikes.start_s, spikes.stop_s) for spikes in recording.spike_trains.values()]
    for signal in recording.signals.values():
        rate = signal.rate_hz
        if rate:
            spans += [(s.start_s, s.start_s + (s.stop - s.start) / rate) for s in signal.segments]
    return (min(a for a, _ in spans), max(b for _, b in spans)) if spans else None

"""What spike times and trials give away, alone and beside the signals. Case numbers are those of `checking`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from neurofit_io.findings import Finding, named
from neurofit_io.spikes import Spikes
from neurofit_io.trials import Trials

DUPLICATE_S = 1e-4
WHOLE_FROM = 20

Span = tuple[float, float]


def check_spikes(spikes: Spikes, span: Span | None, trials: Trials | None) -> Iterator[Finding]:
    """Everything about one set of units.

    Args:
        spikes: The units.
        span: First and last time of the signals beside them, s; None without signals.
        trials: The trials beside them, if any.
    """
    name, n = spikes.name, spikes.n_units
    if n == 0:
        yield Finding("error", 46, name, "no units at all; sort the recording first, or choose another --signal")
        return
    _, first, count = np.unique(spikes.unit_ids.astype(str), return_index=True, return_counts=True)
    if (count > 1).any():
        repeated = spikes.unit_ids[first[count > 1]]
        yield Finding("warning", 47, name, f"labels used twice: {named(repeated, n, 'units')}; units go by position")
    silent = spikes.per_unit() == 0
    if silent.any():
        yield Finding(
            "warning", 45, name,
            f"{named(spikes.unit_ids[silent], n, 'units')} never fire; they stay as zeros and have no score",
        )  # fmt: skip
    if spikes.n_spikes:
        yield from _times(spikes, span, trials)
        yield from _duplicates(spikes)


def _times(spikes: Spikes, span: Span | None, trials: Trials | None) -> Iterator[Finding]:
    name, times = spikes.name, spikes.times_s
    whole = _looks_scaled(times, span)
    if whole:
        yield Finding("error", 42, name, f"{whole}; give --spike-unit")
    elif span is not None and (outside := int(((times < span[0]) | (times > span[1])).sum())):
        yield Finding(
            "warning", 42, name,
            f"{outside} of {len(times)} spikes lie outside the signals ({span[0]:g} to {span[1]:g} s), "
            f"the last at {times[-1]:g} s",
        )  # fmt: skip
    relative = trials is not None and len(trials) > 1 and _looks_relative(times, trials)
    negative = int((times < 0).sum())
    if relative:
        yield Finding(
            "warning", 43, name,
            f"all spikes fall into {times[0]:.4g} to {times[-1]:.4g} s while {len(trials or ())} trials go on after "
            "that: they look relative to the trial; save times of the session",
        )  # fmt: skip
    elif negative:
        yield Finding(
            "warning", 43, name, f"{negative} of {len(times)} spikes are before 0 s, the first {times[0]:g} s"
        )


def _looks_scaled(times: NDArray[np.float64], span: Span | None) -> str:
    """Why times called seconds are ms or samples; empty when they are not."""
    last = times[-1]
    if len(times) >= WHOLE_FROM and np.all(times == np.round(times)):
        return (
            f"all {len(times)} spike times are whole numbers, the last {last:g}: these look like ms or samples, not s"
        )
    if span is None or last - span[0] < 10 * (span[1] - span[0]):
        return ""
    for factor, unit in ((1000, "ms"), (10_000, "samples at 10 kHz"), (30_000, "samples at 30 kHz")):
        if last / factor <= 1.05 * span[1]:
            return f"the last spike is at {last:g} in a session that ends at {span[1]:g} s: this looks like {unit}"
    return f"the last spike is at {last:g} s in a session that ends at {span[1]:g} s"


def _looks_relative(times: NDArray[np.float64], trials: Trials) -> bool:
    ends = trials.stop_s[np.isfinite(trials.stop_s)]
    longest = np.nanmax(trials.stop_s - trials.start_s) if len(ends) else np.diff(trials.start_s).max()
    return bool(times[-1] <= 1.05 * longest and trials.start_s[-1] > 2 * longest)


def _duplicates(spikes: Spikes) -> Iterator[Finding]:
    order = np.lexsort((spikes.times_s, spikes.units))
    units, times = spikes.units[order], spikes.times_s[order]
    close = (np.diff(units) == 0) & (np.diff(times) < DUPLICATE_S)
    if close.any():
        found = np.unique(units[1:][close])
        yield Finding(
            "warning", 44, spikes.name,
            f"{int(close.sum())} of {len(times)} spikes follow one of the same unit within {1000 * DUPLICATE_S:g} ms: "
            f"{named(spikes.unit_ids[found], spikes.n_units, 'units')}",
        )  # fmt: skip


def check_trials(trials: Trials, span: Span | None) -> Iterator[Finding]:
    """Trials that no model can use as they are."""
    name, start, stop, n = trials.name, trials.start_s, trials.stop_s, len(trials)
    if n == 0:
        return
    bad = {"inverted": stop < start, "of length zero": stop == start, "without a start": ~np.isfinite(start)}
    if span is not None:
        bad["beyond the data"] = (start > span[1]) | (stop < span[0])
    parts = [f"{named(np.flatnonzero(which), n, 'trials')} {what}" for what, which in bad.items() if which.any()]
    if parts:
        yield Finding("error", 51, name, f"{'; '.join(parts)}; give --bad-trials drop or clip")
    open_ended = np.isnan(stop)
    if open_ended.any():
        yield Finding("warning", 51, name, f"{named(np.flatnonzero(open_ended), n, 'trials')} without a stop")
    order = np.argsort(start, kind="stable")
    overlaps = order[1:][stop[order][:-1] > start[order][1:] + DUPLICATE_S]
    if n > 1 and np.ptp(start) == 0:
        yield Finding("warning", 51, name, f"all {n} begin at {start[0]:g} s: no time says which came first")
    elif len(overlaps):
        yield Finding(
            "warning", 51, name, f"{named(np.sort(overlaps), n, 'trials')} begin before the one before has ended"
        )
    if span is not None and (cut := (stop > span[1] + DUPLICATE_S) & (start <= span[1])).any():
        yield Finding("warning", 51, name, f"{named(np.flatnonzero(cut), n, 'trials')} end after the data")
    lengths = (stop - start)[stop > start]
    if len(lengths) and lengths.max() - lengths.min() > 0.01 * lengths.max():
        yield Finding(
            "warning", 52, name,
            f"trials last {lengths.min():.4g} to {lengths.max():.4g} s (median {np.median(lengths):.4g}); a model of "
            f"fixed length can take the first {lengths.min():.4g} s of each",
        )  # fmt: skip

"""`describe`: what a recording holds and the option that picks each part, for people and for programs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurofit_io.connectivity import Connectivity
from neurofit_io.errors import RecordingError
from neurofit_io.recording import Recording
from neurofit_io.signals import Signal
from neurofit_io.spikes import Spikes
from neurofit_io.trials import Trials

EXACT_BYTES = 256 * 2**20
SAMPLED_SLABS = 16
SAMPLED_BYTES = 4 * 2**20

KINDS = ("vm", "extracellular", "lfp", "calcium", "fluorescence", "dff", "deconvolved")
"""Kinds of signals in the order in which they are listed; all others follow."""

Description = dict[str, Any]


def describe(recording: Recording) -> Description:
    """What `neurofit info` prints, as plain values that JSON can hold.

    Args:
        recording: Any; the share of NaN is counted over signals of up to 256 MB and estimated from 16 slabs above.
    """
    provenance = recording.provenance
    return {
        "path": str(provenance.path),
        "format": provenance.format,
        "files": [str(file) for file in provenance.files],
        "signals": [_signal(signal) for signal in sorted(recording.signals.values(), key=_rank)],
        "spikes": [_spikes(s) for s in sorted(recording.spike_trains.values(), key=lambda s: s.name != "spikes")],
        "intervals": [_trials(trials) for trials in recording.intervals.values()],
        "connectivity": [_connectivity(c) for c in recording.connectivities.values()],
        "notes": list(provenance.notes),
    }


def _rank(signal: Signal) -> int:
    return KINDS.index(signal.kind) if signal.kind in KINDS else len(KINDS)


def _signal(signal: Signal) -> Description:
    out: Description = {
        "name": signal.name, "kind": signal.kind, "shape": list(signal.shape), "unit": signal.unit,
        "dtype": str(signal.source.dtype), "option": f"--signal {shlex.quote(signal.name)}", "rate_hz": None,
        "start_s": None, "duration_s": None, "gaps": 0, "sweeps": len(signal.clock.sweeps or ()), "nan_share": None,
        "nan_sampled": False, "columns": list(signal.metadata.get("channel_columns", ())), "problem": None,
    }  # fmt: skip
    try:
        rate, segments = signal.rate_hz, signal.segments
        out |= {"rate_hz": rate, "start_s": segments[0].start_s, "duration_s": _finite(signal.duration_s)}
        out["gaps"] = 0 if signal.clock.sweeps else len(segments) - 1
        if rate is None:
            timed = signal.clock.timestamps is not None
            out["problem"] = "irregular timestamps, a fit needs --resample-hz" if timed else "no sampling rate"
        out["nan_share"], out["nan_sampled"] = nan_share(signal)
    except RecordingError as error:
        out["problem"] = str(error)
    return out


def nan_share(signal: Signal) -> tuple[float, bool]:
    """Share of values that are not finite, and whether it is an estimate from slabs."""
    n_steps, n_channels = signal.shape
    if signal.source.dtype.kind in "biu" or n_steps * n_channels == 0:
        return 0.0, False
    total = n_steps * n_channels * signal.source.dtype.itemsize
    if total <= EXACT_BYTES:
        bad = sum(int((~np.isfinite(block)).sum()) for _, block in signal.slabs())
        return bad / (n_steps * n_channels), False
    rows = max(1, SAMPLED_BYTES // (n_channels * signal.source.dtype.itemsize))
    starts = np.linspace(0, n_steps - rows, SAMPLED_SLABS).astype(int)
    shares = [float((~np.isfinite(signal.read(int(start), int(start) + rows))).mean()) for start in starts]
    return float(np.mean(shares)), True


def _spikes(spikes: Spikes) -> Description:
    per_unit = spikes.per_unit()
    return {
        "name": spikes.name, "units": spikes.n_units, "spikes": spikes.n_spikes,
        "silent_units": int((per_unit == 0).sum()), "start_s": spikes.start_s, "stop_s": spikes.stop_s,
        "mean_rate_hz": _finite(spikes.n_spikes / max(spikes.n_units, 1) / spikes.duration_s)
        if spikes.duration_s > 0 else None,
        "columns": list(spikes.columns), "observed_intervals": spikes.observed_s is not None,
        "option": f"--signal {shlex.quote(spikes.name)} --bin-ms 20",
    }  # fmt: skip


def _trials(trials: Trials) -> Description:
    starts = trials.start_s[np.isfinite(trials.start_s)]
    stops = trials.stop_s[np.isfinite(trials.stop_s)]
    lengths = (trials.stop_s - trials.start_s)[np.isfinite(trials.stop_s - trials.start_s)]
    return {
        "name": trials.name, "count": len(trials), "columns": list(trials.columns),
        "start_s": float(starts.min()) if len(starts) else None,
        "stop_s": float(stops.max()) if len(stops) else None,
        "shortest_s": float(lengths.min()) if len(lengths) else None,
        "median_s": float(np.median(lengths)) if len(lengths) else None,
        "longest_s": float(lengths.max()) if len(lengths) else None,
    }  # fmt: skip


def _connectivity(connectivity: Connectivity) -> Description:
    weights = connectivity.weights
    types = connectivity.pre_types
    return {
        "name": connectivity.name, "shape": list(connectivity.shape), "orientation": "post_pre",
        "recurrent": connectivity.recurrent, "connected_pairs": connectivity.n_connected_pairs,
        "possible_pairs": connectivity.n_possible_pairs, "self_connected_cells": connectivity.n_self_connected,
        "rows": len(weights), "unit": connectivity.unit,
        "excitatory_cells": None if types is None else int((types == "e").sum()),
        "inhibitory_cells": None if types is None else int((types == "i").sum()),
        "positive": int((weights > 0).sum()), "negative": int((weights < 0).sum()),
        "untested": int(np.isnan(weights).sum()),
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def describe_text(description: Description) -> str:
    """The same as aligned tables for a terminal."""
    files = description["files"]
    parts = [f"{description['path']}: {description['format']}, {len(files)} file{'' if len(files) == 1 else 's'}"]
    for title, key, row in (
        ("signals", "signals", _signal_row), ("spikes", "spikes", _spikes_row),
        ("intervals", "intervals", _trials_row), ("connectivity", "connectivity", _connectivity_row),
    ):  # fmt: skip
        if description[key]:
            parts.append(f"{title}\n" + table([row(entry) for entry in description[key]]))
    if not any(description[key] for key in ("signals", "spikes", "intervals", "connectivity")):
        parts.append("nothing that can be read")
    if description["notes"]:
        parts.append("notes\n" + "\n".join(f"  {note}" for note in description["notes"]))
    return "\n\n".join(parts)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of equal length as columns two spaces apart, indented by two."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _signal_row(entry: Description) -> list[str]:
    steps, channels = entry["shape"]
    rate = f"{entry['rate_hz']:.10g} Hz" if entry["rate_hz"] else ""
    about = "about " if entry["nan_sampled"] else ""
    remarks = [_count(entry[key], key) for key in ("gaps", "sweeps") if entry[key]]
    remarks += [f"NaN {about}{entry['nan_share']:.3%}"] if entry["nan_share"] else []
    remarks += [entry["problem"]] if entry["problem"] else []
    return [
        entry["name"], f"{steps} x {channels}", entry["unit"], rate, _span(entry["start_s"], entry["duration_s"]),
        ", ".join(remarks), entry["option"], _columns(entry),
    ]  # fmt: skip


def _count(n: int, things: str) -> str:
    return f"{n} {things.removesuffix('s') if n == 1 else things}"


def _columns(entry: Description) -> str:
    return f"--units by {', '.join(entry['columns'])}" if entry["columns"] else ""


def _span(start_s: float, duration_s: float | None) -> str:
    return "" if duration_s is None else f"{duration_s:.6g} s from {start_s:.6g} s"


def _spikes_row(entry: Description) -> list[str]:
    silent = f"{entry['silent_units']} silent" if entry["silent_units"] else ""
    rate = "" if entry["mean_rate_hz"] is None else f"{entry['mean_rate_hz']:.3g} Hz mean"
    return [
        entry["name"], _count(entry["units"], "units"), _count(entry["spikes"], "spikes"), rate,
        _span(entry["start_s"], entry["stop_s"] - entry["start_s"]), silent, entry["option"], _columns(entry),
    ]  # fmt: skip


def _trials_row(entry: Description) -> list[str]:
    lengths = ""
    if entry["median_s"] is not None:
        lengths = f"{entry['shortest_s']:.4g} to {entry['longest_s']:.4g} s, median {entry['median_s']:.4g} s"
    return [entry["name"], str(entry["count"]), lengths, ", ".join(entry["columns"])]


def _connectivity_row(entry: Description) -> list[str]:
    n_post, n_pre = entry["shape"]
    counts = []
    if entry["excitatory_cells"] is not None:
        counts = [f"{entry['excitatory_cells']} excitatory, {entry['inhibitory_cells']} inhibitory cells"]
    signs = f"{entry['positive']} positive, {entry['negative']} negative"
    n_own = entry["self_connected_cells"]
    own = [f"{_count(n_own, 'cells')} to {'itself' if n_own == 1 else 'themselves'}"] if n_own else []
    untested = [f"{entry['untested']} untested"] if entry["untested"] else []
    return [
        entry["name"], f"{n_post} post x {n_pre} pre", f"{entry['connected_pairs']} of {entry['possible_pairs']} pairs",
        _count(entry["rows"], "rows"), entry["unit"], ", ".join([signs, *counts, *own, *untested]),
    ]  # fmt: skip

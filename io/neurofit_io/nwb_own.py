"""What NWB has no place for, so that a recording we wrote is read back equal.

`/scratch/neurofit` holds JSON text: for each signal the series it was written to, its kind, unit, labels, positions
and metadata; for each set of spikes, connectivity and intervals its table, and the columns that had to be renamed.
Everything measured lies in NWB's own types; other readers lose nothing but names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurofit_io.connectivity import Connectivity
from neurofit_io.json_text import from_json
from neurofit_io.nwb_objects import Found
from neurofit_io.nwb_series import series_of
from neurofit_io.nwb_sweeps import concatenated
from neurofit_io.options import LoadOptions
from neurofit_io.signals import Signal
from neurofit_io.spikes import Spikes
from neurofit_io.trials import Trials

PLACE = "scratch/neurofit"
NO_UNIT = "n.a."
"""Written where a signal has no unit, as NWB demands one."""

Said = Mapping[str, Any]


def own_description(file: h5py.File) -> dict[str, Any]:
    """What we wrote about the file; empty for files of others."""
    return from_json(file[PLACE].asstr()[()]) if isinstance(file.get(PLACE), h5py.Dataset) else {}


def own_signals(path: Path, said: Said, series: Sequence[Found], options: LoadOptions) -> dict[str, Signal]:
    """The signals of `said` whose series are all there."""
    by_path = {found.path: found for found in series}
    return {
        name: _signal(path, name, entry, [by_path[p] for p in entry["series"]], options)
        for name, entry in said.get("signals", {}).items()
        if all(p in by_path for p in entry["series"])
    }


def _signal(path: Path, name: str, entry: Said, parts: Sequence[Found], options: LoadOptions) -> Signal:
    as_written = replace(options, kind=entry["kind"], unit=None, scale=None)
    signals = [series_of(path, found, as_written, chosen=True).signal for found in parts]
    signal = concatenated(signals) if entry["sweeps"] else signals[0]
    clock = replace(signal.clock, rate_hz=entry["rate_hz"], start_s=entry["start_s"])
    return replace(
        signal, name=name, kind=entry["kind"], unit=entry["unit"], clock=clock,
        channel_ids=np.array(entry["channel_ids"]), positions_um=_array(entry["positions_um"]),
        metadata=entry["metadata"],
    )  # fmt: skip


def own_spikes(spikes: Spikes, entry: Said) -> Spikes:
    """The spikes with what was said about them in `entry`."""
    return replace(
        spikes, unit_ids=np.array(entry["unit_ids"]), start_s=entry["start_s"], stop_s=entry["stop_s"],
        observed_s=spikes.observed_s if entry["observed"] else None, columns=_renamed(spikes.columns, entry["columns"]),
        positions_um=_array(entry["positions_um"]), metadata=entry["metadata"],
    )  # fmt: skip


def own_connectivity(connectivity: Connectivity, entry: Said) -> Connectivity:
    """The connectivity with its unit and metadata."""
    return replace(connectivity, unit=entry["unit"], metadata=entry["metadata"])


def own_intervals(trials: Trials, name: str, entry: Said) -> Trials:
    """The intervals with their names."""
    return Trials(name, trials.start_s, trials.stop_s, _renamed(trials.columns, entry["columns"]))


def _renamed(columns: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: columns[stored] for name, stored in names.items() if stored in columns}


def _array(values: Any) -> Any:
    return None if values is None else np.array(values, dtype=np.float64)

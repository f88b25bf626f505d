"""A folder of raw files and the `recording.toml` that describes them (its keys: see `raw`)."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit_io.arrays import NamedArray, signal_of
from neurofit_io.clock import Clock, Segment
from neurofit_io.connectivity import Connectivity, connectivity_from_matrix
from neurofit_io.delimited import TextTable, read_table
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.raw_bytes import map_raw, raw_dtype
from neurofit_io.recording import Provenance, Recording
from neurofit_io.signals import Signal
from neurofit_io.spike_times import spike_factor, spikes_of_rows
from neurofit_io.spikes import Spikes
from neurofit_io.tables import spikes_of_table
from neurofit_io.trials import Trials

DESCRIPTION = "recording.toml"
_LAYOUTS = {"time_first": 0, "channel_first": 1}
_KEYS = {
    "signals": "file kind name dtype byte_order channels steps layout rate_hz timestamps unit scale offset start_s "
    "channel_ids positions sweeps",
    "spikes": "file times units time_unit rate_hz cells name start_s stop_s unit_ids",
    "connectivity": "file dtype byte_order orientation post pre weights delays cells unit name cell_ids",
    "cells": "file",
    "intervals": "name file",
}


@dataclass(frozen=True)
class _Entry:
    """One table of the description: its values by key, typed on the way out, and the files it opened."""

    folder: Path
    place: str
    values: Mapping[str, Any]
    allow_external: bool
    opened: list[Path] = field(default_factory=list)

    def get(self, key: str, kind: type, default: Any = ...) -> Any:
        """The value of `key` as `kind`; without a default it has to be there."""
        value = self.values.get(key, default)
        if value is ...:
            raise self.error(f"no {key!r}", do=f"add {key} = ...")
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if value is not default and (not isinstance(value, kind) or isinstance(value, bool)):
            raise self.error(f"{key} = {value!r}", expected=f"a {kind.__name__}")
        return value

    def file(self, key: str) -> Path:
        """The file that `key` names, which has to lie in the folder."""
        name = self.get(key, str)
        path = self.folder / name
        if not (self.allow_external or path.resolve().is_relative_to(self.folder.resolve())):
            raise self.error(f"{key} = {name!r} leads out of the folder", do="give --allow-external if you trust it")
        if not path.is_file():
            raise self.error(f"{key} = {name!r}: no such file in the folder")
        self.opened.append(path)
        return path

    def column(self, key: str, dtype: str) -> NDArray:
        """The values of the .bin that `key` names, (n,)."""
        path = self.file(key)
        return map_raw(path, np.dtype(dtype), 1, 0)[:, 0] if path.stat().st_size else np.empty(0, dtype)

    def error(self, found: str, *, expected: str = "", do: str = "") -> RecordingError:
        return RecordingError(self.folder / DESCRIPTION, found, place=self.place, expected=expected, do=do)


def read_folder(folder: Path, options: LoadOptions) -> Recording:
    """Everything the `recording.toml` of `folder` describes, the signals memory-mapped.

    Raises:
        RecordingError: The description is not readable, lacks something, or does not fit the files.
    """
    entries = _entries(folder, options)
    cells = entries["cells"][0] if entries["cells"] else None
    signals = [_signal(entry) for entry in entries["signals"]]
    trains = [_spikes(entry) for entry in entries["spikes"]]
    matrices = [_connectivity(entry, cells) for entry in entries["connectivity"]]
    tables = [_intervals(entry) for entry in entries["intervals"]]
    files = [folder / DESCRIPTION] + [p for group in entries.values() for entry in group for p in entry.opened]
    return Recording(
        Provenance(folder, "raw", tuple(dict.fromkeys(files))),
        {s.name: s for s in signals},
        {s.name: s for s in trains},
        {m.name: m for m in matrices},
        {t.name: t for t in tables},
    )


def _entries(folder: Path, options: LoadOptions) -> dict[str, list[_Entry]]:
    description = folder / DESCRIPTION
    try:
        content = tomllib.loads(description.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecordingError(description, f"not readable as TOML ({error})") from error
    entries: dict[str, list[_Entry]] = {name: [] for name in _KEYS}
    for name, value in content.items():
        tables = value if isinstance(value, list) else [value]
        if name not in _KEYS or not all(isinstance(table, dict) for table in tables):
            raise RecordingError(description, f"[{name}]", expected=f"tables named {', '.join(_KEYS)}")
        for index, table in enumerate(tables):
            entry = _Entry(folder, f"{name}[{index}]", table, options.allow_external)
            unknown = sorted(set(table) - set(_KEYS[name].split()))
            if unknown:
                raise entry.error(f"unknown key {unknown[0]!r}", expected=f"some of {', '.join(_KEYS[name].split())}")
            entries[name].append(entry)
    return entries


def _signal(entry: _Entry) -> Signal:
    path, kind, channels = entry.file("file"), entry.get("kind", str), entry.get("channels", int, 1)
    layout = entry.get("layout", str, "time_first" if channels == 1 else ...)
    if layout not in _LAYOUTS:
        raise entry.error(f"layout = {layout!r}", expected="time_first or channel_first")
    dtype = raw_dtype(entry.get("dtype", str), entry.get("byte_order", str, None), path)
    values = map_raw(path, dtype, channels, _LAYOUTS[layout], n_steps=entry.get("steps", int, None))
    chosen = LoadOptions(
        kind=kind, unit=entry.get("unit", str, None), rate_hz=entry.get("rate_hz", float, None),
        start_s=entry.get("start_s", float, None), scale=entry.get("scale", float, None),
        offset=entry.get("offset", float, None),
    )  # fmt: skip
    ids = entry.get("channel_ids", list, None)
    array = NamedArray(
        entry.get("name", str, kind), values, path, time_axis=_LAYOUTS[layout],
        channel_ids=None if ids is None else np.array(ids),
    )  # fmt: skip
    times = [NamedArray("timestamps", entry.column("timestamps", "<f8"), path)] if "timestamps" in entry.values else []
    signal, _, _ = signal_of(array, times, chosen)
    positions = entry.column("positions", "<f8").reshape(-1, 3) if "positions" in entry.values else None
    clock = _sweeps(entry, signal.clock) if "sweeps" in entry.values else signal.clock
    return dataclasses.replace(signal, name=array.name, positions_um=positions, clock=clock)


def _sweeps(entry: _Entry, clock: Clock) -> Clock:
    table = read_table(entry.file("sweeps"))
    rows = table.numbers([_column(entry, table, name) for name in ("start", "stop", "start_s")])
    parts = tuple(Segment(int(start), int(stop), float(begin)) for start, stop, begin in rows)
    edges = [0, *(part.stop for part in parts)]
    if [part.start for part in parts] != edges[:-1] or edges[-1] != clock.n_steps:
        raise entry.error("the sweeps do not follow each other", expected=f"stretches that cover 0:{clock.n_steps}")
    return dataclasses.replace(clock, sweeps=parts)


def _column(entry: _Entry, table: TextTable, name: str) -> int:
    if name not in table.names:
        raise entry.error(f"{table.path.name} has columns {', '.join(table.names)}", expected=f"one called {name}")
    return table.names.index(name)


def _spikes(entry: _Entry) -> Spikes:
    time_unit, cells = entry.get("time_unit", str), entry.get("cells", int, None)
    if time_unit not in ("s", "ms", "samples"):
        raise entry.error(f"time_unit = {time_unit!r}", expected="s, ms or samples")
    chosen = LoadOptions(
        spike_unit=time_unit, rate_hz=entry.get("rate_hz", float, None), n_channels=cells,
        start_s=entry.get("start_s", float, None),
    )  # fmt: skip
    if "file" in entry.values:
        spikes, _ = spikes_of_table(read_table(entry.file("file")), chosen)
    else:
        times, units = entry.column("times", "<f8") * spike_factor(chosen, entry.folder), entry.column("units", "<i4")
        n_cells = int(units.max(initial=-1)) + 1 if cells is None else cells
        if len(times) != len(units) or (len(units) and not 0 <= units.min() <= units.max() < n_cells):
            raise entry.error(f"{len(times)} times, {len(units)} units", expected=f"one unit below {n_cells} per time")
        spikes, _ = spikes_of_rows(times, units, unit_ids=np.arange(n_cells), options=chosen)
    ids = entry.get("unit_ids", list, None)
    return dataclasses.replace(
        spikes, name=entry.get("name", str, "spikes"), stop_s=entry.get("stop_s", float, spikes.stop_s),
        unit_ids=spikes.unit_ids if ids is None else np.array(ids),
    )  # fmt: skip


def _connectivity(entry: _Entry, cells: _Entry | None) -> Connectivity:
    n_cells, name, unit = entry.get("cells", int), entry.get("name", str, "connectivity"), entry.get("unit", str, "")
    ids = np.array(entry.get("cell_ids", list, list(range(n_cells))))
    more = _cells(cells, n_cells)
    if "file" in entry.values:
        path = entry.file("file")
        dtype = raw_dtype(entry.get("dtype", str), entry.get("byte_order", str, None), path)
        matrix = map_raw(path, dtype, n_cells, 0, n_steps=n_cells)
        return connectivity_from_matrix(
            matrix, orientation=entry.get("orientation", str), name=name, place=str(path), unit=unit, post_ids=ids,
            **more,
        )  # fmt: skip
    post, pre = entry.column("post", "<i8"), entry.column("pre", "<i8")
    delays = entry.column("delays", "<f8") if "delays" in entry.values else None
    return Connectivity(name, post, pre, entry.column("weights", "<f8"), ids, ids, unit, delays, **more)


def _cells(entry: _Entry | None, n_cells: int) -> dict[str, Any]:
    """Types and positions of the cells, for both sides of a connectivity."""
    if entry is None:
        return {}
    table = read_table(entry.file("file"))
    if len(table.columns[0]) != n_cells:
        raise entry.error(f"{len(table.columns[0])} rows", expected=f"one for each of {n_cells} cells")
    more: dict[str, Any] = {}
    if "type" in table.names:
        types = np.array([str(t).strip() for t in table.columns[_column(entry, table, "type")]])
        more |= {"pre_types": types, "post_types": types}
    if "x_um" in table.names:
        positions = table.numbers([_column(entry, table, name) for name in ("x_um", "y_um", "z_um")])
        more |= {"pre_positions_um": positions, "post_positions_um": positions}
    return more


def _intervals(entry: _Entry) -> Trials:
    table = read_table(entry.file("file"))
    start, stop = (table.numbers([_column(entry, table, name)])[:, 0] for name in ("start_s", "stop_s"))
    rest = {n: v for n, v in zip(table.names, table.columns, strict=True) if n not in ("start_s", "stop_s")}
    return Trials(entry.get("name", str), start, stop, rest)

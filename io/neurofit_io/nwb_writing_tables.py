"""The tables of a recording in NWB: spikes as Units, intervals as TimeIntervals, connectivity as a DynamicTable."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pynwb
from hdmf.common import DynamicTable, DynamicTableRegion, VectorData, VectorIndex
from numpy.typing import NDArray

from neurofit_io.connectivity import Connectivity
from neurofit_io.spikes import Spikes
from neurofit_io.trials import Trials

TABLES_OWN = (
    "id", "name", "description", "colnames", "columns", "data", "parent", "fields", "object_id", "namespace",
)  # fmt: skip
UNITS_OWN = (
    *TABLES_OWN, "spike_times", "obs_intervals", "electrodes", "electrode_group", "waveform_mean", "waveform_sd",
    "waveforms", "resolution", "label",
)  # fmt: skip
INTERVALS_OWN = (*TABLES_OWN, "start_time", "stop_time", "tags", "timeseries")


def stored_names(columns: Collection[str], own: Collection[str]) -> dict[str, str]:
    """Name of each column in NWB, which keeps some names for itself and takes no `/` or `:`."""
    stored: dict[str, str] = {}
    for column in columns:
        name = re.sub(r"[/:]", "_", column)
        while name in own or name in stored.values() or name.endswith("_index"):
            name += "_"
        stored[column] = name
    return stored


def _vectors(columns: Mapping[str, NDArray], names: Mapping[str, str]) -> list[VectorData]:
    return [VectorData(name=names[c], description=c, data=_plain(values)) for c, values in columns.items()]


def _plain(values: NDArray) -> Any:
    array = np.asarray(values)
    return array.astype(str).tolist() if array.dtype.kind in "OUS" else array


def ragged(name: str, description: str, flat: NDArray, ends: NDArray) -> list[VectorData]:
    """A ragged column: the values of all rows, and where those of each row end."""
    data = VectorData(name=name, description=description, data=flat)
    return [data, VectorIndex(name=f"{name}_index", data=ends.astype(np.uint64), target=data)]


def add_spikes(file: pynwb.NWBFile, trains: Mapping[str, Spikes]) -> dict[str, Any]:
    """Adds each set of spikes as a Units table; returns what NWB has no place for."""
    said = {}
    for name, spikes in trains.items():
        table = "units" if name == "spikes" else re.sub(r"[/:]", "_", name)
        names = stored_names(spikes.columns, UNITS_OWN)
        units = _units(table, spikes, names)
        if table == "units":
            file.units = units
        else:
            _module(file, "spikes", "further sets of units").add(units)
        said[name] = {
            "table": "/units" if table == "units" else f"/processing/spikes/{table}", "columns": names,
            "start_s": spikes.start_s, "stop_s": spikes.stop_s, "observed": spikes.observed_s is not None,
            "unit_ids": spikes.unit_ids, "positions_um": spikes.positions_um, "metadata": spikes.metadata,
        }  # fmt: skip
    return said


def _units(table: str, spikes: Spikes, names: Mapping[str, str]) -> pynwb.misc.Units:
    by_unit = np.argsort(spikes.units, kind="stable")
    whole = np.array([[spikes.start_s, spikes.stop_s]])
    observed = spikes.observed_s if spikes.observed_s is not None else (whole,) * spikes.n_units
    intervals = np.concatenate([np.empty((0, 2)), *(np.reshape(o, (-1, 2)) for o in observed)])
    columns = [
        *ragged("spike_times", "spike times, s", spikes.times_s[by_unit], np.cumsum(spikes.per_unit())),
        *ragged("obs_intervals", "when the unit was observed, s", intervals, np.cumsum([len(o) for o in observed])),
        VectorData(name="label", description="label of the unit", data=[str(label) for label in spikes.unit_ids]),
        *_vectors(spikes.columns, names),
    ]
    return pynwb.misc.Units(
        name=table, description="spike times of units", id=list(range(spikes.n_units)), columns=columns
    )


def add_intervals(file: pynwb.NWBFile, intervals: Mapping[str, Trials]) -> dict[str, Any]:
    """Adds each table of intervals; returns its place and the names of its columns."""
    said = {}
    for name, trials in intervals.items():
        stored = re.sub(r"[/:]", "_", name)
        names = stored_names(trials.columns, INTERVALS_OWN)
        columns = [
            VectorData(name="start_time", description="begin, s", data=np.asarray(trials.start_s)),
            VectorData(name="stop_time", description="end, s", data=np.asarray(trials.stop_s)),
            *_vectors(trials.columns, names),
        ]
        table = pynwb.epoch.TimeIntervals(name=stored, description=name, id=list(range(len(trials))), columns=columns)
        if name == "trials":
            file.trials = table
        elif name == "epochs":
            file.epochs = table
        else:
            file.add_time_intervals(table)
        said[name] = {"table": f"/intervals/{stored}", "columns": names}
    return said


def add_connectivity(file: pynwb.NWBFile, tables: Mapping[str, Connectivity]) -> dict[str, Any]:
    """Adds each connectivity and its cells; returns what NWB has no place for."""
    said = {}
    for name, connectivity in tables.items():
        stored = re.sub(r"[/:]", "_", name)
        module = _module(file, "connectivity", "who connects to whom, one row per synapse or connection")
        cells = _cells(connectivity, stored)
        for table in {table.name: table for table in cells.values()}.values():
            module.add(table)
        columns = [
            _region("source", "presynaptic cell", connectivity.pre, cells["pre"]),
            _region("target", "postsynaptic cell", connectivity.post, cells["post"]),
            VectorData(
                name="weight", description=f"signed weight, {connectivity.unit or 'unit not known'}",
                data=connectivity.weights,
            ),
        ]  # fmt: skip
        if connectivity.delays_ms is not None:
            columns.append(VectorData(name="delay_ms", description="delay, ms", data=connectivity.delays_ms))
        # Without ids, or with a list of them, hdmf converts one row after the other in Python.
        ids = np.arange(len(connectivity.weights))
        about = "source presynaptic, target postsynaptic"
        module.add(DynamicTable(name=stored, description=about, columns=columns, id=ids))
        said[name] = {
            "table": f"/processing/connectivity/{stored}", "unit": connectivity.unit, "metadata": connectivity.metadata
        }  # fmt: skip
    return said


def _region(name: str, description: str, rows: NDArray, cells: DynamicTable) -> DynamicTableRegion:
    return DynamicTableRegion(name=name, description=description, data=np.asarray(rows, dtype=np.int64), table=cells)


def _cells(connectivity: Connectivity, name: str) -> dict[str, DynamicTable]:
    """The tables of pre- and postsynaptic cells; one for both when they are the same cells."""
    sides = {
        "pre": (connectivity.pre_ids, connectivity.pre_types, connectivity.pre_positions_um),
        "post": (connectivity.post_ids, connectivity.post_types, connectivity.post_positions_um),
    }
    if all(_equal(a, b) for a, b in zip(sides["pre"], sides["post"], strict=True)):
        both = _cell_table(f"{name}_cells", *sides["pre"])
        return {"pre": both, "post": both}
    return {side: _cell_table(f"{name}_{side}", *cells) for side, cells in sides.items()}


def _equal(a: NDArray | None, b: NDArray | None) -> bool:
    return a is b or (a is not None and b is not None and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def _cell_table(name: str, ids: NDArray, types: NDArray | None, places: NDArray | None) -> DynamicTable:
    columns = [VectorData(name="label", description="label of the cell", data=_plain(ids))]
    if types is not None:
        columns.append(VectorData(name="type", description="e excites, i inhibits", data=_plain(types)))
    if places is not None:
        columns += [VectorData(name=n, description=f"{n}, um", data=places[:, i]) for i, n in enumerate("xyz")]
    return DynamicTable(name=name, description="cells", columns=columns, id=list(range(len(ids))))


def _module(file: pynwb.NWBFile, name: str, description: str) -> pynwb.ProcessingModule:
    return file.processing[name] if name in file.processing else file.create_processing_module(name, description)

"""csv and tsv: one column a channel below a header, a time column recognised by its name, or rows of (time, unit)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurofit_io.arrays import NamedArray, recording_of_arrays
from neurofit_io.delimited import TextTable, read_table
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Provenance, Recording
from neurofit_io.spike_times import spike_factor, spikes_of_rows
from neurofit_io.spikes import Spikes
from neurofit_io.timing import time_vector

_SUFFIXES = (".csv", ".tsv", ".txt")
_TIMES = ("time", "times", "timestamp", "timestamps", "t", "spike_times", "spike_time", "time_s", "time_ms", "times_s")
_NO_VALUES = {"x_pos": "electrodes", "node_type_id": "cell types", "edge_type_id": "synapse types"}
_UNITS = ("unit", "units", "node_id", "node_ids", "neuron", "neuron_id", "cell", "cell_id", "cluster", "gid", "id")


def recognises(path: Path) -> bool:
    """Whether `path` is named as a text table and starts with text."""
    try:
        if not path.is_file() or path.suffix.lower() not in _SUFFIXES:
            return False
        with open(path, "rb") as file:
            return b"\x00" not in file.read(4096)
    except OSError:
        return False


def read(path: Path, options: LoadOptions) -> Recording:
    """A table of numbers as one signal, spikes (`--kind spikes`) or a matrix (`--kind connectivity`).

    Raises:
        RecordingError: Ragged rows, text where numbers belong, or rate, time axis or unit not known.
    """
    table = read_table(path)
    if options.kind == "spikes" and len(table.columns) > 1:
        spikes, notes = spikes_of_table(table, options)
        provenance = Provenance(path, "csv", (path,), notes=table.notes + notes)
        return Recording(provenance, spike_trains={spikes.name: spikes})
    return recording_of_arrays(_arrays(table, options), path, options, format="csv", notes=table.notes)


def _arrays(table: TextTable, options: LoadOptions) -> list[NamedArray]:
    path, stem = table.path, table.path.stem
    what = next((what for key, what in _NO_VALUES.items() if key in (table.header or ())), None)
    if what is not None and options.dataset is None:
        raise RecordingError(
            path, f"a SONATA table of {what}", expected="values over time", do="give the folder it belongs to"
        )
    if options.dataset is not None and options.dataset != stem:
        return _one_column(table, options.dataset)
    columns = [NamedArray(name, values, path) for name, values in zip(table.names, table.columns, strict=True)]
    times = time_vector(columns) if table.header else None
    rest = [i for i, name in enumerate(table.names) if times is None or name != times.name]
    ids = None if table.header is None else np.array([table.names[i] for i in rest])
    values = table.numbers(rest)
    data = NamedArray(stem, values, path, time_axis=None if table.header is None else 0, channel_ids=ids)
    return [data] if times is None else [data, NamedArray(times.name, times.values, path)]


def _one_column(table: TextTable, name: str) -> list[NamedArray]:
    if name not in table.names:
        raise RecordingError(table.path, f"no column {name!r}", expected=f"one of {', '.join(table.names[:20])}")
    numeric = [i for i, column in enumerate(table.columns) if column.dtype.kind == "f" or table.names[i] == name]
    return [NamedArray(table.names[i], table.numbers([i])[:, 0], table.path) for i in numeric]


def spikes_of_table(table: TextTable, options: LoadOptions) -> tuple[Spikes, tuple[str, ...]]:
    """`Spikes` of rows of (time, unit); without a header the first two columns are taken."""
    time_column, unit_column = _spike_columns(table)
    factor = spike_factor(options, table.path)
    times = table.numbers([time_column])[:, 0] * factor
    bad = int(np.count_nonzero(~np.isfinite(times)))
    if bad:
        found = f"{bad} of {len(times)} spike times are missing"
        raise RecordingError(table.path, found, expected="a time in each row")
    labels, units = np.unique(_labels(table.columns[unit_column]), return_inverse=True)
    if options.n_channels is not None:
        labels, units = _all_cells(table.path, labels, units, options.n_channels)
    return spikes_of_rows(times, units, unit_ids=labels, options=options)


def _all_cells(path: Path, labels: NDArray, units: NDArray, n_cells: int) -> tuple[NDArray, NDArray]:
    if labels.dtype.kind != "i" or np.any((labels < 0) | (labels >= n_cells)):
        raise RecordingError(path, f"units {labels[0]} to {labels[-1]}", expected=f"0 to {n_cells - 1}")
    return np.arange(n_cells), labels[units]


def _labels(column: NDArray) -> NDArray:
    whole = column.dtype.kind == "f" and np.array_equal(column, np.round(column))
    return column.astype(np.int64) if whole else column


def _spike_columns(table: TextTable) -> tuple[int, int]:
    if table.header is None:
        return 0, 1
    lower = [name.lower() for name in table.header]
    found = [next((i for i, name in enumerate(lower) if name in names), None) for names in (_TIMES, _UNITS)]
    if found[0] is None or found[1] is None:
        raise RecordingError(
            table.path, f"columns {', '.join(table.header)}", expected="one named time and one named unit"
        )
    return found[0], found[1]

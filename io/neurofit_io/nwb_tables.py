"""NWB's DynamicTable by h5py: one dataset a column, ragged ones with a `_index` of cumulative ends."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.errors import RecordingError
from neurofit_io.safe_hdf5 import read_numbers
from neurofit_io.trials import Trials


def text(value: Any) -> str:
    """An attribute or scalar as text, whatever string type wrote it."""
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def ends_of(index: h5py.Dataset, n_values: int, place: str) -> NDArray[np.int64]:
    """Cumulative ends of a ragged column, as int64.

    Raises:
        RecordingError: They go back, or do not end where the values do.
    """
    ends = read_numbers(index).astype(np.int64)
    back = np.flatnonzero(np.diff(np.concatenate([[0], ends])) < 0)
    if len(back):
        row = int(back[0])
        raise RecordingError(
            place, f"the index goes back at row {row}, from {ends[row - 1] if row else 0} to {ends[row]}",
            expected="ends that never decrease", do="repair the file",
        )  # fmt: skip
    if (ends[-1] if len(ends) else 0) != n_values:
        raise RecordingError(
            place, f"the index ends at {ends[-1] if len(ends) else 0}", expected=f"{n_values}, the number of values"
        )
    return ends


@dataclass(frozen=True)
class Columns:
    """Columns that have one value a row, and a word on each that has not."""

    values: dict[str, NDArray]
    left_out: tuple[str, ...]


def columns_of(table: h5py.Group, n_rows: int, *, without: Collection[str] = (), max_dims: int = 8) -> Columns:
    """Columns of a table but for `without`: numbers, text, and references as the name of what they point to.

    Ragged text is joined with commas; other ragged columns, and those of more than `max_dims` dimensions, are left
    out.
    """
    values: dict[str, NDArray] = {}
    left_out = []
    named = [text(n) for n in table.attrs.get("colnames", [])]
    for name in [
        n for n in dict.fromkeys([*named, *table]) if n in table and n not in without and not _inner(n, table)
    ]:
        column, why = _column(table, name, max_dims)
        if column is None:
            left_out.append(f"{name} ({why})")
        elif len(column) != n_rows:
            left_out.append(f"{name} ({len(column)} values for {n_rows} rows)")
        else:
            values[name] = column
    return Columns(values, tuple(left_out))


def _inner(name: str, table: h5py.Group) -> bool:
    return name == "id" or (name.endswith("_index") and name.removesuffix("_index") in table)


def _column(table: h5py.Group, name: str, max_dims: int) -> tuple[NDArray | None, str]:
    stored = table[name]
    if not isinstance(stored, h5py.Dataset):
        return None, "a table of its own"
    is_text = h5py.check_string_dtype(stored.dtype) is not None
    if f"{name}_index" in table:
        return (_joined(table, name), "") if is_text and stored.ndim == 1 else (None, "ragged")
    if not 1 <= stored.ndim <= max_dims:
        return None, f"{stored.ndim} dimensions"
    if is_text:
        return stored.asstr()[()].astype(str), ""
    if h5py.check_ref_dtype(stored.dtype) is h5py.Reference:
        return np.array([_target(table.file, reference) for reference in stored[()]], dtype=str), ""
    return (read_numbers(stored), "") if stored.dtype.kind in "biuf" else (None, f"type {stored.dtype}")


def _joined(table: h5py.Group, name: str) -> NDArray:
    words = table[name].asstr()[()].astype(str)
    ends = ends_of(table[f"{name}_index"], len(words), f"{table.file.filename}: {table.name}/{name}_index")
    return np.array([", ".join(part) for part in np.split(words, ends)[: len(ends)]], dtype=str)


def _target(file: h5py.File, reference: h5py.Reference) -> str:
    return (file[reference].name or "").rsplit("/", 1)[-1] if reference else ""


def rows_of(region: h5py.Dataset) -> tuple[h5py.Group | None, NDArray[np.int64]]:
    """The table a DynamicTableRegion points into, if it says so, and the rows."""
    reference = region.attrs.get("table")
    table = region.file[reference] if isinstance(reference, h5py.Reference) and reference else None
    return table, read_numbers(region).astype(np.int64)


def positions_of(table: h5py.Group, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """x, y, z of the rows, um, (rows, 3), else those relative to the probe; None when the table knows none."""
    for names in (("x", "y", "z"), ("rel_x", "rel_y", "rel_z")):
        known = [read_numbers(table[n])[rows] if n in table else np.full(len(rows), np.nan) for n in names]
        places = np.stack([np.asarray(k, dtype=np.float64) for k in known], axis=1)
        if np.isfinite(places).any():
            return places
    return None


def intervals_of(table: h5py.Group) -> tuple[Trials, tuple[str, ...]]:
    """A TimeIntervals table, rows as they are, and a word on each column left out.

    Raises:
        RecordingError: No start or stop times.
    """
    for name in ("start_time", "stop_time"):
        if name not in table:
            raise RecordingError(
                table.file.filename, f"no {name}", place=table.name, expected="start and stop times, s"
            )
    start, stop = (read_numbers(table[name]).astype(np.float64) for name in ("start_time", "stop_time"))
    found = columns_of(table, len(start), without=("start_time", "stop_time", "timeseries"))
    return Trials(table.name.rsplit("/", 1)[-1], start, stop, found.values), found.left_out

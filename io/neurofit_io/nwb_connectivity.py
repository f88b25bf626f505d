"""Connectivity in NWB: a DynamicTable with a row per synapse or connection, as no NWB type exists for it.

Columns `source` (presynaptic) and `target` (postsynaptic) are rows of the tables of cells they point into, from 0;
`weight` is signed; `delay_ms` (or `delay_s`) is optional. A table of cells may name them (`label`), say whether they
excite (`type`: e or i) and where they lie (`x`, `y`, `z`, um).
"""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.connectivity import Connectivity
from neurofit_io.damage import in_words
from neurofit_io.nwb_tables import columns_of, positions_of, rows_of
from neurofit_io.safe_hdf5 import read_numbers


def is_connectivity(table: h5py.Group) -> bool:
    """Whether a table has the columns source, target and weight."""
    return {"source", "target", "weight"} <= {*table}


def connectivity_of(table: h5py.Group, name: str) -> Connectivity:
    """Reads such a table.

    Raises:
        RecordingError: Cells that do not exist, or columns of unequal length.
    """
    with in_words(f"{table.file.filename}: {table.name}"):
        sides = {side: rows_of(table[column]) for side, column in (("pre", "source"), ("post", "target"))}
        delays = read_numbers(table["delay_ms"]).astype(np.float64) if "delay_ms" in table else None
        if "delay_s" in table:
            delays = read_numbers(table["delay_s"]).astype(np.float64) * 1000
        cells: dict[str, Any] = {}
        for side, (of, rows) in sides.items():
            ids, types, positions = _cells(of, rows)
            cells |= {f"{side}_ids": ids, f"{side}_types": types, f"{side}_positions_um": positions}
        weights = read_numbers(table["weight"]).astype(np.float64)
        return Connectivity(name, sides["post"][1], sides["pre"][1], weights, delays_ms=delays, **cells)


def _cells(table: h5py.Group | None, rows: NDArray) -> tuple[NDArray, NDArray | None, NDArray | None]:
    if table is None:
        return np.arange(int(rows.max()) + 1 if len(rows) else 0), None, None
    ids = read_numbers(table["id"])
    columns = columns_of(table, len(ids)).values
    return columns.get("label", ids), columns.get("type"), positions_of(table, np.arange(len(ids)))

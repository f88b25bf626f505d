"""Cells of SONATA populations: ids, positions, and whether they excite or inhibit.

An attribute of a node is a column of its group in the nodes file or, failing that, of the csv of its node type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.safe_hdf5 import read_numbers, refuse_too_large
from neurofit_io.sonata_folder import Contents, Notes, Part, Table, as_text, opened, types_table

E_OR_I = ("ei", "synapse_class")


MOST_ASSUMED = 10**7
"""A higher node id without a nodes file is damage: no simulation has so many cells."""


@dataclass(frozen=True)
class Nodes:
    """All cells of one population, those that stay silent included.

    Args:
        population: Its name.
        ids: Node ids, (N,).
        types: `e`, `i` or empty where nothing says, (N,).
        positions_um: (N, 3), um, NaN where not known; None when nowhere known.
        virtual: Whether the population only drives others.
        columns: Further attributes of the cells, (N,) each.
    """

    population: str
    ids: NDArray[np.int64]
    types: NDArray[np.str_]
    positions_um: NDArray[np.float64] | None = None
    virtual: bool = False
    columns: Mapping[str, NDArray] = field(default_factory=dict)

    def index_of(self, wanted: NDArray[np.int64], place: str) -> NDArray[np.int64]:
        """Position of each node id among `ids`.

        Raises:
            RecordingError: An id that the population does not have.
        """
        order = np.argsort(self.ids)
        at = np.searchsorted(self.ids[order], wanted)
        found = order[np.minimum(at, len(order) - 1)] if len(order) else np.zeros(len(wanted), np.intp)
        missing = np.flatnonzero(self.ids[found] != wanted) if len(order) else np.arange(len(wanted))
        if len(missing):
            raise RecordingError(
                place, f"{len(missing)} entries name cells that population {self.population!r} does not have, first "
                f"{wanted[missing[0]]}", expected=f"one of its {len(self.ids)} nodes",
                do="check that the nodes file belongs to this simulation",
            )  # fmt: skip
        return found.astype(np.int64)


def read_nodes(found: Contents, options: LoadOptions) -> dict[str, Nodes]:
    """The populations of all nodes files by name.

    Raises:
        RecordingError: Two files hold the same population, or a file contradicts itself.
    """
    out: dict[str, Nodes] = {}
    for part in found.nodes:
        if part.population in out:
            files = ", ".join(p.file.name for p in found.nodes if p.population == part.population)
            raise RecordingError(
                found.root, f"population {part.population!r} in {files}", expected="one nodes file each"
            )
        with opened(part.file, options) as file:
            out[part.population] = _read_population(file[part.group], part, types_table(found, part, "node"))
    return out


def assumed_nodes(population: str, highest: int, options: LoadOptions, notes: Notes) -> Nodes:
    """A population without a nodes file: ids 0 to `options.n_channels` - 1, else to the highest id seen."""
    n = options.n_channels if options.n_channels is not None else highest + 1
    if n > MOST_ASSUMED and options.n_channels is None:
        raise RecordingError(
            "", f"node id {highest} and no nodes file", place=f"population {population!r}",
            expected=f"fewer than {MOST_ASSUMED} cells", do="copy the file again, or say --n-channels if it is right",
        )  # fmt: skip
    refuse_too_large(64 * n, f"population {population!r} with node id {highest}")
    said = (
        "--n-channels" if options.n_channels is not None else "the highest id seen; say --n-channels if there are more"
    )
    notes.add(f"no nodes file for {population or 'the spikes'}: {n} cells by {said}")
    return Nodes(population, np.arange(n), np.full(n, ""))


def _read_population(group: h5py.Group, part: Part, table: Table | None) -> Nodes:
    n = len(group["node_type_id"] if "node_type_id" in group else group["node_id"])
    ids = read_numbers(group["node_id"]).astype(np.int64) if "node_id" in group else np.arange(n)
    type_ids = read_numbers(group["node_type_id"]).astype(np.int64) if "node_type_id" in group else np.full(n, -1)
    if len(ids) != n or len(np.unique(ids)) != n:
        raise RecordingError(
            part.file, f"{len(np.unique(ids))} different ids for {n} nodes", place=part.group, expected="one id a node"
        )
    types = np.full(n, "", dtype="<U1")
    for name in reversed(E_OR_I):
        types = _first_known(_e_or_i(_texts(group, name, type_ids, table)), types)
    model = _texts(group, "model_type", type_ids, table)
    names = _texts(group, "model_name", type_ids, table)
    columns = {"ei": types, **({"model_name": names} if (names != "").any() else {})}
    return Nodes(part.population, ids, types, _positions(group, n), bool(n) and (model == "virtual").all(), columns)


def _first_known(first: NDArray[np.str_], second: NDArray[np.str_]) -> NDArray[np.str_]:
    return np.where(first != "", first, second)


def _e_or_i(texts: NDArray[np.str_]) -> NDArray[np.str_]:
    letters = np.char.lower(texts.astype("<U1"))
    return np.where(np.isin(letters, ("e", "i")), letters, "")


def _groups(group: h5py.Group, n: int) -> list[tuple[h5py.Group, NDArray[np.intp], NDArray[np.intp]]]:
    """(group, nodes in it, their rows there) for the numbered groups of a population."""
    which = read_numbers(group["node_group_id"]) if "node_group_id" in group else np.zeros(n, np.intp)
    row = read_numbers(group["node_group_index"]).astype(np.intp) if "node_group_index" in group else np.arange(n)
    members = ((name, np.flatnonzero(which == int(name))) for name in group if name.isdigit())
    return [(group[name], nodes, row[nodes]) for name, nodes in members]


def _texts(group: h5py.Group, name: str, type_ids: NDArray[np.int64], table: Table | None) -> NDArray[np.str_]:
    by_type = table.of("node_type_id", name) if table else {}
    out = [by_type.get(int(t), "") for t in type_ids]
    for inner, nodes, rows in _groups(group, len(type_ids)):
        if name in inner:
            stored = inner[name][()]
            if stored.dtype.kind in "iu" and f"@library/{name}" in inner:
                stored = inner[f"@library/{name}"][()][stored]
            for node, row in zip(nodes, rows, strict=True):
                out[node] = as_text(stored[row])
    return np.array(out, dtype=np.str_)


def _positions(group: h5py.Group, n: int) -> NDArray[np.float64] | None:
    places = np.full((n, 3), np.nan)
    for inner, nodes, rows in _groups(group, n):
        if "positions" in inner:
            places[nodes] = read_numbers(inner["positions"])[rows]
        for axis, name in enumerate("xyz"):
            if name in inner:
                places[nodes, axis] = read_numbers(inner[name])[rows]
    return None if np.isnan(places).all() else places

"""SONATA edges as signed connectivity, `weight[post, pre]`.

The size of an edge is its `syn_weight` (a column of its group, else of the csv of its edge type) times `nsyns`; the
files keep it positive for inhibition too. The sign is the source's: its `ei`, else what the file name of the edge
type's dynamics says (AMPA or Exc, GABA or Inh).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.connectivity import Connectivity
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.safe_hdf5 import read_numbers
from neurofit_io.sonata_folder import Contents, Notes, Part, Table, opened, text_attribute, types_table
from neurofit_io.sonata_nodes import Nodes

_MECHANISM_UNITS = {"exp2syn": "uS", "expsyn": "uS"}


@dataclass(frozen=True)
class Edges:
    """Rows of one edges population: one a synapse or one a pair, with node ids and sizes without a sign.

    Args:
        part: Where they were read.
        source: Name of the presynaptic population.
        target: Name of the postsynaptic population.
        source_ids: Presynaptic node ids, (rows,).
        target_ids: Postsynaptic node ids, (rows,).
        sizes: syn_weight x nsyns, NaN where no weight is given, (rows,).
        delays_ms: (rows,), NaN where not given.
        by_dynamics: `e`, `i` or empty by the dynamics of the edge type, (rows,).
        mechanisms: Names of the synapse models.
    """

    part: Part
    source: str
    target: str
    source_ids: NDArray[np.int64]
    target_ids: NDArray[np.int64]
    sizes: NDArray[np.float64]
    delays_ms: NDArray[np.float64]
    by_dynamics: NDArray[np.str_]
    mechanisms: frozenset[str]


def read_edges(found: Contents, options: LoadOptions, notes: Notes) -> list[Edges]:
    """The edges of every file of a folder.

    Raises:
        RecordingError: A file contradicts itself.
    """
    return [_read_population(part, types_table(found, part, "edge"), options, notes) for part in found.edges]


def connect(edges: Sequence[Edges], nodes: dict[str, Nodes], name: str, notes: Notes) -> Connectivity:
    """All edges from one population to another as one `Connectivity` with signed weights."""
    pre, post = nodes[edges[0].source], nodes[edges[0].target]
    source = np.concatenate([pre.index_of(e.source_ids, e.part.place) for e in edges])
    target = np.concatenate([post.index_of(e.target_ids, e.part.place) for e in edges])
    sizes = np.concatenate([e.sizes for e in edges])
    delays = np.concatenate([e.delays_ms for e in edges])
    by_source = pre.types[source]
    signs = np.where(by_source != "", by_source, np.concatenate([e.by_dynamics for e in edges]))
    mechanisms = sorted(set().union(*(e.mechanisms for e in edges)))
    units = sorted({_MECHANISM_UNITS.get(m.lower(), f"the unit of {m}") for m in mechanisms})
    _note_edges(name, signs, sizes, units, notes)
    unit = units[0] if len(units) == 1 and units[0] in _MECHANISM_UNITS.values() else ""
    metadata = {"pre_population": pre.population, "post_population": post.population, "mechanisms": mechanisms}
    return Connectivity(
        name, target, source, np.where(signs == "i", -np.abs(sizes), sizes), post_ids=post.ids, pre_ids=pre.ids,
        unit=unit, delays_ms=None if np.isnan(delays).all() else delays,
        pre_types=_types_of(pre, source, signs), post_types=post.types, pre_positions_um=pre.positions_um,
        post_positions_um=post.positions_um,
        metadata=metadata | ({"weight_units": units} if len(units) > 1 else {}),
    )  # fmt: skip


def _types_of(pre: Nodes, source: NDArray[np.int64], signs: NDArray[np.str_]) -> NDArray[np.str_]:
    """The types of the sources; cells whose nodes do not say get the sign that all their edges share."""
    types = pre.types.astype("<U1")
    for sign in ("e", "i"):
        has, other = (np.bincount(source[mask], minlength=len(types)) > 0 for mask in (signs == sign, signs != sign))
        types = np.where((types == "") & has & ~other, sign, types)
    return types


def _note_edges(
    name: str, signs: NDArray[np.str_], sizes: NDArray[np.float64], units: Sequence[str], notes: Notes
) -> None:
    unsigned, unknown = int((signs == "").sum()), int(np.isnan(sizes).sum())
    if unsigned:
        notes.add(
            f"{name}: nothing says whether {unsigned} of {len(signs)} edges excite or inhibit (no ei, no "
            "dynamics_params named Exc, Inh, AMPA or GABA); their weights stand as stored"
        )
    if unknown:
        notes.add(f"{name}: {unknown} of {len(sizes)} edges have no weight; they read as NaN")
    if len(units) > 1:
        notes.add(f"{name}: weights are in {' and '.join(units)}; do not compare them across edge types")


def _read_population(part: Part, table: Table | None, options: LoadOptions, notes: Notes) -> Edges:
    with opened(part.file, options) as file:
        group = file[part.group]
        source_ids, target_ids = (
            read_numbers(group[f"{side}_node_id"]).astype(np.int64) for side in ("source", "target")
        )
        n = len(target_ids)
        type_ids = read_numbers(group["edge_type_id"]).astype(np.int64) if "edge_type_id" in group else np.full(n, -1)
        if not len(source_ids) == n == len(type_ids):
            raise RecordingError(
                part.file, f"{len(source_ids)} sources, {n} targets and {len(type_ids)} types", place=part.group,
                expected="one each per edge",
            )  # fmt: skip
        column = {
            name: _column(group, name, type_ids, table, part)
            for name in ("syn_weight", "conductance", "nsyns", "delay")
        }
        source, target = (text_attribute(group[f"{side}_node_id"], "node_population") for side in ("source", "target"))
    before, _, after = part.population.partition("_to_")
    dynamics = table.of("edge_type_id", "dynamics_params") if table else {}
    signs = {t: sign_of(text) for t, text in dynamics.items()}
    templates = table.of("edge_type_id", "model_template") if table else {}
    return Edges(
        part, source or before, target or after, source_ids, target_ids, _sizes(column, part, notes), column["delay"],
        np.array([signs.get(int(t), "") for t in type_ids], dtype="<U1"),
        frozenset(templates[t] for t in np.unique(type_ids).tolist() if t in templates),
    )  # fmt: skip


def sign_of(dynamics: str) -> str:
    """`e` or `i` by the first word for either in a file name such as `GABA_InhToExc.json`; empty without one."""
    word = re.search(r"(ampa|nmda|exc)|(gaba|inh)", dynamics, re.I)
    if word is None:
        return ""
    return "e" if word[1] else "i"


def _sizes(column: dict[str, NDArray[np.float64]], part: Part, notes: Notes) -> NDArray[np.float64]:
    weights = column["syn_weight"]
    if np.isnan(weights).all():
        weights = column["conductance"]
    if len(weights) and np.isnan(weights).all():
        notes.add(f"{part.file.name}: no syn_weight for {part.population}; every synapse counts 1")
        weights = np.ones(len(weights))
    return weights * np.where(np.isnan(column["nsyns"]), 1.0, column["nsyns"])


def _column(
    group: h5py.Group, name: str, type_ids: NDArray[np.int64], table: Table | None, part: Part
) -> NDArray[np.float64]:
    """An attribute of the edges: from the csv of their types, overruled by the groups that have it; NaN elsewhere."""
    by_type = table.of("edge_type_id", name) if table else {}
    try:
        values = {t: float(text) for t, text in by_type.items()}
    except ValueError as error:
        assert table is not None
        raise RecordingError(table.file, str(error), place=name, expected="numbers, or NULL") from error
    kinds, inverse = np.unique(type_ids, return_inverse=True)
    out = np.array([values.get(int(t), np.nan) for t in kinds], dtype=np.float64)[inverse]
    which = read_numbers(group["edge_group_id"]) if "edge_group_id" in group else np.zeros(len(out), np.intp)
    row = (
        read_numbers(group["edge_group_index"]).astype(np.intp) if "edge_group_index" in group else np.arange(len(out))
    )
    for inner in (key for key in group if key.isdigit() and name in group[key]):
        member = which == int(inner)
        stored = read_numbers(group[f"{inner}/{name}"])
        if member.any() and row[member].max() >= len(stored):
            raise RecordingError(
                part.file, f"edge_group_index {row[member].max()} of {len(stored)} rows", place=f"{part.group}/{inner}"
            )
        out[member] = stored[row[member]]
    return out

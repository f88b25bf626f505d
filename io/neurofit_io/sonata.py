"""SONATA: a folder, or one file of it, as one `Recording`.

Somatic Vm, [Ca] and extracellular potentials from the reports, the spikes of the recorded population and of those
that drive it, and the edges as signed connectivity.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path

from neurofit_io.connectivity import Connectivity
from neurofit_io.errors import RecordingError, RecordingWarning
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Provenance, Recording
from neurofit_io.sonata_edges import Edges, connect, read_edges
from neurofit_io.sonata_folder import Contents, Notes, contents, holds_sonata
from neurofit_io.sonata_nodes import Nodes, assumed_nodes, read_nodes
from neurofit_io.sonata_reports import Report, named_signals, read_reports, with_positions
from neurofit_io.sonata_spikes import Train, read_trains, refuse_repeated, rounded_up_s
from neurofit_io.spikes import Spikes, sorted_spikes


def recognises(path: Path) -> bool:
    """Whether a folder or file holds SONATA data: /report/*/data, /ecp/data, /spikes, /nodes, /edges, or spike csv."""
    return holds_sonata(path)


def read(path: Path, options: LoadOptions) -> Recording:
    """Opens a SONATA folder or file; the values of the reports are read when asked for.

    Raises:
        RecordingError: A damaged or contradictory file, named; or a unit, orientation or choice that cannot be guessed.
    """
    notes = Notes()
    found = contents(path, options)
    listed = read_nodes(found, options)
    reports = read_reports(found, options, notes)
    trains = read_trains(found, tuple(listed), options, notes)
    edges = read_edges(found, options, notes)
    recorded = _recorded(reports, trains, edges, listed)
    trains = [t if t.population else dataclasses.replace(t, population=recorded) for t in trains]
    refuse_repeated(trains, path)
    nodes = {**listed, **_assumed(reports, trains, edges, listed, options, notes)}
    own = _own_train(trains, recorded, nodes, notes)
    spikes = _all_spikes(trains, own, reports, nodes, notes)
    connectivities = _all_connectivity(edges, recorded, nodes, notes)
    signals = named_signals([_placed(r, nodes) for r in reports], recorded)
    if not (signals or spikes or connectivities):
        raise RecordingError(path, "nodes only", expected="a report, spikes or edges", do="give the folder it lies in")
    _note_rest(found, notes)
    return Recording(
        Provenance(path, "sonata", found.files, {"recorded_population": recorded}, tuple(notes.sentences)),
        signals, spikes, connectivities,
    )  # fmt: skip


def _placed(report: Report, nodes: dict[str, Nodes]) -> Report:
    home = nodes.get(report.part.population)
    return report if home is None else with_positions(report, home.ids, home.positions_um)


def _recorded(
    reports: Sequence[Report], trains: Sequence[Train], edges: Sequence[Edges], nodes: dict[str, Nodes]
) -> str:
    """The one population that was recorded: that of the reports, else of the spikes, else the one not virtual."""
    virtual = {name for name, population in nodes.items() if population.virtual}
    for names in (
        {r.part.population for r in reports if r.part.population},
        {t.population for t in trains if t.population and not t.driving} - virtual,
        set(nodes) - virtual,
        {e.target for e in edges},
    ):
        if len(names) == 1:
            return names.pop()
        if names:
            return ""
    return ""


def _assumed(
    reports: Sequence[Report], trains: Sequence[Train], edges: Sequence[Edges], nodes: dict[str, Nodes],
    options: LoadOptions, notes: Notes,
) -> dict[str, Nodes]:  # fmt: skip
    """Populations with spikes or edges but no nodes file, as large as the highest id anywhere makes them."""
    seen = [(t.population, t.node_ids) for t in trains]
    seen += [pair for e in edges for pair in ((e.source, e.source_ids), (e.target, e.target_ids))]
    needed = {population for population, _ in seen}
    seen += [(r.part.population, r.node_ids) for r in reports if r.part.population in needed]
    highest: dict[str, int] = {}
    for population, ids in seen:
        highest[population] = max(highest.get(population, -1), int(ids.max(initial=-1)))
    return {name: assumed_nodes(name, top, options, notes) for name, top in highest.items() if name not in nodes}


def _own_train(trains: Sequence[Train], recorded: str, nodes: dict[str, Nodes], notes: Notes) -> Train | None:
    """The spikes that are called `spikes`: of the recorded population, else the only ones not driving."""
    own = [t for t in trains if t.population == recorded]
    if not own:
        own = [t for t in trains if not t.driving and not nodes[t.population].virtual]
        if len(own) == 1 and recorded:
            notes.add(f"{own[0].file.name}: spikes of {own[0].population!r} are taken for those of {recorded!r}")
    return own[0] if len(own) == 1 else None


def _all_spikes(
    trains: Sequence[Train], own: Train | None, reports: Sequence[Report], nodes: dict[str, Nodes], notes: Notes
) -> dict[str, Spikes]:
    start = min((r.signal.start_s for r in reports), default=0.0)
    stop = max((r.end_s for r in reports), default=0.0)
    if trains and not reports:
        stop = rounded_up_s([own] if own else list(trains))
        notes.add(
            f"no report says how long the simulation ran: {stop:g} s, the last spike rounded up to the next 10 ms"
        )
    ordered = sorted(trains, key=lambda t: t is not own)
    named = {("spikes" if t is own else f"spikes_{t.population}"): t for t in ordered}
    return {name: _spikes(name, t, nodes[t.population], start, stop, notes) for name, t in named.items()}


def _spikes(name: str, train: Train, nodes: Nodes, start_s: float, stop_s: float, notes: Notes) -> Spikes:
    outside = int(((train.times_s < start_s) | (train.times_s >= stop_s)).sum())
    if outside:
        notes.add(
            f"{name}: {outside} of {len(train.times_s)} spikes lie outside of {start_s:g} to {stop_s:g} s, in no bin"
        )
    units = nodes.index_of(train.node_ids, str(train.file))
    return sorted_spikes(
        train.times_s, units, name=name, unit_ids=nodes.ids, start_s=start_s, stop_s=stop_s, columns=nodes.columns,
        positions_um=nodes.positions_um, metadata={"population": train.population},
    )  # fmt: skip


def _all_connectivity(
    edges: Sequence[Edges], recorded: str, nodes: dict[str, Nodes], notes: Notes
) -> dict[str, Connectivity]:
    out: dict[str, Connectivity] = {}
    for source, target in dict.fromkeys((e.source, e.target) for e in edges):
        own = source == target == recorded
        name = "connectivity" if own else f"connectivity_{source}_{target}"
        out[name] = connect([e for e in edges if (e.source, e.target) == (source, target)], nodes, name, notes)
    if out and "connectivity" not in out and recorded:
        notes.add(
            f"no file has edges among the cells of {recorded!r}, only {', '.join(out)}: if the simulation had no "
            "others, its recurrent connectivity is all zero"
        )
    return dict(sorted(out.items()))


def _note_rest(found: Contents, notes: Notes) -> None:
    if found.skipped:
        notes.add(f"not SONATA, not read: {', '.join(str(f.relative_to(found.root)) for f in found.skipped)}")
    if notes.about_units:
        notes.add(f"{notes.about_units}, as SONATA prescribes: {notes.listed_units}")
        warnings.warn(f"{found.root}: {notes.about_units}", RecordingWarning, stacklevel=4)

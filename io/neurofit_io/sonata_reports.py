"""SONATA reports and extracellular potentials as signals.

A report holds a column per element (compartment); node i owns the columns `pointer[i]:pointer[i + 1]` and its soma is
the first of them. Time is three numbers, start, stop and step, right-open: `T = round((stop - start) / step)`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.clock import Clock
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.safe_hdf5 import read_numbers
from neurofit_io.signals import Signal
from neurofit_io.sonata_folder import Contents, Notes, Part, Table, opened, text_attribute
from neurofit_io.sources import Hdf5Source
from neurofit_io.units import parse_unit, to_design, to_seconds

DEFAULT_UNITS = {"vm": "mV", "calcium": "mM", "extracellular": "mV"}
_ORDER = tuple(DEFAULT_UNITS)
_VARIABLES = {
    "vm": r"v|vm|v_m|.*potential|.*voltage.*",
    "calcium": r"cai|ca|\[ca\]|ca_?i|.*calcium.*",
}
_FILE_NAMES = {"calcium": r"(^|[_.-])cai?([_.-]|$)|calcium", "vm": r"(^|[_.-])(v|vm|soma)([_.-]|$)|potential|voltage"}
_DIMENSIONS = {"V": "vm", "M": "calcium"}


@dataclass(frozen=True)
class Report:
    """One report or ecp file: the signal, still without its final name, and whose it is."""

    part: Part
    signal: Signal
    node_ids: NDArray[np.int64]

    @property
    def end_s(self) -> float:
        """Time at which the simulation ended, s."""
        return self.signal.start_s + self.signal.duration_s


def read_reports(found: Contents, options: LoadOptions, notes: Notes) -> list[Report]:
    """All reports and ecp files of a folder, or those that `options.dataset` names.

    Raises:
        RecordingError: No dataset of that name, or a file contradicts itself.
    """
    parts = [*found.reports, *found.ecps]
    if options.dataset is not None:
        parts = [p for p in parts if _is_named(p, options.dataset)]
        if not parts:
            listed = ", ".join(f"{p.file.name}:/{p.group}/data" for p in (*found.reports, *found.ecps))
            raise RecordingError(found.root, f"--dataset {options.dataset}", expected=f"one of {listed or 'no report'}")
    reports = [
        _read_ecp(p, found, options, notes) if p.group == "ecp" else _read_report(p, options, notes) for p in parts
    ]
    return sorted(reports, key=lambda r: _ORDER.index(r.signal.kind) if r.signal.kind in _ORDER else len(_ORDER))


def named_signals(reports: Sequence[Report], recorded: str) -> dict[str, Signal]:
    """The signals by their final names: a kind alone is called by it, several of a kind get a suffix from the file.

    The report of the `recorded` population keeps the plain name when the others are of other populations.
    """
    out = {}
    for report in reports:
        kind = report.signal.name
        same = [r for r in reports if r.signal.name == kind]
        suffix = _suffix(report, same, recorded) if len(same) > 1 else ""
        name = f"{kind}_{suffix}" if suffix else kind
        out[name] = report.signal.renamed(name)
    return out


def _suffix(report: Report, same: Sequence[Report], recorded: str) -> str:
    population, stem = report.part.population, report.part.file.stem
    if len({r.part.population for r in same}) == len(same):
        return "" if population == recorded else population
    return stem if len({r.part.file.stem for r in same}) == len(same) else f"{stem}_{population}"


def with_positions(report: Report, ids: NDArray[np.int64], positions_um: NDArray[np.float64] | None) -> Report:
    """The report with the places of its nodes."""
    if positions_um is None or report.part.group == "ecp":
        return report
    places = np.full((len(report.node_ids), 3), np.nan)
    known = np.isin(report.node_ids, ids)
    order = np.argsort(ids)
    places[known] = positions_um[order[np.searchsorted(ids[order], report.node_ids[known])]]
    return dataclasses.replace(report, signal=dataclasses.replace(report.signal, positions_um=places))


def _is_named(part: Part, dataset: str) -> bool:
    file, _, path = dataset.rpartition(":")
    return path.strip("/") in (part.group, f"{part.group}/data") and file in ("", part.file.name)


def _read_report(part: Part, options: LoadOptions, notes: Notes) -> Report:
    with opened(part.file, options) as file:
        group = file[part.group]
        data, mapping = group["data"], group["mapping"]
        nodes = read_numbers(_first_of(mapping, ("node_ids", "gids"), part)).astype(np.int64)
        steps, width = _shape_of(data, part)
        starts = _element_starts(mapping, nodes, width, part)
        clock = _clock(mapping.get("time"), steps, options, notes, part)
        kind, unit, name = _kind_of(data, part, options, notes)
    somata_only = width > len(nodes) and options.dataset is None
    labels: NDArray = nodes
    if somata_only:
        notes.add(
            f"{part.file.name}: {width - len(nodes)} of the {width} elements of {part.population} are not the first of "
            f"their node (the soma) and were left out; --dataset {part.group}/data reads all"
        )
    elif width > len(nodes):
        owner = np.searchsorted(starts, np.arange(width), side="right") - 1
        nodes, labels = nodes[owner], _element_labels(nodes[owner], np.arange(width) - starts[owner])
    source = Hdf5Source(part.file, f"{part.group}/data", columns=starts if somata_only else None)
    factor, design = to_design(kind, unit, place=f"{part.place}/data")
    signal = Signal(
        name, kind, design, source, clock, gain=factor, channel_ids=labels, metadata={"population": part.population}
    )
    return Report(part, signal, nodes)


def _read_ecp(part: Part, found: Contents, options: LoadOptions, notes: Notes) -> Report:
    with opened(part.file, options) as file:
        data = file["ecp/data"]
        shape = _shape_of(data, part)
        ids = read_numbers(file["ecp/channel_id"]).astype(np.int64) if "ecp/channel_id" in file else None
        time = file.get("ecp/time")
        axis = _time_axis(shape, None if ids is None else len(ids), _n_steps(time), options, part)
        clock = _clock(time, shape[axis], options, notes, part)
        unit = _known_unit(notes.unit_of(data, options.unit or DEFAULT_UNITS["extracellular"]), "V", options)
    labels = np.arange(shape[1 - axis]) if ids is None else ids
    factor, design = to_design("extracellular", unit, place=f"{part.place}/data")
    signal = Signal(
        "extracellular", "extracellular", design, Hdf5Source(part.file, "ecp/data", time_axis=axis), clock, gain=factor,
        channel_ids=labels, positions_um=_electrodes(found.tables, part.file, labels, notes),
    )  # fmt: skip
    return Report(part, signal, np.empty(0, np.int64))


def _element_labels(nodes: NDArray[np.int64], elements: NDArray[np.intp]) -> NDArray[np.str_]:
    return np.array([f"{node}:{element}" for node, element in zip(nodes, elements, strict=True)])


def _element_starts(mapping: h5py.Group, nodes: NDArray[np.int64], width: int, part: Part) -> NDArray[np.intp]:
    """First column of each node, from a pointer with or without the closing entry."""
    place = f"{part.group}/mapping"
    names = [name for name in ("index_pointers", "index_pointer") if name in mapping]
    pointer = read_numbers(mapping[names[0]]).astype(np.intp) if names else np.arange(width + 1)
    if len(pointer) == len(nodes):
        pointer = np.append(pointer, width)
    if len(pointer) != len(nodes) + 1:
        raise RecordingError(
            part.file, f"{len(pointer)} index pointers for {len(nodes)} nodes", place=place,
            expected=f"{len(nodes)} or {len(nodes) + 1}", do="repair the mapping",
        )  # fmt: skip
    if len(nodes) and (pointer[0] != 0 or pointer[-1] != width or (np.diff(pointer) < 1).any()):
        raise RecordingError(
            part.file, f"index pointers from {pointer[0]} to {pointer[-1]} over {width} columns", place=place,
            expected=f"0 to {width}, at least one column a node", do="repair the mapping",
        )  # fmt: skip
    return pointer[:-1]


def _first_of(mapping: h5py.Group, names: Sequence[str], part: Part) -> h5py.Dataset:
    for name in names:
        if name in mapping:
            return mapping[name]
    raise RecordingError(part.file, f"no {names[0]}", place=f"{part.group}/mapping", do="repair the mapping")


def _shape_of(data: h5py.Dataset, part: Part) -> tuple[int, int]:
    if data.ndim != 2:
        raise RecordingError(
            part.file, f"data of shape {data.shape}", place=f"{part.group}/data", expected="time and channels"
        )
    return data.shape


def _n_steps(time: h5py.Dataset | None) -> int | None:
    if time is None:
        return None
    start, stop, step = read_numbers(time)[:3]
    return round((stop - start) / step) if step > 0 else None


def _clock(time: h5py.Dataset | None, n_steps: int, options: LoadOptions, notes: Notes, part: Part) -> Clock:
    if time is None:
        if options.rate_hz is None:
            raise RecordingError(part.file, "no mapping/time", place=part.group, do="give --rate-hz")
        return Clock(n_steps, options.rate_hz, options.start_s or 0.0)
    values = read_numbers(time).astype(np.float64)
    place = time.name.strip("/")
    if values.shape != (3,) or not np.isfinite(values).all() or not values[2] > 0:
        raise RecordingError(part.file, f"time is {values.tolist()}", place=place, expected="start, stop, step")
    promised = round((values[1] - values[0]) / values[2])
    if abs(promised - n_steps) > 1:
        raise RecordingError(
            part.file, f"{n_steps} steps of data, but start, stop and step {values.tolist()} make {promised}",
            place=place, expected="the same number", do="repair the report; was the run killed?",
        )  # fmt: skip
    factor = to_seconds(notes.unit_of(time, "ms"), place=f"{part.file}: {place}")
    return Clock(n_steps, 1 / factor / float(values[2]), float(values[0]) * factor)


def _time_axis(
    shape: tuple[int, int], channels: int | None, steps: int | None, options: LoadOptions, part: Part
) -> int:
    """Which axis is time: the one that fits the number of steps while the other fits the channels."""
    if options.time_axis is not None:
        return options.time_axis
    fitting = [
        axis
        for axis in (0, 1)
        if (steps is None or abs(shape[axis] - steps) <= 1) and (channels is None or shape[1 - axis] == channels)
    ]
    if len(fitting) == 1:
        return fitting[0]
    found = f"data of shape {shape} with {channels} channel ids and {steps} steps"
    say = "fits both ways" if fitting else "fits neither way"
    raise RecordingError(
        part.file, f"{found} {say}", place="ecp/data", expected="(time, channels) or (channels, time)",
        do="say which axis is time with --time-axis 0 or 1",
    )  # fmt: skip


def _kind_of(data: h5py.Dataset, part: Part, options: LoadOptions, notes: Notes) -> tuple[str, str, str]:
    """Kind, unit in the file and name: by the variable, else by the unit, else by the name of the file."""
    variable, unit = text_attribute(data, "variable"), text_attribute(data, "units")
    kind = options.kind if options.dataset is not None and options.kind else _guess(variable, unit, part.file.stem)
    if kind not in DEFAULT_UNITS:
        return kind, unit, variable or part.file.stem
    base = "M" if kind == "calcium" else "V"
    unit = _known_unit(notes.unit_of(data, options.unit or DEFAULT_UNITS[kind]), base, options)
    if kind == "calcium" and (parse_unit(unit) or ("",))[0] != "M":
        raise RecordingError(
            part.file, f"unit {unit!r} of a calcium concentration", place=f"{part.group}/data",
            expected="M, mM, uM or nM", do="say the unit with --unit",
        )  # fmt: skip
    return kind, unit, kind


def _guess(variable: str, unit: str, stem: str) -> str:
    dimension = (parse_unit(unit) or ("",))[0]
    if dimension == "A":
        return "current"
    if variable:
        return next((kind for kind, pattern in _VARIABLES.items() if re.fullmatch(pattern, variable, re.I)), "other")
    named = (kind for kind, pattern in _FILE_NAMES.items() if re.search(pattern, stem, re.I))
    return _DIMENSIONS.get(dimension) or next(named, "other")


def _known_unit(found: str, base: str, options: LoadOptions) -> str:
    measured = parse_unit(found)
    return found if options.unit is None or (measured and measured[0] == base) else options.unit


def _electrodes(
    tables: Sequence[Table], file: Path, ids: NDArray[np.int64], notes: Notes
) -> NDArray[np.float64] | None:
    """Places of the electrodes from a csv with columns x_pos, y_pos, z_pos (um), by channel where it says."""
    for table in sorted(tables, key=lambda t: t.file.parent != file.parent):
        if "x_pos" in table.columns:
            try:
                rows = np.array([table.columns[axis] for axis in ("x_pos", "y_pos", "z_pos")], dtype=np.float64).T
                keys = np.array(table.columns.get("channel", range(len(rows))), dtype=np.int64)
            except ValueError as error:
                raise RecordingError(table.file, str(error), expected="numbers") from error
            by_channel = dict(zip(keys.tolist(), rows, strict=True))
            return np.array([by_channel.get(int(i), np.full(3, np.nan)) for i in ids]).reshape(-1, 3)
    notes.add(f"{file.name}: no table of electrode positions (columns x_pos, y_pos, z_pos) was found")
    return None

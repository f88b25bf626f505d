"""What a SONATA folder holds: which file has which report, spikes, nodes and edges, found by looking inside.

The dialects differ in names and types, not in meaning; the small readers of attributes and csv tables that every part
of a folder needs are here too.
"""

from __future__ import annotations

import contextlib
import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from neurofit_io.damage import SUFFIXES, in_words, refuse_damaged
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.safe_hdf5 import open_checked

HDF5_SUFFIXES = (".h5", ".hdf5", ".sonata")
DEPTH = 3
MISSING = ("", "NULL", "NONE", "NA", "nan")
_NEEDED = {
    "report": {"data"},
    "spikes": {"timestamps"},
    "nodes": {"node_type_id", "node_id"},
    "edges": {"target_node_id"},
}


@dataclass(frozen=True)
class Part:
    """One population of one file: `group` is `report/<population>`, `spikes/<population>`, ..., or flat `spikes`."""

    file: Path
    group: str

    @property
    def population(self) -> str:
        """Name of the population; empty where the layout has none."""
        return self.group.partition("/")[2]

    @property
    def place(self) -> str:
        return f"{self.file}: {self.group}"


@dataclass(frozen=True)
class Table:
    """A csv file with the values of a row separated by single spaces, by column; every value is text."""

    file: Path
    columns: Mapping[str, tuple[str, ...]]

    def of(self, key: str, name: str) -> dict[int, str]:
        """Column `name` by the integers of column `key`, missing values left out."""
        pairs = zip(self.columns.get(key, ()), self.columns.get(name, ()), strict=False)
        try:
            return {int(k): v for k, v in pairs if v not in MISSING}
        except ValueError as error:
            raise RecordingError(self.file, f"{error}", place=key, expected="whole numbers") from error


@dataclass
class Contents:
    """The parts of a folder, in the order of file names."""

    root: Path
    reports: list[Part] = field(default_factory=list)
    ecps: list[Part] = field(default_factory=list)
    spikes: list[Part] = field(default_factory=list)
    nodes: list[Part] = field(default_factory=list)
    edges: list[Part] = field(default_factory=list)
    spike_tables: list[Path] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is read, once each."""
        parts = (*self.reports, *self.ecps, *self.spikes, *self.nodes, *self.edges)
        found = [*(p.file for p in parts), *self.spike_tables, *(t.file for t in self.tables)]
        return tuple(sorted(set(found)))

    @property
    def empty(self) -> bool:
        """Whether nothing of SONATA was found."""
        return not self.files

    @property
    def wanted_keys(self) -> set[str]:
        """First columns of the csv tables that the HDF5 files found so far need."""
        needs = (("node_type_id", self.nodes), ("edge_type_id", self.edges), ("x_pos", self.ecps))
        return {key for key, parts in needs if parts}

    def in_inputs(self, file: Path) -> bool:
        """Whether a file lies in a folder for what drives the simulation."""
        return any(name in ("input", "inputs") for name in file.relative_to(self.root).parent.parts)


@dataclass
class Notes:
    """What was assumed while reading, for the provenance; datasets without a unit are told once, together."""

    sentences: list[str] = field(default_factory=list)
    without_unit: dict[str, list[str]] = field(default_factory=dict)

    def add(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def unit_of(self, item: h5py.Dataset, default: str) -> str:
        """The attribute `units`, or SONATA's own unit for this kind of dataset, remembered as an assumption."""
        unit = text_attribute(item, "units") or text_attribute(item, "unit")
        if unit:
            return unit
        self.without_unit.setdefault(default, []).append(f"{Path(item.file.filename).name}{item.name}")
        return default

    @property
    def about_units(self) -> str:
        """One short sentence on all datasets without a unit; empty when every one has its own."""
        if not self.without_unit:
            return ""
        n = sum(len(places) for places in self.without_unit.values())
        return f"{n} dataset{'s' * (n > 1)} without a units attribute, read in {', '.join(self.without_unit)}"

    @property
    def listed_units(self) -> str:
        """Which dataset was read in which unit."""
        return "; ".join(f"{unit} for {', '.join(places)}" for unit, places in self.without_unit.items())


def contents(path: Path, options: LoadOptions) -> Contents:
    """Looks into every file of a folder, or into the one file.

    Raises:
        RecordingError: A file of the folder is damaged; it is named, never left out silently.
    """
    found = Contents(path if path.is_dir() else path.parent)
    tables = []
    for file in _files(path):
        if file.suffix.lower() in HDF5_SUFFIXES or (file == path and h5py.is_hdf5(file)):
            refuse_damaged(file)
            with opened(file, options) as handle:
                _sort_parts(found, file, parts_of(handle))
        elif is_spike_table(file):
            found.spike_tables.append(file)
        elif file.suffix.lower() == ".csv":
            tables.append(file)
        elif file.suffix.lower() in SUFFIXES:
            found.skipped.append(file)
    for file in tables if path.is_dir() else _beside(path):
        _add_table(found, file)
    if found.empty:
        raise RecordingError(path, "holds no SONATA data", expected="/report, /ecp, /spikes, /nodes or /edges")
    return found


def holds_sonata(path: Path) -> bool:
    """Whether a file or folder holds SONATA data; looks at names inside the files and never raises."""
    for file in _files(path):
        with contextlib.suppress(OSError, RuntimeError, ValueError, KeyError, UnicodeError):
            if is_spike_table(file):
                return True
            named = file.suffix.lower() in HDF5_SUFFIXES or file == path
            if named and h5py.is_hdf5(file):
                with h5py.File(file, "r") as handle:
                    if parts_of(handle, follow=False):
                        return True
    return False


def parts_of(handle: h5py.File, *, follow: bool = True) -> list[str]:
    """Groups of an open file that hold SONATA data; external links are passed over unless `follow`."""
    groups = [
        f"{kind}/{name}"
        for kind, needed in _NEEDED.items()
        for name, item in _subgroups(handle, kind, follow)
        if needed & set(item)
    ]
    ecp, spikes = (_group(handle, name, follow) for name in ("ecp", "spikes"))
    if ecp is not None and "data" in ecp:
        groups.append("ecp")
    if spikes is not None and "timestamps" in spikes and {"gids", "node_ids"} & set(spikes):
        groups.append("spikes")
    return groups


def is_spike_table(file: Path) -> bool:
    """Whether a csv file lists spikes as SONATA does: columns timestamps, population, node_ids, space separated.

    Without a header only a file whose name says spikes is taken for one.
    """
    if file.suffix.lower() != ".csv":
        return False
    with open(file, encoding="utf-8", errors="replace") as lines:
        first = lines.readline(1000).strip()
    if {"timestamps", "node_ids"} <= set(first.split(" ")):
        return True
    return "spike" in file.name.lower() and re.fullmatch(r"[-+.\deE]+( [^\s,;]+)? \d+", first) is not None


@contextlib.contextmanager
def opened(file: Path, options: LoadOptions) -> Iterator[h5py.File]:
    """An HDF5 file open for reading; whatever is wrong with its bytes becomes a `RecordingError`."""
    with in_words(file):
        yield open_checked(file, options)


def text_attribute(item: h5py.Dataset | h5py.Group, name: str) -> str:
    """An attribute as text, whichever way it is stored; empty when absent."""
    if name not in item.attrs:
        return ""
    value = np.asarray(item.attrs[name]).reshape(-1)
    return as_text(value[0]).strip() if len(value) else ""


def as_text(value: object) -> str:
    """Text of a string as HDF5 hands it out."""
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def read_table(file: Path) -> Table:
    """Reads a space-separated csv file with a header."""
    with open(file, encoding="utf-8-sig", errors="replace", newline="") as lines:
        rows = [row for row in csv.reader(lines, delimiter=" ", skipinitialspace=True) if row]
    header = rows[0] if rows else []
    odd = next((i for i, row in enumerate(rows) if len(row) != len(header)), None)
    if odd is not None:
        raise RecordingError(
            file, f"{len(rows[odd])} values for {len(header)} columns", place=f"row {odd + 1}",
            expected="one value per column, separated by single spaces, NULL where there is none",
        )  # fmt: skip
    body = list(zip(*rows[1:], strict=True)) if len(rows) > 1 else [()] * len(header)
    return Table(file, dict(zip(header, body, strict=True)))


def types_table(contents: Contents, part: Part, kind: str) -> Table | None:
    """The csv of node or edge types (`kind` is `node` or `edge`) that belongs to a file of nodes or edges."""
    key, folder = f"{kind}_type_id", part.file.parent
    tables = [t for t in contents.tables if key in t.columns and t.file.parent == folder]
    wanted = part.file.stem.replace(f"_{kind}s", f"_{kind}_types"), f"{part.population}_{kind}_types"
    named = [t for name in wanted for t in tables if t.file.stem == name]
    return named[0] if named else (tables[0] if len(tables) == 1 else None)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for folder, names, files in os.walk(path):
        deep = len(Path(folder).relative_to(path).parts) >= DEPTH
        names[:] = [] if deep else sorted(name for name in names if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if not name.startswith("."))


def _subgroups(handle: h5py.File, kind: str, follow: bool) -> Iterator[tuple[str, h5py.Group]]:
    group = _group(handle, kind, follow)
    for name in () if group is None else group:
        item = _group(group, name, follow)
        if item is not None:
            yield name, item


def _group(parent: h5py.Group, name: str, follow: bool) -> h5py.Group | None:
    if not follow and isinstance(parent.get(name, getlink=True), h5py.ExternalLink):
        return None
    item = parent.get(name)
    return item if isinstance(item, h5py.Group) else None


def _sort_parts(found: Contents, file: Path, groups: Sequence[str]) -> None:
    lists = {"report": found.reports, "ecp": found.ecps, "spikes": found.spikes}
    lists |= {"nodes": found.nodes, "edges": found.edges}
    for group in groups:
        lists[group.partition("/")[0]].append(Part(file, group))
    if not groups:
        found.skipped.append(file)


def _add_table(found: Contents, file: Path) -> None:
    keys = _table_keys(file)
    if keys & found.wanted_keys:
        found.tables.append(read_table(file))
    elif not keys:
        found.skipped.append(file)


def _beside(file: Path) -> list[Path]:
    """The csv tables beside a single file: types of its nodes or edges, places of its electrodes."""
    tables = (f for f in sorted(file.parent.glob("*.csv")) if f != file and not is_spike_table(f))
    return [f for f in tables if _table_keys(f)]


def _table_keys(file: Path) -> set[str]:
    with open(file, encoding="utf-8-sig", errors="replace") as lines:
        return set(lines.readline(10000).split()) & {"node_type_id", "edge_type_id", "x_pos"}

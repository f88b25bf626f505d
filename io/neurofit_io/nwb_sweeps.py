"""Patch clamp: the sweeps of one electrode as one signal, ordered by time or by table, never by name alone.

Sweeps are separate series in NWB. Those of one kind, electrode and rate become one `Signal` whose clock knows where
each sweep begins, and a table `sweeps`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.clock import Clock, Segment, same_rate
from neurofit_io.nwb_series import PATCH_CLAMP, Series
from neurofit_io.nwb_tables import ends_of
from neurofit_io.safe_hdf5 import read_numbers
from neurofit_io.signals import Signal
from neurofit_io.sources import ConcatenatedSource, Source
from neurofit_io.trials import Trials

_ICEPHYS = "general/intracellular_ephys"


@dataclass(frozen=True, eq=False)
class ScaledSource:
    """A source in physical units, for sweeps that were stored with different conversions."""

    source: Source
    gain: float | NDArray[np.float64]
    offset: float | NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.shape

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float64)

    @property
    def place(self) -> str:
        return self.source.place

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        return self.source.read(start, stop, channels).astype(np.float64) * self.gain + self.offset


@dataclass(frozen=True)
class SweepOrder:
    """What the tables of a file say about the sweeps, by path of the series."""

    numbers: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    stimuli: dict[str, str] = field(default_factory=dict)

    def sort(self, sweeps: Sequence[Series]) -> tuple[list[Series], str]:
        """The sweeps in order, and what it was taken from."""
        starts = [s.signal.start_s for s in sweeps]
        natural = sorted(sweeps, key=lambda s: natural_key(s.found.name))
        if len(set(starts)) == len(starts):
            return sorted(natural, key=lambda s: s.signal.start_s), "starting time"
        for what, known in (("sweep number", self.numbers), ("table of intracellular recordings", self.rows)):
            if len({known.get(s.found.path) for s in sweeps} - {None}) == len(sweeps):
                return sorted(natural, key=lambda s: known[s.found.path]), what
        return natural, "name, as no time or table orders them"


def natural_key(name: str) -> list[tuple[int, str]]:
    """Sorts `sweep_2` before `sweep_10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def sweep_order(file: h5py.File, series: Iterable[Series]) -> SweepOrder:
    """Reads sweep_table, intracellular_recordings and the series' own sweep numbers."""
    order = SweepOrder(_numbers_in_table(file))
    for one in series:
        if "sweep_number" in one.found.group.attrs:
            order.numbers.setdefault(one.found.path, int(one.found.group.attrs["sweep_number"]))
    table = f"{_ICEPHYS}/intracellular_recordings"
    responses, stimuli = (_referred(file, f"{table}/{name}") for name in ("responses/response", "stimuli/stimulus"))
    order.rows.update({path: row for paths in (stimuli, responses) for row, path in enumerate(paths) if path})
    order.stimuli.update({r: s for r, s in zip(responses, stimuli, strict=False) if r and s})
    return order


def _numbers_in_table(file: h5py.File) -> dict[str, int]:
    table = file.get(f"{_ICEPHYS}/sweep_table")
    if table is None or not {"series", "series_index", "sweep_number"} <= {*table}:
        return {}
    references = table["series"][()]
    ends = ends_of(table["series_index"], len(references), f"{file.filename}: {table.name}/series_index")
    rows = np.searchsorted(ends, np.arange(len(references)), side="right")
    numbers = read_numbers(table["sweep_number"])
    return {file[reference].name: int(numbers[row]) for reference, row in zip(references, rows, strict=True)}


def _referred(file: h5py.File, column: str) -> list[str]:
    """Path of the series each row refers to; empty where it refers to none."""
    rows = file[column][()] if column in file else []
    return [file[r["timeseries"]].name if r["timeseries"] and r["idx_start"] >= 0 else "" for r in rows]


@dataclass(frozen=True)
class _Group:
    """Sweeps of one kind, electrode and rate."""

    base: str
    electrode: str
    rate_hz: float
    sweeps: list[Series]

    def takes(self, one: Series, rate_hz: float) -> bool:
        return (self.base, self.electrode) == (one.signal.name, one.electrode) and same_rate(self.rate_hz, rate_hz)

    def name(self, groups: Sequence[_Group]) -> str:
        """Its kind, with the electrode and the rate where they tell groups apart."""
        rivals = [g for g in groups if g.base == self.base]
        parts = [self.base]
        if len({g.electrode for g in rivals}) > 1:
            parts.append(re.sub(r"\W+", "_", self.electrode.rsplit("/", 1)[-1]).strip("_").lower())
        if sum(g.electrode == self.electrode for g in rivals) > 1:
            parts.append(f"{self.rate_hz:g}Hz")
        return "_".join(parts)


def join_sweeps(series: Sequence[Series], order: SweepOrder) -> tuple[list[Series], dict[str, Trials], list[str]]:
    """Sweeps joined into signals (other series as they are), a table of the recorded ones, and notes on the order."""
    groups, joined = _grouped(series)
    tables: dict[str, Trials] = {}
    notes = []
    for group in groups:
        name = group.name(groups)
        ordered, by = order.sort(group.sweeps)
        joined.append(_joined(name, ordered))
        if len(ordered) > 1:
            notes.append(f"{name}: {len(ordered)} sweeps in the order of their {by}")
        if len(ordered) > 1 and not group.base.startswith("stimulus"):
            table = f"sweeps_{name}" if "sweeps" in tables else "sweeps"
            tables[table] = replace(_table(ordered, order, series), name=table)
    return joined, tables, notes


def _grouped(series: Sequence[Series]) -> tuple[list[_Group], list[Series]]:
    """Sweeps by what they belong to, and the series that are no sweeps."""
    groups: list[_Group] = []
    others = []
    for one in series:
        signal = one.signal
        if one.found.type not in PATCH_CLAMP or signal.shape[1] != 1 or not signal.rate_hz or len(signal.segments) != 1:
            others.append(one)
            continue
        home = next((g for g in groups if g.takes(one, signal.rate_hz)), None)
        if home is None:
            groups.append(_Group(signal.name, one.electrode, signal.rate_hz, [one]))
        else:
            home.sweeps.append(one)
    return groups, others


def _joined(name: str, sweeps: Sequence[Series]) -> Series:
    first = sweeps[0]
    if len(sweeps) == 1:
        return replace(first, signal=first.signal.renamed(name))
    metadata = {"type": first.found.type, "electrode": first.electrode.rsplit("/", 1)[-1]}
    return replace(first, signal=replace(concatenated([s.signal for s in sweeps]), name=name, metadata=metadata))


def concatenated(parts: Sequence[Signal]) -> Signal:
    """Signals of equal rate, kind and width one after the other, each as a sweep of its own."""
    first = parts[0]
    same = all(np.array_equal(p.gain, first.gain) and np.array_equal(p.offset, first.offset) for p in parts)
    sources = [p.source if same else ScaledSource(p.source, p.gain, p.offset) for p in parts]
    ends = np.cumsum([p.shape[0] for p in parts]).tolist()
    starts = [0, *ends[:-1]]
    sweeps = tuple(Segment(a, b, p.start_s) for a, b, p in zip(starts, ends, parts, strict=True))
    clock = Clock(ends[-1], first.rate_hz, sweeps[0].start_s, sweeps=sweeps)
    gain, offset = (first.gain, first.offset) if same else (1.0, 0.0)
    return replace(first, source=ConcatenatedSource(sources), clock=clock, gain=gain, offset=offset)


def _table(sweeps: Sequence[Series], order: SweepOrder, series: Sequence[Series]) -> Trials:
    start = np.array([s.signal.start_s for s in sweeps])
    by_number = {
        order.numbers[s.found.path]: s.found.path
        for s in series
        if s.found.path in order.numbers and s.found.room == "stimulus/presentation"
    }
    paths = [s.found.path for s in sweeps]
    numbers = [order.numbers.get(path) for path in paths]
    stimuli = [
        order.stimuli.get(p) or by_number.get(-1 if n is None else n, "") for p, n in zip(paths, numbers, strict=True)
    ]
    columns: dict[str, NDArray] = {"name": np.array([s.found.name for s in sweeps])}
    if None not in numbers:
        columns["sweep_number"] = np.array(numbers, dtype=np.int64)
    columns["stimulus"] = np.array([path.rsplit("/", 1)[-1] for path in stimuli])
    columns["description"] = np.array([_description(s) for s in sweeps])
    return Trials("sweeps", start, start + [s.signal.duration_s for s in sweeps], columns)


def _description(sweep: Series) -> str:
    said = sweep.signal.metadata
    return str(said.get("description") or said.get("stimulus_description") or "")

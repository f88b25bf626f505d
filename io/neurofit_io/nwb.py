"""NWB 2: every series as a lazily read signal, Units as spikes, tables of intervals, and our own connectivity.

Names say what a series is (`vm`, `extracellular`, `lfp`, `fluorescence`, `dff`, `deconvolved`, `stimulus`); anything
else keeps its own. A part that cannot be read is left out with a warning as long as another can.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import h5py

from neurofit_io.connectivity import Connectivity
from neurofit_io.damage import FAILURES, in_words
from neurofit_io.errors import RecordingError, RecordingWarning
from neurofit_io.nwb_connectivity import connectivity_of, is_connectivity
from neurofit_io.nwb_objects import NEWEST, Contents, Found, contents, nwb_version, refuse_not_nwb2
from neurofit_io.nwb_own import own_connectivity, own_description, own_intervals, own_signals, own_spikes
from neurofit_io.nwb_series import KNOWN, Series, named, role, series_of, why_no_signal
from neurofit_io.nwb_sweeps import SweepOrder, join_sweeps, sweep_order
from neurofit_io.nwb_tables import intervals_of, text
from neurofit_io.nwb_units import span_of, spikes_of
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Provenance, Recording, unique_names
from neurofit_io.safe_hdf5 import open_checked
from neurofit_io.signals import Signal
from neurofit_io.spikes import Spikes
from neurofit_io.trials import Trials

SESSION = ("identifier", "session_description", "session_start_time")
GENERAL = (
    "experimenter", "institution", "lab", "keywords", "experiment_description", "session_id", "protocol",
    "pharmacology", "surgery", "virus", "related_publications",
)  # fmt: skip
SUBJECT = ("subject_id", "species", "strain", "genotype", "sex", "age", "weight", "description")

LISTED = 12
_Part = TypeVar("_Part")


def recognises(path: Path) -> bool:
    """Whether `path` is an HDF5 file that says it is NWB, or is called so."""
    try:
        with h5py.File(path, "r") as file:
            return "nwb_version" in file.attrs or "nwb_version" in file or path.suffix.lower() == ".nwb"
    except FAILURES:
        return False


def read(path: Path, options: LoadOptions) -> Recording:
    """Opens an NWB file; the values of signals are read when asked for.

    Args:
        path: The file.
        options: `dataset` takes one series or table by its path; `kind`, `unit`, `scale`, `rate_hz` and `spike_unit`
            help where the file is silent or wrong.

    Raises:
        RecordingError: NWB 1, damaged, or nothing in it can be read.
    """
    file = open_checked(path, options)
    with in_words(path):
        refuse_not_nwb2(file)
        return _Reading(path, options, file).recording()


@dataclass
class _Reading:
    path: Path
    options: LoadOptions
    file: h5py.File
    notes: list[str] = field(default_factory=list)
    failures: list[RecordingError] = field(default_factory=list)

    def recording(self) -> Recording:
        held = self._chosen(contents(self.file))
        self._warn_of_unknown(held)
        said = own_description(self.file)
        intervals = self._intervals(held.tables, said.get("intervals", {}))
        signals = self._signals(held.series, said, intervals)
        spikes = self._spikes(held.tables, said.get("spikes", {}), signals, intervals)
        connectivity = self._connectivity(held.tables, said.get("connectivity", {}))
        if self.failures and not signals and not spikes:
            raise self.failures[0]
        for failure in self.failures:
            warnings.warn(f"{failure}; this part is left out", RecordingWarning, stacklevel=4)
            self.notes.append(f"left out: {failure}")
        metadata = said.get("provenance", {}).get("metadata") or _session(self.file)
        notes = (*said.get("provenance", {}).get("notes", ()), *self.notes)
        return Recording(
            Provenance(self.path, "nwb", (self.path,), metadata, notes), signals, spikes, connectivity, intervals
        )

    def _chosen(self, held: Contents) -> Contents:
        if self.options.dataset is None:
            return held
        wanted = "/" + self.options.dataset.strip("/").removesuffix("/data").removesuffix("/spike_times")
        known = [f.path for f in (*held.series, *held.tables) if f.type == "Units" or f in held.series]
        alike = [path for path in known if path.endswith(wanted)]
        if wanted not in known and len(alike) != 1:
            found = f"{len(alike)} series or units called {wanted[1:]}" if alike else f"no series or units {wanted}"
            raise RecordingError(
                self.path, found, expected=f"one of {_listed(alike or known)}", do="choose with --dataset"
            )
        path = wanted if wanted in known else alike[0]
        series = [s for s in held.series if s.path == path]
        units = [t for t in held.tables if t.type == "Units" and t.path == path]
        tables = [t for t in held.tables if t.type != "Units"]
        return Contents(series, [*tables, *units], held.broken_links, held.extensions)

    def _warn_of_unknown(self, held: Contents) -> None:
        version, said = nwb_version(self.file), []
        if version is not None and version > NEWEST:
            said.append(f"NWB {version[0]}.{version[1]} is newer than {NEWEST[0]}.{NEWEST[1]}, the latest known here")
        if held.extensions:
            said.append(f"extensions not known here: {', '.join(held.extensions)}")
        strange = [s.path for s in held.series if s.type not in KNOWN]
        if strange:
            said.append(f"{len(strange)} series of unknown types, read as plain time series: {', '.join(strange[:5])}")
        if held.broken_links:
            said.append(f"{len(held.broken_links)} links lead nowhere: {', '.join(held.broken_links[:5])}")
        for sentence in said:
            self.notes.append(sentence)
            warnings.warn(f"{self.path}: {sentence}; what is known is read", RecordingWarning, stacklevel=5)

    def _attempt(self, part: Callable[..., _Part], *given: Any, **named: Any) -> _Part | None:
        try:
            with in_words(self.path):
                return part(*given, **named)
        except RecordingError as failure:
            self.failures.append(failure)
            return None

    def _signals(
        self, series: Sequence[Found], said: dict[str, Any], intervals: dict[str, Trials]
    ) -> dict[str, Signal]:
        skipped = [f"{s.path} ({why})" for s in series if (why := why_no_signal(s))]
        if skipped:
            self.notes.append(f"series that are no signals are left out: {', '.join(skipped)}")
        ours = self._attempt(own_signals, self.path, said, series, self.options) or {}
        taken = {path for name in ours for path in said["signals"][name]["series"]}
        rest = [s for s in series if s.path not in taken and not why_no_signal(s)]
        chosen = self.options.dataset is not None or len({role(s) for s in rest}) == 1
        if not chosen and rest and (self.options.kind or self.options.scale is not None):
            raise RecordingError(
                self.path, f"--kind or --scale for {len(rest)} series of several kinds", expected="one series",
                do=f"choose it with --dataset, such as {rest[0].path}",
            )  # fmt: skip
        opened = [self._attempt(series_of, self.path, s, self.options, chosen=chosen) for s in rest]
        return {**ours, **self._named([one for one in opened if one is not None], intervals)}

    def _named(self, series: Sequence[Series], intervals: dict[str, Trials]) -> dict[str, Signal]:
        order = self._attempt(sweep_order, self.file, series) or SweepOrder()
        joined, sweeps, notes = join_sweeps(series, order)
        self.notes += notes
        for name, table in sweeps.items():
            intervals.setdefault(name, table)
        return named(joined)

    def _intervals(self, tables: Sequence[Found], said: dict[str, Any]) -> dict[str, Trials]:
        found = [t for t in tables if t.type == "TimeIntervals" or {"start_time", "stop_time"} <= {*t.group}]
        ours = {entry["table"]: (name, entry) for name, entry in said.items()}
        out = {}
        for name, table in zip(unique_names(t.name for t in found), found, strict=True):
            opened = self._attempt(intervals_of, table.group)
            if opened is None:
                continue
            trials, left_out = opened
            if table.path in ours:
                trials = own_intervals(trials, *ours[table.path])
                name = trials.name
            if left_out:
                self.notes.append(f"{name}: columns left out: {', '.join(left_out)}")
            out[name] = trials
        return out

    def _spikes(
        self, tables: Sequence[Found], said: dict[str, Any], signals: dict[str, Signal], intervals: dict[str, Trials]
    ) -> dict[str, Spikes]:
        units = [t for t in tables if t.type == "Units"]
        ours = {entry["table"]: (name, entry) for name, entry in said.items()}
        span = self._attempt(span_of, signals.values(), intervals.get("epochs")) if units else None
        out = {}
        for table in units:
            name, entry = ours.get(table.path, (_spikes_name(table), None))
            opened = self._attempt(spikes_of, table.group, name, span, self.options, self.path)
            if opened is None:
                continue
            spikes, notes = opened
            out[name] = own_spikes(spikes, entry) if entry else spikes
            self.notes += [] if entry else notes
        return out

    def _connectivity(self, tables: Sequence[Found], said: dict[str, Any]) -> dict[str, Connectivity]:
        ours = {entry["table"]: (name, entry) for name, entry in said.items()}
        out = {}
        for table in [t for t in tables if is_connectivity(t.group)]:
            name, entry = ours.get(table.path, (table.name, None))
            opened = self._attempt(connectivity_of, table.group, name)
            if opened is not None:
                out[name] = own_connectivity(opened, entry) if entry else opened
        return out


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - LISTED} more" if len(paths) > LISTED else ""
    return ", ".join(paths[:LISTED]) + more if paths else "none"


def _spikes_name(table: Found) -> str:
    return "spikes" if table.path == "/units" else f"spikes_{table.name.lower()}"


def _session(file: h5py.File) -> dict[str, Any]:
    """What the file says about the session and its subject."""
    said = (
        {"nwb_version": text(file.attrs["nwb_version"])} | _words(file, SESSION) | _words(file.get("general"), GENERAL)
    )
    subject = _words(file.get("general/subject"), SUBJECT)
    return said | ({"subject": subject} if subject else {})


def _words(group: Any, names: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names if isinstance(group, h5py.Group) else ():
        stored = group.get(name)
        if isinstance(stored, h5py.Dataset) and h5py.check_string_dtype(stored.dtype) and stored.ndim <= 1:
            words = stored.asstr()[()]
            found[name] = words if stored.ndim == 0 else words.tolist()
    return found

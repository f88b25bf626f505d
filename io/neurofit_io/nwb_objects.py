"""What an NWB file holds: its time series and tables, each found once, links followed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import h5py

from neurofit_io.errors import RecordingError
from neurofit_io.nwb_tables import text

ROOMS = ("acquisition", "processing", "stimulus/presentation", "analysis", "scratch", "intervals", "units")
NEWEST = (2, 11)
"""The latest version of the NWB schema that this was checked against."""

CORE = ("core", "hdmf-common", "hdmf-experimental")


@dataclass(frozen=True)
class Found:
    """A typed object of the file.

    Args:
        group: The object.
        path: Where it was found.
        type: Its neurodata_type.
        container: Name of what it lies in, such as `LFP` or `Fluorescence`, or the room.
        room: One of `ROOMS`.
    """

    group: h5py.Group
    path: str
    type: str
    container: str
    room: str

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def is_series(self) -> bool:
        return bool(self.type) and not {"data", "starting_time", "timestamps"}.isdisjoint(self.group)

    @property
    def is_table(self) -> bool:
        return "colnames" in self.group.attrs


@dataclass(frozen=True)
class Contents:
    """All series and tables of a file, what could not be followed, and the extensions that had a hand in it."""

    series: list[Found]
    tables: list[Found]
    broken_links: list[str]
    extensions: list[str]


def refuse_not_nwb2(file: h5py.File) -> None:
    """Refuses files from before NWB 2.

    Raises:
        RecordingError: NWB 1, or no version at all.
    """
    version = nwb_version(file)
    if version is None or version[0] < 2:
        said = text(file.attrs["nwb_version"]) if "nwb_version" in file.attrs else "no nwb_version"
        raise RecordingError(
            file.filename, f"written before NWB 2 ({said})", expected="NWB 2",
            do="convert it to NWB 2 with the tool that made it, or read one dataset with --format hdf5 --dataset PATH",
        )  # fmt: skip


def nwb_version(file: h5py.File) -> tuple[int, int] | None:
    """Major and minor version of the schema; None where the file names none."""
    stored = file.attrs.get("nwb_version")
    numbers = re.search(r"(\d+)(?:\.(\d+))?", text(stored)) if stored is not None else None
    return (int(numbers[1]), int(numbers[2] or 0)) if numbers else None


def contents(file: h5py.File) -> Contents:
    """Walks the rooms of the file; an object with several links to it is taken once."""
    found = Contents([], [], [], [])
    namespaces = {text(file.attrs.get("namespace", "core"))}
    for thing in _walk(file, found.broken_links):
        namespaces.add(text(thing.group.attrs.get("namespace", "core")))
        if thing.is_table:
            found.tables.append(thing)
        elif thing.is_series:
            found.series.append(thing)
    found.extensions.extend(sorted(namespaces - set(CORE)))
    return found


def _walk(file: h5py.File, broken: list[str]) -> Iterator[Found]:
    seen: set[tuple[int, int]] = set()
    for room in ROOMS:
        if room == "units" and isinstance(file.get(room), h5py.Group):
            yield Found(file[room], "/units", _type(file[room]), "units", room)
        elif isinstance(file.get(room), h5py.Group):
            yield from _inside(file[room], f"/{room}", room, seen, broken)


def _inside(parent: h5py.Group, path: str, room: str, seen: set[tuple[int, int]], broken: list[str]) -> Iterator[Found]:
    for name in parent:
        child = parent.get(name)
        if child is None:
            broken.append(f"{path}/{name}")
        elif isinstance(child, h5py.Group) and _new(child, seen):
            thing = Found(child, f"{path}/{name}", _type(child), path.rsplit("/", 1)[-1], room)
            yield thing
            if not (thing.is_series or thing.is_table):
                yield from _inside(child, thing.path, room, seen, broken)


def _new(group: h5py.Group, seen: set[tuple[int, int]]) -> bool:
    info = h5py.h5o.get_info(group.id)
    known = (info.fileno, info.addr) in seen
    seen.add((info.fileno, info.addr))
    return not known


def _type(group: h5py.Group) -> str:
    return text(group.attrs.get("neurodata_type", ""))

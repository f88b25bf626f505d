"""Spike trains of SONATA files: populations, the older flat layout, and csv, with times in ms unless they say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.safe_hdf5 import read_numbers
from neurofit_io.sonata_folder import Contents, Notes, Part, opened
from neurofit_io.units import to_seconds

TAIL_S = 0.01


@dataclass(frozen=True)
class Train:
    """Spikes of one population of one file, in the order of the file.

    Args:
        file: Where they were read.
        population: Whose they are; empty where the layout does not say.
        node_ids: (spikes,).
        times_s: (spikes,), s.
        driving: Whether the file lies among the inputs of the simulation.
    """

    file: Path
    population: str
    node_ids: NDArray[np.int64]
    times_s: NDArray[np.float64]
    driving: bool


def read_trains(found: Contents, known: tuple[str, ...], options: LoadOptions, notes: Notes) -> list[Train]:
    """The spikes of every file of a folder; a csv that repeats the population of an HDF5 file is left out.

    Args:
        found: The parts of the folder.
        known: Populations with nodes; a flat file called `<population>_spikes.h5` belongs to that one.
        options: `spike_unit` where the file does not say.
        notes: Takes what was assumed.

    Raises:
        RecordingError: Two files hold spikes of the same population, times are not finite, ids and times differ in
            number, or a unit is unknown.
    """
    trains = [_read_train(part, found, known, options, notes) for part in found.spikes]
    for file in found.spike_tables:
        for train in _read_csv(file, found, known, options):
            if any(t.population == train.population for t in trains):
                notes.add(
                    f"{file.name}: spikes of {train.population!r} are taken from an HDF5 file; the csv is left out"
                )
            else:
                trains.append(train)
    return trains


def refuse_repeated(trains: list[Train], root: Path) -> None:
    """Refuses two files with spikes of the same population: which one is meant cannot be guessed."""
    for train in trains:
        same = [t.file.name for t in trains if t.population == train.population]
        if len(same) > 1:
            raise RecordingError(
                root, f"spikes of population {train.population or '(not named)'!r} in {len(same)} files: "
                f"{', '.join(same)}", expected="one file a population", do="give one file instead of the folder",
            )  # fmt: skip


def rounded_up_s(trains: list[Train]) -> float:
    """The last spike rounded up to the next 10 ms, s; 0 without spikes."""
    last = max((float(t.times_s.max()) for t in trains if len(t.times_s)), default=-TAIL_S)
    return round((np.floor(last / TAIL_S + 1e-9) + 1) * TAIL_S, 6)


def _read_train(part: Part, found: Contents, known: tuple[str, ...], options: LoadOptions, notes: Notes) -> Train:
    with opened(part.file, options) as file:
        group = file[part.group]
        ids = read_numbers(group["node_ids"] if "node_ids" in group else group["gids"]).astype(np.int64)
        stored = group["timestamps"]
        times = read_numbers(stored).astype(np.float64)
        unit = options.spike_unit if "units" not in stored.attrs and options.spike_unit else notes.unit_of(stored, "ms")
    population = part.population or _population_of(part.file, found, known)
    seconds = times * _factor(unit, options, part.place)
    return _checked(Train(part.file, population, ids, seconds, found.in_inputs(part.file)), part.group)


def _read_csv(file: Path, found: Contents, known: tuple[str, ...], options: LoadOptions) -> list[Train]:
    rows = [line.split() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    header = ["timestamps", "population", "node_ids"] if len(rows[0]) == 3 else ["timestamps", "node_ids"]
    if "timestamps" in rows[0]:
        header, rows = rows[0], rows[1:]
    odd = next((i for i, row in enumerate(rows) if len(row) != len(header)), None)
    if odd is not None:
        raise RecordingError(file, f"{len(rows[odd])} values", place=f"spike {odd}", expected=" ".join(header))
    columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    try:
        times, ids = np.array(columns["timestamps"], np.float64), np.array(columns["node_ids"], np.int64)
    except ValueError as error:
        raise RecordingError(file, str(error), expected=" ".join(header)) from error
    seconds = times * _factor(options.spike_unit or "ms", options, str(file))
    names = np.array(columns.get("population", [_population_of(file, found, known)] * len(rows)), dtype=np.str_)
    return [
        _checked(Train(file, str(name), ids[names == name], seconds[names == name], found.in_inputs(file)), str(name))
        for name in np.unique(names)
    ]


def _population_of(file: Path, found: Contents, known: tuple[str, ...]) -> str:
    """The population a file without names belongs to: by its own name where nodes or inputs are called so."""
    stem = file.stem.removesuffix("_spikes").removesuffix("_spike_trains")
    return stem if stem in known or found.in_inputs(file) else ""


def _factor(unit: str, options: LoadOptions, place: str) -> float:
    if unit != "samples":
        return to_seconds(unit, place=place)
    if options.rate_hz is None:
        raise RecordingError(place, "spike times in samples", do="give --rate-hz")
    return 1 / options.rate_hz


def _checked(train: Train, group: str) -> Train:
    if len(train.node_ids) != len(train.times_s):
        raise RecordingError(
            train.file, f"{len(train.node_ids)} node ids for {len(train.times_s)} spike times", place=group,
            expected="one each per spike",
        )  # fmt: skip
    bad = int((~np.isfinite(train.times_s)).sum())
    if bad:
        raise RecordingError(train.file, f"{bad} spike times are not finite", place=group, do="repair the file")
    if len(train.node_ids) and train.node_ids.min() < 0:
        raise RecordingError(train.file, f"node id {train.node_ids.min()}", place=group, expected="ids from 0")
    return train

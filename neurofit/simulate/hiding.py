"""Some cells of a recording as if nobody had recorded the others."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit_io import Connectivity, Recording, RecordingError, Signal, Spikes
from neurofit_io.sources import SelectedSource

KINDS_BY_CELL = (
    "vm",
    "calcium",
    "extracellular",
    "fluorescence",
    "dff",
    "deconvolved",
    "true_rates",
    "counts",
    "current",
)
"""Kinds of signals that a hidden cell takes away where channels are labelled like cells."""


def cell_ids(recording: Recording) -> NDArray:
    """Labels of the recorded cells: of the connectivity, of the spikes or of the only vm.

    Raises:
        RecordingError: None of these is there.
    """
    if recording.connectivity is not None:
        return recording.connectivity.post_ids
    if recording.spikes is not None:
        return recording.spikes.unit_ids
    if "vm" in recording.signals:
        return recording.signals["vm"].channel_ids
    raise RecordingError(
        recording.provenance.path, "no connectivity, spikes or vm", expected="cells, some of which can be hidden"
    )


def keep_cells(recording: Recording, cells: NDArray[np.integer]) -> Recording:
    """The recording of some of its cells.

    Args:
        recording: A recording.
        cells: Positions among `cell_ids`, ascending.

    Returns:
        Signals by cell, the train `spikes` and connections without the other cells; everything else as it was, fields
        that the other cells cause too.
    """
    chosen = _Chosen(cell_ids(recording), cells)
    signals = {name: _of_signal(signal, chosen) for name, signal in recording.signals.items()}
    trains = dict(recording.spike_trains)
    if recording.spikes is not None:
        trains["spikes"] = _of_spikes(recording.spikes, chosen)
    own = recording.connectivity
    population = None if own is None else own.metadata.get("post_population")
    matrices = {name: _of_connectivity(matrix, chosen, population) for name, matrix in recording.connectivities.items()}
    return dataclasses.replace(recording, signals=signals, spike_trains=trains, connectivities=matrices)


class _Chosen:
    """Finds the chosen cells by their labels."""

    def __init__(self, ids: NDArray, cells: NDArray[np.integer]) -> None:
        self._ids, self._kept = ids, ids[cells]

    def among(self, labels: NDArray) -> NDArray[np.intp] | None:
        """Where the chosen cells are among labels of cells, ascending; None for labels of something else."""
        return np.flatnonzero(np.isin(labels, self._kept)) if np.isin(labels, self._ids).all() else None


def _of_signal(signal: Signal, chosen: _Chosen) -> Signal:
    columns = chosen.among(signal.channel_ids) if signal.kind in KINDS_BY_CELL else None
    if columns is None:
        return signal
    gain, offset = (
        value if np.ndim(value) == 0 else np.asarray(value).reshape(-1)[columns]
        for value in (signal.gain, signal.offset)
    )
    return dataclasses.replace(
        signal,
        source=SelectedSource(signal.source, ((0, signal.shape[0]),), columns),
        gain=gain,
        offset=offset,
        channel_ids=signal.channel_ids[columns],
        positions_um=_rows(signal.positions_um, columns),
    )


def _of_spikes(spikes: Spikes, chosen: _Chosen) -> Spikes:
    kept_units = chosen.among(spikes.unit_ids)
    if kept_units is None:
        return spikes
    place = _places(kept_units, spikes.n_units)
    units = place[spikes.units]
    return dataclasses.replace(
        spikes,
        times_s=spikes.times_s[units >= 0],
        units=units[units >= 0].astype(np.int32),
        unit_ids=spikes.unit_ids[kept_units],
        observed_s=None if spikes.observed_s is None else tuple(spikes.observed_s[unit] for unit in kept_units),
        columns={name: values[kept_units] for name, values in spikes.columns.items()},
        positions_um=_rows(spikes.positions_um, kept_units),
    )


def _of_connectivity(matrix: Connectivity, chosen: _Chosen, population: object) -> Connectivity:
    changed: dict[str, Any] = {}
    kept = np.ones(len(matrix.post), bool)
    for side in ("post", "pre"):
        labels = getattr(matrix, f"{side}_ids")
        cells = chosen.among(labels) if matrix.metadata.get(f"{side}_population") == population else None
        if cells is None:
            continue
        changed[side] = _places(cells, len(labels))[getattr(matrix, side)]
        kept &= changed[side] >= 0
        for part in (f"{side}_ids", f"{side}_types", f"{side}_positions_um"):
            changed[part] = _rows(getattr(matrix, part), cells)
    for part in ("post", "pre", "weights", "delays_ms"):
        changed[part] = _rows(changed.get(part, getattr(matrix, part)), kept)
    return dataclasses.replace(matrix, **changed)


def _places(kept: NDArray[np.intp], total: int) -> NDArray[np.int64]:
    """New position of each of `total`, -1 for those that are not kept."""
    place = np.full(total, -1, np.int64)
    place[kept] = np.arange(len(kept))
    return place


def _rows(values: NDArray | None, rows: NDArray) -> NDArray | None:
    return None if values is None else values[rows]

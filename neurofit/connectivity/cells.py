"""Which cells a voltage and spikes share: columns of `vm`, units of `spikes` and cells of the truth, by their ids."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from neurofit_io import Recording, RecordingError, Signal, Spikes


def voltages_of(recording: Recording) -> list[str]:
    """Names of the membrane potentials of a recording."""
    return [name for name, signal in recording.signals.items() if signal.kind == "vm"]


def voltage_of(recording: Recording, name: str | None = None) -> Signal:
    """The membrane potentials called `name`, or the only ones there are.

    Raises:
        RecordingError: None, or several and no name.
    """
    names = voltages_of(recording)
    if name is None and len(names) != 1:
        raise RecordingError(
            recording.provenance.path, f"{len(names)} voltages ({', '.join(names) or 'none'})",
            expected="one signal of kind vm", do="choose with --signal" if names else "give a recording of Vm",
        )  # fmt: skip
    return recording.signal(name or names[0])


def same_cells(vm: Signal, spikes: Spikes, *, place: str = "") -> Spikes:
    """`spikes` with unit i being the cell of channel i of `vm`, cells without spikes included.

    Raises:
        RecordingError: An id stands twice, a unit has no channel, or the signal has no constant rate.
    """
    if vm.rate_hz is None or len(vm.segments) != 1:
        raise RecordingError(place, f"{vm.name} without one constant rate", expected="a regular signal without gaps",
                             do="use --resample-hz or --time")  # fmt: skip
    units = units_by_id(spikes, vm.channel_ids, place=place)
    if np.array_equal(units, np.arange(spikes.n_units)) and spikes.n_units == len(vm.channel_ids):
        return spikes
    return dataclasses.replace(
        spikes, units=units[spikes.units].astype(np.int32), unit_ids=vm.channel_ids, observed_s=None, columns={},
        positions_um=vm.positions_um,
    )  # fmt: skip


def units_by_id(spikes: Spikes, ids: NDArray, *, place: str = "") -> NDArray[np.int64]:
    """Position of each unit of `spikes` among `ids`, (units,).

    Raises:
        RecordingError: An id stands twice, or a unit is not among `ids`.
    """
    for what, labels in ((spikes.name, spikes.unit_ids), ("the signal", ids)):
        found, count = np.unique(np.asarray(labels).astype(str), return_counts=True)
        if (count > 1).any():
            raise RecordingError(
                place, f"cell {found[count > 1][0]} stands {count.max()} times in {what}", expected="every cell once"
            )
    where = {str(label): position for position, label in enumerate(ids)}
    missing = [str(label) for label in spikes.unit_ids if str(label) not in where]
    if missing:
        listed = ", ".join(missing[:8]) + (" ..." if len(missing) > 8 else "")
        raise RecordingError(
            place, f"{len(missing)} units of {spikes.name} have no voltage: {listed}",
            expected="spikes and voltages of the same cells",
        )  # fmt: skip
    return np.array([where[str(label)] for label in spikes.unit_ids], dtype=np.int64)

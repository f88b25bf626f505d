"""What connections are inferred from, taken from a recording and checked: spikes, and the voltages of the same cells.

Spikes that the recording does not hold are detected: in membrane potentials by upward crossings, in extracellular
voltages by `detect_spikes`.
"""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.cells import same_cells, voltage_of, voltages_of
from neurofit.connectivity.detection import detect_spikes
from neurofit.metrics import spike_thresholds, threshold_crossings
from neurofit_io import Clock, Recording, RecordingError, RecordingWarning, Signal, Spikes, spikes_from_lists
from neurofit_io.sources import SelectedSource

LEAST_RANGE_MV, MOST_MV = 1.0, 1000.0
"""A membrane potential that stays within 1 mV, or reaches 1 V, is in another unit than mV."""
LOOKED_AT = 20_000_000
"""Samples from which range and thresholds are taken."""
ALIKE = 10
"""Spikes from which on equal trains are no chance."""


@dataclass(frozen=True, eq=False)
class Population:
    """Recorded cells.

    Attributes:
        spikes: Their spikes.
        vm: Their membrane potentials, mV; unit i of `spikes` is channel i. None where there are none.
        place: The file, for messages.
        notes: What was detected or left out, a sentence each.
    """

    spikes: Spikes
    vm: Signal | None = None
    place: str = ""
    notes: tuple[str, ...] = ()

    @property
    def cell_ids(self) -> NDArray:
        """A label per cell."""
        return self.spikes.unit_ids

    @property
    def duration_s(self) -> float:
        """Length of the recording, s."""
        return self.spikes.duration_s if self.vm is None else self.vm.duration_s

    def until(self, duration_s: float) -> Population:
        """The first `duration_s` seconds of it."""
        start = self.spikes.start_s if self.vm is None else self.vm.start_s
        return self.between(start, start + duration_s)

    def between(self, start_s: float, stop_s: float) -> Population:
        """The part of it from `start_s` to `stop_s`, s on the recording's clock.

        Raises:
            RecordingError: No such part.
        """
        vm = self.vm
        if vm is not None:
            rate = float(vm.rate_hz or np.nan)
            low, high = (
                int(np.clip(np.ceil((t - vm.start_s) * rate - 1e-6), 0, vm.shape[0])) for t in (start_s, stop_s)
            )
            if low >= high:
                raise RecordingError(self.place, f"no voltage from {start_s:g} to {stop_s:g} s")
            clock = Clock(high - low, vm.rate_hz, vm.start_s + low / rate)
            vm = dataclasses.replace(vm, source=SelectedSource(vm.source, ((low, high),)), clock=clock)
            start_s, stop_s = clock.start_s, clock.start_s + (high - low) / rate
        spikes = self.spikes
        start_s, stop_s = max(start_s, spikes.start_s), min(stop_s, spikes.stop_s)
        inside = slice(*np.searchsorted(spikes.times_s, [start_s, stop_s]))
        cut = dataclasses.replace(
            spikes, times_s=spikes.times_s[inside], units=spikes.units[inside], start_s=start_s, stop_s=stop_s,
            observed_s=None,
        )  # fmt: skip
        return dataclasses.replace(self, vm=vm, spikes=cut)


def population_of(recording: Recording, *, voltage: bool = True, signal: str | None = None) -> Population:
    """The cells of a recording.

    Args:
        recording: Any recording with spikes, membrane potentials or extracellular voltages.
        voltage: Whether to take membrane potentials, where there are any.
        signal: Which, where there are several.

    Raises:
        RecordingError: Nothing to take spikes from, no spikes, ids that differ, or voltages in another unit.
    """
    place = str(recording.provenance.path)
    vm = voltage_of(recording, signal) if voltage and (signal or voltages_of(recording)) else None
    if vm is not None:
        _refuse_other_unit(vm, place)
    spikes, notes = _spikes(recording, vm, place)
    if vm is not None:
        spikes = _within(same_cells(vm, spikes, place=place), vm, place)
    if spikes.n_spikes == 0:
        raise RecordingError(place, f"no spikes of its {spikes.n_units} cells", expected="cells that fire")
    if spikes.n_units < 2:
        raise RecordingError(place, "one cell", expected="two or more")
    alike = equal_trains(spikes)
    if alike:
        listed = ", ".join(f"{spikes.unit_ids[a]} and {spikes.unit_ids[b]}" for a, b in alike[:4])
        text = f"{place}: {len(alike)} pairs of cells have equal spikes ({listed}): their weights cannot be told apart"
        warnings.warn(text, RecordingWarning, stacklevel=2)
        notes.append(f"{len(alike)} pairs of cells have equal spikes: {listed}")
    return Population(spikes, vm, place, tuple(notes))


def equal_trains(spikes: Spikes) -> list[tuple[int, int]]:
    """Pairs of units with the same ten spike times or more."""
    order = np.argsort(spikes.units, kind="stable")
    trains = np.split(spikes.times_s[order], np.cumsum(spikes.per_unit())[:-1])
    seen: dict[bytes, int] = {}
    pairs = []
    for unit, train in enumerate(trains):
        if len(train) >= ALIKE:
            first = seen.setdefault(train.tobytes(), unit)
            if first != unit:
                pairs.append((first, unit))
    return pairs


def _spikes(recording: Recording, vm: Signal | None, place: str) -> tuple[Spikes, list[str]]:
    if recording.spikes is not None:
        return recording.spikes, []
    found = recording.signals.get("extracellular") if vm is None else None
    if vm is None and found is None:
        held = ", ".join([*recording.signals, *recording.spike_trains, *recording.unavailable]) or "nothing"
        raise RecordingError(
            place, f"no spikes, vm or extracellular (it has {held})", expected="one of them",
            do="name what it holds with --kind",
        )  # fmt: skip
    if vm is not None:
        spikes = crossings(vm)
        return spikes, [f"{spikes.n_spikes} spikes detected by upward crossings of vm"]
    assert found is not None
    spikes = detect_spikes(found)
    return spikes, [f"{spikes.n_spikes} spikes detected in {found.name}"]


def crossings(vm: Signal) -> Spikes:
    """Spikes of membrane potentials: where each passes its median by five robust standard deviations, upwards."""
    rate = float(vm.rate_hz or np.nan)
    thresholds = spike_thresholds(vm.read(0, _steps_looked_at(vm)), kind="vm")
    trains: list[list[NDArray[np.intp]]] = [[] for _ in range(vm.shape[1])]
    overlap = max(1, round(rate / 1000))
    for first, values in vm.slabs():
        before = max(0, first - overlap)
        window = np.concatenate([vm.read(before, first), values])
        for cell, steps in enumerate(threshold_crossings(window, thresholds, rate_hz=rate)):
            trains[cell].append(steps[steps >= first - before] + before)
    times = [vm.start_s + np.concatenate(train) / rate for train in trains]
    stop_s = vm.start_s + vm.shape[0] / rate
    return spikes_from_lists(times, start_s=vm.start_s, stop_s=stop_s, unit_ids=vm.channel_ids)


def _within(spikes: Spikes, vm: Signal, place: str) -> Spikes:
    """The spikes within the time of the voltage; the others are left out with a word."""
    stop_s = vm.start_s + vm.shape[0] / float(vm.rate_hz or np.nan)
    inside = (spikes.times_s >= vm.start_s) & (spikes.times_s < stop_s)
    outside = int(np.count_nonzero(~inside))
    if spikes.n_spikes and outside == spikes.n_spikes:
        raise RecordingError(
            place, f"all {outside} spikes outside the voltage's {vm.start_s:g} to {stop_s:g} s",
            expected="spikes and voltage on one clock", do="give --start-s, or --spike-unit",
        )  # fmt: skip
    if outside:
        text = f"{place}: {outside} of {spikes.n_spikes} spikes lie outside the voltage and are left out"
        warnings.warn(text, RecordingWarning, stacklevel=3)
    return dataclasses.replace(
        spikes, times_s=spikes.times_s[inside], units=spikes.units[inside], start_s=vm.start_s, stop_s=stop_s,
        observed_s=None,
    )  # fmt: skip


def _refuse_other_unit(vm: Signal, place: str) -> None:
    values = vm.read(0, _steps_looked_at(vm))
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if high - low < LEAST_RANGE_MV:
        raise RecordingError(
            place, f"vm from {low:.3g} to {high:.3g} mV", expected="membrane potentials that vary by millivolts",
            do="give --unit V if they are in volts",
        )  # fmt: skip
    if max(-low, high) > MOST_MV:
        raise RecordingError(
            place, f"vm from {low:.3g} to {high:.3g} mV", expected="membrane potentials below 1 V",
            do="give --unit uV, or --scale",
        )  # fmt: skip


def _steps_looked_at(vm: Signal) -> int:
    return min(vm.shape[0], max(1000, LOOKED_AT // vm.shape[1]))

"""What inference takes from a recording, and what it refuses in one line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import voltage_network

from neurofit.connectivity.method_names import DALE_METHODS
from neurofit.connectivity.methods import METHODS, infer
from neurofit.connectivity.population import crossings, equal_trains, population_of
from neurofit_io import Provenance, Recording, RecordingError, RecordingWarning, signal_from_array, spikes_from_lists

N = 4
WEIGHT = voltage_network.sparse_weights(N)


def recording(*, vm: bool = True, spikes: bool = True, **changed: object) -> Recording:
    voltage, trains = voltage_network.network(WEIGHT, duration_s=4.0)
    voltage = dataclasses.replace(voltage, **changed.get("vm_fields", {}))  # type: ignore[arg-type]
    trains = dataclasses.replace(trains, **changed.get("spike_fields", {}))  # type: ignore[arg-type]
    return Recording(
        Provenance(Path("made.h5"), "memory"), {"vm": voltage} if vm else {}, {"spikes": trains} if spikes else {}
    )


def scaled(factor: float) -> Recording:
    voltage, trains = voltage_network.network(WEIGHT, duration_s=4.0)
    vm = signal_from_array(
        voltage.read() * factor, name="vm", rate_hz=2000.0, unit="mV", channel_ids=voltage.channel_ids
    )
    return Recording(Provenance(Path("made.h5"), "memory"), {"vm": vm}, {"spikes": trains})


def test_spikes_are_matched_to_voltages_by_their_ids() -> None:
    order = [2, 0, 3, 1]
    one = recording()
    turned = one.spikes
    assert turned is not None
    place = np.argsort(order)
    shuffled = dataclasses.replace(turned, units=place[turned.units].astype(np.int32), unit_ids=turned.unit_ids[order])
    population = population_of(dataclasses.replace(one, spike_trains={"spikes": shuffled}))
    np.testing.assert_array_equal(population.spikes.units, turned.units)
    assert population.cell_ids.tolist() == ["c0", "c1", "c2", "c3"]


@pytest.mark.parametrize(("factor", "unit"), [(1e-3, "--unit V"), (1e3, "--unit uV")])
def test_another_unit_than_mv_is_caught_by_range(factor: float, unit: str) -> None:
    with pytest.raises(RecordingError, match=f"made.h5: vm from .* expected membrane potentials.*{unit}"):
        population_of(scaled(factor))


def test_what_a_method_lacks_is_said_in_one_line() -> None:
    with pytest.raises(RecordingError, match="no spikes, vm or extracellular"):
        population_of(recording(vm=False, spikes=False))
    with pytest.raises(RecordingError, match=r"no membrane potentials, which gls needs.*correlogram"):
        infer(population_of(recording(vm=False)), "gls")
    with pytest.raises(RecordingError, match="--method best; expected of gls"):
        infer(population_of(recording()), "best")


def test_no_spikes_and_one_cell_are_refused() -> None:
    empty = spikes_from_lists([[], [], [], []], stop_s=4.0, unit_ids=np.array(["c0", "c1", "c2", "c3"]))
    with pytest.raises(RecordingError, match="no spikes of its 4 cells"):
        population_of(dataclasses.replace(recording(), spike_trains={"spikes": empty}))
    lone = spikes_from_lists([[0.1, 0.2]], stop_s=4.0)
    with pytest.raises(RecordingError, match="one cell; expected two or more"):
        population_of(Recording(Provenance(Path("made.h5"), "memory"), {}, {"spikes": lone}))


def test_spikes_outside_the_voltage_are_left_out_with_a_word() -> None:
    one = recording()
    assert one.spikes is not None
    late = dataclasses.replace(
        one.spikes, times_s=np.append(one.spikes.times_s, 9.0), units=np.append(one.spikes.units, 0).astype(np.int32),
        stop_s=10.0,
    )  # fmt: skip
    with pytest.warns(RecordingWarning, match="1 of .* spikes lie outside the voltage"):
        population = population_of(dataclasses.replace(one, spike_trains={"spikes": late}))
    assert population.spikes.n_spikes == one.spikes.n_spikes
    assert population.spikes.stop_s == 4.0
    gone = dataclasses.replace(one.spikes, times_s=one.spikes.times_s + 100, start_s=100.0, stop_s=104.0)
    with pytest.raises(RecordingError, match=r"all .* spikes outside the voltage's 0 to 4 s"):
        population_of(dataclasses.replace(one, spike_trains={"spikes": gone}))


def test_equal_spike_trains_are_named() -> None:
    train = np.linspace(0.1, 3.9, 30)
    spikes = spikes_from_lists([train, train + 0.003, train], stop_s=4.0)
    assert equal_trains(spikes) == [(0, 2)]
    with pytest.warns(RecordingWarning, match="1 pairs of cells have equal spikes .0 and 2.: their weights cannot"):
        population_of(Recording(Provenance(Path("made.h5"), "memory"), {}, {"spikes": spikes}))


def test_ids_that_do_not_match_are_refused() -> None:
    other = {"spike_fields": {"unit_ids": np.array(["c0", "c1", "c2", "x"])}}
    with pytest.raises(RecordingError, match="1 units of spikes have no voltage: x"):
        population_of(recording(**other))
    twice = {"spike_fields": {"unit_ids": np.array(["c0", "c1", "c2", "c2"])}}
    with pytest.raises(RecordingError, match="cell c2 stands 2 times"):
        population_of(recording(**twice))


def test_spikes_that_are_not_there_are_detected() -> None:
    rng = np.random.default_rng(0)
    values = -65 + rng.standard_normal((20_000, 3))
    steps = [[500, 2000, 9000], [60, 15_000], []]
    for cell, train in enumerate(steps):
        for step in train:
            values[step : step + 5, cell] = [0, 30, 10, -40, -60]
    vm = signal_from_array(values, name="vm", rate_hz=10_000.0, unit="mV")
    population = population_of(Recording(Provenance(Path("made.h5"), "memory"), {"vm": vm}))
    assert "5 spikes detected by upward crossings of vm" in population.notes[0]
    for cell, train in enumerate(steps):
        np.testing.assert_allclose(population.spikes.times_of(cell), np.array(train) / 10_000.0)
    assert crossings(vm).n_units == 3


def test_a_part_of_a_population() -> None:
    population = population_of(recording())
    part = population.between(1.0, 2.5)
    assert part.vm is not None
    assert population.vm is not None
    np.testing.assert_array_equal(part.vm.read(), population.vm.read(2000, 5000))
    assert part.vm.start_s == pytest.approx(1.0)
    inside = (population.spikes.times_s >= 1.0) & (population.spikes.times_s < 2.5)
    np.testing.assert_array_equal(part.spikes.times_s, population.spikes.times_s[inside])
    assert population.until(0.5).duration_s == pytest.approx(0.5)
    with pytest.raises(RecordingError, match="no voltage from 7 to 9 s"):
        population.between(7.0, 9.0)


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_runs_on_a_population_by_its_name(method: str) -> None:
    estimate, *after = infer(population_of(recording()), method)
    assert estimate.method == method
    assert [each.method for each in after] == [f"{method}-dale"] * (method in DALE_METHODS)
    assert estimate.z.shape == estimate.weight.shape == estimate.se.shape == (N, N)
    assert not np.diag(estimate.z).any()
    assert np.isfinite(estimate.z).all()

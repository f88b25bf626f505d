"""Powers of averages against a literal loop, and each explanation found where it was put in and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from neurofit.connectivity.binned_voltage import binned_voltage
from neurofit.connectivity.unconnected_averages import (
    average_power,
    difference_of_shares,
    exponent,
    jittered_trains,
    share,
    shifted_trains,
    unconnected_averages,
)
from neurofit_io import RecordingError, Signal, Spikes, signal_from_array, spikes_from_lists

CELLS, STEPS = 16, 20000


def recorded(kind: str) -> tuple[Signal, Spikes, np.ndarray]:
    """White noise at 1 kHz, 20 s, and 2 to 20 spikes a second, with one thing beside them.

    noise: nothing; own: large own spikes; drive: a slow wave that moves voltage and rates of all; between: cell 2k
    excites 2k + 1 by two synapses through the last cell, which is connected to all of them.
    """
    rng = np.random.default_rng(3)
    rates, wave = np.linspace(0.002, 0.02, CELLS), gaussian_filter1d(rng.standard_normal(STEPS), 80)
    wave = np.clip(wave / wave.std(), -2, 2) / 2
    vm = rng.standard_normal((STEPS, CELLS))
    if kind == "drive":
        vm += 2 * wave[:, None]
        rates = rates * (1 + wave[:, None])
    fired = rng.random((STEPS, CELLS)) < rates
    if kind == "own":
        vm[fired] += 60
    weight = np.zeros((CELLS, CELLS))
    if kind == "between":
        weight[-1, : CELLS // 2], weight[: CELLS // 2, -1] = 1.0, 1.0
        for pre in range(CELLS // 2):
            for step in np.flatnonzero(fired[:, pre]):
                vm[step + 3 : step + 8, : CELLS // 2] += 0.5
    signal = signal_from_array(vm, name="vm", rate_hz=1000.0, unit="mV")
    trains = [np.flatnonzero(fired[:, cell]) / 1000 for cell in range(CELLS)]
    return signal, spikes_from_lists(trains, stop_s=STEPS / 1000), weight


def test_powers_are_those_of_a_literal_loop():
    vm, spikes, _ = recorded("noise")
    voltage = binned_voltage(vm, spikes, bin_ms=1.0, blanked=False)
    found = average_power(voltage, spikes)
    values = vm.read().astype(float)
    values -= values.mean(axis=0)
    for post, pre in ((0, 1), (5, 5), (9, 2)):
        steps = np.rint(spikes.times_of(pre) * 1000).astype(int)
        steps = steps[steps < STEPS - 30]
        average = [np.mean([values[step + lag, post] for step in steps]) for lag in range(1, 31)]
        assert found[post, pre] == pytest.approx(np.mean(np.square(average)), rel=1e-4)


def test_noise_alone_is_all_noise_and_falls_with_the_root_of_spikes():
    found = unconnected_averages(*recorded("noise"))
    noise, drive = found.noise(), found.shared_drive()
    assert noise.low < 1 < noise.high
    assert drive.low < 0 < drive.high
    assert found.own_spikes().value < 0.1
    assert found.exponent().value == pytest.approx(-0.5, abs=0.06)
    assert [row[0] for row in found.by_length()] == ["no path"]


def test_own_spikes_are_found():
    found = unconnected_averages(*recorded("own"))
    assert found.own_spikes().low > 0.9
    assert found.noise().low > 0.8


def test_a_shared_drive_is_found():
    found = unconnected_averages(*recorded("drive"))
    assert found.shared_drive().low > 0.5
    assert found.noise().high < 0.5
    assert found.own_spikes().high < 0.2


def test_a_cell_between_is_found():
    found = unconnected_averages(*recorded("between"))
    assert found.cell_between().low > 0.2
    assert found.fast().low > 0.1
    labels = {row[0]: row for row in found.by_length()}
    assert set(labels) == {"1", "2", "no path"}
    assert labels["2"][2] > 1.3 * labels["2"][3]
    assert labels["no path"][2] == pytest.approx(labels["no path"][3], rel=0.1)


def test_moves_keep_counts_and_stay_within():
    _, spikes, _ = recorded("noise")
    rng = np.random.default_rng(0)
    for moved in (shifted_trains(spikes, rng), jittered_trains(spikes, 25.0, rng)):
        np.testing.assert_array_equal(moved.per_unit(), spikes.per_unit())
        assert moved.times_s.min() >= 0
        assert moved.times_s.max() <= spikes.stop_s
    shift = shifted_trains(spikes, rng)
    gaps = [np.sort(np.diff(np.concatenate([t, t[:1] + 20.0]))) for t in (spikes.times_of(3), shift.times_of(3))]
    np.testing.assert_allclose(gaps[0], gaps[1], atol=1e-9)
    assert np.abs(np.sort(jittered_trains(spikes, 25.0, rng).times_of(3)) - spikes.times_of(3)).max() <= 0.025


def test_shares_and_exponents_in_closed_form():
    part, whole = np.full((3, 40), 1.0), np.full((3, 40), 4.0)
    which = np.ones((3, 40), dtype=bool)
    found = share(part, whole, which)
    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)
    assert difference_of_shares((part, whole, which), (whole, whole, which)).value == -0.75
    assert np.isnan(share(part, np.zeros_like(whole), which).value)
    n = np.arange(1, 41)
    assert exponent(n, 9.0 / np.broadcast_to(n, (3, 40)), which).value == pytest.approx(-0.5)
    assert np.isnan(exponent(n[:3], whole[:, :3], which[:, :3]).value)


def test_a_full_graph_leaves_nothing_to_ask():
    vm, spikes, weight = recorded("noise")
    with pytest.raises(RecordingError, match="no unconnected pair"):
        unconnected_averages(vm, spikes, np.ones_like(weight))

"""Blanking and binning against literal loops."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.connectivity import binned_voltage as module
from neurofit.connectivity.binned_voltage import binned_voltage
from neurofit.connectivity.blanking import blank_mask, interpolate_blanks, spike_level, spike_steps
from neurofit_io import Signal, Spikes, signal_from_array, spikes_from_lists

RATE_HZ = 10_000.0


def recorded(n_steps: int = 4000) -> tuple[Signal, Spikes]:
    values = -60 + np.random.default_rng(0).standard_normal((n_steps, 2)).cumsum(axis=0) * 0.1
    trains = [[0.0001, 0.05, 0.0513, 0.2], [0.3999]]
    vm = signal_from_array(values, name="vm", rate_hz=RATE_HZ, unit="mV", start_s=0.0)
    return vm, spikes_from_lists(trains, stop_s=n_steps / RATE_HZ)


def test_blanks_lie_around_own_spikes_and_nowhere_else() -> None:
    vm, spikes = recorded()
    mask = blank_mask(spikes, vm, 0, 4000, before_ms=0.2, after_ms=2.3)
    expected = np.zeros((4000, 2), dtype=bool)
    for time, unit in zip(spikes.times_s, spikes.units, strict=True):
        step = int(np.floor(time * RATE_HZ + 1e-9))
        expected[max(0, step - 2) : step + 24, unit] = True
    np.testing.assert_array_equal(mask, expected)
    parts = [blank_mask(spikes, vm, a, a + 250) for a in range(0, 4000, 250)]
    np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_a_signal_that_starts_later_counts_from_its_start() -> None:
    spikes = spikes_from_lists([[1.5]], start_s=1.0, stop_s=2.0)
    assert spike_steps(spikes, rate_hz=1000.0, start_s=1.0).tolist() == [500]


def test_straight_lines_across_blanks() -> None:
    values = np.array([[1.0], [9.0], [9.0], [4.0], [9.0]])
    blank = np.array([[False], [True], [True], [False], [True]])
    np.testing.assert_allclose(interpolate_blanks(values, blank)[:, 0], [1, 2, 3, 4, 4])
    np.testing.assert_allclose(interpolate_blanks(values, np.ones_like(blank)), values)


@pytest.mark.parametrize("slab", [module.SLAB_BYTES, 2000])
def test_bins_are_means_of_what_is_kept(slab: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLAB_BYTES", slab)
    vm, spikes = recorded()
    binned = binned_voltage(vm, spikes, bin_ms=0.5)
    values = vm.read().astype(np.float64)
    blank = blank_mask(spikes, vm, 0, 4000)
    for cell in range(2):
        for b in (0, 3, 20, 99, 100, 103, 105, 400, 799):
            part = slice(5 * b, 5 * b + 5)
            kept = values[part, cell][~blank[part, cell]]
            assert binned.valid[b, cell] == (len(kept) == 5)
            if len(kept):
                assert binned.values[b, cell] + binned.mean[cell] == pytest.approx(kept.mean(), abs=1e-4)
    assert abs(float(binned.values[binned.valid[:, 0], 0].mean())) < 1e-4
    assert binned.n_bins == 800
    assert binned.bin_ms == pytest.approx(0.5)


def test_raw_bins_keep_the_spikes() -> None:
    vm, spikes = recorded()
    binned = binned_voltage(vm, spikes, blanked=False)
    assert binned.valid.all()
    expected = vm.read().astype(np.float64).reshape(800, 5, 2).mean(axis=1)
    np.testing.assert_allclose(binned.values + binned.mean, expected, atol=1e-4)


def test_a_spike_that_was_not_listed_is_blank_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    values = -60 + rng.standard_normal((20_000, 2))
    for step in (4000, 4100, 12_345):
        values[step : step + 20, 0] = np.linspace(30, -60, 20)
    vm = signal_from_array(values, name="vm", rate_hz=RATE_HZ, unit="mV")
    listed = spikes_from_lists([[0.4], []], stop_s=2.0)
    whole = binned_voltage(vm, listed)
    for step in (4000, 4100, 12_345):
        assert not whole.valid[(step - 2) // 5 : (step + 23) // 5 + 1, 0].any()
    assert whole.valid[:, 1].all()
    assert (~whole.valid[:, 0]).sum() <= 3 * 7
    assert float(np.abs(whole.values).max()) < 5
    monkeypatch.setattr(module, "SLAB_BYTES", 2000)
    np.testing.assert_array_equal(binned_voltage(vm, listed).valid, whole.valid)


def test_a_cell_that_never_varies_has_no_level() -> None:
    vm = signal_from_array(np.full((2000, 1), -60.0), name="vm", rate_hz=RATE_HZ, unit="mV")
    assert spike_level(vm).tolist() == [np.inf]

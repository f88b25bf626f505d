"""Weights from LIF currents against numpy's least squares, and against weights that made the voltage."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from neurofit.connectivity import lif_current_estimate
from neurofit.connectivity.binned_voltage import binned_voltage
from neurofit.connectivity.lagged_regression import spike_counts
from neurofit.connectivity.lif_current_estimate import binned_current, kernel_regression, lif_current_coupling
from neurofit_io import Signal, Spikes, signal_from_array, spikes_from_lists

CELLS, STEPS, DT_MS, TAU_MS = 6, 60000, 0.1, 20.0


@functools.cache
def network(silent: int | None = None) -> tuple[Signal, Spikes, np.ndarray]:
    """Passive cells that sum 4 ms exponential currents of Poisson spikes, and show a spike shape at their own."""
    rng = np.random.default_rng(0)
    weight = np.where(rng.random((CELLS, CELLS)) < 0.4, rng.normal(0, 6, (CELLS, CELLS)), 0.0)
    np.fill_diagonal(weight, 0.0)
    fired = rng.random((STEPS, CELLS)) < 0.002
    if silent is not None:
        fired[:, silent] = False
    trains = [np.flatnonzero(fired[:, cell]) * DT_MS / 1000 for cell in range(CELLS)]
    vm, input_now = np.zeros((STEPS, CELLS)), np.zeros(CELLS)
    for t in range(1, STEPS):
        arrived = weight @ fired[t - 10] if t >= 10 else 0.0
        input_now = input_now * np.exp(-DT_MS / 4.0) + arrived
        vm[t] = vm[t - 1] + DT_MS / TAU_MS * (input_now + rng.normal(0, 5, CELLS) - vm[t - 1])
    for cell in range(CELLS):
        for step in np.flatnonzero(fired[:, cell]):
            vm[step : step + 5, cell] += 80.0
            vm[step + 5 : step + 15, cell] -= 15.0
    signal = signal_from_array(vm - 60, name="vm", rate_hz=1000 / DT_MS, unit="mV")
    return signal, spikes_from_lists(trains, stop_s=STEPS * DT_MS / 1000), weight


def test_weights_and_errors_are_those_of_least_squares(monkeypatch):
    monkeypatch.setattr(lif_current_estimate, "RIDGE", 0.0)
    monkeypatch.setattr(lif_current_estimate, "BINS_AT_ONCE", 700)
    vm, spikes, _ = network()
    voltage = binned_voltage(vm, spikes, blanked=False)
    response, valid = binned_current(voltage, TAU_MS)
    valid[:], n = True, voltage.n_bins
    counts = spike_counts(spikes, n_bins=n, bin_ms=0.5, start_s=0.0)
    weight, se, silent = kernel_regression(counts, response, valid, bin_ms=0.5)
    kernel = np.concatenate([np.zeros(2), np.exp(-np.arange(400) * 0.5 / 4)])
    design = np.stack([np.convolve(one, kernel)[:n] for one in counts.toarray().T.astype(float)], axis=1)
    design -= design.mean(axis=0)
    target = response - response.mean(axis=0)
    expected, residual, *_ = np.linalg.lstsq(design, target.astype(float), rcond=None)
    assert not silent.any()
    np.testing.assert_allclose(weight, expected.T, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    spread = np.sqrt(np.outer(residual / (n - CELLS), np.diag(np.linalg.inv(design.T @ design))))
    np.testing.assert_allclose(se, spread, rtol=1e-3)


def test_current_of_bins_is_valid_only_beside_valid_bins():
    vm, spikes, _ = network()
    voltage = binned_voltage(vm, spikes)
    current, valid = binned_current(voltage, TAU_MS)
    np.testing.assert_array_equal(valid[:-1], voltage.valid[:-1] & voltage.valid[1:])
    assert not valid[-1].any()
    assert not current[~valid].any()
    np.testing.assert_allclose(np.where(valid, current, 0).sum(axis=0) / valid.sum(axis=0), 0, atol=1e-4)


def test_weights_that_made_the_voltage_come_back_when_spikes_are_blanked():
    vm, spikes, weight = network()
    blanked, raw = lif_current_coupling(vm, spikes), lif_current_coupling(vm, spikes, preset="nayebi2015")
    others = ~np.eye(CELLS, dtype=bool)
    assert np.corrcoef(blanked.weight[others], weight[others])[0, 1] > 0.98
    assert np.abs(blanked.z[others & (weight == 0)]).max() < np.abs(blanked.z[np.abs(weight) > 3]).min()
    assert np.corrcoef(raw.weight[others], weight[others])[0, 1] < 0.95
    assert blanked.method == raw.method == "lif-current"
    assert "20 ms" in blanked.notes[0]
    assert "3.5 ms, voltage as it is" in raw.notes[0]


def test_silent_cells_say_nothing():
    vm, spikes, _ = network(silent=2)
    found = lif_current_coupling(vm, spikes)
    assert not found.z[:, 2].any()
    assert np.isnan(found.se[:, 2]).all()
    assert found.z[:, 3].any()
    assert "1 cells have fewer than 5 spikes" in found.notes[1]
    with pytest.raises(ValueError, match="have no voltage"):
        lif_current_coupling(signal_from_array(vm.read()[:, :4], name="vm", rate_hz=10000, unit="mV"), spikes)

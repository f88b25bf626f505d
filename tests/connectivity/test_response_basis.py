"""Learned shapes against the ones that voltages were made of."""

from __future__ import annotations

import numpy as np
import pytest
import voltage_network
from numpy.typing import NDArray

from neurofit.connectivity.binned_voltage import binned_voltage
from neurofit.connectivity.lagged_regression import spike_counts
from neurofit.connectivity.response_basis import ResponseBasis, box_basis, learned_basis, psp_basis
from neurofit.connectivity.whitening import fit_whitener, whiten_voltage


def learned(weight: NDArray[np.float64], *, seed: int = 0, most: int = 3) -> ResponseBasis | None:
    vm, spikes = voltage_network.network(weight, duration_s=30.0, seed=seed)
    voltage = binned_voltage(vm, spikes)
    innovations, valid = whiten_voltage(voltage, fit_whitener(voltage))
    counts = spike_counts(spikes, n_bins=voltage.n_bins, bin_ms=0.5, start_s=0.0)
    return learned_basis(counts, innovations, valid, bin_ms=0.5, window_ms=15.0, most=most)


def test_an_exponential_potential_is_one_event_at_its_onset() -> None:
    basis = learned(voltage_network.sparse_weights(10))
    assert basis is not None
    assert basis.shapes.shape == (30, 1)
    assert basis.first_lag + int(basis.shapes[:, 0].argmax()) == 3
    assert basis.shapes[:, 0].max() > 0.95
    assert np.linalg.norm(basis.shapes[:, 0]) == pytest.approx(1.0)


def test_no_shape_without_connections_or_only_one_at_the_border_of_chance() -> None:
    kept = [learned(np.zeros((10, 10)), seed=seed) for seed in range(6)]
    sizes = [0 if basis is None else basis.shapes.shape[1] for basis in kept]
    assert min(sizes) == 0
    assert np.median(sizes) <= 1


def test_boxes_are_disjoint_and_of_unit_norm() -> None:
    basis = box_basis(bin_ms=0.5)
    assert basis.first_lag == 2
    np.testing.assert_allclose(basis.shapes.T @ basis.shapes, np.eye(10))
    coarse = box_basis(bin_ms=2.0)
    np.testing.assert_allclose(coarse.shapes.T @ coarse.shapes, np.eye(coarse.shapes.shape[1]))


def test_an_assumed_potential_comes_back_through_the_autoregression() -> None:
    coefficients = np.array([[1.2, -0.3], [0.0, 0.0], [1.2, -0.3]])
    event = psp_basis(coefficients, bin_ms=0.5).shapes[:, 0]
    potential = np.zeros(60)
    for lag in range(60):
        past = 1.2 * potential[lag - 1] * (lag > 0) - 0.3 * potential[lag - 2] * (lag > 1)
        potential[lag] = event[lag] + past
    since = np.maximum(np.arange(60) * 0.5 - 1.0, 0)
    expected = np.exp(-since / 8.0) - np.exp(-since / 3.5)
    np.testing.assert_allclose(potential / potential.max(), expected / expected.max(), atol=1e-10)

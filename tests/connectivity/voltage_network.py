"""Voltages made of known postsynaptic potentials and autoregressive noise, with spikes whose times are given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from neurofit_io import Signal, Spikes, signal_from_array, spikes_from_lists

RATE_HZ = 2000.0
MEMORY = 0.92


def network(
    weight: NDArray[np.float64], *, duration_s: float, rate_hz: float = 12.0, noise_mv: float = 1.0, seed: int = 0
) -> tuple[Signal, Spikes]:
    """Poisson spikes, and a voltage to which each adds weight x MEMORY^(lag - 3), lags in steps of 0.5 ms from 3 on.

    Args:
        weight: Size of the potentials, mV, (post, pre).
        duration_s: Length, s.
        rate_hz: Rate of each cell, Hz.
        noise_mv: Standard deviation of the autoregressive noise, mV.
        seed: Seed.
    """
    rng = np.random.default_rng(seed)
    n_steps, n_cells = round(duration_s * RATE_HZ), len(weight)
    counts = rng.random((n_steps, n_cells)) < rate_hz / RATE_HZ
    drive = noise_mv * np.sqrt(1 - MEMORY**2) * rng.standard_normal((n_steps, n_cells))
    drive[3:] += counts[:-3] @ weight.T
    vm = -62.0 + signal.lfilter([1.0], [1.0, -MEMORY], drive, axis=0)
    trains = [(np.flatnonzero(counts[:, cell]) + 0.5) / RATE_HZ for cell in range(n_cells)]
    ids = np.array([f"c{cell}" for cell in range(n_cells)])
    spikes = spikes_from_lists(trains, stop_s=duration_s, unit_ids=ids)
    return signal_from_array(vm, name="vm", rate_hz=RATE_HZ, unit="mV", channel_ids=ids), spikes


def sparse_weights(n_cells: int, *, seed: int = 0, size_mv: float = 0.5) -> NDArray[np.float64]:
    """A fifth of the pairs connected, the last quarter of the cells inhibitory, (post, pre), mV."""
    rng = np.random.default_rng(seed)
    weight = np.where(rng.random((n_cells, n_cells)) < 0.2, size_mv * rng.uniform(0.6, 1.4, (n_cells, n_cells)), 0.0)
    weight[:, -n_cells // 4 :] *= -1
    np.fill_diagonal(weight, 0.0)
    return weight

"""Voltages and spikes that know nothing of each other, for tests of averages: autoregressive noise, Poisson trains."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from neurofit_io import Signal, Spikes, signal_from_array, spikes_from_lists

RATE_HZ = 10_000.0


def noise_voltages(
    n_cells: int, n_steps: int, *, seed: int, memory: float = 0.99, sd: float = 2.0, mean: float = -60.0
) -> np.ndarray:
    """(steps, cells), mV."""
    noise = np.random.default_rng(seed).standard_normal((n_steps + 1000, n_cells))
    return mean + sd * np.sqrt(1 - memory**2) * lfilter([1.0], [1.0, -memory], noise, axis=0)[1000:]


def poisson_spikes(n_cells: int, n_steps: int, per_cell: int, *, seed: int, burst: int = 1) -> Spikes:
    """Uniform spike times; each the first of `burst`, 4 ms apart."""
    rng, stop_s = np.random.default_rng(seed), n_steps / RATE_HZ
    firsts = [rng.uniform(0, stop_s, per_cell) for _ in range(n_cells)]
    trains = [np.concatenate([first + 0.004 * k for k in range(burst)]) for first in firsts]
    return spikes_from_lists([np.sort(train[train < stop_s]) for train in trains], stop_s=stop_s)


def vm_signal(values: np.ndarray, **more: object) -> Signal:
    """A `vm` at 10 kHz."""
    return signal_from_array(values, name="vm", rate_hz=RATE_HZ, unit="mV", **more)  # type: ignore[arg-type]

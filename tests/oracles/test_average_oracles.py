"""Spike-triggered averages against pynapple's and scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate

from neurofit.connectivity.spike_triggered_average import spike_triggered_average
from neurofit_io import signal_from_array, spikes_from_lists

STEPS, LAGS = 4000, 25


def averages(values: np.ndarray, steps: list[np.ndarray]) -> np.ndarray:
    vm = signal_from_array(values, name="vm", rate_hz=1000.0, unit="mV")
    spikes = spikes_from_lists([each / 1000 for each in steps], stop_s=STEPS / 1000)
    blocks = spike_triggered_average(spikes, vm, (1, LAGS), reduce="none")
    return np.concatenate([block.values + block.mean[:, None, None] for block in blocks])


@pytest.fixture
def surrogate() -> tuple[np.ndarray, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    values = -60 + np.cumsum(rng.standard_normal((STEPS, 3)), axis=0) * 0.1
    return values, [np.sort(rng.choice(STEPS - LAGS - 1, 50, replace=False)) for _ in range(3)]


def test_pynapple(surrogate: tuple[np.ndarray, list[np.ndarray]]) -> None:
    nap = pytest.importorskip("pynapple")
    values, steps = surrogate
    signal = nap.TsdFrame(np.arange(STEPS) / 1000, values)
    group = nap.TsGroup({i: nap.Ts(each / 1000) for i, each in enumerate(steps)}, time_support=signal.time_support)
    found = nap.compute_event_triggered_average(signal, group, binsize=0.001, window=(0.0, LAGS / 1000))
    expected = np.asarray(found)[1 : LAGS + 1].transpose(2, 1, 0)
    np.testing.assert_allclose(averages(values, steps), expected, atol=1e-4)


def test_cross_correlation(surrogate: tuple[np.ndarray, list[np.ndarray]]) -> None:
    values, steps = surrogate
    found = averages(values, steps)
    for pre in range(3):
        train = np.zeros(STEPS)
        train[steps[pre]] = 1
        for post in range(3):
            full = correlate(values[:, post], train, mode="full", method="fft")
            np.testing.assert_allclose(found[post, pre], full[STEPS : STEPS + LAGS] / 50, atol=1e-4)

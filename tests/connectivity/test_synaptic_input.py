"""Weighted input against the literal sum over spikes and connections."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neurofit.connectivity.synaptic_input import SynapticKernel, moving_average, synaptic_input
from neurofit_io import Connectivity, RecordingError, Spikes, spikes_from_lists

RATE_HZ, START_S, STEPS = 10000.0, 0.3, 1500
KERNELS = [
    SynapticKernel("exponential", 4.0, delay_ms=1.0),
    SynapticKernel("alpha", 2.0, delay_ms=0.0),
    SynapticKernel("difference", 5.0, rise_ms=0.8, delay_ms=1.5),
]


def trains() -> Spikes:
    """Three cells; spikes on steps, between steps, before the signal and at its end; the last cell is silent."""
    rng = np.random.default_rng(0)
    return spikes_from_lists(
        [np.sort(rng.uniform(0.28, 0.45, 9)), 0.3 + np.array([0.0, 100.0, 100.0, 1499.0]) / RATE_HZ, []],
        stop_s=0.45, unit_ids=np.array(["a", "b", "c"]),
    )  # fmt: skip


def connections(delays: bool) -> Connectivity:
    """Two synapses of one pair, one inhibitory connection, one onto itself, one unknown, one from an unseen cell."""
    post, pre = np.array([0, 0, 1, 1, 2, 2]), np.array([1, 1, 0, 1, 0, 3])
    weights = np.array([0.5, 0.25, -2.0, 1.0, np.nan, 9.0])
    return Connectivity(
        "connectivity", post, pre, weights, np.array(["a", "b", "c"]), np.array(["a", "b", "c", "unseen"]),
        delays_ms=np.array([0.5, 2.03, 1.2, np.nan, 1.0, 1.0]) if delays else None,
    )  # fmt: skip


def literal(spikes: Spikes, truth: Connectivity, kernel: SynapticKernel) -> np.ndarray:
    time_ms = START_S * 1000 + np.arange(STEPS) * 1000 / RATE_HZ
    out = np.zeros((STEPS, 3))
    for row, (post, pre, weight) in enumerate(zip(truth.post, truth.pre, truth.weights, strict=True)):
        if np.isnan(weight) or pre == 3:
            continue
        known = truth.delays_ms is not None and np.isfinite(truth.delays_ms[row])
        delay = truth.delays_ms[row] if known else kernel.delay_ms
        for spike in spikes.times_of(pre):
            # Rounded, as a spike on a step is not later than the step.
            out[:, post] += weight * kernel.at(np.round(time_ms - spike * 1000 - delay, 9))
    return out


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.shape)
@pytest.mark.parametrize("delays", [False, True])
def test_the_recursion_is_the_sum(kernel, delays):
    spikes, truth = trains(), connections(delays)
    more = {"rate_hz": RATE_HZ, "start_s": START_S, "n_steps": STEPS}
    found = synaptic_input(spikes, truth, kernel=kernel, **more)
    expected = literal(spikes, truth, kernel)
    assert np.abs(expected[:, :2]).max(axis=0).min() > 0.4
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert not found[:, 2].any()
    np.testing.assert_array_equal(
        synaptic_input(spikes, truth, kernel=kernel, cells=np.array([1]), **more), found[:, 1:2]
    )


def test_cells_are_matched_by_their_labels():
    spikes, truth = trains(), connections(True)
    order = np.array([2, 0, 1])
    place = np.argsort(order)
    moved = dataclasses.replace(spikes, units=place[spikes.units].astype(np.int32), unit_ids=spikes.unit_ids[order])
    more = {"kernel": KERNELS[0], "rate_hz": RATE_HZ, "start_s": START_S, "n_steps": STEPS}
    np.testing.assert_allclose(synaptic_input(moved, truth, **more), synaptic_input(spikes, truth, **more), atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.shape)
def test_kernels_rise_to_one_and_begin_at_zero(kernel):
    time = np.linspace(-1, 60, 61001)
    value = kernel.at(time)
    assert value.max() == pytest.approx(1.0, abs=1e-6)
    assert not value[time < 0].any()
    assert value[-1] < 1e-4


def test_wrong_kernels_are_named():
    for wrong in ({"tau_ms": 0.0}, {"shape": "difference", "tau_ms": 1.0, "rise_ms": 1.0}, {"delay_ms": -1.0}):
        with pytest.raises(RecordingError, match="ms"):
            SynapticKernel(**wrong)


def test_moving_average_is_of_the_past():
    values = np.random.default_rng(1).standard_normal((50, 2))
    for steps in (1, 7, 80):
        expected = [values[max(0, t - steps + 1) : t + 1].mean(axis=0) for t in range(50)]
        np.testing.assert_allclose(moving_average(values, steps), expected, atol=1e-12)

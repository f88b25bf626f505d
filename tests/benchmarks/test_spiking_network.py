"""The simulated network of the benchmarks does what its equations say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.spiking_network import (
    DT_MS,
    GAIN,
    NEAREST_UM,
    Activity,
    Network,
    draw_weights,
    extracellular,
    run,
    simulate,
    spike_shape,
)
from neurofit_io import Recording, load, save


@pytest.fixture(scope="module")
def recording() -> Recording:
    return simulate(Network(duration_s=2.0))


def test_it_fires_as_often_as_cortex_and_nothing_is_missing(recording: Recording) -> None:
    assert 5 < recording.spike_trains["spikes"].per_unit().mean() / 2.0 < 25
    for name in ("vm", "extracellular"):
        values = recording.signals[name].read()
        assert values.shape == (20_000, 100)
        assert np.isfinite(values).all()


def test_the_seed_decides_everything(recording: Recording) -> None:
    short = [simulate(Network(duration_s=0.1, seed=seed)) for seed in (0, 0, 1)]
    first, same, other = (each.signals["extracellular"].read() for each in short)
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1
    # The field is one matrix product, whose last bits depend on its size on some processors.
    np.testing.assert_allclose(first, recording.signals["extracellular"].read(0, 1000), rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(short[0].signals["vm"].read(), recording.signals["vm"].read(0, 1000))


def test_the_recording_survives_the_disk(recording: Recording, tmp_path: Path) -> None:
    again = load(save(recording, tmp_path / "network.h5"))
    np.testing.assert_array_equal(again.signals["vm"].read(), recording.signals["vm"].read())
    assert again.connectivity is not None
    weights = draw_weights(Network(), np.random.default_rng(0))
    np.testing.assert_array_equal(again.connectivity.weight, weights)
    assert (weights[:, :80] >= 0).all()
    assert (weights[:, 80:] <= 0).all()
    assert not weights.diagonal().any()
    assert np.count_nonzero(weights) / 9900 == pytest.approx(0.2, abs=3 * np.sqrt(0.16 / 9900))


def test_without_spikes_the_variance_is_that_of_a_filtered_ornstein_uhlenbeck_process() -> None:
    network = Network(neurons=400, duration_s=0.5, threshold_mv=1e6, drive_spread_mv=0.0)
    activity = run(network, np.zeros((400, 400)), np.random.default_rng(0))
    expected = network.noise_mv**2 * network.tau_x_ms / (network.tau_x_ms + network.tau_m_ms)
    assert activity.vm.var() == pytest.approx(expected, rel=0.05)
    assert activity.vm.mean() == pytest.approx(network.rest_mv + network.drive_mv, abs=0.2)


def test_a_spike_is_pasted_and_reaches_its_target_a_delay_later() -> None:
    network = Network(neurons=2, duration_s=0.2, noise_mv=0.0, drive_spread_mv=0.0, drive_mv=20.0)
    activity = run(network, np.array([[0.0, 0.0], [4.0, 0.0]]), np.random.default_rng(0))
    fired, shape = int(activity.spikes[0][0]), spike_shape(network)
    np.testing.assert_allclose(activity.vm[fired : fired + len(shape), 0], shape, rtol=1e-6)
    assert activity.vm[fired + len(shape), 0] == pytest.approx(shape[-1] + DT_MS / 20 * (-45 - shape[-1]))
    assert not activity.synaptic[:, 0].any()
    s = activity.synaptic[:, 1]
    arrived = fired + 15
    assert s[arrived] - s[arrived - 1] * np.exp(-DT_MS / 3) == pytest.approx(4.0, rel=1e-5)
    np.testing.assert_allclose(s[arrived : arrived + 20], s[arrived] * np.exp(-np.arange(20) * DT_MS / 3), rtol=1e-5)


def test_electrodes_see_every_neuron_by_its_distance() -> None:
    network, rng = Network(neurons=3), np.random.default_rng(0)
    vm, synaptic = rng.standard_normal((2, 5, 3)).astype(np.float32)
    places = rng.uniform(0, 100, (3, 3))
    seen = extracellular(network, Activity(vm, synaptic.copy(), []), places)
    for t, electrode in ((1, 0), (4, 2)):
        expected = 0.0
        for neuron in range(3):
            distance = np.sqrt(((places[electrode] - places[neuron]) ** 2).sum())
            current = (vm[t, neuron] - vm[t - 1, neuron]) / DT_MS + synaptic[t, neuron] / 20
            expected -= GAIN * current / (distance + NEAREST_UM)
        assert seen[t, electrode] == pytest.approx(expected, rel=1e-5)

"""The known synapse: its potential against an exact solver, in the recording too; rates, noise and spikes as asked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neurofit.simulate.lif_pair import psp_mv, psp_peak, simulate_lif_pair
from neurofit.simulate.system_options import LifPairOptions
from neurofit_io import Recording
from neurofit_io.comparing import differences


def solved_psp(weight_ns: float, time_ms: np.ndarray) -> np.ndarray:
    """C du/dt = -g_L u + g (E - E_L - u) with the network's constants, solved adaptively."""
    tau_ms, driving_mv = (3.0, 70.0) if weight_ns > 0 else (6.0, -10.0)

    def slope(t: float, u: np.ndarray) -> np.ndarray:
        g = abs(weight_ns) * np.exp(-t / tau_ms)
        return (-10.0 * u + g * (driving_mv - u)) / 200.0

    return solve_ivp(slope, (0, time_ms[-1]), [0.0], t_eval=time_ms, rtol=1e-10, atol=1e-12).y[0]


@pytest.mark.parametrize("weight_ns", [0.4, 2.0, 30.0, -3.0])
def test_potential_against_a_solver(weight_ns: float) -> None:
    time_ms = np.arange(0, 120, 0.25)
    exact = solved_psp(weight_ns, time_ms)
    np.testing.assert_allclose(psp_mv(weight_ns, time_ms), exact, atol=1e-6)
    peak_mv, peak_ms = psp_peak(weight_ns)
    place = int(np.argmax(np.abs(exact)))
    assert peak_mv == pytest.approx(exact[place], abs=1e-3)
    assert peak_ms == pytest.approx(time_ms[place], abs=0.3)
    assert psp_mv(weight_ns, -1.0) == 0


def steps_of(recording: Recording, unit: int) -> np.ndarray:
    assert recording.spikes is not None
    rate = recording.signals["vm"].rate_hz
    assert rate is not None
    return np.round(recording.spikes.times_of(unit) * rate).astype(int)


@pytest.mark.parametrize(("weight_ns", "dt_ms"), [(2.0, 0.1), (-4.0, 0.05), (5.0, 0.2)])
def test_the_average_after_spikes_is_the_potential(weight_ns: float, dt_ms: float) -> None:
    options = LifPairOptions(
        weight_ns=weight_ns, delay_ms=1.6, duration_s=3.0, dt_ms=dt_ms, rate_hz=3.0, drive="regular", background_mv=0.0
    )
    recording = simulate_lif_pair(options)
    vm, spikes = recording.signals["vm"].read().astype(np.float64), steps_of(recording, 0)
    assert len(spikes) == 9
    lags = np.arange(round(150 / dt_ms))
    average = vm[spikes[1:, None][:-1] + lags, 1].mean(axis=0) + 70
    expected = psp_mv(weight_ns, lags * dt_ms - 1.6)
    np.testing.assert_allclose(average, expected, atol=1e-3)
    metadata = recording.provenance.metadata
    assert np.abs(average).max() == pytest.approx(abs(metadata["psp_peak_mv"]), abs=1e-3)
    assert lags[np.argmax(np.abs(average))] * dt_ms == pytest.approx(metadata["psp_peak_ms"], abs=0.3)
    truth = recording.connectivity
    assert truth is not None
    np.testing.assert_array_equal(truth.weight, [[0, 0], [weight_ns, 0]])
    assert truth.pre_types is not None
    assert truth.pre_types[0] == ("e" if weight_ns > 0 else "i")
    assert truth.delays_ms is not None
    assert truth.delays_ms.tolist() == pytest.approx([1.6])


def test_random_spikes_come_at_the_rate_asked_for() -> None:
    recording = simulate_lif_pair(LifPairOptions(rate_hz=40.0, duration_s=50.0, dt_ms=0.2))
    spikes = steps_of(recording, 0)
    assert len(spikes) == pytest.approx(2000, abs=4 * np.sqrt(2000))
    intervals = np.diff(spikes) * 0.2
    assert intervals.min() >= 2.0
    assert intervals.std() / (intervals.mean() - 2.0) == pytest.approx(1, abs=0.1)


def test_background_has_the_size_asked_for() -> None:
    recording = simulate_lif_pair(LifPairOptions(weight_ns=0.0, background_mv=1.5, duration_s=60.0, dt_ms=0.2))
    vm = recording.signals["vm"].read()[:, 1].astype(np.float64)
    assert vm.mean() == pytest.approx(-70, abs=0.2)
    assert vm[1000:].std() == pytest.approx(1.5, rel=0.08)
    assert recording.connectivity is not None
    assert recording.connectivity.n_connected_pairs == 0


def test_a_strong_synapse_fires_the_second_cell_which_is_then_held() -> None:
    recording = simulate_lif_pair(LifPairOptions(weight_ns=60.0, duration_s=2.0, drive="regular", background_mv=0.0))
    vm, first, second = recording.signals["vm"].read(), steps_of(recording, 0), steps_of(recording, 1)
    assert len(second) >= len(first) == 10
    assert np.all(second[0] - first[0] > 15)
    for cell, spikes in ((0, first), (1, second)):
        assert vm[spikes, cell].tolist() == pytest.approx([-50.0] * len(spikes))
        assert vm[spikes + 4, cell].tolist() == pytest.approx([25.0] * len(spikes))
        assert vm[spikes + 20, cell].tolist() == pytest.approx([-60.0] * len(spikes), abs=1e-4)
    assert vm[np.setdiff1d(np.arange(len(vm)), (second[:, None] + np.arange(20)).ravel()), 1].max() < -50


def test_the_same_seed_makes_the_same_bytes() -> None:
    options = LifPairOptions(duration_s=1.0)
    assert differences(simulate_lif_pair(options), simulate_lif_pair(options)) == []
    assert differences(simulate_lif_pair(options), simulate_lif_pair(LifPairOptions(duration_s=1.0, seed=1)))

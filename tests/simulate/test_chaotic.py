"""The rate network against a literal loop and against mean-field theory; pushes where the table says."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.simulate.chaotic import chaotic_path, scaled_rates, simulate_chaotic
from neurofit.simulate.pulse import push_directions, simulate_pulse
from neurofit.simulate.system_options import ChaoticOptions, PulseOptions


def test_path_against_a_literal_loop() -> None:
    rng = np.random.default_rng(0)
    initial, weight = rng.standard_normal((2, 4)), rng.standard_normal((4, 4))
    kicks, when = rng.standard_normal((2, 4)), np.array([3, -1])
    path = chaotic_path(initial, weight, 8, leak=0.4, kicks=kicks, kick_steps=when)
    for case in range(2):
        x = initial[case].copy()
        for t in range(8):
            if t:
                drive = [sum(weight[post, pre] * np.tanh(x[pre]) for pre in range(4)) for post in range(4)]
                x = np.array([0.6 * x[post] + 0.4 * drive[post] for post in range(4)])
            if t == when[case]:
                x = x + kicks[case]
            np.testing.assert_allclose(path[case, t], x, rtol=1e-10, atol=1e-12)


def test_variance_is_that_of_mean_field_theory() -> None:
    """Large networks: activity dies out below g = 1, and above it has the variance of Sompolinsky et al. (1988).

    Their equations tau dx/dt = -x + g W tanh(x), solved by the energy of the autocorrelation's potential: the variance
    D is where D^2 / 2 = g^2 (E[L(x)^2] - E[L(x)]^2), L = log cosh, x ~ N(0, D).
    """
    rng = np.random.default_rng(1)
    n, g = 400, 2.0
    weight = rng.standard_normal((n, n)) / np.sqrt(n)
    initial = rng.standard_normal((2, n))
    quiet = chaotic_path(initial, 0.5 * weight, 150, leak=0.2)[:, -1]
    assert quiet.std() < 1e-3
    alive = chaotic_path(initial, g * weight, 400, leak=0.2)[:, 100:]
    x, p = np.polynomial.hermite_e.hermegauss(80)
    p = p / p.sum()

    def energy(variance: float) -> float:
        log_cosh = np.log(np.cosh(np.sqrt(variance) * x))
        return -(variance**2) / 2 + g**2 * ((p * log_cosh**2).sum() - (p * log_cosh).sum() ** 2)

    variances = np.linspace(0.05, 4, 4000)
    energies = np.array([energy(v) for v in variances])
    crossing = variances[np.flatnonzero(np.diff(np.sign(energies)))[0]]
    assert alive.var() == pytest.approx(crossing, rel=0.15)


def test_rates_reach_both_ends_in_every_trial() -> None:
    states = np.random.default_rng(0).standard_normal((5, 30, 4))
    states[2, :, 1] = 0.7
    rates = scaled_rates(states, 30.0)
    low, high = rates.min(axis=1), rates.max(axis=1)
    still = np.zeros((5, 4), bool)
    still[2, 1] = True
    np.testing.assert_allclose(low, 0, atol=1e-6)
    np.testing.assert_allclose(high, np.where(still, 0, 30), rtol=1e-6)
    r = np.tanh(states[0, :, 0])
    np.testing.assert_allclose(rates[0, :, 0], 30 * (r - r.min()) / (r.max() - r.min()), rtol=1e-5, atol=1e-5)


def test_the_recorded_weights_drive_the_recorded_states() -> None:
    recording = simulate_chaotic(ChaoticOptions(neurons=12, conditions=3, trials=3, gain=1.7, seed=5))
    assert recording.connectivity is not None
    x = recording.signals["latents"].read().astype(np.float64)
    following = np.isfinite(x[1:, 0]) & np.isfinite(x[:-1, 0])
    before, after = x[:-1][following], x[1:][following]
    expected = 0.6 * before + 0.4 * np.tanh(before) @ recording.connectivity.weight.T
    np.testing.assert_allclose(after, expected, atol=1e-5)
    trials = recording.trials
    assert trials is not None
    assert sorted(np.unique(trials.columns["condition"], return_counts=True)[1].tolist()) == [3, 3, 3]
    rates = recording.signals["true_rates"].read()
    assert np.nanmax(rates) == pytest.approx(30.0)
    assert np.nanmin(rates) == 0.0


def test_pushes_come_in_the_same_shares_in_every_split() -> None:
    split = np.repeat(["train", "validation", "test"], [300, 90, 31])
    direction = push_directions(split, 1 / 3, 2, np.random.default_rng(0))
    for name, expected in (("train", (100, 100, 100)), ("validation", (30, 30, 30)), ("test", (10, 10, 11))):
        found = direction[split == name]
        assert tuple(int(np.count_nonzero(found == sign)) for sign in (-1, 0, 1)) == expected
    one_way = push_directions(split, 0.0, 1, np.random.default_rng(0))
    np.testing.assert_array_equal(one_way, 1)


def test_pushes_lie_where_the_table_says_and_move_the_network() -> None:
    options = PulseOptions(neurons=20, conditions=10, trials=6, duration_s=0.4, magnitude=15.0, seed=2)
    recording = simulate_pulse(options)
    trials, truth = recording.trials, recording.connectivity
    assert trials is not None
    assert truth is not None
    vector = np.array(recording.provenance.metadata["simulation"]["vector"])
    x, u = (recording.signals[name].read().astype(np.float64) for name in ("latents", "inputs"))
    direction, pulse_s = trials.columns["direction"], trials.columns["pulse_s"]
    np.testing.assert_array_equal(np.isnan(pulse_s), direction == 0)
    places = set()
    for trial in range(len(trials)):
        first = round(float(trials.start_s[trial]) * 100)
        inputs, path = u[first : first + 40, 0], x[first : first + 40]
        pushed = np.flatnonzero(inputs)
        assert len(pushed) == abs(direction[trial])
        expected = 0.6 * path[:-1] + 0.4 * np.tanh(path[:-1]) @ truth.weight.T + 0.4 * inputs[1:, None] * vector
        np.testing.assert_allclose(path[1:], expected, atol=2e-5)
        if direction[trial]:
            assert inputs[pushed[0]] == 15.0 * direction[trial]
            assert round((float(pulse_s[trial]) - float(trials.start_s[trial])) * 100) == pushed[0]
            places.add(int(pushed[0]))
    assert min(places) >= 10
    assert max(places) < 30
    assert len(places) > 10

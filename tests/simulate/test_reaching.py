"""Reaches: the hand ends on its target, the latents obey one linear law, rates and noise are as asked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from neurofit.simulate.reaching import rotations, simulate_reaching
from neurofit.simulate.system_options import ReachingOptions


def test_without_jitter_and_noise_the_hand_ends_on_its_target() -> None:
    recording = simulate_reaching(ReachingOptions(trials=3, jitter=0.0, velocity_noise=0.0, reach_cm=12.0))
    trials, velocity = recording.trials, recording.signals["hand_velocity"]
    assert trials is not None
    assert velocity.unit == "cm/s"
    for trial in range(len(trials)):
        first = round(float(trials.start_s[trial]) * 100)
        ends_cm = velocity.read(first, first + 60).astype(np.float64).sum(axis=0) * 0.01
        target_cm = [trials.columns[name][trial] for name in ("target_x_cm", "target_y_cm")]
        np.testing.assert_allclose(ends_cm, target_cm, atol=1e-4)
        assert np.hypot(*ends_cm) == pytest.approx(12.0, rel=1e-5)
        angle = np.rad2deg(np.arctan2(ends_cm[1], ends_cm[0])) % 360
        assert (angle - trials.columns["target_deg"][trial] + 180) % 360 == pytest.approx(180, abs=1e-2)


def test_rotations_are_the_matrix_exponential_of_one_law() -> None:
    options = ReachingOptions(rotation_hz=(1.5, 2.5), decay_ms=150.0)
    law = np.zeros((4, 4))
    for plane, frequency in enumerate((1.5, 2.5)):
        w = 2 * np.pi * frequency
        law[2 * plane : 2 * plane + 2, 2 * plane : 2 * plane + 2] = [[-1 / 0.15, -w], [w, -1 / 0.15]]
    initial = np.random.default_rng(0).standard_normal((3, 4))
    times = np.array([0.0, 0.1, 0.37])
    found = rotations(initial, times, options)
    for k, t in enumerate(times):
        np.testing.assert_allclose(found[:, k], initial @ expm(law * t).T, atol=1e-12)


def test_rates_jitter_and_noise_are_as_asked() -> None:
    options = ReachingOptions(
        neurons=25, trials=40, modulation=0.5, base_hz=9.0, jitter=0.2, velocity_noise=0.1, seed=1
    )
    recording = simulate_reaching(options)
    trials = recording.trials
    assert trials is not None
    assert recording.spikes is not None
    latents, rates, velocity = (
        recording.signals[name].read().astype(np.float64) for name in ("latents", "true_rates", "hand_velocity")
    )
    inside = np.isfinite(latents[:, 0])
    np.testing.assert_allclose(rates[inside].mean(axis=0), 9.0, rtol=1e-4)
    np.testing.assert_allclose(np.log(rates[inside]).std(axis=0), 0.5, rtol=1e-4)
    assert recording.spikes.n_spikes / (320 * 0.6 * 25) == pytest.approx(9.0, rel=0.03)
    with_one = np.column_stack([latents[inside], np.ones(inside.sum())])
    _, residual, *_ = np.linalg.lstsq(with_one, np.log(rates[inside]), rcond=None)
    assert residual.max() < 1e-6
    read_out = latents[inside][:, [1, 3]]
    gain = (velocity[inside] * read_out).sum(axis=0) / np.square(read_out).sum(axis=0)
    noise = velocity[inside] - gain * read_out
    assert noise.std() / np.sqrt(np.square(gain * read_out).mean()) == pytest.approx(0.1, rel=0.03)
    firsts = np.round(trials.start_s * 100).astype(int)
    begin = latents[firsts][:, 1]
    assert begin.std() > 0.1
    np.testing.assert_allclose(latents[firsts][:, 4], latents[firsts[0], 4])

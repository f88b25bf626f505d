"""LIF current against closed forms: relaxation, a known current through an integrated membrane, and blanked resets."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.connectivity.lif_current import lif_current
from neurofit_io import RecordingError


@pytest.mark.parametrize("difference", ["centred", "backward", "forward"])
@pytest.mark.parametrize(("tau_ms", "dt_ms"), [(3.5, 0.1), (35.0, 0.1), (3.5, 2.0)])
def test_relaxation_gives_its_constant_current_at_any_step(difference, tau_ms, dt_ms):
    time_ms = np.arange(200)[:, None] * dt_ms
    target, begun = np.array([-50.0, -64.0]), np.array([20.0, -7.0])
    vm = target + begun * np.exp(-time_ms / tau_ms)
    found = lif_current(vm, tau_ms, dt_ms=dt_ms, difference=difference)
    np.testing.assert_allclose(found, np.broadcast_to(target, vm.shape), atol=1e-9)


def test_current_of_an_integrated_membrane_comes_back():
    # V for I = I0 sin(w t) in closed form, after the transient.
    tau, w, dt = 20.0, 2 * np.pi / 50, 0.1
    t = np.arange(5000)[:, None] * dt
    vm = (np.sin(w * t) - w * tau * np.cos(w * t)) / (1 + (w * tau) ** 2)
    found = lif_current(vm, tau, dt_ms=dt)
    np.testing.assert_allclose(found[1:-1], np.sin(w * t)[1:-1], atol=1e-4)
    backward = lif_current(vm, tau, dt_ms=dt, difference="backward")
    forward = lif_current(vm, tau, dt_ms=dt, difference="forward")
    for one_sided, shift in ((backward, -dt / 2), (forward, dt / 2)):
        np.testing.assert_allclose(one_sided[1:-1], np.sin(w * (t + shift))[1:-1], atol=2e-3)
        assert np.abs(one_sided - np.sin(w * t))[1:-1].max() > 3e-3


def test_smoothing_is_that_of_a_gaussian_on_the_derivative_alone():
    tau, dt, sigma = 10.0, 0.1, 1.0
    t = np.arange(2000)[:, None] * dt
    vm = np.exp(-t / tau)
    found = lif_current(vm, tau, dt_ms=dt, smooth_ms=sigma)
    expected = vm * (1 - np.exp((sigma / tau) ** 2 / 2))
    np.testing.assert_allclose(found[200:-200], expected[200:-200], atol=1e-5)
    noise = np.random.default_rng(0).standard_normal((5000, 1))
    assert lif_current(noise, tau, dt_ms=dt, smooth_ms=1.0).std() < 0.05 * lif_current(noise, tau, dt_ms=dt).std()


def test_blanked_resets_leave_no_artefact():
    tau, dt = 20.0, 0.1
    t = np.arange(3000) * dt
    vm = -55.0 + 0.5 * np.sin(2 * np.pi * t / 100)[:, None] * np.ones((1, 2))
    blank = np.zeros(vm.shape, dtype=bool)
    for spike in (700, 1500, 2990):
        vm[spike : spike + 5, 0] = 30.0
        vm[spike + 5 : spike + 20, 0] = -70.0
        blank[spike - 2 : spike + 24, 0] = True
    clean = lif_current(vm[:, 1:], tau, dt_ms=dt)
    raw, blanked = lif_current(vm, tau, dt_ms=dt), lif_current(vm, tau, dt_ms=dt, blank=blank)
    smooth = lif_current(vm, tau, dt_ms=dt, blank=blank, smooth_ms=0.5)
    assert np.abs(raw[:, 0] - clean[:, 0]).max() > 1000
    assert np.abs(blanked[:, 0] - clean[:, 0]).max() < 0.1
    assert np.abs(smooth[:, 0] - clean[:, 0]).max() < 0.2
    # Blanks are filled in float32.
    np.testing.assert_allclose(blanked[:, 1], clean[:, 0], atol=1e-3)


def test_type_and_shape_stay_and_mistakes_are_named():
    vm = np.random.default_rng(1).standard_normal((10, 3)).astype(np.float32)
    found = lif_current(vm, 3.5, dt_ms=0.1)
    assert (found.dtype, found.shape) == (vm.dtype, vm.shape)
    assert lif_current(vm, 3.5, dt_ms=0.1, blank=vm > 9).dtype == np.float32
    for wrong in ({"tau_ms": 0.0}, {"tau_ms": np.nan}, {"tau_ms": 3.5, "smooth_ms": -1.0}):
        with pytest.raises(RecordingError, match="above 0 ms"):
            lif_current(vm, dt_ms=0.1, **wrong)
    with pytest.raises(RecordingError, match="1 steps"):
        lif_current(vm[:1], 3.5, dt_ms=0.1)

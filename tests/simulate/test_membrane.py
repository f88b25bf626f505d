"""The integrator by itself: decay, refractoriness, the pasted shape, arrivals, the background's statistics."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from neurofit.simulate.background import Background
from neurofit.simulate.cell import Cell
from neurofit.simulate.membrane import BLOCK, Integrator
from neurofit.simulate.spike_shape import pasted_voltage
from neurofit.simulate.wiring import Wiring

QUIET = Background(0.0, 0.0, sd_e_ns=0.0, sd_i_ns=0.0, spread=0.0, shared=0.0)
CLAMPED = Cell(capacitance_pf=1e12)
"""A cell whose voltage stays where it is, so that the current into it tells its conductance."""


def unconnected(n: int) -> Wiring:
    nothing = np.empty(0, np.int64)
    return Wiring(np.zeros(n + 1, np.int64), nothing, np.empty(0), nothing, np.ones(n, bool))


def fan_out(delay_steps: list[int], *, excites: bool = True, weight_ns: float = 2.0) -> Wiring:
    """Cell 0 connects to cells 1, 2, ... with these delays."""
    n = len(delay_steps)
    first = np.concatenate([[0], np.full(n + 1, n)])
    return Wiring(first, np.arange(1, n + 1), np.full(n, weight_ns), np.array(delay_steps), np.full(n + 1, excites))


def run(integrator: Integrator, blocks: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray, NDArray]:
    """Vm and current, (steps, cells), and steps and cells of the spikes."""
    made = [integrator.advance() for _ in range(blocks)]
    vm, current = (np.concatenate([getattr(block, name) for block in made]) for name in ("vm", "current"))
    steps, cells = (np.concatenate([getattr(block, name) for block in made]) for name in ("steps", "cells"))
    return vm, current, steps, cells


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("dt_ms", [0.1, 0.25])
def test_without_input_the_voltage_decays_with_c_over_g(dt_ms: float) -> None:
    start = np.array([-51.0, -60.0, -90.0])
    vm, *_ = run(Integrator(unconnected(3), QUIET, dt_ms=dt_ms, rng=random(), initial_mv=start), 3)
    t_ms = np.arange(1, len(vm) + 1)[:, None] * dt_ms
    np.testing.assert_allclose(vm, -70 + (start + 70) * np.exp(-t_ms / 20), atol=3e-4)


def test_the_current_charges_the_membrane() -> None:
    options = {"dt_ms": 0.1, "rng": random(), "initial_mv": -65.0}
    vm, current, *_ = run(Integrator(unconnected(5), Background(1.0, 2.0), Cell(threshold_mv=100.0), **options), 4)
    middle = (vm[1:] + vm[:-1]).astype(np.float64) / 2
    charging = 200 * np.diff(vm.astype(np.float64), axis=0) / 0.1
    np.testing.assert_allclose(current[1:], charging + 10 * (middle + 70), atol=0.05)


@pytest.mark.parametrize("refractory_ms", [0.3, 2.0])
def test_a_spike_is_pasted_and_the_voltage_starts_again_from_the_reset(refractory_ms: float) -> None:
    cell = Cell(refractory_ms=refractory_ms)
    integrator = Integrator(
        unconnected(2), QUIET, cell, dt_ms=0.1, rng=random(), injected_pa=[300, 190], initial_mv=-70
    )
    vm, _, steps, cells = run(integrator, 20)
    shape = pasted_voltage(threshold_mv=-50, reset_mv=-60, refractory_ms=refractory_ms, dt_ms=0.1)
    held = len(shape)
    assert held == round(refractory_ms / 0.1)
    assert len(steps) > 5
    assert set(cells) == {0}
    assert len(np.unique(steps // BLOCK)) > 5
    for step in steps[steps < len(vm) - held - 2]:
        np.testing.assert_array_equal(vm[step : step + held, 0], shape)
        assert vm[step + held, 0] == -60
        assert vm[step + held + 1, 0] == pytest.approx(-40 + (-60 + 40) * np.exp(-0.1 / 20), abs=1e-4)
    assert (np.diff(steps) > held).all()


def test_a_shape_that_crosses_blocks_is_whole() -> None:
    offsets = set()
    for start_mv in np.linspace(-59.2, -57.2, 20):
        integrator = Integrator(unconnected(1), QUIET, dt_ms=0.1, rng=random(), injected_pa=300.0, initial_mv=start_mv)
        vm, _, steps, _ = run(integrator, 3)
        assert vm.max() == pytest.approx(25)
        for step in steps[(steps < BLOCK) & (steps > BLOCK - 20)]:
            offsets.add(BLOCK - step)
            assert vm[step + 4, 0] == pytest.approx(25)
            assert vm[step + 20, 0] == -60
    assert len(offsets) > 3


@pytest.mark.parametrize(("excites", "drive_mv"), [(True, 70.0), (False, -10.0)])
def test_spikes_arrive_after_their_delay_and_pass_the_charge_of_their_weight(excites: bool, drive_mv: float) -> None:
    delays = [1, 2, 5, 22, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 7]
    cell = Cell(capacitance_pf=1e12, threshold_mv=0.0, reset_mv=-1.0)
    start = np.r_[50.0, np.full(len(delays), -70.0)]
    integrator = Integrator(fan_out(delays, excites=excites), QUIET, cell, dt_ms=0.1, rng=random(), initial_mv=start)
    _, current, steps, cells = run(integrator, 8)
    np.testing.assert_array_equal((steps, cells), [[0], [0]])
    tau_ms = 3.0 if excites else 6.0
    for delay, arrived in zip(delays, current.T[1:], strict=True):
        # The conductance rises at the step `delay`; the first current is that of the step after it.
        assert np.flatnonzero(arrived)[0] == delay + 1
        t_ms = 0.1 * np.arange(400)
        over_step = 2 * drive_mv * tau_ms * (np.exp(-t_ms / tau_ms) - np.exp(-(t_ms + 0.1) / tau_ms)) / 0.1
        np.testing.assert_allclose(arrived[delay + 1 :][:400], over_step, rtol=2e-5)


def test_several_spikes_of_one_step_add_up() -> None:
    wiring = Wiring(np.array([0, 1, 2, 2]), np.array([2, 2]), np.array([1.0, 2.0]), np.array([4, 4]), np.ones(3, bool))
    cell = Cell(capacitance_pf=1e12, threshold_mv=0.0, reset_mv=-1.0)
    integrator = Integrator(wiring, QUIET, cell, dt_ms=0.1, rng=random(), initial_mv=[50.0, 50.0, -70.0])
    _, current, *_ = run(integrator, 1)
    assert current[:5, 2].max() == 0
    assert current[5, 2] == pytest.approx(70 * 3.0 * (1 - np.exp(-0.1 / 3)) / (0.1 / 3), rel=1e-5)


def conductances(background: Background, n: int, blocks: int, dt_ms: float, seed: int) -> NDArray[np.float64]:
    """Excitatory conductance of cells held at the inhibitory reversal, (steps, cells), nS."""
    cell = Cell(capacitance_pf=1e12, rest_mv=-80.0, reversal_i_mv=-80.0)
    integrator = Integrator(unconnected(n), background, cell, dt_ms=dt_ms, rng=random(seed), initial_mv=-80.0)
    return run(integrator, blocks)[1].astype(np.float64) / 80


def test_the_background_is_an_ornstein_uhlenbeck_process() -> None:
    made = Background(40.0, 8.0, sd_e_ns=4.0, spread=0.0, shared=0.0)
    g = conductances(made, 400, 40, 0.2, 1)
    # 1 s of 400 cells are 68 000 independent samples: the mean has a standard error of 0.4 % of the sd.
    assert g.mean() == pytest.approx(40, abs=0.07)
    assert g.std() == pytest.approx(4, rel=0.015)
    x = g - 40
    for lag in (1, 5, 15, 45):
        assert (x[lag:] * x[:-lag]).mean() / 16 == pytest.approx(np.exp(-lag * 0.2 / 3), abs=0.02)
    # It is stationary from the first step on.
    early = np.stack([conductances(made, 500, 1, 0.2, seed)[0] for seed in range(4)])
    assert early.std() == pytest.approx(4, rel=0.07)


def test_the_inhibitory_background_has_its_own_time_constant() -> None:
    made = Background(0.0, 40.0, sd_e_ns=0.0, sd_i_ns=2.0)
    g = run(Integrator(unconnected(400), made, CLAMPED, dt_ms=0.2, rng=random(), initial_mv=-70.0), 40)[1] / -10.0
    assert g.mean() == pytest.approx(40, abs=0.06)
    assert g.std() == pytest.approx(2, rel=0.03)
    x = g - g.mean()
    assert (x[40:] * x[:-40]).mean() / x.var() == pytest.approx(np.exp(-1), abs=0.03)


@pytest.mark.parametrize("shared", [0.0, 0.1, 1.0])
def test_the_shared_part_correlates_cells(shared: float) -> None:
    g = conductances(Background(40.0, spread=0.0, shared=shared), 20, 60, 0.5, 2)
    correlation = np.corrcoef(g.T)
    assert correlation[np.triu_indices(20, 1)].mean() == pytest.approx(shared, abs=0.03)
    assert g.std() == pytest.approx(4, rel=0.05)


def test_means_spread_over_cells_and_conductances_stop_at_zero() -> None:
    means = conductances(Background(50.0, sd_e_ns=0.0, spread=0.06), 4000, 1, 0.1, 3)[0]
    assert means.mean() == pytest.approx(50, abs=0.2)
    assert means.std() == pytest.approx(3, rel=0.05)
    g = conductances(Background(1.0, sd_e_ns=4.0, spread=0.0, shared=0.0), 400, 20, 0.5, 4)
    assert g.min() > -1e-6
    assert np.mean(g < 1e-6) == pytest.approx(norm.cdf(-0.25), abs=0.01)
    assert g.mean() == pytest.approx(norm.cdf(0.25) + 4 * norm.pdf(0.25), rel=0.02)


def test_asking_for_the_current_changes_nothing_else() -> None:
    for current in (True, False):
        integrator = Integrator(unconnected(10), Background(7.0), dt_ms=0.1, rng=random(), current=current)
        blocks = [integrator.advance() for _ in range(4)]
        vm = np.concatenate([block.vm for block in blocks])
        assert (blocks[0].current is not None) == current
        if current:
            expected = vm
    np.testing.assert_array_equal(vm, expected)
    assert sum(len(block.steps) for block in blocks) > 0

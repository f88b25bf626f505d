"""The network's integrator against a general solver, the formula for the rate under a constant current, and Brian2."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from neurofit.simulate.background import Background
from neurofit.simulate.cell import Cell
from neurofit.simulate.membrane import Integrator
from neurofit.simulate.wiring import Synapses, Wiring, draw_positions, draw_wiring

QUIET = Background(0.0, 0.0, sd_e_ns=0.0, sd_i_ns=0.0, spread=0.0, shared=0.0)


def pair(*, excites: bool, weight_ns: float, delay_steps: int) -> Wiring:
    """Cell 0 connects to cell 1."""
    return Wiring(
        np.array([0, 1, 1]), np.array([1]), np.array([weight_ns]), np.array([delay_steps]), np.full(2, excites)
    )


def synaptic_potential(
    *, excites: bool, weight_ns: float, delay_ms: float, start_mv: float, dt_ms: float, duration_ms: float = 60.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vm after a spike at step 0, simulated and solved, both (steps,), mV."""
    cell = Cell(threshold_mv=500.0)
    integrator = Integrator(
        pair(excites=excites, weight_ns=weight_ns, delay_steps=round(delay_ms / dt_ms)), QUIET, cell, dt_ms=dt_ms,
        rng=np.random.default_rng(0), initial_mv=[900.0, start_mv], current=False,
    )  # fmt: skip
    vm: list[NDArray[np.float32]] = []
    while integrator.step * dt_ms < duration_ms:
        vm.append(integrator.advance().vm[:, 1])
    simulated = np.concatenate(vm).astype(np.float64)
    t_ms = np.arange(len(simulated)) * dt_ms
    tau_ms, reversal_mv = (3.0, 0.0) if excites else (6.0, -80.0)

    def slope(t: float, v: NDArray[np.float64]) -> NDArray[np.float64]:
        conductance = weight_ns * np.exp(-(t - delay_ms) / tau_ms) if t >= delay_ms else 0.0
        return (10 * (-70 - v) + conductance * (reversal_mv - v)) / 200

    precise = {"rtol": 1e-10, "atol": 1e-10, "dense_output": True}
    before = solve_ivp(slope, (-dt_ms, delay_ms), [start_mv], **precise)
    after = solve_ivp(slope, (delay_ms, t_ms[-1] + dt_ms), before.y[:, -1], **precise)
    return simulated, np.where(t_ms < delay_ms, before.sol(t_ms)[0], after.sol(t_ms)[0])


@pytest.mark.parametrize(("excites", "start_mv"), [(True, -70.0), (True, -55.0), (False, -70.0), (False, -52.0)])
@pytest.mark.parametrize("weight_ns", [0.4, 5.0])
def test_a_synaptic_potential_is_the_solvers(excites: bool, start_mv: float, weight_ns: float) -> None:
    simulated, solved = synaptic_potential(
        excites=excites, weight_ns=weight_ns, delay_ms=1.2, start_mv=start_mv, dt_ms=0.1
    )
    # Within 0.1 % of the largest depolarisation or hyperpolarisation, and what float32 rounds.
    size = np.abs(solved - (-70 + (start_mv + 70) * np.exp(-(np.arange(len(solved)) + 1) * 0.1 / 20))).max()
    assert size > 0.01
    np.testing.assert_allclose(simulated, solved, atol=1e-3 * size + 3e-4)


def test_the_error_falls_with_the_square_of_the_step() -> None:
    errors = []
    for dt_ms in (0.5, 0.25, 0.125):
        simulated, solved = synaptic_potential(excites=True, weight_ns=60.0, delay_ms=1.0, start_mv=-70.0, dt_ms=dt_ms)
        errors.append(np.abs(simulated - solved).max())
    ratios = np.divide(errors[:-1], errors[1:])
    assert errors[0] > 0.02
    np.testing.assert_allclose(ratios, 4, rtol=0.25)


def test_the_rate_under_a_constant_current_follows_the_formula() -> None:
    current_pa = np.array([190.0, 199.0, 202.0, 210.0, 250.0, 300.0, 400.0, 600.0, 1000.0, 3000.0])
    nothing = np.empty(0, np.int64)
    wiring = Wiring(np.zeros(11, np.int64), nothing, np.empty(0), nothing, np.ones(10, bool))
    integrator = Integrator(
        wiring, QUIET, dt_ms=0.1, rng=np.random.default_rng(0), injected_pa=current_pa, initial_mv=-70.0, current=False
    )
    blocks = [integrator.advance() for _ in range(80)]
    steps, cells = (np.concatenate([getattr(block, name) for block in blocks]) for name in ("steps", "cells"))
    drive_mv = current_pa / 10 - 70
    for cell in range(10):
        intervals = np.diff(steps[cells == cell])
        if drive_mv[cell] <= -50:
            assert not np.count_nonzero(cells == cell)
            continue
        climb_ms = 20 * np.log((drive_mv[cell] + 60) / (drive_mv[cell] + 50))
        # The first step at which the threshold has been reached, every time.
        assert len(intervals) > 5
        assert len(set(intervals.tolist())) == 1
        assert intervals[0] == pytest.approx((2.0 + climb_ms) / 0.1 + 0.5, abs=0.55)


def brian2() -> ModuleType:
    """Brian2, whose versions do not import under every numpy."""
    try:
        import brian2 as module
    except Exception as error:
        pytest.skip(f"Brian2 cannot be imported: {error!r}")
    return module


@pytest.mark.filterwarnings("ignore")
def test_a_small_network_spikes_as_it_does_in_brian2() -> None:
    b2 = brian2()
    b2.prefs.codegen.target = "numpy"
    n, duration_ms = 40, 204.8
    rng = np.random.default_rng(5)
    wiring = draw_wiring(draw_positions(n, rng), Synapses(0.15, 1.0, 5.0), dt_ms=0.1, rng=rng)
    start_mv, injected_pa = rng.uniform(-70, -50, n), rng.uniform(180, 400, n)
    integrator = Integrator(
        wiring, QUIET, dt_ms=0.1, rng=rng, injected_pa=injected_pa, initial_mv=start_mv, current=False
    )
    blocks = [integrator.advance() for _ in range(round(duration_ms / 12.8))]
    ours = [np.concatenate([b.steps[b.cells == cell] for b in blocks]) * 0.1 for cell in range(n)]

    # Brian2 counts refractoriness from the beginning of the step at whose end the threshold is reached: a step more.
    b2.start_scope()
    b2.defaultclock.dt = 0.1 * b2.ms
    group = b2.NeuronGroup(
        n,
        """dv/dt = (10*nS*(-70*mV - v) + ge*(0*mV - v) + gi*(-80*mV - v) + injected)/(200*pF) : volt (unless refractory)
        dge/dt = -ge/(3*ms) : siemens
        dgi/dt = -gi/(6*ms) : siemens
        injected : amp (constant)""",
        threshold="v >= -50*mV", reset="v = -60*mV", refractory=2.1 * b2.ms, method="rk4",
    )  # fmt: skip
    group.v, group.injected = start_mv * b2.mV, injected_pa * b2.pA
    excites = wiring.excitatory[wiring.pre]
    kept = []
    for which, target in ((excites, "ge"), (~excites, "gi")):
        synapses = b2.Synapses(group, group, "w : siemens (constant)", on_pre=f"{target}_post += w")
        synapses.connect(i=wiring.pre[which], j=wiring.post[which])
        synapses.w = wiring.weights_ns[which] * b2.nS
        synapses.delay = wiring.delay_steps[which] * 0.1 * b2.ms
        kept.append(synapses)
    monitor = b2.SpikeMonitor(group)
    b2.Network(group, *kept, monitor).run(duration_ms * b2.ms)
    theirs = [np.asarray(times / b2.ms) for times in monitor.spike_trains().values()]

    counts = np.array([[len(mine), len(other)] for mine, other in zip(ours, theirs, strict=True)])
    assert counts.sum(axis=0).min() > 300
    assert np.abs(np.diff(counts)).max() <= 1
    apart = np.concatenate([mine[:k] - other[:k] for mine, other in zip(ours, theirs, strict=True)
                            for k in [min(len(mine), len(other))]])  # fmt: skip
    # A threshold reached within a step counts at either end of it; refractoriness and delays carry that on.
    assert np.median(np.abs(apart)) < 0.25
    assert np.quantile(np.abs(apart), 0.95) < 1.5

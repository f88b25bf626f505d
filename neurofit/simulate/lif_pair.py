"""Two integrate-and-fire cells and one synapse: a recording in which the postsynaptic potential is known exactly.

    C dV/dt = g_L (E_L - V) + g (E - V) + I,   g = w sum over spikes of exp(-(t - t_spike - delay) / tau_syn)

with the cells and synapses of the network (`membrane.Cell`). The first cell is kicked over its threshold at given
times; the second receives its spikes and a background current I, Ornstein-Uhlenbeck with a time constant of 3 ms, and
fires where these take it to its threshold. After one spike alone, and below threshold, u = V - E_L is

    u(t) = integral_0^t g(s) (E - E_L) / C exp(-(g_L (t - s) + w tau (e^{-s/tau} - e^{-t/tau})) / C) ds

from the arrival on. Steps are exact for a conductance held at its mean over the step.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.signal import lfilter

from neurofit.simulate.cell import Cell
from neurofit.simulate.option_checks import steps_in
from neurofit.simulate.spike_shape import pasted_voltage
from neurofit.simulate.system_options import LifPairOptions
from neurofit_io import Connectivity, Provenance, Recording, signal_from_array, spikes_from_lists

CELL = Cell()
KICK_MV = 25.0
"""More than from rest to threshold, and from the reset voltage too."""
BACKGROUND_TAU_MS = 3.0
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(200)


def synapse(weight_ns: float, cell: Cell = CELL) -> tuple[float, float]:
    """Decay, ms, and reversal potential, mV, of a synapse with a signed weight."""
    return (cell.tau_e_ms, cell.reversal_e_mv) if weight_ns >= 0 else (cell.tau_i_ms, cell.reversal_i_mv)


def psp_mv(weight_ns: float, time_ms: ArrayLike, cell: Cell = CELL) -> NDArray[np.float64]:
    """The postsynaptic potential at rest.

    Args:
        weight_ns: Peak conductance, nS, negative for an inhibitory synapse.
        time_ms: Times since the conductance began, ms.
        cell: Constants of the cell.

    Returns:
        V - E_L, mV, in the shape of `time_ms`; 0 before the begin.
    """
    tau_ms, reversal_mv = synapse(weight_ns, cell)
    conductance, capacitance = abs(weight_ns), cell.capacitance_pf
    t = np.maximum(np.asarray(time_ms, np.float64), 0.0)[..., None]
    s = t * (_NODES + 1) / 2
    lost = cell.leak_ns * (t - s) + conductance * tau_ms * (np.exp(-s / tau_ms) - np.exp(-t / tau_ms))
    driven = conductance * np.exp(-s / tau_ms) * (reversal_mv - cell.rest_mv) / capacitance
    return (driven * np.exp(-lost / capacitance) * _NODE_WEIGHTS).sum(axis=-1) * t[..., 0] / 2


def psp_peak(weight_ns: float, cell: Cell = CELL) -> tuple[float, float]:
    """Height, mV, signed, and time since the conductance began, ms, of the largest postsynaptic potential."""
    longest = 5 * max(cell.tau_i_ms, cell.capacitance_pf / cell.leak_ns)
    found = minimize_scalar(lambda t: -abs(psp_mv(weight_ns, t, cell)), bounds=(0, longest), method="bounded")
    return float(psp_mv(weight_ns, found.x, cell)), float(found.x)


def simulate_lif_pair(options: LifPairOptions | None = None) -> Recording:
    """Two cells, one connection.

    Args:
        options: Weight, delay, rate, noise, length and seed.

    Returns:
        A recording of `vm` (mV) of both cells with pasted spike shapes, their `spikes` and `connectivity`; its metadata
        hold `psp_peak_mv` and `psp_peak_ms`, the latter from the spike on.
    """
    options = options or LifPairOptions()
    rng = np.random.default_rng(options.seed)
    dt_ms, steps = options.dt_ms, steps_in(options.duration_s, options.dt_ms)
    delay = round(options.delay_ms / dt_ms)
    first, first_spikes = _run(
        *_coefficients(np.zeros(steps), np.zeros(steps), 0.0, dt_ms), _kicks(options, rng), dt_ms
    )
    tau_ms, reversal_mv = synapse(options.weight_ns)
    arriving = np.zeros(steps)
    arriving[first_spikes[first_spikes + delay < steps] + delay] = abs(options.weight_ns)
    conductance = lfilter([1.0], [1.0, -np.exp(-dt_ms / tau_ms)], arriving)
    conductance *= -np.expm1(-dt_ms / tau_ms) * tau_ms / dt_ms
    current = _background(options, steps, rng)
    second, second_spikes = _run(*_coefficients(conductance, current, reversal_mv, dt_ms), np.zeros(steps), dt_ms)
    vm = np.column_stack([first, second]).astype(np.float32)
    trains_s = [first_spikes * dt_ms / 1000, second_spikes * dt_ms / 1000]
    peak_mv, peak_ms = psp_peak(options.weight_ns)
    about = {"kind": "lif-pair", **asdict(options)}
    truth = {"psp_peak_mv": peak_mv, "psp_peak_ms": delay * dt_ms + peak_ms}
    return Recording(
        Provenance(Path("lif-pair"), "simulation", metadata={"simulation": about, **truth}),
        {"vm": signal_from_array(vm, name="vm", rate_hz=1000 / dt_ms, unit="mV", place="simulation: vm")},
        {"spikes": spikes_from_lists(trains_s, stop_s=steps * dt_ms / 1000)},
        {"connectivity": _truth(options, delay * dt_ms)},
    )


def _kicks(options: LifPairOptions, rng: np.random.Generator) -> NDArray[np.float64]:
    """What is added to the voltage of the first cell at each step, mV."""
    steps, per_s = steps_in(options.duration_s, options.dt_ms), 1000 / options.dt_ms
    kicks = np.zeros(steps)
    if options.drive == "regular":
        times_s = (np.arange(round(options.duration_s * options.rate_hz)) + 0.5) / options.rate_hz
        kicks[np.minimum(np.round(times_s * per_s).astype(np.int64), steps - 1)] = KICK_MV
        return kicks
    # More of them than spikes: those that come in the refractory time are lost.
    rate_hz = options.rate_hz / (1 - options.rate_hz * CELL.refractory_ms / 1000)
    kicks[rng.random(steps) < -np.expm1(-rate_hz / per_s)] = KICK_MV
    return kicks


def _background(options: LifPairOptions, steps: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Current at each step, pA, that alone gives the passive voltage its standard deviation."""
    leak_tau_ms = CELL.capacitance_pf / CELL.leak_ns
    sd_pa = options.background_mv * CELL.leak_ns * np.sqrt(1 + leak_tau_ms / BACKGROUND_TAU_MS)
    decay = np.exp(-options.dt_ms / BACKGROUND_TAU_MS)
    noise = rng.standard_normal(steps)
    noise[1:] *= np.sqrt(1 - decay**2)
    return sd_pa * lfilter([1.0], [1.0, -decay], noise)


def _coefficients(
    conductance_ns: NDArray[np.float64], current_pa: NDArray[np.float64], reversal_mv: float, dt_ms: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """a and b of each step, V_next = a V + b."""
    total = CELL.leak_ns + conductance_ns
    towards = (CELL.leak_ns * CELL.rest_mv + conductance_ns * reversal_mv + current_pa) / total
    kept = np.exp(-total * dt_ms / CELL.capacitance_pf)
    return kept, (1 - kept) * towards


def _run(
    kept: NDArray[np.float64], added: NDArray[np.float64], kicks: NDArray[np.float64], dt_ms: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Voltage at each step with pasted shapes, mV, and the steps with spikes; spikes and holding as in `membrane`."""
    threshold, reset = CELL.threshold_mv, CELL.reset_mv
    shape = pasted_voltage(
        threshold_mv=threshold, reset_mv=reset, refractory_ms=CELL.refractory_ms, dt_ms=dt_ms
    )  # fmt: skip
    v, held, out, spikes = CELL.rest_mv, 0, [CELL.rest_mv], []
    for step, (a, b, kick) in enumerate(
        zip(kept[:-1].tolist(), added[:-1].tolist(), kicks[1:].tolist(), strict=True), 1
    ):
        if held:
            held -= 1
        else:
            v = a * v + b + kick
            if v >= threshold:
                v, held = reset, len(shape)
                spikes.append(step)
        out.append(v)
    voltage, when = np.array(out), np.array(spikes, np.int64)
    rows = when[:, None] + np.arange(len(shape))
    inside = rows < len(voltage)
    voltage[rows[inside]] = np.broadcast_to(shape, rows.shape)[inside]
    return voltage, when


def _truth(options: LifPairOptions, delay_ms: float) -> Connectivity:
    types = np.array(["e" if options.weight_ns >= 0 else "i", ""])
    connected = int(options.weight_ns != 0)
    return Connectivity(
        "connectivity", np.ones(connected, np.int64), np.zeros(connected, np.int64),
        np.full(connected, float(options.weight_ns)), np.arange(2), np.arange(2), "nS",
        delays_ms=np.full(connected, delay_ms), pre_types=types, post_types=types,
    )  # fmt: skip

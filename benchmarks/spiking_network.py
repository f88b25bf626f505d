"""A small spiking network to fit: leaky integrate-and-fire neurons whose membrane and extracellular voltages are known.

    tau_m dV_i/dt = E_L + m_i + x_i + s_i - V_i
    tau_x dx_i    = -x_i dt + sigma sqrt(2 tau_x) dW_i
    ds_i/dt       = -s_i / tau_s + sum_j J_ij (spikes of j a delay ago)
    E_e           = -g sum_i (dV_i/dt + s_i / tau_m) / (d_ei + 12 um)

Where V_i passes theta a spike is pasted, from whose end it goes on. A neuron excites or inhibits all its targets.
Electrodes lie at the neurons. An Euler step, which all neurons take at once, is a sample. The seed decides everything.

    python benchmarks/spiking_network.py --out network.h5
    neurofit fit network.h5 --signal extracellular --train-fraction 0.0654 --out runs/network
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tyro
from numpy.typing import NDArray

from neurofit_io import Provenance, Recording, connectivity_from_matrix, save, signal_from_array, spikes_from_lists

DT_MS = 0.1
TRAIN_S, GAP_S, TEST_S = 4.2, 0.02, 60.0
TRAIN_FRACTION = TRAIN_S / (TRAIN_S + GAP_S + TEST_S)
"""Of the default duration: 4.2 s to train and validate on; 60 s are left to test on after a gap of 20 ms."""
SETTLING_MS = 500.0
"""Time that is simulated before the recording begins, ms."""
PEAK_MV = 30.0
NEAREST_UM = 12.0
GAIN = 6.0
"""g, uV um ms / mV: a neuron's spike at its own electrode is about 0.1 mV deep."""

CACHE = Path(os.environ.get("NEUROFIT_BENCHMARK_CACHE", Path(tempfile.gettempdir()) / "neurofit-benchmarks"))


@dataclass(frozen=True, kw_only=True)
class Network:
    """The network and how long it is recorded."""

    neurons: int = 100
    """Neurons, of which the first 80 % excite."""
    duration_s: float = TRAIN_S + GAP_S + TEST_S
    """Time that is recorded, s."""
    seed: int = 0
    """Seed of connections, places and drive."""
    connected: float = 0.2
    """Probability of a connection from one neuron to another."""
    excitation_mv: float = 3.0
    """Mean jump of s by an excitatory spike, mV."""
    inhibition_mv: float = 12.0
    """Mean fall of s by an inhibitory spike, mV."""
    tau_m_ms: float = 20.0
    """Time constant of the membrane, ms."""
    tau_s_ms: float = 3.0
    """Time constant of the synapses, ms."""
    delay_ms: float = 1.5
    """Time from a spike to the jump of s, ms."""
    tau_x_ms: float = 5.0
    """Time constant of the drive, ms."""
    drive_mv: float = 13.5
    """Mean drive m, mV."""
    drive_spread_mv: float = 3.0
    """Standard deviation of m over neurons, mV."""
    noise_mv: float = 7.0
    """Standard deviation of the drive x in time, sigma, mV."""
    rest_mv: float = -65.0
    """E_L, where a pasted spike ends, mV."""
    threshold_mv: float = -50.0
    """theta, mV."""
    side_um: float = 200.0
    """Side of the cube in which the neurons lie, um."""


@dataclass(frozen=True, eq=False)
class Activity:
    """What the neurons did.

    Attributes:
        vm: (time, neuron), mV.
        synaptic: s, (time, neuron), mV.
        spikes: For each neuron the steps (spike,) at which it passed its threshold.
    """

    vm: NDArray[np.float32]
    synaptic: NDArray[np.float32]
    spikes: list[NDArray[np.intp]]


class _Neurons:
    """Where all neurons stand."""

    def __init__(self, network: Network, weights: NDArray[np.float64], rng: np.random.Generator) -> None:
        n = network.neurons
        self.network, self.weights, self.rng, self.shape = network, weights, rng, spike_shape(network)
        self.target = network.rest_mv + network.drive_mv + network.drive_spread_mv * rng.standard_normal(n)
        self.v, self.s = network.rest_mv + 10 * rng.random(n), np.zeros(n)
        self.x = network.noise_mv * rng.standard_normal(n)
        self.phase = np.full(n, len(self.shape))  # next step of the pasted spike; its length where there is none
        self.incoming = np.zeros((round(network.delay_ms / DT_MS), n))  # a ring: jumps of s by the step they arrive at
        self.leak = DT_MS / network.tau_m_ms
        self.s_decay, self.x_decay = np.exp(-DT_MS / np.array([network.tau_s_ms, network.tau_x_ms]))
        self.kick = network.noise_mv * np.sqrt(1 - self.x_decay**2)

    def step(self, number: int) -> NDArray[np.intp]:
        """Takes one step; the neurons that pass their threshold in it."""
        arriving = self.incoming[number % len(self.incoming)]
        self.s = self.s_decay * self.s + arriving
        self.x = self.x_decay * self.x + self.kick * self.rng.standard_normal(len(self.x))
        self.v += self.leak * (self.target + self.x + self.s - self.v)
        fired = np.flatnonzero((self.v >= self.network.threshold_mv) & (self.phase == len(self.shape)))
        arriving[:] = self.weights[:, fired].sum(axis=1)
        self.phase[fired] = 0
        spiking = np.flatnonzero(self.phase < len(self.shape))
        self.v[spiking] = self.shape[self.phase[spiking]]
        self.phase[spiking] += 1
        return fired


def spike_shape(network: Network) -> NDArray[np.float64]:
    """The pasted voltage, (step,), mV: 0.6 ms from the threshold to 30 mV, then down to rest in 1.4 ms."""
    up = (1 - np.cos(np.pi * np.arange(1, 7) / 6)) / 2
    fallen = np.arange(1, 15) * DT_MS / 0.12
    rise = network.threshold_mv + (PEAK_MV - network.threshold_mv) * up
    return np.concatenate([rise, network.rest_mv + (PEAK_MV - network.rest_mv) * (1 + fallen) * np.exp(-fallen)])


def draw_weights(network: Network, rng: np.random.Generator) -> NDArray[np.float64]:
    """J[post, pre], mV: uniform within half of the mean on either side, 0 where nothing connects."""
    n = network.neurons
    means = np.where(np.arange(n) < round(0.8 * n), network.excitation_mv, -network.inhibition_mv)
    weights = np.where(rng.random((n, n)) < network.connected, means * rng.uniform(0.5, 1.5, (n, n)), 0.0)
    np.fill_diagonal(weights, 0.0)
    return weights


def run(network: Network, weights: NDArray[np.float64], rng: np.random.Generator) -> Activity:
    """Steps the network through its settling, which is left out, and its duration."""
    neurons = _Neurons(network, weights, rng)
    settling, steps = (round(ms / DT_MS) for ms in (SETTLING_MS, 1000 * network.duration_s))
    vm, synaptic = np.empty((2, steps, network.neurons), np.float32)
    trains: list[list[int]] = [[] for _ in range(network.neurons)]
    for number in range(-settling, steps):
        fired = neurons.step(number)
        if number < 0:
            continue
        vm[number], synaptic[number] = neurons.v, neurons.s
        for neuron in fired.tolist():
            trains[neuron].append(number)
    return Activity(vm, synaptic, [np.array(train, dtype=np.intp) for train in trains])


def extracellular(network: Network, activity: Activity, positions_um: NDArray[np.float64]) -> NDArray[np.float32]:
    """E at the neurons, (time, electrode), uV; the first sample has no change of voltage before it.

    Args:
        network: The network.
        activity: What it did.
        positions_um: Where the neurons lie, (neuron, 3), um.
    """
    distance = np.linalg.norm(positions_um[:, None] - positions_um, axis=-1)
    near = (-GAIN / (distance + NEAREST_UM)).astype(np.float32)
    source = activity.synaptic / np.float32(network.tau_m_ms)
    source[1:] += np.diff(activity.vm, axis=0) / np.float32(DT_MS)
    return source @ near.T


def simulate(network: Network) -> Recording:
    """Signals `vm` and `extracellular`, the spikes, and J as `connectivity`."""
    rng = np.random.default_rng(network.seed)
    weights = draw_weights(network, rng)
    positions = rng.uniform(0.0, network.side_um, (network.neurons, 3))
    activity = run(network, weights, rng)
    voltages = {"vm": (activity.vm, "mV"), "extracellular": (extracellular(network, activity, positions), "uV")}
    signals = {
        name: signal_from_array(values, name=name, rate_hz=1000 / DT_MS, unit=unit, positions_um=positions)
        for name, (values, unit) in voltages.items()
    }
    trains = [train * DT_MS / 1000 for train in activity.spikes]
    spikes = spikes_from_lists(trains, stop_s=network.duration_s, positions_um=positions)
    types = np.where(np.arange(network.neurons) < round(0.8 * network.neurons), "e", "i")
    connectivity = connectivity_from_matrix(
        weights, orientation="post_pre", unit="mV", delays_ms=np.full(np.count_nonzero(weights), network.delay_ms),
        pre_types=types, post_types=types, pre_positions_um=positions, post_positions_um=positions,
    )  # fmt: skip
    provenance = Provenance(Path("spiking_network"), "memory", metadata={"network": asdict(network)})
    return Recording(provenance, signals, {"spikes": spikes}, {"connectivity": connectivity})


def cached(network: Network) -> Path:
    """Path of the network's recording, simulated unless this version of it lies in the cache."""
    version = Path(__file__).read_bytes() + json.dumps(asdict(network)).encode()
    path = CACHE / f"spiking_network-{hashlib.sha256(version).hexdigest()[:12]}.h5"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        save(simulate(network), path, compress=False)
    return path


def main(network: Network, out: Path, overwrite: bool = False) -> None:
    """Simulates a network and saves the recording.

    Args:
        network: The network.
        out: Where to save it, .h5 or .nwb.
        overwrite: Replace a file that is there.
    """
    recording = simulate(network)
    save(recording, out, overwrite=overwrite, compress=False)
    rates = recording.spike_trains["spikes"].per_unit() / network.duration_s
    print(f"{out}: {rates.mean():.1f} spikes/s a neuron, from {rates.min():.1f} to {rates.max():.1f}")


if __name__ == "__main__":
    tyro.cli(main)

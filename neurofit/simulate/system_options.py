"""Options of the simulated systems other than the spiking network. No numpy here: every help is made from these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neurofit.simulate.option_checks import FEWEST_TRIALS, is_whole, require

LONGEST_STEP_MS = 0.5
HIGHEST_RATE_HZ = 200.0
"""Of a cell that is refractory for 2 ms, and that a recording of it should show at rest between its spikes."""

_POSITIVE = "a number above 0"
_NOT_NEGATIVE = "0 or more"
_SHARE = "a share above 0 and below 1"
_TRIALS = f"{FEWEST_TRIALS} or more: to train, validate and test"
_WHOLE = "a whole number of bins, two at least"


@dataclass(frozen=True, kw_only=True)
class LifPairOptions:
    """Two integrate-and-fire cells, the first onto the second by one known weight."""

    weight_ns: float = 2.0
    """Peak conductance of the synapse, nS; a negative one inhibits."""
    delay_ms: float = 1.5
    """From a spike to the begin of its conductance, ms."""
    duration_s: float = 60.0
    """Length of the recording, s."""
    dt_ms: float = 0.1
    """Step, ms."""
    rate_hz: float = 5.0
    """Firing rate of the presynaptic cell, Hz."""
    drive: Literal["poisson", "regular"] = "poisson"
    """When the presynaptic cell is made to fire: at random times, or at even ones."""
    background_mv: float = 1.0
    """Standard deviation of the second cell's voltage under its background input alone, mV."""
    seed: int = 0
    """Seed of all that is random."""

    def __post_init__(self) -> None:
        require(
            self,
            dt_ms=(0 < self.dt_ms <= LONGEST_STEP_MS, f"above 0, at most {LONGEST_STEP_MS} ms"),
            delay_ms=(self.delay_ms >= self.dt_ms, "a step of --dt-ms or more"),
            duration_s=(is_whole(self.duration_s, self.dt_ms), "a whole number of steps, two at least"),
            rate_hz=(0 < self.rate_hz <= HIGHEST_RATE_HZ, f"above 0, at most {HIGHEST_RATE_HZ:g} Hz"),
            background_mv=(self.background_mv >= 0, _NOT_NEGATIVE),
            drive=(self.drive in ("poisson", "regular"), "poisson or regular"),
            seed=(self.seed >= 0, _NOT_NEGATIVE),
        )


@dataclass(frozen=True, kw_only=True)
class LorenzOptions:
    """Spikes of neurons that share the three states of a Lorenz system."""

    neurons: int = 30
    """Number of neurons."""
    conditions: int = 65
    """Number of initial states."""
    trials: int = 20
    """Trials of each condition: the same rates, other spikes."""
    duration_s: float = 1.0
    """Length of a trial, s."""
    bin_ms: float = 20.0
    """Bin of the true rates, ms; the system takes two steps of 0.006 in each."""
    base_hz: float = 5.0
    """Rate of every neuron where all three states are at their mean, Hz."""
    train_share: float = 0.6
    """Share of each condition's trials called train; half of the others are called validation, the rest test."""
    seed: int = 0
    """Seed of all that is random."""

    def __post_init__(self) -> None:
        require(
            self,
            neurons=(self.neurons >= 1, "1 or more"),
            conditions=(self.conditions >= 2, "2 or more"),
            trials=(self.trials >= FEWEST_TRIALS, _TRIALS),
            bin_ms=(self.bin_ms > 0, _POSITIVE),
            duration_s=(is_whole(self.duration_s, self.bin_ms), _WHOLE),
            base_hz=(self.base_hz > 0, _POSITIVE),
            train_share=(0 < self.train_share < 1, _SHARE),
            seed=(self.seed >= 0, _NOT_NEGATIVE),
        )


@dataclass(frozen=True, kw_only=True)
class ChaoticOptions:
    """Spikes of a chaotic network of rate neurons."""

    neurons: int = 50
    """Number of neurons."""
    gain: float = 1.5
    """Gain of the connections: above 1 a large network is chaotic."""
    conditions: int = 400
    """Number of initial states."""
    trials: int = 10
    """Trials of each condition: the same rates, other spikes."""
    duration_s: float = 1.0
    """Length of a trial, s."""
    bin_ms: float = 10.0
    """Step of the network and bin of the true rates, ms."""
    tau_ms: float = 25.0
    """Time constant of a neuron, ms."""
    peak_hz: float = 30.0
    """Highest rate of every neuron in every trial, Hz; the lowest is 0."""
    train_share: float = 0.8
    """Share of each condition's trials called train; half of the others are called validation, the rest test."""
    seed: int = 0
    """Seed of all that is random."""

    def __post_init__(self) -> None:
        require(
            self,
            neurons=(self.neurons >= 2, "2 or more"),
            gain=(self.gain > 0, _POSITIVE),
            conditions=(self.conditions >= 2, "2 or more"),
            trials=(self.trials >= FEWEST_TRIALS, _TRIALS),
            bin_ms=(self.bin_ms > 0, _POSITIVE),
            duration_s=(is_whole(self.duration_s, self.bin_ms), _WHOLE),
            tau_ms=(self.tau_ms >= self.bin_ms, "--bin-ms or more, as the step of the network is a bin"),
            peak_hz=(self.peak_hz > 0, _POSITIVE),
            train_share=(0 < self.train_share < 1, _SHARE),
            seed=(self.seed >= 0, _NOT_NEGATIVE),
        )


@dataclass(frozen=True, kw_only=True)
class PulseOptions(ChaoticOptions):
    """Spikes of a chaotic network that is pushed once a trial, at a random time."""

    magnitude: float = 20.0
    """Size of the push before the step of the network scales it."""
    unperturbed: float = 1 / 3
    """Share of the trials without a push."""
    directions: Literal[1, 2] = 2
    """1: every push goes along one vector; 2: half of them go the opposite way."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self,
            duration_s=(self.duration_s >= 0.004 * self.bin_ms, "4 bins or more: pushes come in the middle half"),
            magnitude=(self.magnitude > 0, _POSITIVE),
            unperturbed=(0 <= self.unperturbed < 1, "a share from 0 to below 1"),
            directions=(self.directions in (1, 2), "1 or 2"),
        )


@dataclass(frozen=True, kw_only=True)
class ReachingOptions:
    """Spikes of neurons that share rotating states set by the target of a reach, and the hand's velocity."""

    neurons: int = 60
    """Number of neurons."""
    targets: int = 8
    """Number of targets, evenly around the start."""
    trials: int = 40
    """Reaches to each target."""
    duration_s: float = 0.6
    """Length of a trial, s."""
    bin_ms: float = 10.0
    """Bin of the true rates and of the hand's velocity, ms."""
    rotation_hz: tuple[float, float] = (1.7, 2.3)
    """Frequency of the rotation in each of the two planes, Hz."""
    decay_ms: float = 200.0
    """Time constant with which the rotations die out, ms."""
    jitter: float = 0.15
    """Standard deviation of the initial state from trial to trial; the targets lie 1 from the middle."""
    base_hz: float = 8.0
    """Mean rate of every neuron, Hz."""
    modulation: float = 0.6
    """Standard deviation of the logarithm of a neuron's rate over times and trials."""
    reach_cm: float = 10.0
    """Distance of the targets, cm."""
    velocity_noise: float = 0.05
    """Noise of the hand's velocity as a share of its root mean square."""
    train_share: float = 0.6
    """Share of each target's trials called train; half of the others are called validation, the rest test."""
    seed: int = 0
    """Seed of all that is random."""

    def __post_init__(self) -> None:
        require(
            self,
            neurons=(self.neurons >= 1, "1 or more"),
            targets=(self.targets >= 2, "2 or more"),
            trials=(self.trials >= FEWEST_TRIALS, _TRIALS),
            bin_ms=(self.bin_ms > 0, _POSITIVE),
            duration_s=(is_whole(self.duration_s, self.bin_ms), _WHOLE),
            rotation_hz=(all(0 < value < float("inf") for value in self.rotation_hz), "two frequencies above 0 Hz"),
            decay_ms=(self.decay_ms > 0, _POSITIVE),
            jitter=(self.jitter >= 0, _NOT_NEGATIVE),
            base_hz=(self.base_hz > 0, _POSITIVE),
            modulation=(self.modulation >= 0, _NOT_NEGATIVE),
            reach_cm=(self.reach_cm > 0, _POSITIVE),
            velocity_noise=(self.velocity_noise >= 0, _NOT_NEGATIVE),
            train_share=(0 < self.train_share < 1, _SHARE),
            seed=(self.seed >= 0, _NOT_NEGATIVE),
        )

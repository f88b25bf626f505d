"""Spikes while a hand reaches to one of several targets: rotations that the target starts, and a velocity read out.

Two planes, k = 1, 2 for the x and the y of the hand, rotate and decay from a state that the target d = (cos, sin) sets,
jittered from trial to trial; a fifth latent c is the same in all conditions (Churchland et al. 2012, Nature 487:51;
Kaufman et al. 2016, eNeuro 3(4)):

    (a_k, b_k)(t) = exp(-t / decay) R(2 pi f_k t) (d_k + jitter_k, jitter'_k)
    c(t)          = (t / 100 ms) exp(1 - t / 100 ms)
    log rate      = offset + C (a_1, b_1, a_2, b_2, c)
    velocity_k    = v_k b_k + noise

C is normal, its rows scaled so that every neuron's log rate has the same standard deviation, and offsets so that every
mean rate is the same. v_k is such that without jitter and noise the hand ends on its target.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from neurofit.simulate.option_checks import steps_in
from neurofit.simulate.system_options import ReachingOptions
from neurofit.simulate.trial_order import shuffled_trials
from neurofit.simulate.trials_recording import SimulatedTrials, TrialValues, trials_recording
from neurofit_io import Recording

COMMON_MS = 100.0
"""When the condition-independent latent is largest, ms."""
LATENTS = ("x plane 1", "x plane 2", "y plane 1", "y plane 2", "common")


def rotations(initial: NDArray[np.float64], time_s: NDArray[np.float64], options: ReachingOptions) -> NDArray:
    """The four rotating latents, (cases, time, 4), from their states at time 0, (cases, 4)."""
    decay = np.exp(-time_s / (options.decay_ms / 1000))
    planes = []
    for plane, frequency in enumerate(options.rotation_hz):
        cos, sin = (turn(2 * np.pi * frequency * time_s) * decay for turn in (np.cos, np.sin))
        a, b = initial[:, 2 * plane, None], initial[:, 2 * plane + 1, None]
        planes += [a * cos - b * sin, a * sin + b * cos]
    return np.stack(planes, axis=-1)


def simulate_reaching(options: ReachingOptions | None = None) -> Recording:
    """Spikes and hand velocity of reaches.

    Args:
        options: Sizes, rotations and seed.

    Returns:
        A recording with `spikes`, `true_rates` (Hz), five `latents` and `hand_velocity` (cm/s) in bins, each value that
        at the middle of its bin, and trials with columns `condition`, `split`, `target_deg`, `target_x_cm` and
        `target_y_cm`.
    """
    options = options or ReachingOptions()
    rng = np.random.default_rng(options.seed)
    bins, width_s = steps_in(options.duration_s, options.bin_ms), options.bin_ms / 1000
    time_s = ((np.arange(bins) + 0.5) * width_s).astype(np.float64)
    target, split = shuffled_trials(options.targets, options.trials, options.train_share, rng)
    angle = 2 * np.pi * target / options.targets
    towards = np.column_stack([np.cos(angle), np.sin(angle)])
    initial = np.zeros((len(target), 4))
    initial[:, [0, 2]] = towards
    initial += options.jitter * rng.standard_normal(initial.shape)
    common = time_s / (COMMON_MS / 1000) * np.exp(1 - time_s / (COMMON_MS / 1000))
    latents = np.concatenate(
        [rotations(initial, time_s, options), np.broadcast_to(common[:, None], (len(target), bins, 1))], axis=-1
    )
    velocity = _velocity(latents, time_s, options)
    noise = options.velocity_noise * np.sqrt(np.square(velocity).mean())
    velocity += noise * rng.standard_normal(velocity.shape)
    values = {
        "latents": TrialValues(latents.astype(np.float32), channel_ids=LATENTS),
        "hand_velocity": TrialValues(velocity.astype(np.float32), unit="cm/s", channel_ids=("x", "y")),
    }
    place = options.reach_cm * towards
    columns = {
        "condition": target, "split": split, "target_deg": np.rad2deg(angle), "target_x_cm": place[:, 0],
        "target_y_cm": place[:, 1],
    }  # fmt: skip
    trials = SimulatedTrials(
        _rates(latents, options, rng), values, np.arange(len(target)), columns, options.bin_ms, asdict(options)
    )
    return trials_recording("reaching", trials, rng)


def _velocity(latents: NDArray, time_s: NDArray[np.float64], options: ReachingOptions) -> NDArray[np.float64]:
    """Velocity of the hand, (trials, time, 2), cm/s."""
    unit = rotations(np.array([[1.0, 0.0, 1.0, 0.0]]), time_s, options)[0][:, [1, 3]]
    travelled = unit.sum(axis=0) * (options.bin_ms / 1000)
    return latents[:, :, [1, 3]] * (options.reach_cm / travelled)


def _rates(latents: NDArray, options: ReachingOptions, rng: np.random.Generator) -> NDArray[np.float32]:
    """True rates, Hz, (trials, time, neuron)."""
    logs = latents @ rng.standard_normal((latents.shape[-1], options.neurons))
    logs -= logs.mean(axis=(0, 1))
    logs *= options.modulation / logs.std(axis=(0, 1))
    rates = np.exp(logs)
    return (options.base_hz * rates / rates.mean(axis=(0, 1))).astype(np.float32)

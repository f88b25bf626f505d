"""Spikes of neurons that share the states of a Lorenz system (Sussillo et al. 2016, arXiv 1608.06315, section 4.1).

    dx/dt = 10 (y - x),   dy/dt = x (28 - z) - y,   dz/dt = x y - 8/3 z
    log rate = log base + W s,   |W| ~ U(1, 2) with a random sign

in Euler steps of 0.006, two a bin. s are the three states less their means over all conditions and times, each scaled
to a largest absolute value of 1. Every condition begins on the attractor, 1000 steps after a random state.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from neurofit.simulate.option_checks import steps_in
from neurofit.simulate.system_options import LorenzOptions
from neurofit.simulate.trial_order import shuffled_trials
from neurofit.simulate.trials_recording import SimulatedTrials, TrialValues, trials_recording
from neurofit_io import Recording

SIGMA, RHO, BETA = 10.0, 28.0, 8.0 / 3.0
STEP = 0.006
STEPS_A_BIN = 2
STEPS_BEFORE = 1000


def lorenz_path(initial: NDArray[np.float64], steps: int, *, step: float = STEP) -> NDArray[np.float64]:
    """Euler's path of the Lorenz system.

    Args:
        initial: States to begin with, (cases, 3).
        steps: States to return, the initial ones among them.
        step: Length of an Euler step, in the system's own time.

    Returns:
        (cases, steps, 3).
    """
    path = np.empty((len(initial), steps, 3))
    path[:, 0] = initial
    for t in range(1, steps):
        x, y, z = path[:, t - 1].T
        slope = np.stack([SIGMA * (y - x), x * (RHO - z) - y, x * y - BETA * z], axis=1)
        path[:, t] = path[:, t - 1] + step * slope
    return path


def simulate_lorenz(options: LorenzOptions | None = None) -> Recording:
    """A Lorenz system's spikes.

    Args:
        options: Sizes, rates and seed.

    Returns:
        A recording with `spikes`, `true_rates` (Hz) and the three scaled `latents` in bins, and trials with columns
        `condition` and `split`.
    """
    options = options or LorenzOptions()
    rng = np.random.default_rng(options.seed)
    initial = lorenz_path(rng.standard_normal((options.conditions, 3)), STEPS_BEFORE)[:, -1]
    bins = steps_in(options.duration_s, options.bin_ms)
    states = lorenz_path(initial, STEPS_A_BIN * bins)[:, ::STEPS_A_BIN]
    states -= states.mean(axis=(0, 1))
    states /= np.abs(states).max(axis=(0, 1))
    loading = rng.uniform(1, 2, (options.neurons, 3)) * rng.choice([-1.0, 1.0], (options.neurons, 3))
    rates = np.exp(np.log(options.base_hz) + states @ loading.T)
    condition, split = shuffled_trials(options.conditions, options.trials, options.train_share, rng)
    trials = SimulatedTrials(
        rates.astype(np.float32),
        {"latents": TrialValues(states.astype(np.float32), channel_ids=("x", "y", "z"))},
        condition, {"condition": condition, "split": split}, options.bin_ms,
        {**asdict(options), "loading": loading.tolist()},
    )  # fmt: skip
    return trials_recording("lorenz", trials, rng)

"""Spikes of a chaotic network of rate neurons (Sussillo et al. 2016, arXiv 1608.06315, section 4.2).

    x_t = (1 - dt/tau) x_{t-1} + (dt/tau) g W tanh(x_{t-1}) + (dt/tau) u_t B,   W ~ N(0, 1/N),   x_0 ~ N(0, 1)
    rate = peak (r - min r) / (max r - min r),   r = tanh(x),   over the time of each trial, for each neuron

u is the input of `pulse`; there is none here. The network has no state but x, so x_0 is its condition.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from neurofit.simulate.option_checks import steps_in
from neurofit.simulate.system_options import ChaoticOptions
from neurofit.simulate.trial_order import shuffled_trials
from neurofit.simulate.trials_recording import SimulatedTrials, TrialValues, trials_recording
from neurofit_io import Connectivity, Recording, connectivity_from_matrix


def chaotic_path(
    initial: NDArray[np.float64],
    weight: NDArray[np.float64],
    steps: int,
    *,
    leak: float,
    kicks: NDArray[np.float64] | None = None,
    kick_steps: NDArray[np.integer] | None = None,
) -> NDArray[np.float64]:
    """Runs the network.

    Args:
        initial: x_0, (cases, neurons).
        weight: g W, (post, pre).
        steps: States to return, the initial ones among them.
        leak: dt / tau.
        kicks: Added to x of each case once, (cases, neurons).
        kick_steps: The step whose state is the first to hold it, (cases,); -1 for never.

    Returns:
        x, (cases, steps, neurons).
    """
    path = np.empty((len(initial), steps, initial.shape[1]))
    x = np.array(initial, np.float64)
    for t in range(steps):
        if t:
            x = (1 - leak) * x + leak * (np.tanh(x) @ weight.T)
        if kicks is not None and kick_steps is not None:
            now = kick_steps == t
            x[now] += kicks[now]
        path[:, t] = x
    return path


def scaled_rates(states: NDArray[np.float64], peak_hz: float) -> NDArray[np.float32]:
    """Rates from 0 to `peak_hz`, Hz, both reached in every case by every neuron that moves, (cases, time, neuron)."""
    rates = np.tanh(states)
    low = rates.min(axis=1, keepdims=True)
    span = rates.max(axis=1, keepdims=True) - low
    rates -= low
    rates *= np.divide(peak_hz, span, out=np.zeros_like(span), where=span > 0)
    return rates.astype(np.float32)


def random_weights(options: ChaoticOptions, rng: np.random.Generator) -> NDArray[np.float64]:
    """g W, (post, pre)."""
    return options.gain * rng.standard_normal((options.neurons, options.neurons)) / np.sqrt(options.neurons)


def weights_truth(weight: NDArray[np.float64]) -> Connectivity:
    """The connections, each neuron's onto itself among them."""
    return connectivity_from_matrix(weight, orientation="post_pre", metadata={"weights": "g W, without a unit"})


def simulate_chaotic(options: ChaoticOptions | None = None) -> Recording:
    """A chaotic network's spikes.

    Args:
        options: Sizes, gain and seed.

    Returns:
        A recording with `spikes`, `true_rates` (Hz) and `latents` (x) in bins, `connectivity` (g W), and trials with
        columns `condition` and `split`.
    """
    options = options or ChaoticOptions()
    rng = np.random.default_rng(options.seed)
    weight = random_weights(options, rng)
    initial = rng.standard_normal((options.conditions, options.neurons))
    bins = steps_in(options.duration_s, options.bin_ms)
    states = chaotic_path(initial, weight, bins, leak=options.bin_ms / options.tau_ms)
    condition, split = shuffled_trials(options.conditions, options.trials, options.train_share, rng)
    trials = SimulatedTrials(
        scaled_rates(states, options.peak_hz), {"latents": TrialValues(states.astype(np.float32))}, condition,
        {"condition": condition, "split": split}, options.bin_ms, asdict(options), weights_truth(weight),
    )  # fmt: skip
    return trials_recording("chaotic", trials, rng)

"""A chaotic network that is pushed once a trial: inputs whose presence, sign and time are to be inferred.

The network of `chaotic` with u_t = +-magnitude in one bin, uniform among those from T/4 to 3T/4, through a random
vector B ~ N(0, 1) that is the same in all trials. Every trial has a push and rates of its own, so that averages over
the trials of a condition do not show them; each split has the same shares of trials without a push and of both signs.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from neurofit.simulate.chaotic import chaotic_path, random_weights, scaled_rates, weights_truth
from neurofit.simulate.option_checks import steps_in
from neurofit.simulate.system_options import PulseOptions
from neurofit.simulate.trial_order import shuffled_trials
from neurofit.simulate.trials_recording import SimulatedTrials, TrialValues, trials_recording
from neurofit_io import Recording


def push_directions(
    split: NDArray[np.str_], unperturbed: float, directions: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """-1, 0 or 1 for each trial, in the same shares in every split, rounded, (trials,)."""
    out = np.zeros(len(split), np.int64)
    for name in np.unique(split):
        members = rng.permutation(np.flatnonzero(split == name))
        pushed = members[round(unperturbed * len(members)) :]
        out[pushed] = 1
        if directions == 2:
            out[pushed[: len(pushed) // 2]] = -1
    return out


def simulate_pulse(options: PulseOptions | None = None) -> Recording:
    """A pushed chaotic network's spikes.

    Args:
        options: Sizes, gain, pushes and seed.

    Returns:
        As of `simulate_chaotic`, with the signal `inputs` (u) and the columns `pulse_s`, when the bin of the push
        begins, s, NaN without one, and `direction`, -1, 0 or 1.
    """
    options = options or PulseOptions()
    rng = np.random.default_rng(options.seed)
    weight, vector = random_weights(options, rng), rng.standard_normal(options.neurons)
    initial = rng.standard_normal((options.conditions, options.neurons))
    bins, leak = steps_in(options.duration_s, options.bin_ms), options.bin_ms / options.tau_ms
    condition, split = shuffled_trials(options.conditions, options.trials, options.train_share, rng)
    direction = push_directions(split, options.unperturbed, options.directions, rng)
    when = np.where(direction != 0, rng.integers(bins // 4, 3 * bins // 4, len(split)), -1)
    kicks = leak * options.magnitude * direction[:, None] * vector
    states = chaotic_path(initial[condition], weight, bins, leak=leak, kicks=kicks, kick_steps=when)
    inputs = np.zeros((len(split), bins, 1), np.float32)
    pushed = np.flatnonzero(when >= 0)
    inputs[pushed, when[pushed], 0] = options.magnitude * direction[pushed]
    trials = SimulatedTrials(
        scaled_rates(states, options.peak_hz),
        {"latents": TrialValues(states.astype(np.float32)), "inputs": TrialValues(inputs, channel_ids=("u",))},
        np.arange(len(split)), {"condition": condition, "split": split, "direction": direction}, options.bin_ms,
        {**asdict(options), "vector": vector.tolist()}, weights_truth(weight),
        {"pulse_s": np.where(when >= 0, when * options.bin_ms / 1000, np.nan)},
    )  # fmt: skip
    return trials_recording("pulse", trials, rng)

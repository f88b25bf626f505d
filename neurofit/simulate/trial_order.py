"""Which trial is of which condition, and what each is for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def split_of_repetitions(trials: int, train_share: float) -> NDArray[np.str_]:
    """What each repetition of a condition is for, (trials,): first `train`, then `validation`, then `test`.

    `train_share` of them train, rounded, and half of the others validate, rounded down: 12, 4 and 4 of 20 at 0.6, and
    8, 1 and 1 of 10 at 0.8. There is at least one of each.
    """
    train = min(max(1, round(train_share * trials)), trials - 2)
    validation = (trials - train) // 2
    return np.repeat(["train", "validation", "test"], [train, validation, trials - train - validation])


def shuffled_trials(
    conditions: int, trials: int, train_share: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """Condition and split of each trial in a random order, so that no trial tells the next one's condition."""
    order = rng.permutation(conditions * trials)
    return order // trials, split_of_repetitions(trials, train_share)[order % trials]

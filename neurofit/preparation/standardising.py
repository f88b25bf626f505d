"""Model space: z = (x - mean) / std, and the way back.

Errors are reported in units of the training standard deviation whatever the model space is:

    (x - train_mean) / train_std = (z - score_mean) * score_scale
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.preparation.moments import Moments

FLOOR = 0.05
"""Smallest standard deviation to divide by, as a share of the channels' median."""

BLOCK_ELEMENTS = 2**16
"""Values turned at a time: their float64 copies stay in a processor's cache, five times as fast."""


@dataclass(frozen=True, eq=False)
class Standardiser:
    """Means and standard deviations per channel, all (channels,) float64 in physical units.

    Attributes:
        mean: Subtracted to reach model space.
        std: Divided by to reach model space.
        train_mean: Mean over the training span.
        train_std: Standard deviation over the training span, with the floor.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    train_mean: NDArray[np.float64]
    train_std: NDArray[np.float64]

    def apply(self, values: NDArray[Any], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Physical (..., channels) to model space, computed in float64; into `out`, contiguous, when it is given."""
        return _by_blocks(values, lambda block: (block - self.mean) / self.std, out)

    def undo(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Model space (..., channels) to physical, computed in float64."""
        return _by_blocks(values, lambda block: block * self.std + self.mean)

    @cached_property
    def score_scale(self) -> NDArray[np.float64]:
        """Units of the training standard deviation per unit of model space, (channels,); 1 for `--zscore train`."""
        return self.std / self.train_std

    @cached_property
    def score_mean(self) -> NDArray[np.float64]:
        """The training mean in model space, (channels,); 0 for `--zscore train`."""
        return (self.train_mean - self.mean) / self.std

    def state(self) -> dict[str, NDArray[np.float64]]:
        """The arrays, for a tensor file."""
        return {"mean": self.mean, "std": self.std, "train_mean": self.train_mean, "train_std": self.train_std}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.float64]]) -> Standardiser:
        """The standardiser that `state()` describes."""
        return cls(*(np.asarray(state[name], np.float64) for name in ("mean", "std", "train_mean", "train_std")))


def standardise(train: Moments, everything: Moments, zscore: str) -> Standardiser:
    """The standardiser of a mode of `--zscore`.

    Args:
        train: Moments over the training span.
        everything: Moments over all usable steps; looked at by the `all` modes only.
        zscore: `train`, `all` (each channel by itself), `all-global` (one mean and one std) or `none`.
    """
    train_std = floored(train.std)
    if zscore == "train":
        return Standardiser(train.mean, train_std, train.mean, train_std)
    if zscore == "none":
        return Standardiser(np.zeros_like(train_std), np.ones_like(train_std), train.mean, train_std)
    if zscore == "all":
        return Standardiser(everything.mean, floored(everything.std), train.mean, train_std)
    pooled = everything.pooled()
    return Standardiser(pooled.mean, pooled.std, train.mean, train_std)


def by_training(train: Moments) -> Standardiser:
    """The standardiser of measured inputs: each by its own training span, without a floor, as their units differ."""
    return Standardiser(train.mean, train.std, train.mean, train.std)


def floored(std: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviations (channels,), none below `FLOOR` of their median.

    A channel that all but rests while training would otherwise be blown up at its first event and carry the error of
    the whole population.
    """
    return np.maximum(std, FLOOR * np.median(std))


def _by_blocks(
    values: NDArray[Any], turn: Callable[[NDArray[Any]], NDArray[np.float64]], out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Applies `turn` to rows of (..., channels) in float64."""
    out = np.empty(values.shape, np.float32) if out is None else out
    rows, turned = values.reshape(-1, values.shape[-1]), out.reshape(-1, values.shape[-1])
    step = max(1, BLOCK_ELEMENTS // max(1, values.shape[-1]))
    for first in range(0, len(rows), step):
        turned[first : first + step] = turn(rows[first : first + step])
    return out

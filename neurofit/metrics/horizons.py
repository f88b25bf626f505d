"""Scores of forecasts several steps ahead, made at many starts in held-out time.

A forecast from start s, after a warm-up on the truth up to x_s, predicts y_{s+h}. For every horizon h, over starts s
and channels c in units of the training standard deviation,

    mse_h   = mean_{s, c} (x_{s+h} - y_{s+h})^2
    skill_h = 1 - mse_h / mean_{s, c} (x_{s+h} - x_s)^2    (the reference copies the last value of the warm-up)
    r2_h    = 1 - mse_h / mean_{s, c} x_{s+h}^2            (the reference is the training mean)

Both references are needed: near h = 1 the last value is the stronger one in finely sampled signals, far out the mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.metrics.errors import ErrorSums
from neurofit.metrics.scores import Score, mean_squared_error, r2, skill


@dataclass(frozen=True)
class HorizonScores:
    """The horizon curve of one predictor.

    Attributes:
        h: Steps ahead.
        mse: Mean squared error at each h, in squared units of the training standard deviation.
        skill: Skill at each h against the last value of the warm-up.
        r2: Coefficient of determination at each h against the training mean.
        starts: Number of forecasts behind every score.
    """

    h: tuple[int, ...]
    mse: tuple[Score, ...]
    skill: tuple[Score, ...]
    r2: tuple[Score, ...]
    starts: int

    @property
    def predictability_horizon(self) -> int:
        """Last h with a pooled r2 above 0.05, in steps; 0 when there is none."""
        return predictability_horizon(self.h, [score.pooled for score in self.r2])

    def as_json(self) -> dict[str, Any]:
        """The curve for a JSON file: lists over h, one score each."""
        curves = {"mse": self.mse, "skill": self.skill, "r2": self.r2}
        return {
            "h": list(self.h),
            **{name: [score.as_json() for score in scores] for name, scores in curves.items()},
            "predictability_horizon": self.predictability_horizon,
            "starts": self.starts,
        }


def horizon_scores(
    truth: NDArray[np.floating[Any]],
    prediction: NDArray[np.floating[Any]],
    last: NDArray[np.floating[Any]],
    *,
    h: Sequence[int],
    seed: int = 0,
) -> HorizonScores:
    """Score forecasts at several horizons.

    Args:
        truth: (start, horizon, channel), x_{s+h}, in units of the training standard deviation around the training
            mean. Starts in the order of time, which the bootstrap of `ci95` relies on.
        prediction: (start, horizon, channel), y_{s+h}.
        last: (start, channel), x_s, the last value of the warm-up.
        h: Steps ahead that the second axis stands for, rising.
        seed: Seed of the bootstrap.

    Returns:
        The scores of every h. Where a forecast is not finite the scores of that h are NaN, with a note of how many
        starts diverged.

    Raises:
        ValueError: The shapes do not belong together, or h does not rise from at least 1.
    """
    starts, _, channels = truth.shape
    if prediction.shape != truth.shape or last.shape != (starts, channels) or truth.shape[1] != len(h):
        raise ValueError(
            f"truth {truth.shape}, prediction {prediction.shape}, last {last.shape} and {len(h)} horizons "
            "must be (start, horizon, channel) twice, (start, channel) and one h for every horizon"
        )
    if list(h) != sorted(set(h)) or min(h) < 1:
        raise ValueError(f"h must rise from at least 1, got {list(h)}")
    rows = [_scores(truth[:, i], prediction[:, i], last, seed) for i in range(len(h))]
    mse, skills, r2s = zip(*rows, strict=True)
    return HorizonScores(h=tuple(h), mse=mse, skill=skills, r2=r2s, starts=starts)


def predictability_horizon(h: Sequence[int], r2: Sequence[float], threshold: float = 0.05) -> int:
    """Last horizon at which the forecast still explains a share of the variance.

    Args:
        h: (horizon,), steps ahead.
        r2: (horizon,), coefficient of determination at each; NaN explains nothing.
        threshold: The share to exceed.

    Returns:
        The largest h with r2 > threshold, even if the curve dips below in between; 0 when there is none.
    """
    return max((steps for steps, share in zip(h, r2, strict=True) if share > threshold), default=0)


def _scores(
    truth: NDArray[np.floating[Any]],
    prediction: NDArray[np.floating[Any]],
    last: NDArray[np.floating[Any]],
    seed: int,
) -> tuple[Score, Score, Score]:
    finite = np.isfinite(prediction).all(axis=1)
    if not finite.all():
        note = f"{(~finite).sum()} of {len(finite)} forecasts are not finite"
        undefined = Score(math.nan, math.nan, None, note)
        return undefined, undefined, undefined
    own, copied, mean = ErrorSums(), ErrorSums(), ErrorSums()
    own.add(truth, prediction)
    copied.add(truth, last)
    mean.add(truth, np.zeros_like(truth))
    return mean_squared_error(own, seed=seed), skill(own, copied, seed=seed), r2(own, mean, seed=seed)

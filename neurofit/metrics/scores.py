"""Scores of a predictor from its accumulated errors, pooled over all entries and by channel.

With sse and loss of `neurofit.metrics.errors`, T steps and C channels:

    mse   = sum_c sse_c / (T C)
    skill = 1 - mse / mse_reference        (r2: the reference is the training mean)
    loss  = (1 / T) sum_t ||x_t - y_t||^2  (Nayebi 2015, equation 2)

`ci95` is a block bootstrap of the pooled score over time; errors of model and reference are resampled together.
Spans and segments are taken as one series, as if no time had passed between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.metrics.bootstrap import Interval, block_bootstrap
from neurofit.metrics.errors import ErrorSums


@dataclass(frozen=True)
class Score:
    """One score of one span.

    Attributes:
        pooled: Over all entries.
        median: Median over channels of each channel's own score.
        ci95: 95 % interval of `pooled`, None when it cannot be given.
        note: Why `ci95` is None, else None.
    """

    pooled: float
    median: float
    ci95: tuple[float, float] | None
    note: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The score for scores.json: an undefined number becomes null, a missing interval brings its reason."""
        score: dict[str, Any] = {
            "pooled": None if math.isnan(self.pooled) else self.pooled,
            "median": None if math.isnan(self.median) else self.median,
            "ci95": None if self.ci95 is None else list(self.ci95),
        }
        return score if self.note is None else {**score, "note": self.note}


def mean_squared_error(sums: ErrorSums, *, seed: int = 0) -> Score:
    """Mean squared error, in squared units of the training standard deviation.

    Args:
        sums: Errors of the predictor.
        seed: Seed of the bootstrap.
    """
    by_channel = sums.channel_mse
    interval = block_bootstrap(sums.losses[:, None], lambda means: means[:, 0], seed=seed)
    return _score(float(by_channel.mean()), by_channel, interval)


def skill(sums: ErrorSums, *references: ErrorSums, seed: int = 0) -> Score:
    """Share of the reference's error that the predictor removes: 1 - mse / mse_reference.

    Args:
        sums: Errors of the predictor.
        references: Errors of one or several reference predictors on the same steps. Of several, the one with the
            smallest pooled mse is the reference throughout, for every channel's own score too.
        seed: Seed of the bootstrap.

    Returns:
        1 for a perfect prediction, 0 for one as good as the reference, negative for a worse one. The median leaves
        out channels in which the reference makes no error; a score that is undefined is NaN.

    Raises:
        ValueError: No reference, or one with other steps or channels.
    """
    if not references:
        raise ValueError("skill needs at least one reference")
    reference = min(references, key=lambda candidate: float(candidate.squared_errors.sum()))
    by_channel = channel_skill(sums, reference)
    total = float(reference.squared_errors.sum())
    if total == 0:
        return Score(math.nan, math.nan, None, "the reference makes no error")
    interval = block_bootstrap(
        np.stack([sums.losses, reference.losses], axis=1), lambda means: 1 - means[:, 0] / means[:, 1], seed=seed
    )
    return _score(1 - float(sums.squared_errors.sum()) / total, by_channel, interval)


def r2(sums: ErrorSums, mean_sums: ErrorSums, *, seed: int = 0) -> Score:
    """Coefficient of determination against the training mean (0 in standardised units).

    Args:
        sums: Errors of the predictor.
        mean_sums: Errors of predicting the training mean on the same steps.
        seed: Seed of the bootstrap.
    """
    return skill(sums, mean_sums, seed=seed)


def channel_skill(sums: ErrorSums, reference: ErrorSums) -> NDArray[np.float64]:
    """Skill of each channel: 1 - sse_c / sse_reference_c.

    Args:
        sums: Errors of the predictor.
        reference: Errors of the reference on the same steps.

    Returns:
        (channel,); NaN where the reference makes no error.

    Raises:
        ValueError: The reference was scored on other steps or channels.
    """
    own, other = sums.squared_errors, reference.squared_errors
    if (sums.n_steps, own.size) != (reference.n_steps, other.size):
        raise ValueError(
            f"predictor scored on {sums.n_steps} steps x {own.size} channels, "
            f"reference on {reference.n_steps} x {other.size}; score both on the same held-out time"
        )
    ratio = np.divide(own, other, out=np.full(own.size, np.nan), where=other > 0)
    return 1 - ratio


def loss_eq2(sums: ErrorSums) -> float:
    """Squared error of a step summed over channels, averaged over steps (Nayebi 2015, equation 2).

    Args:
        sums: Errors of the predictor.
    """
    return float(sums.channel_mse.sum())


def _score(pooled: float, by_channel: NDArray[np.float64], interval: Interval) -> Score:
    defined = by_channel[~np.isnan(by_channel)]
    return Score(pooled, float(np.median(defined)), interval.ci95, interval.note)

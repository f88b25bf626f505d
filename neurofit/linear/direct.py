"""Direct forecasts: what features of the present say about each later sample, beyond a linear forecast of it.

    y_h = a_h l_h + c_h (r_h + W_h' f)

l_h is an autoregression's forecast h steps ahead and r_h what changes in it when its first step is replaced by a better
one, a network's; f are standardised features of the present, the network's state among them. W_h is a ridge regression
of what is then still missing of x_{t+h}, on the training span, with the penalty that does best on validation. The
shares a_h and c_h in [0, 1] are least squares on validation, where no h is therefore worse than the autoregression
(1, 0) or the mean (0, 0). Nothing is fitted at h = 1: y_1 is the network's own prediction.

Between the h that were fitted, logarithmic interpolation; beyond the last, H, W_h' f fades linearly until 2 H.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from neurofit.linear.ar import AutoRegression

KNOTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
DIRECT_PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class AheadCoefficients:
    """An autoregression's forecasts 1, 2, ... steps ahead as functions of the last samples.

    Attributes:
        lags: (steps, order, channel), of x_t, x_{t-1}, ...
        constant: (steps, channel).
        impulse: (steps, channel), what a change of y_1 by one changes in y_1, y_2, ...
    """

    lags: NDArray[np.float64]
    constant: NDArray[np.float64]
    impulse: NDArray[np.float64]

    @classmethod
    def of(cls, predictor: AutoRegression, steps: int) -> AheadCoefficients:
        """Runs the autoregression on from histories that are all 0 but for one sample."""
        order, channels = predictor.order, len(predictor.intercept)
        values = np.zeros((order + steps, order + 2, channels))
        values[np.arange(order)[::-1], np.arange(order)] = 1.0
        for step in range(steps):
            values[order + step] = predictor.predict(values[step : order + step + 1])[0]
            if step == 0:
                values[order, -1] += 1.0
        ahead = values[order:]
        zero = ahead[:, order]
        return cls((ahead[:, :order] - zero[:, None]), zero, ahead[:, -1] - zero)

    def linear(self, history: Floats) -> Floats:
        """l_h, (start, steps, channel), of histories (start, time, channel) of at least `order` samples."""
        total = np.broadcast_to(self.constant, (len(history), *self.constant.shape)).astype(history.dtype)
        for lag in range(self.lags.shape[1]):
            total += history[:, -1 - lag, None] * self.lags[:, lag].astype(history.dtype)
        return total

    def replaced(self, first: Floats, linear: Floats) -> Floats:
        """r_h, (start, steps, channel), for first steps (start, channel) in place of those of `linear`."""
        return (first - linear[:, 0])[:, None] * self.impulse.astype(linear.dtype)

    def at(self, h: Sequence[int]) -> AheadCoefficients:
        """Those of some steps ahead only, the first 1."""
        rows = np.array(h) - 1
        return AheadCoefficients(self.lags[rows], self.constant[rows], self.impulse[rows])


@dataclass(frozen=True, eq=False)
class DirectForecast:
    """Fitted weights of the features and shares of the parts.

    Attributes:
        h: (knot,), steps ahead that were fitted, rising from 1.
        centre: (feature,), subtracted from the features.
        scale: (feature,), divided by.
        weights: (knot, feature, channel), in units of the training standard deviation per standardised feature.
        intercept: (knot, channel).
        shares: (knot, 2), a and c.
    """

    h: NDArray[np.int64]
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: NDArray[np.float32]
    intercept: NDArray[np.float32]
    shares: NDArray[np.float64]

    def predict(self, features: Floats, linear: Floats, replaced: Floats) -> Floats:
        """Forecasts 1, 2, ... steps ahead.

        Args:
            features: (start, feature).
            linear: (start, steps, channel), l_h, in units of the training standard deviation.
            replaced: (start, steps, channel), r_h.

        Returns:
            (start, steps, channel), in the type of `linear`.
        """
        h = np.arange(1, linear.shape[1] + 1)
        between, held = _between(self.h, h), _between(self.h, np.minimum(h, self.h[-1]))
        learnt = np.tensordot(between.astype(np.float32), self.learnt(features), 1).swapaxes(0, 1)
        a, c = (held @ self.shares).astype(linear.dtype).T[:, None, :, None]
        return a * linear + c * (replaced + learnt.astype(linear.dtype))

    def learnt(self, features: Floats) -> NDArray[np.float32]:
        """W_h' f, (knot, start, channel) of features (start, feature)."""
        standardised = ((features - self.centre) / self.scale).astype(np.float32)
        return np.stack([standardised @ w + b for w, b in zip(self.weights, self.intercept, strict=True)])

    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays, for a tensor file."""
        return {name: getattr(self, name) for name in ("h", "centre", "scale", "weights", "intercept", "shares")}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> DirectForecast:
        """The forecast that `state()` describes."""
        return cls(*(state[name] for name in ("h", "centre", "scale", "weights", "intercept", "shares")))


class DirectMoments:
    """Sums over training rows, streamed: all that the ridge regressions need.

    Args:
        knots: Number of steps ahead.
        features: Number of features.
        channels: Number of channels.
    """

    def __init__(self, *, knots: int, features: int, channels: int) -> None:
        self.rows = 0
        self.sums, self.target_sums = np.zeros(features), np.zeros((knots, channels))
        self.gram, self.cross = np.zeros((features, features)), np.zeros((knots, features, channels))

    def add(self, features: Floats, missing: Floats) -> None:
        """Adds rows.

        Args:
            features: (row, feature).
            missing: (knot, row, channel), x_{t+h} - l_h - r_h.
        """
        own = features.astype(np.float64)
        self.rows += len(own)
        self.sums += own.sum(axis=0)
        self.gram += own.T @ own
        for i, target in enumerate(missing):
            self.target_sums[i] += target.sum(axis=0, dtype=np.float64)
            self.cross[i] += own.T @ target

    def solve(self, penalty: float, h: Sequence[int]) -> DirectForecast:
        """The ridge regressions of one penalty, with all shares 1.

        Args:
            penalty: Per row, of standardised features.
            h: Steps ahead, one for every knot, the first 1.
        """
        centre, target_mean = self.sums / self.rows, self.target_sums / self.rows
        gram = self.gram / self.rows - np.outer(centre, centre)
        deviation = np.sqrt(np.maximum(np.diagonal(gram), 0.0))
        scale = np.where(deviation > 0, deviation, 1.0)
        factor = linalg.cho_factor(gram / np.outer(scale, scale) + penalty * np.eye(len(scale)), lower=True)
        weights = np.zeros_like(self.cross)
        for i in range(1, len(h)):
            cross = self.cross[i] / self.rows - np.outer(centre, target_mean[i])
            weights[i] = linalg.cho_solve(factor, cross / scale[:, None])
        intercept = np.where(np.arange(len(h))[:, None] > 0, target_mean, 0.0)
        single = [array.astype(np.float32) for array in (centre, scale, weights, intercept)]
        return DirectForecast(np.array(h), single[0], single[1], single[2], single[3], np.ones((len(h), 2)))


def choose_direct(
    moments: DirectMoments,
    h: Sequence[int],
    features: Floats,
    linear: Floats,
    replaced: Floats,
    truth: Floats,
    *,
    penalties: Sequence[float] = DIRECT_PENALTIES,
) -> DirectForecast:
    """Picks penalty and shares of every h on validation rows.

    Args:
        moments: Of the training rows.
        h: Steps ahead, the first 1.
        features: (row, feature) on validation.
        linear: (knot, row, channel), l_h.
        replaced: (knot, row, channel), r_h.
        truth: (knot, row, channel), x_{t+h}.
        penalties: Candidates.

    Returns:
        The fitted forecast.
    """
    missing = truth - linear - replaced
    candidates = [moments.solve(penalty, h) for penalty in penalties]
    learnt = [candidate.learnt(features) for candidate in candidates]
    weights, intercept, shares = candidates[0].weights.copy(), candidates[0].intercept, np.ones((len(h), 2))
    for i in range(1, len(h)):
        best = min(range(len(penalties)), key=lambda k: float(np.square(missing[i] - learnt[k][i]).sum()))
        weights[i] = candidates[best].weights[i]
        shares[i] = _shares(truth[i], linear[i], replaced[i] + learnt[best][i])
    return DirectForecast(np.array(h), candidates[0].centre, candidates[0].scale, weights, intercept, shares)


def _shares(truth: Floats, linear: Floats, rest: Floats) -> NDArray[np.float64]:
    """Least squares of truth by shares in [0, 1] of two parts."""
    parts = np.stack([linear.ravel(), rest.ravel()]).astype(np.float64)
    gram, target = parts @ parts.T, parts @ truth.ravel().astype(np.float64)
    root = np.linalg.cholesky(gram + 1e-12 * (np.trace(gram) or 1.0) * np.eye(2))
    return np.asarray(optimize.lsq_linear(root.T, linalg.solve_triangular(root, target, lower=True), (0, 1)).x)


def _between(knots: NDArray[np.int64], h: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights (h, knot) of the knots in what holds h steps ahead."""
    places = np.log2(knots)
    inside = [np.interp(np.log2(h), places, unit) for unit in np.eye(len(knots))]
    return np.stack(inside, axis=1) * np.clip(2 - h / knots[-1], 0, 1)[:, None]

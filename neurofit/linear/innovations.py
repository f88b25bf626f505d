"""Innovations: what a linear predictor leaves of a signal, and their first two moments.

e_t = x_t - y_t,  with y_t the prediction from the rows before
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.linear.predictors import FloatWindow, LinearPredictor
from neurofit.linear.windows import Slabs, windows


@dataclass(frozen=True, eq=False)
class Innovations:
    """Moments of the innovations of each channel.

    Attributes:
        mean: (channel,), in units of the signal.
        variance: (channel,), about the mean, in squared units of the signal.
        rows: Number of innovations.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    rows: int


def whiten(predictor: LinearPredictor, window: NDArray[FloatWindow]) -> NDArray[FloatWindow]:
    """Innovations of the rows of a window: (order + n, channel), history first, -> (n, channel)."""
    return window[predictor.order :] - predictor.predict(window)


def innovation_moments(predictor: LinearPredictor, slabs: Slabs) -> Innovations:
    """Mean and variance of the innovations over a span, streamed.

    Args:
        predictor: The predictor.
        slabs: Pairs (values (time, channel), starts_segment).

    Raises:
        ValueError: No segment is longer than the predictor's order.
    """
    rows, total, squares = 0, np.zeros(1), np.zeros(1)
    for window in windows(slabs, history=predictor.order):
        innovations = whiten(predictor, window).astype(np.float64, copy=False)
        rows += len(innovations)
        total = total + innovations.sum(axis=0)
        squares = squares + np.square(innovations).sum(axis=0)
    if not rows:
        raise ValueError(f"no stretch of the data is longer than {predictor.order} rows")
    mean = total / rows
    return Innovations(mean=mean, variance=squares / rows - mean**2, rows=rows)

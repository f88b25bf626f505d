"""Squared errors of one predictor, accumulated slab by slab over time that need not fit in memory.

With truth x and prediction y in units of the training standard deviation, for every channel c and step t:

    sse_c = sum_t (x_tc - y_tc)^2          loss_t = mean_c (x_tc - y_tc)^2
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class ErrorSums:
    """The errors of one predictor over held-out time; scores are functions of it.

    The sums run strictly in the order of time, so that any cut into slabs gives bitwise the same numbers.
    """

    def __init__(self) -> None:
        self._squared: NDArray[np.float64] | None = None
        self._losses: list[NDArray[np.float64]] = []
        self.n_steps = 0

    def add(self, truth: NDArray[np.floating[Any]], prediction: NDArray[np.floating[Any]]) -> None:
        """Add the errors of the next slab.

        Args:
            truth: (time, channel), in units of the training standard deviation.
            prediction: (time, channel), the same units and steps.

        Raises:
            ValueError: The two shapes differ, or the channels differ from those of earlier slabs.
        """
        if truth.shape != prediction.shape or truth.ndim != 2:
            raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} must be the same (time, channel)")
        if self._squared is not None and self._squared.size != truth.shape[1]:
            raise ValueError(f"{truth.shape[1]} channels, but earlier slabs had {self._squared.size}")
        if not len(truth):
            return
        squared = np.subtract(truth, prediction, dtype=np.float64, order="C")
        np.square(squared, out=squared)
        self._losses.append(squared.mean(axis=1))
        self.n_steps += len(squared)
        if self._squared is not None:
            squared[0] += self._squared
        # A plain sum may pair rows by slab length; the running sum has one order of additions only.
        self._squared = np.add.accumulate(squared, axis=0, out=squared)[-1].copy()

    @property
    def squared_errors(self) -> NDArray[np.float64]:
        """Sum of squared errors of each channel: (channel,)."""
        if self._squared is None:
            raise ValueError("no errors were added")
        return self._squared

    @property
    def losses(self) -> NDArray[np.float64]:
        """Squared error of each step, averaged over channels: (time,)."""
        return np.concatenate(self._losses) if self._losses else np.empty(0)

    @property
    def channel_mse(self) -> NDArray[np.float64]:
        """Mean squared error of each channel: (channel,)."""
        return self.squared_errors / self.n_steps

"""What every linear predictor offers, and the two that need no fitting: persistence and the training mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

FloatWindow = TypeVar("FloatWindow", bound=np.floating[Any])


class LinearPredictor(Protocol):
    """Predicts every row of a window from the rows before it."""

    @property
    def order(self) -> int:
        """Rows of history a prediction needs."""

    def predict(self, window: NDArray[FloatWindow]) -> NDArray[FloatWindow]:
        """Predict rows `order` to the end.

        Args:
            window: (order + n, ..., channel), history first, in units of the training standard deviation. Axes in
                between are independent stretches.

        Returns:
            (n, ..., channel), in the window's type.
        """


@dataclass(frozen=True)
class Persistence:
    """The last value stays: y_t = x_{t-1}."""

    @property
    def order(self) -> int:
        """One row of history."""
        return 1

    def predict(self, window: NDArray[FloatWindow]) -> NDArray[FloatWindow]:
        """The rows before: (1 + n, ..., channel) -> (n, ..., channel)."""
        return window[:-1]


@dataclass(frozen=True)
class TrainingMean:
    """The training mean, which is 0 in standardised units: y_t = 0."""

    @property
    def order(self) -> int:
        """No history."""
        return 0

    def predict(self, window: NDArray[FloatWindow]) -> NDArray[FloatWindow]:
        """Zeros: (n, ..., channel) -> (n, ..., channel)."""
        return np.zeros_like(window)

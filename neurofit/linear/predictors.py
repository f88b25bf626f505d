"""What every linear predictor offers, and the two that need no fitting: persistence and the training mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

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


@runtime_checkable
class DrivenPredictor(Protocol):
    """A `LinearPredictor` that is given measured inputs as well."""

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""

    def predict(self, window: NDArray[FloatWindow], inputs: NDArray | None = None) -> NDArray[FloatWindow]:
        """As `LinearPredictor.predict`, with the inputs at the window's steps, (order + n, ..., input)."""


def predict_with(
    predictor: LinearPredictor, window: NDArray[FloatWindow], inputs: NDArray[Any], *, history: int
) -> NDArray[FloatWindow]:
    """Predict rows `history` to the end by any linear predictor, with or without inputs.

    Args:
        predictor: Looks back at most `history` rows.
        window: (history + n, ..., channel), history first.
        inputs: Measured inputs at the same steps, (history + n, ..., input), without a column when there are none.
        history: Rows of history.

    Returns:
        (n, ..., channel).
    """
    first = history - predictor.order
    if isinstance(predictor, DrivenPredictor):
        return predictor.predict(window[first:], inputs[first:])
    return predictor.predict(window[first:])


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

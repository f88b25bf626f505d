"""What analysis needs to know of a model: one step of its dynamics, h' = F(h, u), and the step's derivatives.

Fixed points, linearisation and Lyapunov exponents are computed from a `Transition` and see nothing else of a model.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Transition(Protocol):
    """One step of a model. States and inputs come in batches: (batch, state) and (batch, input)."""

    n_state: int
    """Length of the state vector, with all layers and memories."""

    n_input: int
    """Channels of the input."""

    dt_s: float
    """Duration of a step, in s."""

    bounded: bool
    """Whether a state within [-1, 1] stays there whatever the input."""

    def step(self, state: Tensor, inputs: Tensor) -> Tensor:
        """Returns the state after one step, (batch, state)."""
        ...

    def jacobian_state(self, state: Tensor, inputs: Tensor) -> Tensor:
        """Returns dF/dh (batch, state, state): the row is the new state, the column the old one."""
        ...

    def jacobian_input(self, state: Tensor, inputs: Tensor) -> Tensor:
        """Returns dF/du (batch, state, input): the row is the new state."""
        ...

    def readout(self, state: Tensor, inputs: Tensor) -> Tensor:
        """Returns what the model emits (batch, channel) in the step with this input that ended in this state."""
        ...

"""What the training loop runs: the `Program` protocol, and the early-stop rule programs share.

The loop counts updates, saves, stops and resumes. Everything that knows what a model is lives in its program: the
batches, the loss, the gradient (by autograd or by hand), ramps, carried hidden state, validation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor, nn


class Program(Protocol):
    """A model with its data and its loss, as the training loop sees it.

    An interrupted run is resumed by building the same program again, loading its state and asking for
    `batches(update)`; the two runs agree to the last bit when `batches` depends on the seed and `update` alone.
    """

    @property
    def model(self) -> nn.Module:
        """Parameters with `requires_grad` are trained; its `state_dict` is what the run saves."""
        ...

    updates_per_epoch: int
    """Steps of the optimiser in one pass over the training data."""

    def batches(self, update: int) -> Iterator[Any]:
        """Yields the batches of updates `update`, `update + 1`, ... without end, crossing epochs."""
        ...

    def step(self, batch: Any) -> Mapping[str, float | Tensor]:
        """Fills `.grad` of the model's parameters from one batch (the loop has cleared them).

        Returns:
            The loss under "train", and whatever else shall be in `metrics.jsonl`; the loop writes each one's mean over
            the epoch. Tensors of no dimension are read once an epoch, so that a step never waits for the device.
        """
        ...

    def validate(self) -> Mapping[str, float]:
        """Scores the model: the loss to choose weights by under "validation", and whatever else shall be written."""
        ...

    def should_stop(self, history: Sequence[Mapping[str, Any]]) -> bool:
        """Says whether training ends after these rows of `metrics.jsonl`, one an epoch."""
        ...

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Returns all that changes during training beside the model: flat tensors, and a part JSON can hold."""
        ...

    def load_state_dict(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Restores what `state_dict` returned; tensors arrive on the CPU."""
        ...


def out_of_patience(history: Sequence[Mapping[str, Any]], *, patience: int | None) -> bool:
    """Says whether the best validation loss lies `patience` epochs or more in the past.

    Args:
        history: rows with the key "validation", one an epoch, oldest first.
        patience: epochs to wait for a better loss; None waits for ever.
    """
    if patience is None or not history:
        return False
    losses = [row["validation"] for row in history]
    return len(losses) - 1 - losses.index(min(losses)) >= patience

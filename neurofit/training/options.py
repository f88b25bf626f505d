"""How a model is trained: the options every training program shares. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of the training loop."""

    epochs: int = 60
    """Passes over the training span."""
    lr: float = 3e-3
    """Learning rate, constant over the run."""
    optimizer: Literal["adam", "rmsprop"] = "adam"
    """Adam, or Hinton's RMSprop with a decay of 0.9."""
    clip: float | None = 1.0
    """Largest global norm of the gradient; None leaves the gradient as it is."""
    patience: int | None = 10
    """Stop after this many epochs without a better validation loss; None never stops early."""
    seed: int = 0
    """Seed of the initial weights and of everything drawn during training."""
    snapshot_epochs: tuple[int, ...] = ()
    """Epochs whose weights are kept in snapshots/, whatever comes after."""
    keep: Literal["best", "last"] = "best"
    """Weights the run ends with: the best on validation, or those of the last epoch."""
    checkpoint_every_s: float = 30.0
    """Least time between two checkpoints, in s."""

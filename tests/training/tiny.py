"""A tiny GRU program with everything that makes an exact resume hard, and a script that trains it.

Shuffled windows, a hidden state carried from update to update, dropout drawn from torch's global generator, a moving
average of the loss that lives in the program, and an early stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurofit.models import NextStepNetwork
from neurofit.runs import Run
from neurofit.training import TrainOptions, out_of_patience, seed_everything, train

CHANNELS, HIDDEN, BATCH, CHUNK, UPDATES_PER_EPOCH = 3, 5, 2, 6, 4
OPTIONS = TrainOptions(epochs=6, lr=0.02, patience=3, seed=3, snapshot_epochs=(2, 5), checkpoint_every_s=0.0)


class TinyProgram:
    """Fits a GRU to a noisy oscillation."""

    updates_per_epoch = UPDATES_PER_EPOCH

    def __init__(self, options: TrainOptions) -> None:
        self.options = options
        self.on_step: Callable[[int], None] = lambda update: None
        rng = seed_everything(options.seed)
        time = np.arange(200)[:, None] / np.array([3.0, 5.0, 8.0])
        self.data = torch.tensor(np.sin(time) + 0.1 * rng.standard_normal(time.shape), dtype=torch.float32)
        self.model = NextStepNetwork(cell="gru", n_channels=CHANNELS, hidden=HIDDEN)
        self.state = self.model.initial_state(BATCH)
        self.average = 0.0
        self.steps = 0

    def batches(self, update: int) -> Iterator[Tensor]:
        while True:
            rng = np.random.default_rng([self.options.seed, update // UPDATES_PER_EPOCH])
            order = rng.permutation(150 - CHUNK)[: BATCH * UPDATES_PER_EPOCH].reshape(UPDATES_PER_EPOCH, BATCH)
            starts = order[update % UPDATES_PER_EPOCH]
            yield torch.stack([self.data[start : start + CHUNK + 1] for start in starts])
            update += 1

    def step(self, batch: Tensor) -> dict[str, float | Tensor]:
        prediction, state = self.model(torch.nn.functional.dropout(batch[:, :-1], 0.2), self.state)
        self.state = tuple(part.detach() for part in state)
        loss = (prediction - batch[:, 1:]).square().mean()
        loss.backward()
        self.average = 0.9 * self.average + 0.1 * loss.item()
        self.steps += 1
        self.on_step(self.steps)
        return {"train": loss.detach(), "average": self.average}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        held_out = self.data[150:][None]
        prediction, _ = self.model(held_out[:, :-1], self.model.initial_state(1))
        return {"validation": (prediction - held_out[:, 1:]).square().mean().item() + 0.001 * self.average}

    def should_stop(self, history: Sequence[Mapping[str, Any]]) -> bool:
        return out_of_patience(history, patience=self.options.patience)

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {"state": self.state[0]}, {"average": self.average, "steps": self.steps}

    def load_state_dict(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        self.state = (tensors["state"],)
        self.average, self.steps = values["average"], values["steps"]


def fit(folder: Path, options: TrainOptions = OPTIONS, **arguments: Any) -> Any:
    """Trains the program in a folder, from wherever the folder stands."""
    run = Run.create(folder, {"lr": options.lr}, resume="auto")
    return train(TinyProgram(options), options, run, show=False, **arguments)

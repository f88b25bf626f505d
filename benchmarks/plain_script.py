"""What a person writes who wants a next-step model today: `nn.GRU` and `nn.Linear` on z-scores, Adam, random chunks.

The next sample itself is predicted, every chunk begins with the state zero, and the weights that did best on validation
are kept.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from cpu_budget import Clock
from numpy.typing import NDArray
from torch import Tensor, nn

from neurofit.preparation import PreparedSeries, Span

SLAB = 20_000


class PlainGRU(nn.Module):
    """Predicts x_{t+1} of x_t, (batch, time, channel)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.gru = nn.GRU(channels, hidden, batch_first=True)
        self.head = nn.Linear(hidden, channels)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        outputs, state = self.gru(x, state)
        return self.head(outputs), state


@dataclass(frozen=True)
class Script:
    """One try.

    Attributes:
        hidden: Hidden units.
        lr: Learning rate of Adam.
        batch: Chunks in an update; None for all.
        chunk: Steps of a chunk.
    """

    hidden: int
    lr: float
    batch: int | None
    chunk: int

    @property
    def name(self) -> str:
        return f"script: {self.hidden} units, lr {self.lr:g}, {self.batch or 'all'} x {self.chunk} steps"

    def train(self, series: PreparedSeries, seed: int, clock: Clock) -> tuple[PlainGRU, float]:
        """Trains until the clock is up; the best model and its validation loss."""
        torch.manual_seed(seed)
        model, order = PlainGRU(series.n_channels, self.hidden), np.random.default_rng(seed)
        optimizer = torch.optim.Adam(model.parameters(), lr=self.lr)
        values = torch.from_numpy(np.array(series.values()))
        (span,) = series.spans["train"]
        starts = np.arange(span.start, span.stop - self.chunk, self.chunk)
        best, least = model, float("inf")
        while not clock.is_up:
            drawn = order.permutation(starts)
            for first in range(0, len(drawn), self.batch or len(drawn)):
                picked = drawn[first : first + (self.batch or len(drawn))]
                x = torch.stack([values[start : start + self.chunk + 1] for start in picked])
                loss = ((model(x[:, :-1])[0] - x[:, 1:]) ** 2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            validation = float(squared_errors(model, series, "validation").mean(dtype=np.float64))
            if validation < least:
                best, least = copy.deepcopy(model), validation
            clock.end_epoch()
        return best, least


TRIES = [Script(*each) for each in product((100, 256), (1e-3, 3e-3, 1e-2), (16,), (100,))]
TRIES += [Script(*each) for each in product((100, 256), (1e-3, 3e-3, 1e-2), (None,), (1000,))]


def squared_errors(model: PlainGRU, series: PreparedSeries, span: Span) -> NDArray[np.float32]:
    """Squared error of each scored step of a span, averaged over channels, (step,); the truth before warms up."""
    return np.concatenate(list(_squared_errors(model, series, span)))


@torch.inference_mode()
def _squared_errors(model: PlainGRU, series: PreparedSeries, span: Span) -> Iterator[NDArray[np.float32]]:
    for piece in series.scored(span):
        state = None
        for first in range(piece.warm, piece.stop - 1, SLAB):
            x = torch.from_numpy(np.array(series.read(first, min(first + SLAB + 1, piece.stop))))[None]
            prediction, state = model(x[:, :-1], state)
            missed = ((prediction - x[:, 1:]) ** 2).mean(dim=2)[0]
            yield missed[max(0, piece.start - first - 1) :].numpy()

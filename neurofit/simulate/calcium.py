"""[Ca] as a function of spike times, computed when it is read.

    c_i(t) = resting + jump sum over spikes s <= t of exp(-(t - s) / tau)

The sum right after every spike is computed once, from spike to spike, so that a value takes the last spike and one
exponential, wherever reading begins.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

RESTING_UM, JUMP_UM = 0.05, 0.1
"""Concentration at rest and its rise by a spike, micromolar."""
TAU_MS = 200.0
CALCIUM_UNIT = "uM"


@dataclass(frozen=True, eq=False)
class CalciumSource:
    """[Ca] of cells whose spikes are known, micromolar, float32.

    Args:
        steps: Step of each spike, ascending; negative for those before the recording, (spikes,).
        cells: Cell of each spike, (spikes,).
        shape: (steps, cells).
        dt_ms: Step, ms.
        tau_ms: Time constant of the decay, ms.
        place: What is read, for messages.
    """

    steps: NDArray[np.int64]
    cells: NDArray[np.int64]
    shape: tuple[int, int]
    dt_ms: float
    tau_ms: float = TAU_MS
    place: str = "simulated calcium"

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        chosen = np.arange(self.shape[1]) if channels is None else np.asarray(channels, dtype=np.intp)
        width = max(0, stop - start)
        if not width or not len(chosen):
            return np.empty((width, len(chosen)), np.float32)
        trains = self._trains
        # Of every channel the last spike up to `start`, if there is one, and all until `stop`.
        first = np.searchsorted(trains.keys, self._key(chosen, start), side="right") - 1
        count = np.searchsorted(trains.keys, self._key(chosen, stop), side="left") - first
        spike = np.arange(count.sum()) + np.repeat(first - (np.cumsum(count) - count), count)
        known = trains.cells[spike] == np.repeat(chosen, count)
        last = np.where(known, trains.steps[spike], start)
        begins = np.maximum(last, start) - start + np.repeat(np.arange(len(chosen)) * width, count)
        length = np.diff(begins, append=len(chosen) * width)
        since = np.tile(np.arange(start, stop), len(chosen)) - np.repeat(last, length)
        sums = np.repeat(np.where(known, trains.sums[spike], 0.0), length) * self._decay[since]
        values = (RESTING_UM + JUMP_UM * sums).astype(np.float32)
        return np.ascontiguousarray(values.reshape(len(chosen), width).T)

    def _key(self, cells: NDArray[np.int64], steps: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """One number for a cell and a step, ascending with both."""
        return np.asarray(cells, np.int64) * (2 * self._span) + steps + self._span

    @cached_property
    def _span(self) -> int:
        """More than the steps from the first spike to the end."""
        return self.shape[0] + 1 - min(0, int(self.steps.min(initial=0)))

    @cached_property
    def _decay(self) -> NDArray[np.float64]:
        """exp(-t / tau) by the number of steps."""
        return np.exp(np.arange(self._span) * (-self.dt_ms / self.tau_ms))

    @cached_property
    def _trains(self) -> _Trains:
        order = np.lexsort((self.steps, self.cells))
        cells, steps = self.cells[order], self.steps[order]
        left = np.exp(np.diff(steps, prepend=0) * (-self.dt_ms / self.tau_ms))
        left[np.diff(cells, prepend=-1) != 0] = 0.0
        sums = itertools.accumulate(left.tolist(), lambda total, part: 1 + total * part, initial=0.0)
        # A spike of no cell goes ahead of all others: what comes before the first of them.
        cells, steps = np.concatenate([[-1], cells]), np.concatenate([[0], steps])
        return _Trains(self._key(cells, steps), cells, steps, np.fromiter(sums, np.float64, len(cells)))


@dataclass(frozen=True, eq=False)
class _Trains:
    """Spikes by cell and then by step, and the sum of exponentials of each one's cell right after it."""

    keys: NDArray[np.int64]
    cells: NDArray[np.int64]
    steps: NDArray[np.int64]
    sums: NDArray[np.float64]

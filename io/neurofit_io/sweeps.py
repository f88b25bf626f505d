"""Trials of equal length laid one after the other: step `k * T + i` is step i of trial k.

A table of trials says nothing about when each trial took place, so trial k starts at `start + k * T / rate` and the
steps of two trials never share a segment.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.clock import Clock, Segment
from neurofit_io.sources import open_hdf5
from neurofit_io.trials import Trials


class Hdf5Array:
    """An HDF5 dataset of any number of dimensions, sliced on disk and opened once per process.

    Args:
        path: The file.
        dataset: Path of the dataset in it.
        reversed_axes: Whether the axes are told in reverse, as MATLAB stores them.
    """

    def __init__(self, path: str | os.PathLike[str], dataset: str, *, reversed_axes: bool = False) -> None:
        self.path, self.dataset, self.reversed_axes = Path(path), dataset, reversed_axes
        self._held: tuple[int, h5py.File] | None = None
        stored = self.stored()
        self.shape: tuple[int, ...] = stored.shape[::-1] if reversed_axes else stored.shape
        self.dtype: np.dtype = stored.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def stored(self) -> h5py.Dataset:
        """The open dataset, axes as in the file."""
        if self._held is None or self._held[0] != os.getpid() or not self._held[1]:
            self._held = os.getpid(), open_hdf5(self.path)
        return self._held[1][self.dataset]

    def __getitem__(self, index: tuple[slice, ...]) -> NDArray:
        if not self.reversed_axes:
            return self.stored()[index]
        return self.stored()[index[::-1]].T

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_held": None}


@dataclass(frozen=True, eq=False)
class SweepSource:
    """A lazily read (trial, time, channel) array in any order of axes, as one (steps, channels) source.

    Args:
        stored: The array, two-dimensional when there is one channel.
        trial_axis: Which axis counts trials.
        time_axis: Which axis is time.
        place: File and path inside it, for messages.
    """

    stored: NDArray | Hdf5Array
    trial_axis: int
    time_axis: int
    place: str = field(default="memory")

    @property
    def n_trials(self) -> int:
        return self.stored.shape[self.trial_axis]

    @property
    def trial_steps(self) -> int:
        return self.stored.shape[self.time_axis]

    @property
    def shape(self) -> tuple[int, int]:
        n_steps = self.n_trials * self.trial_steps
        return n_steps, int(np.prod(self.stored.shape)) // n_steps if n_steps else 0

    @property
    def dtype(self) -> np.dtype:
        return self.stored.dtype

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        steps = self.trial_steps
        first, last = start // steps, -(-stop // steps)
        index = [slice(None)] * len(self.stored.shape)
        index[self.trial_axis] = slice(first, last)
        block = np.moveaxis(self.stored[tuple(index)], (self.trial_axis, self.time_axis), (0, 1))
        flat = block.reshape((last - first) * steps, -1)[start - first * steps : stop - first * steps]
        return np.array(flat if channels is None else flat[:, channels])


def sweeps_clock(n_trials: int, trial_steps: int, rate_hz: float, start_s: float = 0.0) -> Clock:
    """The clock of `n_trials` trials of `trial_steps` steps one after the other."""
    length = trial_steps / rate_hz
    parts = (Segment(k * trial_steps, (k + 1) * trial_steps, start_s + k * length) for k in range(n_trials))
    return Clock(n_trials * trial_steps, rate_hz, start_s, sweeps=tuple(parts))


def trials_of_clock(clock: Clock, **columns: NDArray) -> Trials:
    """`Trials` with one row per sweep of `clock`."""
    assert clock.rate_hz is not None
    starts = np.array([s.start_s for s in clock.segments])
    stops = starts + np.array([s.stop - s.start for s in clock.segments]) / clock.rate_hz
    return Trials("trials", starts, stops, columns)

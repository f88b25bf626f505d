"""Where prepared values live: in memory up to 1 GB, above that in a file that vanishes with the process."""

from __future__ import annotations

import dataclasses
import tempfile

import numpy as np
from numpy.typing import NDArray

from neurofit_io import Signal
from neurofit_io.sources import ArraySource

RESIDENT_BYTES = 10**9


def fits(shape: tuple[int, int]) -> bool:
    """Whether a float32 array of (steps, channels) is kept in memory."""
    return 4 * shape[0] * shape[1] <= RESIDENT_BYTES


def scratch(shape: tuple[int, int]) -> NDArray[np.float32]:
    """An empty float32 array of (steps, channels), mapped to an unnamed temporary file when it is large."""
    if fits(shape):
        return np.empty(shape, np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype=np.float32, mode="w+", shape=shape)


def in_memory(signal: Signal) -> Signal:
    """The signal with its physical values read into memory when they fit, else as it is."""
    if not fits(signal.shape):
        return signal
    values = np.empty(signal.shape, np.float32)
    for first, slab in signal.slabs():
        values[first : first + len(slab)] = slab
    return dataclasses.replace(signal, source=ArraySource(values, signal.source.place), gain=1.0, offset=0.0)

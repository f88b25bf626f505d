"""Where prepared values live: in memory up to `memory_gb`, above that in a file that vanishes with the process."""

from __future__ import annotations

import dataclasses
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.preparation.cache import pieces
from neurofit.preparation.standardising import Standardiser
from neurofit_io import Signal
from neurofit_io.sources import ArraySource, release

RESIDENT_BYTES = 10**9
"""Kept in memory for each GB of `memory_gb`."""
SLAB_ENTRIES = 2**22
"""Read at a time."""


def fits(shape: tuple[int, int], memory_gb: float = 1.0) -> bool:
    """Whether a float32 array of (steps, channels) is kept in memory."""
    return 4 * shape[0] * shape[1] <= memory_gb * RESIDENT_BYTES


class Scratch(np.memmap):
    """A temporary file as an array: what is assigned to its rows does not stay in memory."""

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        release(self)


def scratch(shape: tuple[int, int], memory_gb: float = 1.0) -> NDArray[np.float32]:
    """An empty float32 array of (steps, channels), mapped to an unnamed temporary file when it is large.

    Read it through `ArraySource`, which does not leave it in memory.
    """
    if fits(shape, memory_gb):
        return np.empty(shape, np.float32)
    with tempfile.TemporaryFile() as file:
        return Scratch(file, dtype=np.float32, mode="w+", shape=shape)


class LoadedSource(ArraySource):
    """Values that were read from a file and that nobody else holds."""


def in_memory(signal: Signal, memory_gb: float = 1.0) -> Signal:
    """The signal with its physical values read into memory when they fit, else as it is."""
    if not fits(signal.shape, memory_gb):
        return signal
    values = np.empty(signal.shape, np.float32)
    for start, stop, channels in pieces(signal.source, SLAB_ENTRIES):
        columns = slice(None) if channels is None else slice(channels[0], channels[-1] + 1)
        values[start:stop, columns] = signal.read(start, stop, channels)
    return dataclasses.replace(signal, source=LoadedSource(values, signal.source.place), gain=1.0, offset=0.0)


def resident(signal: Signal, standardiser: Standardiser, memory_gb: float = 1.0) -> NDArray[np.float32] | None:
    """Model space in memory, read-only, (steps, channels), in the place of what `in_memory` read; None if too large."""
    if not fits(signal.shape, memory_gb):
        return None
    if isinstance(signal.source, LoadedSource):
        values = standardiser.apply(signal.source.values, out=signal.source.values)
    else:
        values = np.empty(signal.shape, np.float32)
        for first, slab in signal.slabs():
            standardiser.apply(slab, out=values[first : first + len(slab)])
    values.flags.writeable = False
    return values

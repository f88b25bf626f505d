"""White noise on every sample of a signal, a function of the seed and of the sample's place alone.

Noise is drawn for blocks of steps, all channels together, from a generator of its own (Philox, a counter-based one:
Salmon et al. 2011, SC'11), so that a sample gets the same noise however the signal is read.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit_io import Signal

BLOCK = 1024


@dataclass(frozen=True, eq=False)
class NoisySource:
    """A signal with noise added.

    Attributes:
        signal: The signal.
        sd: Standard deviation of the noise, in the signal's unit.
        seed: Which noise.
    """

    signal: Signal
    sd: float
    seed: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        return self.signal.shape

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    @property
    def place(self) -> str:
        return self.signal.source.place

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        values = self.signal.read(start, stop, channels)
        for block in range(start // BLOCK, -(-stop // BLOCK)):
            first = block * BLOCK
            low, high = max(start, first), min(stop, first + BLOCK)
            noise = self._block(block)[low - first : high - first]
            values[low - start : high - start] += noise if channels is None else noise[:, channels]
        return values

    def _block(self, block: int) -> NDArray[np.float32]:
        generator = np.random.Generator(np.random.Philox(np.random.SeedSequence((*self.seed, block))))
        return np.float32(self.sd) * generator.standard_normal((BLOCK, self.shape[1]), dtype=np.float32)


def with_noise(signal: Signal, sd: float, *, seed: tuple[int, ...]) -> Signal:
    """The signal with white noise of standard deviation `sd`, in its unit, added to every sample."""
    return dataclasses.replace(signal, source=NoisySource(signal, sd, seed), gain=1.0, offset=0.0)

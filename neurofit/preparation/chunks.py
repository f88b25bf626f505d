"""Chunks to train on: inputs x[start : start + L], targets x[start + 1 : start + L + 1], none across a break in time.

Parallel streams lay the chunks of a recording side by side, so that the state at the end of a chunk can be carried to
the next one of its stream:

    stream b:  chunks first_b to first_b + K - 1,   first_b = floor(b (M - K) / (B - 1)),   K = ceil(M / B)

All M chunks are there; when B does not divide M, fewer than B of them are there twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.preparation.splitting import Stretch


@dataclass(frozen=True, eq=False)
class Streams:
    """Chunks arranged for training with carried state.

    Attributes:
        starts: First step of each chunk, (updates, streams).
        resets: Whether the state is to be zeroed before a chunk because time breaks there, (updates, streams). True in
            the first row.
        length: Input steps of a chunk.
    """

    starts: NDArray[np.int64]
    resets: NDArray[np.bool_]
    length: int


def consecutive_chunks(stretches: Sequence[Stretch], length: int) -> list[tuple[int, int]]:
    """Chunks one after the other, as input steps (start, stop); targets reach one step further.

    A stretch of n steps holds floor((n - 1) / length) chunks; its last steps that fill no chunk are left out.

    Args:
        stretches: Stretches to cut.
        length: Input steps of a chunk.
    """
    return [
        (start, start + length)
        for stretch in stretches
        for start in range(stretch.start, stretch.stop - length, length)
    ]


def parallel_streams(stretches: Sequence[Stretch], length: int, batch: int) -> Streams:
    """Chunks side by side in `batch` streams, or in as many as there are chunks when those are fewer.

    Args:
        stretches: Stretches to cut.
        length: Input steps of a chunk.
        batch: Number of streams.
    """
    starts = np.array([start for start, _ in consecutive_chunks(stretches, length)], dtype=np.int64)
    streams = min(batch, len(starts))
    rows = -(-len(starts) // streams) if streams else 0
    first = np.arange(streams) * (len(starts) - rows) // max(1, streams - 1)
    laid = starts[first + np.arange(rows)[:, None]]
    resets = np.ones(laid.shape, dtype=bool)
    resets[1:] = laid[1:] != laid[:-1] + length
    return Streams(laid, resets, length)

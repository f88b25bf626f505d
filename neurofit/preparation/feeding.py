"""Chunks of a recording too large for memory, read ahead of their use by one thread, a block of updates at a time.

A block is as many updates as 32 MB hold. Its chunks are put in the order of time and those that touch are read as one:
with carried state that is a long stretch of every parallel stream, with drawn chunks it is a few slabs of 8 MB, for
`drawn_order` shuffles the slabs, lays them out, and shuffles the chunks within each block:

    slabs of an epoch   3 | 0 | 5 | 4 | 1 | 2
    blocks              3 0 5 4   |   1 2            the chunks of a block come in any order

What an update is given depends on its chunks alone, never on where a block began, so that a resumed fit sees the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.preparation.series import PreparedSeries

BLOCK_BYTES = 32 * 2**20
"""Values read at once; two blocks are held, the one in use and the next, always in the same place: arrays made anew
between those of the training would keep its memory in pieces."""

SLAB_BYTES = 8 * 2**20
"""Values that stay together when chunks are drawn."""

_PIECE_BYTES = 4 * 2**20


@dataclass(frozen=True, eq=False)
class Chunks:
    """What an update trains on, in model space; the chunk begins at row `history`.

    Attributes:
        values: The samples before each chunk, of the chunk, and after it, (batch, history + length + 1, channels).
        inputs: The measured inputs of the same steps, (batch, history + length + 1, inputs).
        known: Samples before each chunk that are there, (batch,): its stretch may begin later than `history` asks
            for. Those that are not are 0.
    """

    values: NDArray[np.float32]
    inputs: NDArray[np.float32]
    known: NDArray[np.int64]


Room = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Where values (rows, channels) and inputs (rows, inputs) are read to."""


@dataclass(frozen=True, eq=False)
class _Block:
    """Stretches of the recording, one after the other in memory.

    Attributes:
        starts: First input steps of the chunks of each update, (batch,) each.
        firsts: First step of each stretch, (stretches,).
        rows: Where each lies in `values`, (stretches,).
        values: (rows, channels).
        inputs: (rows, inputs).
    """

    starts: Sequence[NDArray[np.int64]]
    firsts: NDArray[np.int64]
    rows: NDArray[np.int64]
    values: NDArray[np.float32]
    inputs: NDArray[np.float32]

    def at(self, start: int, stop: int) -> slice:
        """Where steps `start:stop` lie."""
        stretch = int(np.searchsorted(self.firsts, start, side="right")) - 1
        row = int(self.rows[stretch] - self.firsts[stretch])
        return slice(start + row, stop + row)


class ChunkReader:
    """Reads the chunks of coming updates while the present one is trained on.

    Args:
        series: The prepared recording.
        length: Input steps of a chunk.
        history: Samples before each chunk to hand out with it, as far as its training stretch reaches back.
    """

    def __init__(self, series: PreparedSeries, *, length: int, history: int = 0) -> None:
        self.series, self.length, self.history = series, length, history
        self._begins = np.array([stretch.start for stretch in series.spans["train"]], dtype=np.int64)

    def feed(self, starts: Callable[[int], Sequence[NDArray[np.int64]]], update: int = 0) -> Generator[Chunks]:
        """The chunks of update after update, epoch after epoch; the thread ends when the iterator is closed.

        Args:
            starts: From the number of an epoch to the first input steps of the chunks of each update, (batch,) each;
                as many updates in every epoch.
            update: Number of the first update to give, counted through the epochs.

        Raises:
            RecordingError: What reading raised, up to a block before the update that it concerns.
        """
        blocks = self._blocks(starts, update)
        with ThreadPoolExecutor(1, thread_name_prefix="neurofit-reader") as reader:
            several = updates_per_block(len(starts(0)[0]), chunk_bytes(self.series, self.length))
            rooms = itertools.cycle([self._room(starts(0)[:several]) for _ in range(2)])
            ahead = reader.submit(self.read, next(blocks), next(rooms))
            while True:
                block = ahead.result()
                ahead = reader.submit(self.read, next(blocks), next(rooms))
                for each in block.starts:
                    yield self._chunks(block, each)

    def read(self, starts: Sequence[NDArray[np.int64]], room: Room | None = None) -> _Block:
        """Reads the chunks of some updates, in the order of time, overlaps once."""
        begin = np.unique(np.concatenate(starts))
        first, stop = self._first(begin), begin + self.length + 1
        heads = np.flatnonzero(np.concatenate([[True], first[1:] > stop[:-1]]))
        firsts, stops = first[heads], stop[np.append(heads[1:], len(stop)) - 1]
        rows = np.concatenate([[0], np.cumsum(stops - firsts)])
        values, inputs = (part[: rows[-1]] for part in room or self._room(starts))
        for start, end, row in zip(firsts.tolist(), stops.tolist(), rows.tolist(), strict=False):
            self._fill(start, end, values[row:], inputs[row:])
        return _Block(starts, firsts, rows[:-1], values, inputs)

    def _room(self, starts: Sequence[NDArray[np.int64]]) -> Room:
        """Enough for the chunks of some updates; what is never written to takes no memory."""
        rows = sum(map(len, starts)) * (self.history + self.length + 1)
        shapes = (rows, self.series.n_channels), (rows, self.series.n_inputs)
        return np.empty(shapes[0], np.float32), np.empty(shapes[1], np.float32)

    def _fill(self, start: int, stop: int, values: NDArray[np.float32], inputs: NDArray[np.float32]) -> None:
        # In pieces, because the conversions of one take several times its size.
        piece = max(1, _PIECE_BYTES // chunk_bytes(self.series, 1))
        for first in range(start, stop, piece):
            last = min(first + piece, stop)
            values[first - start : last - start] = self.series.read(first, last)
            inputs[first - start : last - start] = self.series.read_inputs(first, last)

    def _blocks(
        self, starts: Callable[[int], Sequence[NDArray[np.int64]]], update: int
    ) -> Iterator[Sequence[NDArray[np.int64]]]:
        epoch, done = divmod(update, len(starts(0)))
        for number in itertools.count(epoch):
            updates = starts(number)
            several = updates_per_block(len(updates[0]), chunk_bytes(self.series, self.length))
            for first in range(0, len(updates), several):
                if first + several > done:
                    yield updates[max(first, done) : first + several]
            done = 0

    def _chunks(self, block: _Block, starts: NDArray[np.int64]) -> Chunks:
        steps, first = self.history + self.length + 1, self._first(starts)
        known = starts - first
        values = np.empty((len(starts), steps, block.values.shape[1]), np.float32)
        inputs = np.empty((len(starts), steps, block.inputs.shape[1]), np.float32)
        for i, (begin, start) in enumerate(zip(first.tolist(), starts.tolist(), strict=True)):
            rows, absent = block.at(begin, start + self.length + 1), self.history - (start - begin)
            values[i, :absent], values[i, absent:] = 0, block.values[rows]
            inputs[i, :absent], inputs[i, absent:] = 0, block.inputs[rows]
        return Chunks(values, inputs, known)

    def _first(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first sample to read for each chunk, (chunks,)."""
        if not self.history:
            return starts
        begins = self._begins[np.searchsorted(self._begins, starts, side="right") - 1]
        return np.maximum(starts - self.history, begins)


def chunk_bytes(series: PreparedSeries, length: int) -> int:
    """Size of the values and inputs of a chunk of `length` steps."""
    return 4 * length * (series.n_channels + series.n_inputs)


def updates_per_block(batch: int, size: int) -> int:
    """Updates of `batch` chunks of `size` bytes that are read at once."""
    return max(1, BLOCK_BYTES // (batch * size))


def drawn_order(starts: NDArray[np.int64], *, batch: int, size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The chunks of an epoch in an order that depends on seed and epoch alone, each once.

    Args:
        starts: First steps of all chunks, in the order of time, (chunks,).
        batch: Chunks in an update.
        size: `chunk_bytes`.
        seed: Seed of the fit.
        epoch: Number of the epoch.

    Returns:
        First steps of the chunks of each update, (batch,); the last may have fewer. A recording of one block is drawn
        from as a whole.
    """
    random, together = np.random.default_rng((seed, epoch)), batch * updates_per_block(batch, size)
    if len(starts) > together:
        per_slab = max(1, SLAB_BYTES // size)
        slabs = [starts[i : i + per_slab] for i in range(0, len(starts), per_slab)]
        starts = np.concatenate([slabs[i] for i in random.permutation(len(slabs))])
    blocks = [random.permutation(starts[i : i + together]) for i in range(0, len(starts), together)]
    return [block[i : i + batch] for block in blocks for i in range(0, len(block), batch)]

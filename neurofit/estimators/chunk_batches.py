"""The batches of a next-step fit: which chunks an update trains on, and their values, from memory or from the file.

Carried state: the recording lies in parallel streams and each update takes the next chunk of every stream. Zero state:
chunks are drawn without replacement in an order that depends on the seed and the epoch alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurofit.preparation import PreparedSeries, consecutive_chunks, parallel_streams
from neurofit.preparation.feeding import ChunkReader, Chunks, chunk_bytes, drawn_order


@dataclass(frozen=True, eq=False)
class ChunkBatch:
    """What one update trains on.

    Attributes:
        starts: First input step of each chunk, (batch,).
        resets: Chunks that do not go on where the last update of their stream ended, (batch,).
        values: Samples of each chunk and the one after it, (batch, chunk + 1, channel), in model space.
        inputs: Measured inputs at the steps of each chunk, (batch, chunk, input); None when there are none.
        past: Samples before each chunk, and the inputs beside them, (history, batch, channel + input), NaN where its
            stretch does not reach as far back; None where no chunk of the batch is reset.
    """

    starts: NDArray[np.int64]
    resets: NDArray[np.bool_]
    values: Tensor
    inputs: Tensor | None
    past: Tensor | None


class ChunkBatches:
    """The chunks of the training span, batch after batch.

    Args:
        series: The prepared recording.
        chunk: Input steps of a chunk.
        batch: Chunks in an update, at most all there are.
        carried: Whether chunks lie in parallel streams.
        seed: Seed of the order in which chunks are drawn.
        history: Samples before a chunk to hand out with it.
        device: Where the tensors shall be; values that are in memory are copied there once.
    """

    def __init__(
        self,
        series: PreparedSeries,
        *,
        chunk: int,
        batch: int,
        carried: bool,
        seed: int,
        history: int,
        device: torch.device,
    ) -> None:
        self.series, self.chunk, self.seed, self.history, self.device = series, chunk, seed, history, device
        spans = series.spans["train"]
        self.starts = np.array([start for start, _ in consecutive_chunks(spans, chunk)], dtype=np.int64)
        self.batch = min(batch, len(self.starts))
        self.streams = parallel_streams(spans, chunk, self.batch) if carried else None
        self.updates_per_epoch = len(self.streams.starts) if self.streams else -(-len(self.starts) // self.batch)
        self.streamed = series.values() is None
        resident = None if device.type == "cpu" else series.values()
        self.resident = None if resident is None else torch.tensor(resident, device=device)
        self.begins = np.array([stretch.start for stretch in spans], dtype=np.int64)

    def batches(self, update: int) -> Iterator[ChunkBatch]:
        """The batches from `update` on, epoch after epoch."""
        if not self.streamed:
            for starts, resets in self._schedule(update):
                yield self._from_memory(starts, resets)
            return
        reader = ChunkReader(self.series, length=self.chunk, history=self.history)
        with closing(reader.feed(self._starts, update)) as feed:
            for (starts, resets), chunks in zip(self._schedule(update), feed, strict=False):
                yield self._from_file(starts, resets, chunks)

    def _schedule(self, update: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
        epoch, row = divmod(update, self.updates_per_epoch)
        while True:
            starts = self._starts(epoch)
            resets = self.streams.resets if self.streams else [np.ones(len(each), dtype=bool) for each in starts]
            yield from zip(starts[row:], resets[row:], strict=True)
            epoch, row = epoch + 1, 0

    def _starts(self, epoch: int) -> list[NDArray[np.int64]]:
        """First input steps of the chunks of each update."""
        if self.streams is not None:
            return list(self.streams.starts)
        if self.streamed:
            size = chunk_bytes(self.series, self.chunk)
            return drawn_order(self.starts, batch=self.batch, size=size, seed=self.seed, epoch=epoch)
        order = np.random.default_rng((self.seed, epoch)).permutation(self.starts)
        return [order[i : i + self.batch] for i in range(0, len(order), self.batch)]

    def _from_memory(self, starts: NDArray[np.int64], resets: NDArray[np.bool_]) -> ChunkBatch:
        spans = [(start, start + self.chunk) for start in starts.tolist()]
        values = torch.stack([self._rows(start, stop + 1) for start, stop in spans])
        inputs = torch.stack([self._inputs(*span) for span in spans]) if self.series.n_inputs else None
        past = self._past(starts) if self.history and resets.any() else None
        return ChunkBatch(starts, resets, values, inputs, past)

    def _past(self, starts: NDArray[np.int64]) -> Tensor:
        width = self.series.n_channels + self.series.n_inputs
        past = torch.full((self.history, len(starts), width), torch.nan, device=self.device)
        begins = self.begins[np.searchsorted(self.begins, starts, side="right") - 1]
        first = np.maximum(starts - self.history, begins)
        for column, (start, stop) in enumerate(zip(first.tolist(), starts.tolist(), strict=True)):
            seen = torch.cat([self._rows(start, stop), self._inputs(start, stop)], dim=1)
            past[self.history - (stop - start) :, column] = seen
        return past

    def _from_file(self, starts: NDArray[np.int64], resets: NDArray[np.bool_], chunks: Chunks) -> ChunkBatch:
        values, inputs = (torch.from_numpy(part).to(self.device) for part in (chunks.values, chunks.inputs))
        past = None
        if self.history and resets.any():
            past = torch.cat([values, inputs], dim=2)[:, : self.history].transpose(0, 1)
            unknown = np.arange(self.history)[:, None] < self.history - chunks.known
            past = past.masked_fill(torch.from_numpy(unknown).to(self.device)[:, :, None], torch.nan)
        own = inputs[:, self.history : -1] if self.series.n_inputs else None
        return ChunkBatch(starts, resets, values[:, self.history :], own, past)

    def _rows(self, start: int, stop: int) -> Tensor:
        """Steps `start:stop` in model space, (stop - start, channel)."""
        if self.resident is not None:
            return self.resident[start:stop]
        return torch.tensor(self.series.read(start, stop), device=self.device)

    def _inputs(self, start: int, stop: int) -> Tensor:
        """Measured inputs of the steps `start:stop`, (stop - start, input)."""
        return torch.tensor(self.series.read_inputs(start, stop), device=self.device)

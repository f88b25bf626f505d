"""Training of a next-step network: chunks of a recording, teacher forcing, squared error or likelihood of counts.

    loss = mean over chunks, steps and channels of (x_{t+1} - x^_{t+1})^2, in model space
    loss = mean of r_{t+1} - k_{t+1} log r_{t+1} with the poisson output, r the expected count of a bin

Carried state: the recording lies in parallel streams; each update takes the next chunk of every stream and starts from
the states the last one ended with, cut from the graph (truncated backpropagation). Zero state: chunks are drawn without
replacement in an order that depends on the seed and the epoch alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from neurofit.estimators.ar_output import set_gate
from neurofit.estimators.evaluation import network_loss
from neurofit.linear import LinearPredictor
from neurofit.models import NextStepNetwork, State
from neurofit.preparation import PreparedSeries, consecutive_chunks, parallel_streams
from neurofit.training import out_of_patience


@dataclass(frozen=True, eq=False)
class ChunkBatch:
    """What one update trains on.

    Attributes:
        starts: First input step of each chunk, (batch,).
        resets: Chunks that start from the state zero, (batch,).
    """

    starts: NDArray[np.int64]
    resets: NDArray[np.bool_]


class NextStepProgram:
    """The training loop's view of a next-step network and a recording.

    Args:
        network: The network, on the device it computes on.
        series: The prepared recording.
        chunk: Steps of truncated backpropagation.
        batch: Chunks in an update.
        carried: Whether the state is carried from chunk to chunk.
        patience: Epochs without a better validation loss after which training ends; None for never.
        seed: Seed of the order of the chunks.
        linear: The autoregression under the ar output, whose gate is set on validation after every epoch; None leaves
            all channels open.
    """

    def __init__(
        self,
        network: NextStepNetwork,
        series: PreparedSeries,
        *,
        chunk: int,
        batch: int,
        carried: bool,
        patience: int | None,
        seed: int,
        linear: LinearPredictor | None = None,
    ) -> None:
        self.model, self.series, self.linear = network, series, linear
        self.chunk, self.carried, self.patience, self.seed = chunk, carried, patience, seed
        self.device = next(network.parameters()).device
        chunks = consecutive_chunks(series.spans["train"], chunk)
        self.starts = np.array([start for start, _ in chunks], dtype=np.int64)
        self.batch = min(batch, len(chunks))
        self.streams = parallel_streams(series.spans["train"], chunk, self.batch) if carried else None
        self.updates_per_epoch = len(self.streams.starts) if self.streams else -(-len(chunks) // self.batch)
        scale = None if np.all(series.score_scale == 1) else torch.tensor(series.score_scale, dtype=torch.float32)
        self.score_scale = None if scale is None else scale.to(self.device)
        self.state: State = network.initial_state(self.batch)
        resident = series.values() if self.device.type != "cpu" else None
        self.values = None if resident is None else torch.tensor(resident, device=self.device)

    def batches(self, update: int) -> Iterator[ChunkBatch]:
        """The batches from `update` on, epoch after epoch."""
        epoch, row = divmod(update, self.updates_per_epoch)
        while True:
            yield from self._epoch(epoch)[row:]
            epoch, row = epoch + 1, 0

    def step(self, batch: ChunkBatch) -> dict[str, Tensor]:
        """Backpropagates the loss of one batch."""
        values, inputs = self._values(batch.starts)
        read_out, state = self.model(values[:, :-1], self._start(batch), inputs, gated=False)
        loss = self._loss(read_out, values[:, 1:])
        loss.backward()
        if self.carried:
            self.state = tuple(part.detach() for part in state)
        if self.score_scale is None or self.model.counts is not None:
            return {"train": loss.detach()}
        return {"train": ((read_out.detach() - values[:, 1:]) * self.score_scale).square().mean()}

    def validate(self) -> Mapping[str, float]:
        """What epochs are chosen by: the pooled loss over the validation span, in units of the training deviation."""
        if self.linear is not None:
            return {"validation": set_gate(self.model, self.linear, self.series, "validation")}
        return {"validation": network_loss(self.model, self.series, "validation")}

    def should_stop(self, history: Sequence[Mapping[str, Any]]) -> bool:
        """Whether patience has run out."""
        return out_of_patience(history, patience=self.patience)

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The carried states."""
        return {f"state{i}": part for i, part in enumerate(self.state)}, {}

    def load_state_dict(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Takes the carried states back."""
        self.state = tuple(tensors[f"state{i}"].to(self.device) for i in range(len(self.state)))

    def _epoch(self, epoch: int) -> list[ChunkBatch]:
        if self.streams is not None:
            return [ChunkBatch(*row) for row in zip(self.streams.starts, self.streams.resets, strict=True)]
        order = np.random.default_rng((self.seed, epoch)).permutation(self.starts)
        drawn = [order[i : i + self.batch] for i in range(0, len(order), self.batch)]
        return [ChunkBatch(starts, np.ones(len(starts), dtype=bool)) for starts in drawn]

    def _start(self, batch: ChunkBatch) -> State:
        if not batch.resets.any():
            return self.state
        fresh = self.model.initial_state(len(batch.starts))
        if self.model.skip is not None:
            fresh = *fresh[:-1], self._past(batch.starts, fresh[-1])
        if batch.resets.all():
            return fresh
        reset = torch.from_numpy(batch.resets).to(self.device)[:, None]
        return tuple(torch.where(reset, new, carried) for new, carried in zip(fresh, self.state, strict=True))

    def _past(self, starts: NDArray[np.int64], past: Tensor) -> Tensor:
        """Fills in what the skip sees before each chunk (order, batch, channel), as far as its stretch reaches."""
        begins = np.array([stretch.start for stretch in self.series.spans["train"]])
        first = np.maximum(starts - len(past), begins[np.searchsorted(begins, starts, side="right") - 1])
        for column, (start, stop) in enumerate(zip(first.tolist(), starts.tolist(), strict=True)):
            seen = self._rows(start, stop)
            if past.shape[2] > seen.shape[1]:
                seen = torch.cat([seen, self._inputs(start, stop)], dim=1)
            past[len(past) - (stop - start) :, column] = seen
        return past

    def _loss(self, read_out: Tensor, target: Tensor) -> Tensor:
        if self.model.counts is None:
            return functional.mse_loss(read_out, target)
        return functional.poisson_nll_loss(read_out, self.model.counts.counts(target), log_input=True)

    def _values(self, starts: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Inputs and targets of the chunks (batch, chunk + 1, channel), and measured inputs (batch, chunk, input)."""
        spans = [(start, start + self.chunk) for start in starts.tolist()]
        values = torch.stack([self._rows(start, stop + 1) for start, stop in spans])
        if not self.model.n_inputs:
            return values, None
        return values, torch.stack([self._inputs(*span) for span in spans])

    def _inputs(self, start: int, stop: int) -> Tensor:
        """Measured inputs of the steps `start:stop`, (stop - start, input)."""
        return torch.tensor(self.series.read_inputs(start, stop), device=self.device)

    def _rows(self, start: int, stop: int) -> Tensor:
        """Steps `start:stop` in model space on the network's device, (stop - start, channel)."""
        if self.values is not None:
            return self.values[start:stop]
        return torch.tensor(self.series.read(start, stop), device=self.device)

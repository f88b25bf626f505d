"""Training of a next-step network: chunks of a recording, teacher forcing, squared error.

    loss = mean over chunks, steps and channels of (x_{t+1} - x^_{t+1})^2, in model space

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
from neurofit.estimators.evaluation import network_mse
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
        batch: Chunks in an update; None for all of them.
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
        batch: int | None,
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
        self.batch = min(batch or len(chunks), len(chunks))
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

    def step(self, batch: ChunkBatch) -> Mapping[str, Tensor]:
        """Forward and backward pass over one batch; the loss is returned in units of the training std squared."""
        values = self._values(batch.starts)
        prediction, state = self.model(values[:, :-1], self._start(batch), gated=False)
        loss = functional.mse_loss(prediction, values[:, 1:])
        loss.backward()
        if self.carried:
            self.state = tuple(part.detach() for part in state)
        if self.score_scale is None:
            return {"train": loss.detach()}
        return {"train": ((prediction.detach() - values[:, 1:]) * self.score_scale).square().mean()}

    def validate(self) -> Mapping[str, float]:
        """Pooled squared error over the validation span, in units of the training standard deviation."""
        if self.linear is not None:
            return {"validation": set_gate(self.model, self.linear, self.series, "validation")}
        return {"validation": network_mse(self.model, self.series, "validation")}

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
        """Fills in the samples before each chunk (order, batch, channel), as far as its stretch reaches back."""
        begins = np.array([stretch.start for stretch in self.series.spans["train"]])
        first = np.maximum(starts - len(past), begins[np.searchsorted(begins, starts, side="right") - 1])
        for column, (start, stop) in enumerate(zip(first.tolist(), starts.tolist(), strict=True)):
            past[len(past) - (stop - start) :, column] = self._rows(start, stop)
        return past

    def _values(self, starts: NDArray[np.int64]) -> Tensor:
        """Inputs and targets of the chunks, (batch, chunk + 1, channel)."""
        stops = starts + self.chunk + 1
        return torch.stack([self._rows(*span) for span in zip(starts.tolist(), stops.tolist(), strict=True)])

    def _rows(self, start: int, stop: int) -> Tensor:
        """Steps `start:stop` in model space on the network's device, (stop - start, channel)."""
        if self.values is not None:
            return self.values[start:stop]
        return torch.tensor(self.series.read(start, stop), device=self.device)

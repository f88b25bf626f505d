"""Training of a next-step network: chunks of a recording, teacher forcing, squared error or likelihood of counts.

    loss = mean over chunks, steps and channels of (x_{t+1} - x^_{t+1})^2, in model space
    loss = mean of r_{t+1} - k_{t+1} log r_{t+1} with the poisson output, r the expected count of a bin

Carried state: each update starts from the states the last one ended with, cut from the graph (truncated
backpropagation). Zero state: every chunk starts from zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from neurofit.estimators.ar_output import set_gate
from neurofit.estimators.chunk_batches import ChunkBatch, ChunkBatches
from neurofit.estimators.evaluation import network_loss
from neurofit.linear import LinearPredictor
from neurofit.models import NextStepNetwork, State
from neurofit.preparation import PreparedSeries
from neurofit.training import out_of_patience
from neurofit.training.precision import Precision, computing_in


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
        precision: Of the products of the layers; the loss, validation and scores are in float32.
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
        precision: Precision = "float32",
    ) -> None:
        self.precision: Precision = precision
        self.model, self.series, self.linear, self.patience = network, series, linear, patience
        self.device, self.carried = next(network.parameters()).device, carried
        self.chunks = ChunkBatches(
            series,
            chunk=chunk,
            batch=batch,
            carried=carried,
            seed=seed,
            history=network.history,
            device=self.device,
        )
        self.updates_per_epoch = self.chunks.updates_per_epoch
        scale = None if np.all(series.score_scale == 1) else torch.tensor(series.score_scale, dtype=torch.float32)
        self.score_scale = None if scale is None else scale.to(self.device)
        self.state: State = network.initial_state(self.chunks.batch)

    def batches(self, update: int) -> Iterator[ChunkBatch]:
        """The batches from `update` on, epoch after epoch."""
        return self.chunks.batches(update)

    def step(self, batch: ChunkBatch) -> dict[str, Tensor]:
        """Backpropagates the loss of one batch."""
        values = batch.values
        with computing_in(self.precision, self.device):
            read_out, state = self.model(values[:, :-1], self._start(batch), batch.inputs, gated=False)
        read_out = read_out.to(values)
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

    def _start(self, batch: ChunkBatch) -> State:
        if not batch.resets.any():
            return self.state
        fresh = self.model.initial_state(len(batch.starts))
        if batch.past is not None:
            fresh = *fresh[:-1], batch.past[..., : fresh[-1].shape[2]]
        if batch.resets.all():
            return fresh
        reset = torch.from_numpy(batch.resets).to(self.device)[:, None]
        return tuple(torch.where(reset, new, carried) for new, carried in zip(fresh, self.state, strict=True))

    def _loss(self, read_out: Tensor, target: Tensor) -> Tensor:
        if self.model.counts is None:
            return functional.mse_loss(read_out, target)
        return functional.poisson_nll_loss(read_out, self.model.counts.counts(target), log_input=True)

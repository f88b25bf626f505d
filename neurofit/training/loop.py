"""The training loop: counts updates, saves, stops and resumes; what it runs is a `Program`.

One update is: clear the gradients, let the program fill them from a batch, clip their global norm, step the
optimiser. After each pass over the data the program validates, a row goes to `metrics.jsonl`, and the best weights so
far are kept. Whatever happens in between, the checkpoint and the program's seeded batches bring back the same bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import Optimizer

from neurofit.runs import Run, RunError
from neurofit.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint, write_tensors
from neurofit.training.options import TrainOptions
from neurofit.training.program import Program
from neurofit.training.report import EpochReport
from neurofit.training.signals import Interrupted, StopRequest, stop_request

RMSPROP_DECAY = 0.9
"""Decay of the mean square in Hinton's RMSprop (Coursera slides, lecture 6) and in Keras; torch's default is 0.99."""


@dataclass(frozen=True)
class TrainResult:
    """How training went.

    Attributes:
        epochs: epochs run.
        updates: steps of the optimiser.
        best_epoch: the epoch, from 1, with the lowest validation loss; 0 when no epoch was run.
        best_validation: that loss; NaN when no epoch was run.
        stopped_early: whether the program ended training before the last epoch.
        history: the rows of `metrics.jsonl`.
    """

    epochs: int
    updates: int
    best_epoch: int
    best_validation: float
    stopped_early: bool
    history: tuple[dict[str, Any], ...]


def train(
    program: Program,
    options: TrainOptions,
    run: Run,
    *,
    on_epoch: Callable[[Mapping[str, Any]], None] | None = None,
    show: bool = True,
) -> TrainResult:
    """Trains a program and leaves the weights in its model and in the run's `model.safetensors`.

    Seed everything and build the program before; a checkpoint in the run is taken up where it stands.

    Args:
        program: what is trained.
        options: epochs, optimiser and what to keep.
        run: folder for `metrics.jsonl`, checkpoint, snapshots and weights.
        on_epoch: called with each new row of `metrics.jsonl`.
        show: a bar on a terminal, one line an epoch elsewhere.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; a checkpoint is saved.
        RunError: The loss is no longer finite, or the checkpoint is damaged.
    """
    return _Training(program, options, run, on_epoch, show).run()


def make_optimizer(program: Program, options: TrainOptions) -> Optimizer:
    """Returns the optimiser of the options over the parameters that are trained."""
    parameters = [parameter for parameter in program.model.parameters() if parameter.requires_grad]
    if options.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=options.lr)
    return torch.optim.RMSprop(parameters, lr=options.lr, alpha=RMSPROP_DECAY)


class _Training:
    """One call of `train`: the program, the optimiser and where they stand."""

    def __init__(
        self,
        program: Program,
        options: TrainOptions,
        run: Run,
        on_epoch: Callable[[Mapping[str, Any]], None] | None,
        show: bool,
    ) -> None:
        self.program, self.options, self.folder, self.on_epoch, self.show = program, options, run, on_epoch, show
        self.optimizer = make_optimizer(program, options)
        self.parameters = self.optimizer.param_groups[0]["params"]
        self.device = self.parameters[0].device
        checkpoint = run.checkpoint_path
        known = checkpoint.exists()
        self.state = load_checkpoint(checkpoint, program, self.optimizer) if known else TrainingState()
        run.cut_metrics(self.state.metrics_bytes)
        self.saved_at = self.clock = time.monotonic()

    @property
    def epoch(self) -> int:
        return len(self.state.history)

    def run(self) -> TrainResult:
        if not self.state.ended:
            with stop_request() as request, self._report() as report:
                self._train(request, report)
        self._keep()
        return self._result()

    def _report(self) -> EpochReport:
        return EpochReport(
            epochs=self.options.epochs,
            updates_per_epoch=self.program.updates_per_epoch,
            update=self.state.update,
            show=self.show,
        )

    def _train(self, request: StopRequest, report: EpochReport) -> None:
        batches = self.program.batches(self.state.update)
        while not self._ended():
            while self.state.update < (self.epoch + 1) * self.program.updates_per_epoch:
                self._update(next(batches))
                report.step()
                self._save_if_due(request)
            row = self._close_epoch()
            report.epoch(row)
            if self.on_epoch is not None:
                self.on_epoch(row)
            self._save_if_due(request)

    def _ended(self) -> bool:
        history = self.state.history
        return self.epoch >= self.options.epochs or bool(history and self.program.should_stop(history))

    def _update(self, batch: Any) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        values = self.program.step(batch)
        if self.options.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.options.clip)
        self.optimizer.step()
        self.state.update += 1
        for name, value in values.items():
            self.state.epoch_values.setdefault(name, []).append(torch.as_tensor(value, device=self.device).detach())

    def _close_epoch(self) -> dict[str, Any]:
        state, epoch = self.state, self.epoch + 1
        means = {name: self._mean(name, torch.stack(values)) for name, values in state.epoch_values.items()}
        validation = self.program.validate()
        if not math.isfinite(validation["validation"]):
            raise self._diverged(f"validation loss {validation['validation']}", f"epoch {epoch}")
        self._tick()
        row = {
            "epoch": epoch,
            "update": state.update,
            **means,
            **validation,
            "lr": self.options.lr,
            "seconds": state.epoch_seconds,
        }
        self._record(row)
        return row

    def _record(self, row: dict[str, Any]) -> None:
        """Takes a whole epoch into the state, which no longer knows its single updates."""
        state = self.state
        if self.options.keep == "best" and all(row["validation"] < old["validation"] for old in state.history):
            state.best = {name: tensor.detach().clone() for name, tensor in self.program.model.state_dict().items()}
        state.history.append(row)
        state.epoch_values, state.epoch_seconds = {}, 0.0
        state.metrics_bytes = self.folder.append_metrics(row)
        if row["epoch"] in self.options.snapshot_epochs:
            write_tensors(self.folder.snapshot_path(row["epoch"]), self.program.model.state_dict())

    def _mean(self, name: str, values: torch.Tensor) -> float:
        numbers = values.cpu().double()
        broken = torch.nonzero(~numbers.isfinite())
        if len(broken):
            update = self.epoch * self.program.updates_per_epoch + int(broken[0]) + 1
            place = f"epoch {self.epoch + 1}, update {update}"
            raise self._diverged(f"{name} is {float(numbers[broken[0]])}", place)
        return float(numbers.mean())

    def _diverged(self, found: str, place: str) -> RunError:
        clip = "" if self.options.clip is not None else "--clip 1 or "
        do = f"try {clip}a smaller --lr than {self.options.lr:g}, and see whether the data holds huge values"
        return RunError(self.folder.path, found, place=place, expected="a finite number", do=do)

    def _tick(self) -> None:
        now = time.monotonic()
        self.state.epoch_seconds += now - self.clock
        self.clock = now

    def _save_if_due(self, request: StopRequest) -> None:
        if request.signum is None and time.monotonic() - self.saved_at < self.options.checkpoint_every_s:
            return
        self._save()
        if request.signum is not None:
            raise Interrupted(request.signum, update=self.state.update, epoch=self.epoch)

    def _save(self) -> None:
        self._tick()
        save_checkpoint(self.folder.checkpoint_path, self.state, self.program, self.optimizer)
        self.saved_at = time.monotonic()

    def _keep(self) -> None:
        """Leaves the chosen weights in the model and on disk; a last checkpoint says that training is over."""
        if not self.state.ended:
            self.state.ended = True
            self._save()
        if self.state.best:
            self.program.model.load_state_dict(self.state.best)
        write_tensors(self.folder.model_path, self.program.model.state_dict())

    def _result(self) -> TrainResult:
        history = self.state.history
        best = min(history, key=lambda row: row["validation"], default=None)
        return TrainResult(
            epochs=len(history),
            updates=self.state.update,
            best_epoch=best["epoch"] if best else 0,
            best_validation=best["validation"] if best else math.nan,
            stopped_early=len(history) < self.options.epochs,
            history=tuple(history),
        )

"""The loop against a literal one, and what it keeps, shows and refuses."""

from __future__ import annotations

import dataclasses
import math
import re
import signal

import pytest
import tiny
import torch
from safetensors.torch import load_file

from neurofit.runs import Run, RunError
from neurofit.training import Interrupted, TrainOptions, out_of_patience, train

NEVER = {"patience": None, "checkpoint_every_s": math.inf, "snapshot_epochs": ()}


def options(**changes) -> TrainOptions:
    return dataclasses.replace(tiny.OPTIONS, **{"epochs": 2, **NEVER, **changes})


def literal(settings: TrainOptions) -> tuple[dict[str, torch.Tensor], list[float]]:
    """The plain loop one writes by hand; returns the last weights and the mean loss of each epoch."""
    program = tiny.TinyProgram(settings)
    parameters = list(program.model.parameters())
    if settings.optimizer == "adam":
        optimizer = torch.optim.Adam(parameters, lr=settings.lr)
    else:
        optimizer = torch.optim.RMSprop(parameters, lr=settings.lr, alpha=0.9)
    batches, losses = program.batches(0), []
    for _ in range(settings.epochs):
        values = []
        for _ in range(program.updates_per_epoch):
            optimizer.zero_grad()
            values.append(program.step(next(batches))["train"].item())
            if settings.clip is not None:
                norm = math.sqrt(sum(p.grad.square().sum().item() for p in parameters))
                for parameter in parameters:
                    parameter.grad *= min(1.0, settings.clip / (norm + 1e-6))
            optimizer.step()
        losses.append(sum(values) / len(values))
        program.validate()
    return program.model.state_dict(), losses


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
@pytest.mark.parametrize("clip", [None, 0.01])
def test_it_is_the_plain_loop(tmp_path, optimizer, clip):
    settings = options(optimizer=optimizer, clip=clip, keep="last")
    result = tiny.fit(tmp_path, settings)
    weights, losses = literal(settings)
    for name, tensor in load_file(tmp_path / "model.safetensors").items():
        torch.testing.assert_close(tensor, weights[name], rtol=1e-5, atol=1e-6)
    assert [row["train"] for row in result.history] == pytest.approx(losses, rel=1e-6)
    assert (result.epochs, result.updates, result.stopped_early) == (2, 8, False)


def test_clipping_changes_the_result(tmp_path):
    """Otherwise the comparison above would say nothing about it."""
    clipped, free = (literal(options(clip=clip, optimizer="rmsprop"))[0] for clip in (0.01, None))
    assert not torch.allclose(clipped["head.weight"], free["head.weight"], rtol=1e-3)


def test_metrics_hold_a_row_an_epoch(tmp_path):
    seen = []
    result = tiny.fit(tmp_path, options(epochs=3), on_epoch=seen.append)
    rows = Run(tmp_path).metrics()
    assert rows == seen == list(result.history)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["update"] for row in rows] == [4, 8, 12]
    assert set(rows[0]) == {"epoch", "update", "train", "average", "validation", "lr", "seconds"}
    assert all(row["seconds"] > 0 and row["lr"] == 0.02 for row in rows)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_best_or_the_last_weights_are_kept(tmp_path, keep):
    settings = options(epochs=5, keep=keep, snapshot_epochs=(1, 2, 3, 4, 5))
    run = Run.create(tmp_path, {})
    program = tiny.TinyProgram(settings)
    result = train(program, settings, run, show=False)
    losses = [row["validation"] for row in result.history]
    assert result.best_epoch == 1 + losses.index(min(losses)) < 5
    assert result.best_validation == min(losses)
    kept = load_file(run.snapshot_path(result.best_epoch if keep == "best" else 5))
    for name, tensor in program.model.state_dict().items():
        assert torch.equal(tensor, kept[name])
    assert run.model_path.read_bytes() == run.snapshot_path(result.best_epoch if keep == "best" else 5).read_bytes()


def test_it_stops_when_the_program_says_so(tmp_path):
    result = tiny.fit(tmp_path, options(epochs=20, patience=2))
    assert result.stopped_early
    assert result.epochs == result.best_epoch + 2 < 20


def test_no_epochs_keep_the_weights_as_they_are(tmp_path):
    result = tiny.fit(tmp_path, options(epochs=0))
    assert (result.epochs, result.best_epoch, result.stopped_early) == (0, 0, False)
    weights = tiny.TinyProgram(options()).model.state_dict()
    kept = load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(kept[name], tensor) for name, tensor in weights.items())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_training_and_says_where(tmp_path, value):
    settings = options(clip=None)
    program = tiny.TinyProgram(settings)
    step = program.step
    program.step = lambda batch: step(batch) | ({"train": value} if program.steps == 6 else {})
    expected = (
        f"epoch 2, update 6: train is {value}; expected a finite number; try --clip 1 or a smaller --lr than 0.02"
    )
    with pytest.raises(RunError, match=re.escape(expected)):
        train(program, settings, Run.create(tmp_path, {}), show=False)


def test_a_validation_loss_that_is_not_finite_ends_training(tmp_path):
    program = tiny.TinyProgram(options())
    program.validate = lambda: {"validation": float("nan")}
    with pytest.raises(RunError, match=r"epoch 1: validation loss nan"):
        train(program, options(), Run.create(tmp_path, {}), show=False)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_step_saves_and_gives_the_handlers_back(tmp_path, signum):
    program = tiny.TinyProgram(options())
    program.on_step = lambda update: signal.raise_signal(signum) if update == 3 else None
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    run = Run.create(tmp_path, {})
    with pytest.raises(Interrupted, match="after 0 epochs and 3 updates") as caught:
        train(program, options(), run, show=False)
    assert (caught.value.signum, caught.value.update, caught.value.epoch) == (signum, 3, 0)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert run.checkpoint_path.exists()
    assert not run.model_path.exists()


def test_a_damaged_checkpoint_is_named(tmp_path):
    tiny.fit(tmp_path, options(epochs=1))
    file = Run(tmp_path).checkpoint_path
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(
        RunError, match=r"state\.safetensors: no checkpoint of this model: .*; start again with --overwrite"
    ):
        tiny.fit(tmp_path, options(epochs=1))


def test_one_line_an_epoch_where_there_is_no_terminal(tmp_path, capsys):
    train(tiny.TinyProgram(options()), options(), Run.create(tmp_path, {}))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert all(re.search(r"train 0\.\d+  validation 0\.\d+  \d+\.\d s$", line) for line in lines)


def test_a_bar_on_a_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    train(tiny.TinyProgram(options()), options(), Run.create(tmp_path, {}))
    shown = capsys.readouterr().err
    assert "8/8" in shown
    assert "epoch 2/2  train 0." in shown


@pytest.mark.parametrize(
    ("losses", "patience", "expected"),
    [
        ([], 1, False),
        ([3, 2, 1], 1, False),
        ([3, 1, 2], 2, False),
        ([3, 1, 2, 1.5], 2, True),
        ([3, 1, 1, 1], 2, True),
        ([3, 1, 2, 2, 0.5], 2, False),
        ([1, 2, 3, 4, 5], None, False),
    ],
)
def test_patience_counts_epochs_since_the_best(losses, patience, expected):
    assert out_of_patience([{"validation": loss} for loss in losses], patience=patience) is expected

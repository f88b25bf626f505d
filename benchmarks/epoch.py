"""One epoch of `neurofit fit` against a plain `nn.GRU` script.

Both train the same network from the same weights on the same chunks in the same order: residual output, hidden units as
many as channels, truncated backpropagation over 100 steps in 16 streams with carried state, Adam, gradient norm at most
1. The answers compared are the epoch's mean loss and, where there is validation, the validation loss. Ours includes all
that `fit` does around an epoch: `metrics.jsonl`, the checkpoint at the end, the final weights.

At the paper's 2022 cells an epoch of 42,000 steps takes minutes, and an update of a tenth of them stands for it: 42 x
100 for 42 x 1000, and 420 x 10 for 420 x 100. The optimiser then steps ten times an epoch where it would once, in all
arms. Models are made before, and the files of a run are left out.
"""

from __future__ import annotations

from protocol import Arm, Benchmark  # first, because it sets the number of threads

# isort: split
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from scipy.signal import lfilter
from torch import nn

from neurofit.estimators.ar_output import in_model_space, innovation_size
from neurofit.estimators.baselines import fit_series_baselines, training_step_size
from neurofit.estimators.next_step_program import NextStepProgram
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries, parallel_streams, prepare
from neurofit.runs import Run
from neurofit.training import TrainOptions, seed_everything, train
from neurofit.training.loop import make_optimizer
from neurofit_io import Provenance, Recording, signal_from_array

CHUNK, BATCH, LR, CLIP = 100, 16, 3e-3, 1.0
CELLS, EPOCH_STEPS, UPDATE_STEPS = 2022, 42_000, 4200


class PlainGRU(nn.Module):
    """What a person writes."""

    def __init__(self, channels: int, hidden: int, scale: torch.Tensor) -> None:
        super().__init__()
        self.gru = nn.GRU(channels, hidden, batch_first=True)
        self.head = nn.Linear(hidden, channels)
        self.register_buffer("scale", scale)

    def forward(self, x: torch.Tensor, state: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        outputs, state = self.gru(x, state)
        return x + self.scale * self.head(outputs), state


def plain_model(weights: Mapping[str, torch.Tensor], scale: torch.Tensor) -> PlainGRU:
    """The script's model with the weights of ours, whose read-out is zero."""
    weight = weights["recurrent.recurrence.weight_ih_l0"]
    model = PlainGRU(weight.shape[1], len(weight) // 3, scale)
    model.gru.load_state_dict(
        {name.removeprefix("recurrent.recurrence."): w for name, w in weights.items() if "recurrence" in name}
    )
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    return model


def plain_script(
    values: torch.Tensor,
    starts: torch.Tensor,
    validation: torch.Tensor | None,
    scored: int,
    model: PlainGRU,
    epochs: int,
) -> list[float]:
    """Trains on the chunks at `starts` (updates, streams); the losses of the last epoch."""
    torch.use_deterministic_algorithms(False)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    for _ in range(epochs):
        state, losses = None, []
        for row in starts:
            x = torch.stack([values[start : start + CHUNK + 1] for start in row])
            prediction, state = model(x[:, :-1], state)
            state = state.detach()
            loss = ((prediction - x[:, 1:]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            losses.append(loss.item())
        result = [sum(losses) / len(losses)]
        if validation is not None:
            with torch.no_grad():
                prediction, _ = model(validation[None, :-1], None)
                result.append(((prediction[0, -scored:] - validation[-scored:]) ** 2).mean().item())
    return result


class TrainingOnly(NextStepProgram):
    """The program without its validation pass."""

    def validate(self) -> Mapping[str, float]:
        return {"validation": 0.0}


def neurofit_fit(
    kind: type[NextStepProgram], series: PreparedSeries, weights: Mapping[str, torch.Tensor], epochs: int
) -> list[float]:
    """Trains as `fit` does; the losses of the last epoch."""
    seed_everything(0)
    channels = series.n_channels
    network = NextStepNetwork(cell="gru", n_channels=channels, hidden=channels)
    network.load_state_dict(weights)
    program = kind(network, series, chunk=CHUNK, batch=BATCH, carried=True, patience=None, seed=0)
    options = TrainOptions(epochs=epochs, lr=LR, clip=CLIP, patience=None)
    with tempfile.TemporaryDirectory(prefix="neurofit-epoch-") as folder:
        result = train(program, options, Run.create(Path(folder) / "run", {}), show=False)
    last = result.history[-1]
    return [last["train"]] if kind is TrainingOnly else [last["train"], last["validation"]]


def simulate(channels: int, train_steps: int) -> PreparedSeries:
    """A smooth recording with this many steps to train on, or a few more."""
    steps = round((train_steps + 1) / 0.63) + 1
    rng = np.random.default_rng(0)
    common = lfilter([0.1], [1, -0.95], rng.standard_normal((steps, 10)), axis=0) @ rng.standard_normal((10, channels))
    values = common + lfilter([0.3], [1, -0.8], rng.standard_normal((steps, channels)), axis=0)
    signal = signal_from_array(values.astype(np.float32), name="vm", rate_hz=1e4, unit="mV")
    return prepare(Recording(Provenance(Path("simulated"), "memory"), {"vm": signal}))


def arms(channels: int, updates: int, epochs: int, validated: bool) -> Sequence[Arm]:
    series = simulate(channels, updates * BATCH * CHUNK)
    seed_everything(0)
    scale = torch.from_numpy(training_step_size(series))
    weights = NextStepNetwork(cell="gru", n_channels=channels, hidden=channels, residual_scale=scale).state_dict()
    kind = NextStepProgram if validated else TrainingOnly
    streams = parallel_streams(series.spans["train"], CHUNK, BATCH)
    starts = torch.from_numpy(streams.starts)
    values = torch.from_numpy(np.array(series.values()))
    piece = series.scored("validation")[0]

    def plain() -> list[float]:
        model = plain_model(weights, scale)
        held_out = values[piece.warm : piece.stop] if validated else None
        return plain_script(values, starts, held_out, piece.stop - piece.start, model, epochs)

    return [
        Arm("plain nn.GRU script", plain, epochs),
        Arm("neurofit", partial(neurofit_fit, kind, series, weights, epochs), epochs),
    ]


def wide_arms(named: Mapping[str, Callable[[PreparedSeries], Callable[[], list[float]]]]) -> Sequence[Arm]:
    """One update of 4200 steps at 2022 cells; times are those of an epoch of 42,000."""
    series = simulate(CELLS, UPDATE_STEPS + 200)
    return [Arm(name, make(series), UPDATE_STEPS / EPOCH_STEPS) for name, make in named.items()]


def plain_update(series: PreparedSeries) -> Callable[[], list[float]]:
    """One update of the script in 42 streams."""
    scale = torch.from_numpy(training_step_size(series))
    values, model = torch.from_numpy(np.array(series.values())), plain_model(wide_network(series).state_dict(), scale)
    starts = torch.from_numpy(parallel_streams(series.spans["train"], UPDATE_STEPS // 42, 42).starts[:1])
    return partial(plain_script, values, starts, None, 0, model, 1)


def neurofit_update(
    series: PreparedSeries, *, batch: int, output: Literal["residual", "ar"]
) -> Callable[[], list[float]]:
    """One update of a fit's program, as the training loop makes it."""
    network = wide_network(series, output)
    chunk = UPDATE_STEPS // batch
    program = NextStepProgram(network, series, chunk=chunk, batch=batch, carried=True, patience=None, seed=0)
    optimizer = make_optimizer(program, TrainOptions(lr=LR))

    def update() -> list[float]:
        torch.use_deterministic_algorithms(True)
        optimizer.zero_grad()
        loss = program.step(next(program.batches(0)))["train"]
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        return [float(loss)]

    return update


def wide_network(series: PreparedSeries, output: Literal["residual", "ar"] = "residual") -> NextStepNetwork:
    """The network of 2022 units that a fit would make."""
    skip, scale = None, training_step_size(series)
    if output == "ar":
        linear = fit_series_baselines(series).ar
        skip, scale = in_model_space(linear, series), innovation_size(linear, series)
    seed_everything(0)
    return NextStepNetwork(
        cell="gru", n_channels=CELLS, hidden=CELLS, output=output, residual_scale=torch.from_numpy(scale), skip=skip
    )


def losses(values: list[float]) -> NDArray[np.float64]:
    return np.array(values)


def main(rounds: int = 5, again: bool = False, epochs: int = 2) -> None:
    """Runs all cases.

    Args:
        rounds: Rounds of every case.
        again: Measure cases again that have a row.
        epochs: Epochs in a round; times are per epoch.
    """
    benchmark = Benchmark("epoch", rounds, again)
    for channels, updates in ((100, 26), (512, 8)):
        for validated in (False, True):
            what = "training and validation" if validated else "training only"
            case = (
                f"{channels} channels and hidden units, {updates} updates of {BATCH} x {CHUNK} steps, {what}, an epoch"
            )
            make = partial(arms, channels, updates, epochs, validated)
            benchmark.compare(case, make, goal="neurofit at most 1.05", answer=losses, tolerance=1e-3)
    plain = {"plain nn.GRU script, 42 x 1000": plain_update}
    equal = plain | {"neurofit, 42 x 1000": partial(neurofit_update, batch=42, output="residual")}
    case = "2022 channels and hidden units, 42 x 1000 steps, training only, an epoch by a tenth of it"
    benchmark.compare(case, partial(wide_arms, equal), goal="neurofit at most 1.00", answer=losses, tolerance=1e-3)
    shapes = plain | {
        "neurofit, 420 x 100, residual": partial(neurofit_update, batch=420, output="residual"),
        "neurofit, 420 x 100, ar (the default shape and output)": partial(neurofit_update, batch=420, output="ar"),
    }
    case = "2022 channels and hidden units, 42,000 steps in the default shape or the paper's, an epoch by a tenth of it"
    benchmark.compare(case, partial(wide_arms, shapes), goal="neurofit at most 0.60")


if __name__ == "__main__":
    tyro.cli(main)

"""Forward and backward of a GRU layer as one operation of autograd against torch's `nn.GRU`, and forward alone.

All arms have the same weights; the answers compared are all outputs and the gradients of all weights. The input needs
no gradient, as in the first layer, and arrives batch first, as the stacks of neurofit are given it.
"""

from __future__ import annotations

from protocol import Arm, Benchmark  # first, because it sets the number of threads

# isort: split
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from torch import Tensor, nn

from neurofit.models.gru_function import GRUFunction

Run = Callable[[nn.GRU, Tensor], Tensor]


@dataclass(frozen=True)
class Shape:
    """Size of a case: channels, hidden units, sequences, steps."""

    channels: int
    hidden: int
    batch: int
    time: int

    def __str__(self) -> str:
        return f"{self.channels} channels, {self.hidden} hidden units, {self.batch} x {self.time} steps"


def _torch_gru(gru: nn.GRU, x: Tensor) -> Tensor:
    return gru(x)[0]


def _function(gru: nn.GRU, x: Tensor) -> Tensor:
    weights = (getattr(gru, f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    return GRUFunction.apply(x.transpose(0, 1), *weights, x.new_zeros(len(x), gru.hidden_size)).transpose(0, 1)


RUNS: dict[str, Run] = {"nn.GRU": _torch_gru, "GRUFunction": _function}


def arms(shape: Shape, repeats: int, *, training: bool) -> Sequence[Arm]:
    torch.manual_seed(0)
    gru = nn.GRU(shape.channels, shape.hidden, batch_first=True)
    x = torch.randn(shape.batch, shape.time, shape.channels)
    target = torch.randn(shape.batch, shape.time, shape.hidden)
    work = {name: partial(_train, run, gru, x, target) if training else partial(_infer, run, gru, x)
            for name, run in RUNS.items()}  # fmt: skip
    return [Arm(name, partial(_repeated, one, repeats), repeats) for name, one in work.items()]


def _repeated(work: Callable[[], list[Tensor]], repeats: int) -> list[Tensor]:
    for _ in range(repeats):
        values = work()
    return values


def _train(run: Run, gru: nn.GRU, x: Tensor, target: Tensor) -> list[Tensor]:
    gru.zero_grad()
    outputs = run(gru, x)
    (outputs * target).sum().backward()
    return [outputs.detach(), *(parameter.grad for parameter in gru.parameters() if parameter.grad is not None)]


def _infer(run: Run, gru: nn.GRU, x: Tensor) -> list[Tensor]:
    with torch.inference_mode():
        return [run(gru, x)]


def answer(values: list[Tensor]) -> NDArray[np.float32]:
    return torch.cat([value.flatten() for value in values]).numpy()


def main(rounds: int = 9, again: bool = False) -> None:
    """Runs all cases.

    Args:
        rounds: Rounds of every case; the largest has five at most.
        again: Measure cases again that have a row.
    """
    for shape, repeats, training in (
        (Shape(60, 256, 8, 100), 5, True),
        (Shape(100, 256, 16, 100), 3, True),
        (Shape(100, 100, 16, 100), 8, True),
        (Shape(512, 512, 16, 100), 1, True),
        (Shape(2022, 2022, 42, 10), 1, True),
        (Shape(100, 100, 1, 100), 20, False),
        (Shape(100, 100, 16, 100), 20, False),
        (Shape(512, 512, 1, 100), 5, False),
        (Shape(512, 512, 16, 100), 2, False),
    ):
        benchmark = Benchmark("gru", min(rounds, 5) if shape.channels > 1000 else rounds, again)
        case = f"{shape}, {'forward and backward' if training else 'inference'}"
        make = partial(arms, shape, repeats, training=training)
        benchmark.compare(case, make, goal="", answer=answer, tolerance=1e-4)


if __name__ == "__main__":
    tyro.cli(main)

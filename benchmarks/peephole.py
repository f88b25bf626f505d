"""Forward and backward of a peephole LSTM layer against torch's `nn.LSTM` and against loops.

All arms have the same weights, and peepholes of zero, with which the peephole LSTM computes what `nn.LSTM` does; the
answers compared are all outputs and the gradients of all weights. The input needs no gradient, as in the first layer.
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

from neurofit.models.peephole import PeepholeLSTMLayer
from neurofit.models.stack import LoopLayer, State

Run = Callable[[PeepholeLSTMLayer, Tensor, State], tuple[Tensor, State]]


@dataclass(frozen=True)
class Shape:
    """Size of a case: channels and hidden units, sequences, steps."""

    channels: int
    batch: int
    time: int

    def __str__(self) -> str:
        return f"{self.channels} channels and hidden units, {self.batch} x {self.time} steps"


class LiteralLSTM(nn.Module):
    """Equations 7-12 as they are printed: eight products a step."""

    def __init__(self, layer: PeepholeLSTMLayer) -> None:
        super().__init__()
        for name in ("weight_ih", "weight_hh", "bias", "peephole"):
            parts = getattr(layer, name).detach().clone().split(1 if name == "peephole" else layer.hidden)
            setattr(self, name, nn.ParameterList(parts))

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> Tensor:
        (w_i, w_f, w_c, w_o), (u_i, u_f, u_c, u_o) = self.weight_ih, self.weight_hh
        (b_i, b_f, b_c, b_o), (v_i, v_f, v_o) = self.bias, self.peephole
        outputs = []
        for t in range(x.shape[1]):
            f = torch.sigmoid(x[:, t] @ w_f.T + h @ u_f.T + v_f * c + b_f)
            i = torch.sigmoid(x[:, t] @ w_i.T + h @ u_i.T + v_i * c + b_i)
            c = f * c + i * torch.tanh(x[:, t] @ w_c.T + h @ u_c.T + b_c)
            o = torch.sigmoid(x[:, t] @ w_o.T + h @ u_o.T + v_o * c + b_o)
            h = o * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs, dim=1)


def arms(shape: Shape, names: Sequence[str], repeats: int) -> Sequence[Arm]:
    torch.manual_seed(0)
    layer = PeepholeLSTMLayer(shape.channels, shape.channels)
    nn.init.zeros_(layer.peephole)
    x, target = torch.randn(2, shape.batch, shape.time, shape.channels)
    zero = torch.zeros(shape.batch, shape.channels)
    known: dict[str, Callable[[], list[Tensor]]] = {
        "nn.LSTM": partial(_torch_lstm, _lstm_of(layer), x, target),
        "neurofit": partial(_layer, PeepholeLSTMLayer.run, layer, x, target, zero),
        "loop, input product before it": partial(_layer, LoopLayer.run, layer, x, target, zero),
        "loop, 8 products a step": partial(_literal, LiteralLSTM(layer), x, target, zero),
    }
    return [Arm(name, partial(_repeated, known[name], repeats), repeats) for name in names]


def _repeated(work: Callable[[], list[Tensor]], repeats: int) -> list[Tensor]:
    for _ in range(repeats):
        values = work()
    return values


def _lstm_of(layer: PeepholeLSTMLayer) -> nn.LSTM:
    lstm = nn.LSTM(layer.hidden, layer.hidden, batch_first=True)
    weights = {"weight_ih_l0": layer.weight_ih, "weight_hh_l0": layer.weight_hh, "bias_ih_l0": layer.bias}
    lstm.load_state_dict({**weights, "bias_hh_l0": torch.zeros_like(lstm.bias_hh_l0)})
    return lstm


def _torch_lstm(lstm: nn.LSTM, x: Tensor, target: Tensor) -> list[Tensor]:
    lstm.zero_grad()
    outputs, _ = lstm(x)
    (outputs * target).sum().backward()
    return [outputs.detach(), *(p.grad for p in (lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0))]


def _layer(run: Run, layer: PeepholeLSTMLayer, x: Tensor, target: Tensor, zero: Tensor) -> list[Tensor]:
    layer.zero_grad()
    outputs = run(layer, x.transpose(0, 1), (zero, zero))[0].transpose(0, 1)
    (outputs * target).sum().backward()
    return [outputs.detach(), *(p.grad for p in (layer.weight_ih, layer.weight_hh, layer.bias))]


def _literal(model: LiteralLSTM, x: Tensor, target: Tensor, zero: Tensor) -> list[Tensor]:
    model.zero_grad()
    outputs = model(x, zero, zero)
    (outputs * target).sum().backward()
    lists = model.weight_ih, model.weight_hh, model.bias
    return [outputs.detach(), *(torch.cat([p.grad for p in parts]) for parts in lists)]


def answer(values: list[Tensor]) -> NDArray[np.float32]:
    return torch.cat([value.flatten() for value in values]).numpy()


def main(rounds: int = 9, again: bool = False) -> None:
    """Runs all cases.

    Args:
        rounds: Rounds of every case; the largest has five at most.
        again: Measure cases again that have a row.
    """
    loops = ["loop, input product before it", "loop, 8 products a step"]
    for shape, names, goal, repeats in (
        (Shape(100, 16, 100), ["neurofit", "nn.LSTM", *loops], "8 products at least 2.5", 5),
        (Shape(512, 42, 50), ["nn.LSTM", "neurofit", *loops], "neurofit at most 1.10", 1),
        (Shape(2022, 42, 25), ["nn.LSTM", "neurofit", loops[0]], "neurofit at most 1.05", 1),
    ):
        benchmark = Benchmark("peephole", min(rounds, 5) if shape.channels > 1000 else rounds, again)
        make = partial(arms, shape, names, repeats)
        benchmark.compare(str(shape), make, goal=goal, answer=answer, tolerance=1e-4)


if __name__ == "__main__":
    tyro.cli(main)

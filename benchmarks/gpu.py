"""An epoch of a GRU as wide as the founding paper's on a GPU: 2022 channels and units, bfloat16, 42,000 steps.

The recording lies on the device. Every update is what `neurofit fit` does there: chunks gathered by their starts,
carried state reset by masks, products in bfloat16 over float32 weights, gradient norm at most 1, Adam; once as one CUDA
graph and once with every kernel started by itself. Times are between events on the device, of whole epochs. Where there
is no CUDA device a row says so; `--device cpu --channels 64 --tokens 4200` tries the script without one.
"""

from __future__ import annotations

import protocol  # first, because it sets the number of threads

# isort: split
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import tyro
from torch import Tensor, nn
from torch.nn import functional

from neurofit.models import NextStepNetwork
from neurofit.training import choose_device, device_name
from neurofit.training.graph import WARM_UP, GraphedStep
from neurofit.training.memory import MemoryWatch
from neurofit.training.precision import Precision, check_precision, computing_in
from neurofit.training.resident import ResidentSeries

RESULTS = protocol.RESULTS / "gpu.jsonl"
LR, CLIP = 3e-3, 1.0


@dataclass(frozen=True)
class Case:
    """A shape of the updates and the milliseconds asked for."""

    batch: int
    chunk: int
    goal_ms: float
    better_ms: float

    def name(self, channels: int, tokens: int, precision: Precision) -> str:
        shape = f"{self.batch} x {self.chunk}"
        return f"GRU, {channels} channels and units, {precision}, an epoch of {tokens} steps at {shape}"


CASES = (Case(42, 1000, 25.0, 15.0), Case(420, 100, 15.0, 10.5))


class Update:
    """One update, all of it on the device."""

    def __init__(self, case: Case, channels: int, updates: int, precision: Precision, device: torch.device) -> None:
        torch.manual_seed(0)
        self.case, self.precision, self.device = case, precision, device
        self.network = NextStepNetwork(cell="gru", n_channels=channels, hidden=channels).to(device)
        length = updates * case.chunk + 1
        self.series = ResidentSeries(torch.randn(case.batch * length, channels, device=device))
        self.first = torch.arange(case.batch, device=device) * length
        self.state = self.network.initial_state(case.batch)
        self.parameters = list(self.network.parameters())
        self.optimizer = torch.optim.Adam(self.parameters, lr=LR, capturable=device.type == "cuda")

    def __call__(self, starts: Tensor, resets: Tensor) -> Mapping[str, Tensor]:
        self.optimizer.zero_grad(set_to_none=True)
        values = self.series.chunks(starts, self.case.chunk + 1)
        fresh = self.network.initial_state(self.case.batch)
        state = tuple(torch.where(resets[:, None], *pair) for pair in zip(fresh, self.state, strict=True))
        with computing_in(self.precision, self.device):
            read_out, last = self.network(values[:, :-1], state)
        loss = functional.mse_loss(read_out.float(), values[:, 1:])
        loss.backward()
        for own, new in zip(self.state, last, strict=True):
            own.copy_(new.detach())
        nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.optimizer.step()
        return {"train": loss.detach()}


def epochs_ms(update: Update, step: Callable[..., Any], updates: int, epochs: int) -> list[float]:
    """Milliseconds of every epoch after one that does not count."""
    starts = [update.first + row * update.case.chunk for row in range(updates)]
    resets = [torch.full_like(update.first, row == 0, dtype=torch.bool) for row in range(updates)]
    for number in range(max(WARM_UP + 1, updates)):
        step(starts[number % updates], resets[number % updates])
    return [
        _timed(lambda: [step(*each) for each in zip(starts, resets, strict=True)], update.device) for _ in range(epochs)
    ]


def _timed(work: Callable[[], Any], device: torch.device) -> float:
    if device.type != "cuda":
        began = time.perf_counter()
        work()
        return 1e3 * (time.perf_counter() - began)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize(device)
    begin.record()
    work()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end)


def measured(case: Case, channels: int, tokens: int, precision: Precision, device: torch.device, epochs: int) -> Any:
    """The arms of a case: milliseconds of its epochs, and peak memory in bytes."""
    updates = tokens // (case.batch * case.chunk)
    arms = {}
    for name in ("one CUDA graph", "kernel by kernel") if device.type == "cuda" else ("kernel by kernel",):
        watch = MemoryWatch(device)
        update = Update(case, channels, updates, precision, device)
        step = GraphedStep(update) if name == "one CUDA graph" else update
        times, peak = epochs_ms(update, step, updates, epochs), watch.peak()
        arms[name] = {"epoch_ms": times, "peak_bytes": peak.peak_bytes if peak else None}
    return arms


def main(
    channels: int = 2022,
    tokens: int = 42_000,
    epochs: int = 20,
    precision: Precision = "bf16",
    device: str = "cuda",
    keep: bool = True,
) -> None:
    """Measures both shapes, prints them and keeps a row of each.

    Args:
        channels: Channels and hidden units.
        tokens: Steps of an epoch.
        epochs: Epochs measured.
        precision: That of the products.
        device: Where to compute.
        keep: Whether to write rows.
    """
    for case in CASES:
        row: dict[str, Any] = {"case": case.name(channels, tokens, precision), "goal_ms": case.goal_ms}
        row |= {"better_ms": case.better_ms, **protocol.circumstances()}
        if device == "cuda" and not torch.cuda.is_available():
            row["not_run"] = "no CUDA device"
        else:
            where = choose_device(device)  # type: ignore[arg-type]
            check_precision(precision, where)
            row |= {"device": device_name(where), "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
            row["arms"] = measured(case, channels, tokens, precision, where, epochs)
        print(_said(row), flush=True)
        if keep:
            with RESULTS.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")


def _said(row: Mapping[str, Any]) -> str:
    what = f"{row['case']} (goal {row['goal_ms']:g} ms, better {row['better_ms']:g})"
    if "not_run" in row:
        return f"{what}: not run: {row['not_run']}"
    lines = [
        f"  {name}: median {statistics.median(arm['epoch_ms']):.3g} ms (least {min(arm['epoch_ms']):.3g}), "
        f"peak {arm['peak_bytes'] or 0:.3g} bytes"
        for name, arm in row["arms"].items()
    ]
    return "\n".join([f"{what}, {row['device']}, cuDNN {row['cudnn']}", *lines])


if __name__ == "__main__":
    tyro.cli(main)

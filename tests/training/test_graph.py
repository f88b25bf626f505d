"""What a recorded step must do, with a recorder that keeps the step and its memory as a CUDA graph does."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from neurofit.models import LinearSkip, NextStepNetwork
from neurofit.training import graph
from neurofit.training.graph import WARM_UP, GraphedStep, graphed
from neurofit.training.resident import ResidentSeries

CPU = torch.device("cpu")
BATCH, CHUNK, CHANNELS = 3, 10, 4
WAITS = ("_local_scalar_dense", "nonzero", "equal", "masked_select", "is_nonzero", "unique")


class Update:
    """A whole update of a small network with carried state, as a program and the loop do it."""

    def __init__(self, device: torch.device, order: int = 0) -> None:
        torch.manual_seed(0)
        skip = LinearSkip(torch.full((order, CHANNELS), 0.3), torch.zeros(CHANNELS)) if order else None
        output = "ar" if order else "residual"
        network = NextStepNetwork(cell="gru", n_channels=CHANNELS, hidden=6, output=output, skip=skip)
        nn.init.normal_(network.head.weight, std=0.1)
        self.network, self.order = network.to(device), order
        self.series = ResidentSeries(torch.randn(500, CHANNELS).to(device))
        self.state = self.network.initial_state(BATCH)
        self.parameters = list(self.network.parameters())
        on_gpu = device.type == "cuda"
        self.optimizer = torch.optim.Adam(self.parameters, lr=1e-2, capturable=on_gpu)

    def gradients(self, starts: Tensor, begins: Tensor, resets: Tensor) -> dict[str, Tensor]:
        values = self.series.chunks(starts, CHUNK + 1)
        fresh = self.network.initial_state(len(starts))
        if self.order:
            fresh = *fresh[:-1], self.series.before(starts, begins, self.order)
        pairs = zip(fresh, self.state, strict=True)
        state = tuple(torch.where(resets[:, None], new, carried[:, : len(starts)]) for new, carried in pairs)
        prediction, last = self.network(values[:, :-1], state, gated=False)
        loss = (prediction - values[:, 1:]).square().mean()
        loss.backward()
        for own, new in zip(self.state, last, strict=True):
            own[:, : len(starts)].copy_(new.detach())
        return {"train": loss.detach()}

    def __call__(self, *inputs: Tensor) -> dict[str, Tensor]:
        self.optimizer.zero_grad(set_to_none=True)
        values = self.gradients(*inputs)
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        return values


def inputs(update: int, device: torch.device = CPU, batch: int = BATCH) -> tuple[Tensor, Tensor, Tensor]:
    """Starts, begins of their stretches and resets of an update."""
    begins = torch.tensor([0, 150, 300])[:batch]
    starts = begins + CHUNK * (update % 5)
    resets = torch.full((batch,), update % 5 == 0)
    return starts.to(device), begins.to(device), resets.to(device)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Tensor, ...]]:
    """Stands in for CUDA: recording does nothing, replaying runs the step on the memory it was recorded with."""
    recorded: list[tuple[Tensor, ...]] = []

    def record(step: Callable, static: tuple[Tensor, ...]) -> tuple[Callable[[], None], dict[str, Tensor]]:
        recorded.append(static)
        outputs = {"train": torch.full((), torch.nan)}
        return lambda: outputs["train"].copy_(step(*static)["train"]), outputs

    monkeypatch.setattr(graph, "_recorded", record)
    monkeypatch.setattr(graph, "_beside", lambda step, given: step(*given))
    return recorded


@pytest.mark.parametrize("order", [0, 3])
def test_every_call_is_one_update(recorder, order):
    plain, update = Update(CPU, order), Update(CPU, order)
    step = GraphedStep(update)
    losses = [step(*inputs(i))["train"] for i in range(12)]
    assert [loss.item() for loss in losses] == [plain(*inputs(i))["train"].item() for i in range(12)]
    assert len(recorder) == 1
    for one, other in zip(plain.parameters, update.parameters, strict=True):
        assert torch.equal(one, other)


def test_other_shapes_run_as_they_are(recorder):
    plain, update = Update(CPU), Update(CPU)
    step = GraphedStep(update)
    for i in range(12):
        given = inputs(i, batch=2 if i % 4 == 3 else BATCH)
        assert torch.equal(step(*given)["train"], plain(*given)["train"])
    assert len(recorder) == 1


def test_where_recording_fails_the_step_runs_as_it_is_after_one_warning(recorder, monkeypatch):
    def refuses(step: Callable, static: tuple[Tensor, ...]) -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nCUDA kernel errors might be ...")

    monkeypatch.setattr(graph, "_recorded", refuses)
    plain, step = Update(CPU), GraphedStep(Update(CPU))
    for i in range(WARM_UP):
        assert torch.equal(step(*inputs(i))["train"], plain(*inputs(i))["train"])
    with pytest.warns(
        RuntimeWarning, match=r"every kernel is started by itself: operation not permitted .* capturing$"
    ):
        assert torch.equal(step(*inputs(3))["train"], plain(*inputs(3))["train"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(step(*inputs(4))["train"], plain(*inputs(4))["train"])


def test_elsewhere_the_step_is_itself():
    update = Update(CPU)
    assert graphed(update, CPU) is update
    assert isinstance(graphed(update, torch.device("cuda")), GraphedStep)


class Waiting(TorchDispatchMode):
    """Notes operations whose result the host has to know."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name.startswith(WAITS):
            self.seen.add(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("order", [0, 3])
def test_nothing_in_a_step_waits_for_the_device_and_memory_stays_in_place(order):
    update = Update(CPU, order)
    update(*inputs(0))
    held = [*update.state, *update.parameters]
    places, given = [each.data_ptr() for each in held], inputs(1)
    with Waiting() as waiting:
        update.optimizer.zero_grad(set_to_none=True)
        update.gradients(*given)
        nn.utils.clip_grad_norm_(update.parameters, 1.0)
        torch.as_tensor(given[0], device=CPU)
    assert not waiting.seen
    assert [each.data_ptr() for each in held] == places
    with Waiting() as waiting:
        given[0].sum().item()
    assert waiting.seen


def test_chunks_and_what_lies_before_them_are_slices():
    values = torch.randn(50, 2)
    series, starts, begins = ResidentSeries(values), torch.tensor([0, 7, 30]), torch.tensor([0, 5, 20])
    assert torch.equal(series.chunks(starts, 6), torch.stack([values[:6], values[7:13], values[30:36]]))
    past = series.before(starts, begins, 3)
    assert past.shape == (3, 3, 2)
    assert past[:, 0].isnan().all()
    assert past[0, 1].isnan().all()
    assert torch.equal(past[1:, 1], values[5:7])
    assert torch.equal(past[:, 2], values[27:30])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("order", [0, 3])
def test_a_graph_trains_as_the_step_does_and_never_waits(order):
    device = torch.device("cuda")
    plain, update = Update(device, order), Update(device, order)
    step = GraphedStep(update)
    given = [inputs(i, device) for i in range(12)]
    losses = []
    for i, each in enumerate(given):
        torch.cuda.set_sync_debug_mode("error" if i > WARM_UP else "default")
        losses.append(step(*each)["train"])
    torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(torch.stack(losses), torch.stack([plain(*each)["train"] for each in given]))
    for one, other in zip(plain.parameters, update.parameters, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_step_that_waits_is_not_recorded():
    update = Update(torch.device("cuda"))
    step = GraphedStep(lambda *given: update(*given) | {"read": torch.tensor(update(*given)["train"].item()).cuda()})
    for i in range(WARM_UP):
        step(*inputs(i, torch.device("cuda")))
    with pytest.warns(RuntimeWarning, match="no CUDA graph of the training step"):
        step(*inputs(WARM_UP, torch.device("cuda")))

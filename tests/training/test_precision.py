"""Where bfloat16 is refused, and that with it only products are rounded: weights, state and loss stay in float32."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from neurofit.models import CELLS, NextStepNetwork
from neurofit.runs import RunError
from neurofit.training import precision
from neurofit.training.precision import check_precision, computing_in

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
TINY = "processor : 0\nmodel name : any\n{}\nbugs : spectre avx512_bf16\n"


def cpu_info(monkeypatch: pytest.MonkeyPatch, tmp_path, line: str) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(TINY.format(line))
    monkeypatch.setattr(precision, "_CPU_INFO", file)


@pytest.mark.parametrize("line", ["flags : sse avx512_bf16 avx2", "flags : amx_bf16", "Features : fp asimd bf16"])
def test_a_processor_with_instructions_may(monkeypatch, tmp_path, line):
    cpu_info(monkeypatch, tmp_path, line)
    check_precision("bf16", CPU)


@pytest.mark.parametrize("line", ["flags : sse avx512f avx512_vnni", "Features : fp asimd asimdhp", "power : 3"])
def test_a_processor_without_them_is_refused_in_one_line(monkeypatch, tmp_path, line):
    cpu_info(monkeypatch, tmp_path, line)
    check_precision("float32", CPU)
    message = (
        r"^--precision bf16: the cpu device has no instructions for bfloat16; expected amx_bf16 or avx512_bf16 or "
    )
    with pytest.raises(RunError, match=message + r"bf16 in \S+; give --precision float32$"):
        check_precision("bf16", CPU)


def test_a_system_that_does_not_tell_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "_CPU_INFO", tmp_path / "none")
    with pytest.raises(RunError, match="no instructions"):
        check_precision("bf16", CPU)


def test_a_gpu_is_asked_without_emulation(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: asked.append(how) or len(asked) == 1)
    check_precision("bf16", CUDA)
    with pytest.raises(
        RunError, match=r"the cuda device has no instructions for bfloat16; expected compute capability"
    ):
        check_precision("bf16", CUDA)
    assert asked == 2 * [{"including_emulation": False}]
    with pytest.raises(RunError, match=r"the mps device .* expected a CUDA device"):
        check_precision("bf16", torch.device("mps"))


def gradients(network: NextStepNetwork, values: torch.Tensor, chosen: precision.Precision) -> torch.Tensor:
    """Gradients of all weights after a pass from a state that is not zero."""
    torch.manual_seed(1)
    state = tuple(torch.randn_like(part) for part in network.initial_state(len(values)))
    with computing_in(chosen, CPU):
        read_out, last = network(values[:, :-1], state)
    assert all(part.dtype == torch.float32 and part.shape == old.shape for part, old in zip(last, state, strict=True))
    network.zero_grad()
    functional.mse_loss(read_out.float(), values[:, 1:]).backward()
    assert all(weight.grad.dtype == weight.dtype == torch.float32 for weight in network.parameters())
    return torch.cat([weight.grad.flatten() for weight in network.parameters()])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("output", ["residual", "absolute"])
def test_gradients_in_bfloat16_are_those_of_float32_up_to_its_digits(cell, output):
    torch.manual_seed(0)
    network = NextStepNetwork(cell=cell, n_channels=5, hidden=16, layers=2, output=output)
    torch.nn.init.normal_(network.head.weight, std=0.1)
    values = torch.randn(8, 101, 5)
    exact, rounded = (gradients(network, values, each) for each in ("float32", "bf16"))
    assert 1e-5 < (rounded - exact).norm() / exact.norm() < 0.03


def test_it_learns_as_well_as_float32():
    losses = {}
    time = torch.arange(161.0)[:, None] / torch.tensor([3.0, 5.0, 8.0])
    values = torch.sin(time).unfold(0, 21, 20).transpose(1, 2)
    for chosen in ("float32", "bf16"):
        torch.manual_seed(0)
        network = NextStepNetwork(cell="gru", n_channels=3, hidden=16)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
        for _ in range(60):
            with computing_in(chosen, CPU):
                read_out, _ = network(values[:, :-1], network.initial_state(len(values)))
            loss = functional.mse_loss(read_out.float(), values[:, 1:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses[chosen] = loss.item()
    persistence = functional.mse_loss(values[:, :-1], values[:, 1:]).item()
    assert losses["float32"] < 0.5 * persistence
    assert losses["bf16"] == pytest.approx(losses["float32"], rel=0.05)


def test_a_recurrence_of_torch_is_given_bfloat16_and_not_what_autocast_makes_of_it(monkeypatch):
    """On a GPU torch hands cuDNN's recurrences float16 under any autocast."""
    seen, call = [], torch.func.functional_call
    network = NextStepNetwork(cell="lstm", n_channels=3, hidden=4)

    def spied(module, weights, arguments):
        seen.append((torch.is_autocast_enabled("cpu"), {w.dtype for w in weights.values()}, arguments[0].dtype))
        return call(module, weights, arguments)

    monkeypatch.setattr("neurofit.models.stack.functional_call", spied)
    with computing_in("bf16", CPU):
        network(torch.randn(2, 5, 3), network.initial_state(2))
    assert seen == [(False, {torch.bfloat16}, torch.bfloat16)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_on_a_cuda_device(cell):
    torch.manual_seed(0)
    network = NextStepNetwork(cell=cell, n_channels=70, hidden=100).cuda()
    torch.nn.init.normal_(network.head.weight, std=0.1)
    values, found = torch.randn(8, 51, 70, device="cuda"), {}
    for chosen in ("float32", "bf16"):
        with computing_in(chosen, CUDA):
            read_out, _ = network(values[:, :-1], network.initial_state(8))
        network.zero_grad()
        functional.mse_loss(read_out.float(), values[:, 1:]).backward()
        found[chosen] = torch.cat([weight.grad.flatten() for weight in network.parameters()])
    assert 1e-5 < (found["bf16"] - found["float32"]).norm() / found["float32"].norm() < 0.03

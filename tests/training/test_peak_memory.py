"""The peak of a piece of work against the size of an array that it holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from neurofit.training import memory
from neurofit.training.memory import MemoryWatch, PeakMemory

CPU, SIZE, SLACK = torch.device("cpu"), 2**27, 2**23

on_linux = pytest.mark.skipif(MemoryWatch(CPU).peak() is None, reason="the system does not take its mark down")


def hold(size: int) -> None:
    """Holds that many bytes for a moment: ones, as a page of zeros is not resident before it is written to."""
    np.ones(size, np.uint8)


@on_linux
def test_what_is_held_for_a_moment_counts_once_over_the_start():
    watch = MemoryWatch(CPU)
    hold(SIZE)
    hold(SIZE)
    peak = watch.peak()
    assert peak.of == "process"
    assert peak.peak_bytes - peak.start_bytes == pytest.approx(SIZE, abs=SLACK)


@on_linux
def test_what_was_held_before_does_not_count():
    hold(SIZE)
    watch = MemoryWatch(CPU)
    hold(SIZE // 8)
    peak = watch.peak()
    assert peak.peak_bytes - peak.start_bytes == pytest.approx(SIZE // 8, abs=SLACK)


@on_linux
def test_what_is_kept_is_part_of_the_start():
    kept = np.ones(SIZE, np.uint8)
    first = MemoryWatch(CPU).peak()
    del kept
    assert first.start_bytes - MemoryWatch(CPU).peak().start_bytes == pytest.approx(SIZE, abs=SLACK)


@pytest.mark.parametrize("missing", ["_STATUS", "_CLEAR"])
def test_a_system_without_the_files_tells_nothing(monkeypatch, tmp_path, missing):
    monkeypatch.setattr(memory, missing, tmp_path / "not" / "there")
    watch = MemoryWatch(CPU)
    assert watch.peak() is None
    assert watch.as_json() is None


def test_a_status_without_the_lines_tells_nothing(monkeypatch, tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tpython\n")
    monkeypatch.setattr(memory, "_STATUS", status)
    monkeypatch.setattr(memory, "_CLEAR", Path(tmp_path / "clear_refs"))
    assert MemoryWatch(CPU).peak() is None


def test_on_a_cuda_device_it_is_what_torch_says(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", calls.append)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 10)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 30)
    device = torch.device("cuda", 0)
    watch = MemoryWatch(device)
    assert watch.peak() == PeakMemory("cuda", 10, 30)
    assert watch.as_json() == {"of": "cuda", "start_bytes": 10, "peak_bytes": 30}
    assert calls == [device]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_tensor_on_a_cuda_device_counts():
    watch = MemoryWatch(torch.device("cuda"))
    torch.ones(SIZE, dtype=torch.uint8, device="cuda")
    peak = watch.peak()
    assert peak.peak_bytes - peak.start_bytes == SIZE

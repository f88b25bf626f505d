"""Seeds repeat everything, saved states go on where they were, and a device that is not there is refused."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch

from neurofit.runs import RunError
from neurofit.training import choose_device, device_name, seed_everything
from neurofit.training.devices import fits, on_device
from neurofit.training.seeds import random_state, restore_random_state


def draws() -> tuple[float, ...]:
    return random.random(), np.random.normal(), torch.rand(()).item(), random.gauss(0, 1)  # noqa: NPY002


def test_the_same_seed_draws_the_same_numbers():
    generator = seed_everything(7)
    first = (*draws(), generator.normal())
    generator = seed_everything(7)
    assert (*draws(), generator.normal()) == first
    assert seed_everything(8).normal() != first[-1]
    assert draws()[0] != first[0]


def test_a_saved_state_goes_on_where_it_was():
    seed_everything(7)
    draws()
    tensors, values = random_state()
    expected = draws()
    restore_random_state(tensors, json.loads(json.dumps(values)))
    assert draws() == expected


def test_deterministic_algorithms_do_not_fill_new_memory():
    seed_everything(0)
    assert torch.are_deterministic_algorithms_enabled() != torch.cuda.is_available()
    assert torch.cuda.is_available() or not torch.utils.deterministic.fill_uninitialized_memory


def test_devices_are_chosen_by_name(monkeypatch):
    assert choose_device("cpu") == torch.device("cpu")
    assert device_name(choose_device("cpu")) == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto").type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    for name in ("cuda", "mps"):
        with pytest.raises(
            RunError, match=rf"--device {name}: torch finds no such device; expected one of: auto, cpu$"
        ):
            choose_device(name)


def test_half_of_what_is_free_on_a_gpu_may_be_filled(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))
    assert [fits(size, torch.device("cuda")) for size in (50, 51)] == [True, False]
    assert fits(10**18, torch.device("cpu"))


@pytest.mark.parametrize(
    "name",
    ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"))],
)
def test_an_array_arrives_on_the_device(name):
    array = np.array([True, False, True])
    moved = on_device(array, torch.device(name))
    assert moved.device.type == name
    assert moved.cpu().numpy().tolist() == array.tolist()

"""One seed for everything, and the state of every random generator as it is saved in a checkpoint."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def seed_everything(seed: int) -> np.random.Generator:
    """Seeds torch, numpy and Python, asks torch for deterministic algorithms on the CPU, and returns a new Generator.

    Draw from the returned generator rather than from the global ones. On a CUDA device deterministic algorithms cost
    time and an environment variable, and are left as they are.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.manual_seed(seed)
    if not torch.cuda.is_available():
        torch.use_deterministic_algorithms(True)
        # Without this torch fills every new tensor with NaN first, at the price of a pass over the memory.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return np.random.default_rng(seed)


def random_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Returns the state of the global generators: torch's as tensors, the others as JSON can hold it."""
    tensors = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors |= {f"cuda{device}": torch.cuda.get_rng_state(device) for device in range(torch.cuda.device_count())}
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002
    return tensors, {"python": random.getstate(), "numpy": [name, np.asarray(keys).tolist(), *rest]}


def restore_random_state(tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
    """Restores what `random_state` returned; devices that are not there are left out."""
    torch.set_rng_state(tensors["cpu"])
    for device in range(torch.cuda.device_count()):
        if f"cuda{device}" in tensors:
            torch.cuda.set_rng_state(tensors[f"cuda{device}"], device)
    version, state, gauss = values["python"]
    random.setstate((version, tuple(state), gauss))
    name, keys, *rest = values["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))  # noqa: NPY002

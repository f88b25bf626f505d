"""Which device computes."""

from __future__ import annotations

from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor

from neurofit.runs import RunError

Device = Literal["auto", "cpu", "cuda", "mps"]


def choose_device(name: Device = "auto") -> torch.device:
    """Returns the device of that name; "auto" takes a CUDA device where there is one, then Apple's, then the CPU.

    Raises:
        RunError: The device is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, available in there.items() if available))
    if not there.get(name, False):
        available = ", ".join(device for device, available in there.items() if available)
        raise RunError("", f"--device {name}: torch finds no such device", expected=f"one of: auto, {available}")
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """Returns what the device calls itself, for the record of a run."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def fits(n_bytes: int, device: torch.device) -> bool:
    """Says whether that much may lie on the device beside what training needs: on a GPU half of what is free."""
    return device.type != "cuda" or n_bytes <= torch.cuda.mem_get_info(device)[0] // 2


def on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Returns an array as a tensor on the device; a GPU goes on with its work meanwhile."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)

"""Which device computes."""

from __future__ import annotations

from typing import Literal

import torch

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

"""In what precision a network is trained: float32, or products in bfloat16 over weights and optimiser in float32.

bfloat16 has the range of float32 and eight binary digits. The weights the optimiser works on stay in float32 and are
rounded for each pass; losses, the frozen autoregression, validation and scores are in float32. Where the processor has
no instructions for it, bfloat16 takes several times as long as float32, so there it is refused.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Literal

import torch

from neurofit.runs import RunError

Precision = Literal["float32", "bf16"]

_CPU_INFO = Path("/proc/cpuinfo")
_CPU_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""As Linux names them; `bf16` is that of 64-bit ARM."""


def check_precision(precision: Precision, device: torch.device) -> None:
    """Refuses what the device computes in software.

    Raises:
        RunError: bf16 on a device without instructions for it.
    """
    if precision == "float32" or _has_bf16(device):
        return
    flags = f"{' or '.join(sorted(_CPU_FLAGS))} in {_CPU_INFO}" if device.type == "cpu" else "compute capability 8.0"
    raise RunError(
        "",
        f"--precision bf16: the {device.type} device has no instructions for bfloat16",
        expected=flags if device.type in ("cpu", "cuda") else "a CUDA device",
        do="give --precision float32",
    )


def computing_in(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Returns a context for the forward pass; the loss and the backward pass belong outside of it."""
    return contextlib.nullcontext() if precision == "float32" else torch.autocast(device.type, torch.bfloat16)


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and not _CPU_FLAGS.isdisjoint(_cpu_flags())


def _cpu_flags() -> frozenset[str]:
    """Returns what the first processor can do; nothing where the system does not tell."""
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    found = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(found, "").split())

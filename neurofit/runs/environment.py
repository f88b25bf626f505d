"""With what a model was fitted: versions, machine, threads, device, time and command. Imports none of the packages."""

from __future__ import annotations

import importlib.metadata
import platform
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = ("neurofit", "torch", "numpy", "scipy", "h5py", "pynwb", "scikit-learn", "safetensors")


def environment(*, threads: int, device: str, command: Sequence[str] = ()) -> dict[str, Any]:
    """Describes this machine and its versions in a form that JSON can hold.

    Args:
        threads: threads the computation uses; results agree to the last bit for the same number only.
        device: name of the device, as the computation sees it.
        command: the words of the command line; empty when called from Python.
    """
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "cpu": _cpu(),
        "threads": threads,
        "device": device,
        "command": shlex.join(command),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    """Returns the model of the processor; where the system hides it, its architecture."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

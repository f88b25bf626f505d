"""How much memory a piece of work held at most, beside what was held when it began.

On a CUDA device it is what torch allocated there. Elsewhere it is the resident set of the process, whose high-water
mark Linux keeps as VmHWM in /proc/self/status and takes down to the present size when a 5 is written to
/proc/self/clear_refs; it holds the interpreter and all libraries too. Other systems cannot take it down, and a mark
that an earlier run left says nothing about this one, so there nothing is measured.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class PeakMemory:
    """Most memory held at once while a piece of work was done.

    Attributes:
        of: The resident set of the process, or what torch allocated on the CUDA device.
        start_bytes: Held when the work began.
        peak_bytes: Held at most.
    """

    of: Literal["process", "cuda"]
    start_bytes: int
    peak_bytes: int


class MemoryWatch:
    """Watches from where it is made; the mark that an earlier watch was to see is gone then.

    Args:
        device: The device that does the work.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device if device.type == "cuda" else None
        self._start = self._begin()

    def peak(self) -> PeakMemory | None:
        """Returns the most held since the watch was made; None where the system does not tell."""
        if self._start is None:
            return None
        if self._device is not None:
            return PeakMemory("cuda", self._start, torch.cuda.max_memory_allocated(self._device))
        return PeakMemory("process", self._start, _resident_bytes())

    def as_json(self) -> dict[str, Any] | None:
        """Returns the fields of `PeakMemory`, for `environment.json`."""
        peak = self.peak()
        return None if peak is None else asdict(peak)

    def _begin(self) -> int | None:
        if self._device is not None:
            torch.cuda.reset_peak_memory_stats(self._device)
            return torch.cuda.memory_allocated(self._device)
        try:
            _give_back_freed()
            _CLEAR.write_text("5")
            return _resident_bytes()
        except OSError:
            return None


def _resident_bytes() -> int:
    """Returns the high-water mark, which is the present size right after it was taken down."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise OSError(f"{_STATUS} has no VmHWM")
    return 1024 * int(found[1])


def _give_back_freed() -> None:
    """Has glibc return what was freed before, which would hide as much of the work's own memory."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)

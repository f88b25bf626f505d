"""Intervals of time with a value per column: trials, epochs, sweeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neurofit_io.errors import RecordingError


@dataclass(frozen=True, eq=False)
class Trials:
    """A table of intervals.

    Args:
        name: `trials`, `epochs`, `sweeps` or the file's own name.
        start_s: Begin of each interval, s, (trials,).
        stop_s: End of each interval, s, (trials,); NaN where the file does not say.
        columns: Further columns, each (trials, ...), numbers or strings.
    """

    name: str
    start_s: NDArray[np.float64]
    stop_s: NDArray[np.float64]
    columns: Mapping[str, NDArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for column, values in {"stop_s": self.stop_s, **self.columns}.items():
            if len(values) != len(self.start_s):
                raise RecordingError(
                    "", f"{len(values)} values for {len(self.start_s)} intervals", place=f"{self.name}.{column}"
                )

    def __len__(self) -> int:
        return len(self.start_s)

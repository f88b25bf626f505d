"""Where a simulation goes: the options that all kinds share, and the printing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurofit.simulate.degradation_options import DegradationOptions
    from neurofit_io.recording import Recording


@dataclass(frozen=True)
class OutputOptions:
    """What is written."""

    out: Path
    """File to write, .h5 or .nwb, or folder of raw files to write, .bin; an overview is drawn beside it as .png."""
    overwrite: bool = False
    """Replace OUT, and the figure beside it, if they are there."""
    compress: bool = False
    """Write compressed: a quarter to a half of the size at several times the time."""


def write_and_print(
    simulate: Callable[..., Recording],
    output: OutputOptions,
    degradation: DegradationOptions,
    *,
    seed: int,
    rate_hz: float,
) -> int:
    """Simulates, writes and says what was made; returns the exit code.

    Args:
        simulate: Called with a folder for what is kept meanwhile and with a function that shows progress.
        output: Where to.
        degradation: What is spoiled.
        seed: Seed of what is spoiled.
        rate_hz: Rate of the signals before any is lowered, Hz.
    """
    from neurofit.estimators.simulated import write_simulation

    made = write_simulation(
        simulate,
        output.out,
        degradation=degradation,
        seed=seed,
        rate_hz=rate_hz,
        overwrite=output.overwrite,
        compress=output.compress,
    )
    print("\n".join(made.lines))
    return 0

"""`neurofit simulate lorenz`: trials of neurons that share the states of a Lorenz system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neurofit.cli.parse import parse
from neurofit.cli.simulate_output import OutputOptions, write_and_print
from neurofit.simulate.degradation_options import DegradationOptions
from neurofit.simulate.system_options import LorenzOptions


@dataclass(frozen=True)
class Arguments:
    """Simulate trials of neurons that share the three states of a Lorenz system, with their true rates."""

    output: OutputOptions
    system: LorenzOptions = field(default_factory=LorenzOptions)
    degradation: DegradationOptions = field(default_factory=DegradationOptions)


def run(words: Sequence[str]) -> int:
    """Runs the simulation; returns the exit code."""
    arguments = parse(Arguments, words, verb="simulate lorenz")
    from neurofit.simulate.lorenz import simulate_lorenz

    options = arguments.system
    return write_and_print(
        lambda folder, progress: simulate_lorenz(options),
        arguments.output,
        arguments.degradation,
        seed=options.seed,
        rate_hz=1000 / options.bin_ms,
    )

"""`neurofit simulate pulse`: trials of a chaotic network that is pushed once in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neurofit.cli.parse import parse
from neurofit.cli.simulate_output import OutputOptions, write_and_print
from neurofit.simulate.degradation_options import DegradationOptions
from neurofit.simulate.system_options import PulseOptions


@dataclass(frozen=True)
class Arguments:
    """Simulate trials of a chaotic network that is pushed at a random time, with the true pushes."""

    output: OutputOptions
    system: PulseOptions = field(default_factory=PulseOptions)
    degradation: DegradationOptions = field(default_factory=DegradationOptions)


def run(words: Sequence[str]) -> int:
    """Runs the simulation; returns the exit code."""
    arguments = parse(Arguments, words, verb="simulate pulse")
    from neurofit.simulate.pulse import simulate_pulse

    options = arguments.system
    return write_and_print(
        lambda folder, progress: simulate_pulse(options),
        arguments.output,
        arguments.degradation,
        seed=options.seed,
        rate_hz=1000 / options.bin_ms,
    )

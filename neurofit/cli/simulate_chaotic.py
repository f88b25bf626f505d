"""`neurofit simulate chaotic`: trials of a chaotic network of rate neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neurofit.cli.parse import parse
from neurofit.cli.simulate_output import OutputOptions, write_and_print
from neurofit.simulate.degradation_options import DegradationOptions
from neurofit.simulate.system_options import ChaoticOptions


@dataclass(frozen=True)
class Arguments:
    """Simulate trials of a chaotic network of rate neurons, with their true rates and connections."""

    output: OutputOptions
    system: ChaoticOptions = field(default_factory=ChaoticOptions)
    degradation: DegradationOptions = field(default_factory=DegradationOptions)


def run(words: Sequence[str]) -> int:
    """Runs the simulation; returns the exit code."""
    arguments = parse(Arguments, words, verb="simulate chaotic")
    from neurofit.simulate.chaotic import simulate_chaotic

    options = arguments.system
    return write_and_print(
        lambda folder, progress: simulate_chaotic(options),
        arguments.output,
        arguments.degradation,
        seed=options.seed,
        rate_hz=1000 / options.bin_ms,
    )

"""`neurofit simulate reaching`: trials of reaches to targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neurofit.cli.parse import parse
from neurofit.cli.simulate_output import OutputOptions, write_and_print
from neurofit.simulate.degradation_options import DegradationOptions
from neurofit.simulate.system_options import ReachingOptions


@dataclass(frozen=True)
class Arguments:
    """Simulate reaches to targets: rotating states that the target sets, spikes, and the velocity of the hand."""

    output: OutputOptions
    system: ReachingOptions = field(default_factory=ReachingOptions)
    degradation: DegradationOptions = field(default_factory=DegradationOptions)


def run(words: Sequence[str]) -> int:
    """Runs the simulation; returns the exit code."""
    arguments = parse(Arguments, words, verb="simulate reaching")
    from neurofit.simulate.reaching import simulate_reaching

    options = arguments.system
    return write_and_print(
        lambda folder, progress: simulate_reaching(options),
        arguments.output,
        arguments.degradation,
        seed=options.seed,
        rate_hz=1000 / options.bin_ms,
    )

"""`neurofit simulate lif-pair`: two integrate-and-fire cells and one synapse of a known weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neurofit.cli.parse import parse
from neurofit.cli.simulate_output import OutputOptions, write_and_print
from neurofit.simulate.degradation_options import DegradationOptions
from neurofit.simulate.system_options import LifPairOptions


@dataclass(frozen=True)
class Arguments:
    """Simulate two integrate-and-fire cells, the first onto the second by one synapse of a known weight."""

    output: OutputOptions
    system: LifPairOptions = field(default_factory=LifPairOptions)
    degradation: DegradationOptions = field(default_factory=DegradationOptions)


def run(words: Sequence[str]) -> int:
    """Runs the simulation; returns the exit code."""
    arguments = parse(Arguments, words, verb="simulate lif-pair")
    from neurofit.simulate.lif_pair import simulate_lif_pair

    options = arguments.system
    return write_and_print(
        lambda folder, progress: simulate_lif_pair(options),
        arguments.output,
        arguments.degradation,
        seed=options.seed,
        rate_hz=1000 / options.dt_ms,
    )

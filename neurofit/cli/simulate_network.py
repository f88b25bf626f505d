"""`neurofit simulate network`: a spiking network, recorded in every way at once, whose connections are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neurofit.cli.parse import parse
from neurofit.cli.simulate_output import OutputOptions, write_and_print
from neurofit.simulate.degradation_options import DegradationOptions
from neurofit.simulate.network_options import NetworkOptions


@dataclass(frozen=True)
class Arguments:
    """Simulate a spiking network: vm, calcium, extracellular, lfp, spikes, and who connects to whom."""

    output: OutputOptions
    network: NetworkOptions = field(default_factory=NetworkOptions)
    degradation: DegradationOptions = field(default_factory=DegradationOptions)


def run(words: Sequence[str]) -> int:
    """Runs the simulation; returns the exit code."""
    arguments = parse(Arguments, words, verb="simulate network")
    from neurofit.simulate.network import simulate_network

    options = arguments.network
    return write_and_print(
        lambda folder, progress: simulate_network(options, folder=folder, progress=progress),
        arguments.output,
        arguments.degradation,
        seed=options.seed,
        rate_hz=1000 / options.dt_ms,
    )

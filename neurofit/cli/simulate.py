"""`neurofit simulate KIND ...`: the second word decides which file is imported."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

KINDS = {
    "network": "a spiking network: voltages, calcium, fields, spikes, and who connects to whom",
    "lif-pair": "two integrate-and-fire cells and one synapse of a known weight",
    "lorenz": "trials of neurons that share the states of a Lorenz system",
    "chaotic": "trials of a chaotic network of rate neurons",
    "pulse": "the same, pushed once a trial: inputs to be inferred",
    "reaching": "trials of reaches to targets: rotating states, spikes and the hand's velocity",
}

USAGE = "\n".join(
    (
        "usage: neurofit simulate KIND --out OUT ...   (neurofit simulate KIND --help says more)",
        "",
        *(f"  {kind:<10}{what}" for kind, what in KINDS.items()),
    )
)


def run(words: Sequence[str]) -> int:
    """Runs one simulation; returns the exit code."""
    if not words or words[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if words else 2
    if words[0] not in KINDS:
        print(f"neurofit simulate: no kind {words[0]!r}; expected one of {', '.join(KINDS)}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"neurofit.cli.simulate_{words[0].replace('-', '_')}")
    return int(module.run(words[1:]) or 0)

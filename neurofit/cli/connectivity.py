"""`neurofit connectivity ANALYSIS ...`: the second word decides which file is imported."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

ANALYSES = {
    "infer": "estimate who connects to whom, and score it where the truth is known",
    "average": "the voltage of every cell after the spikes of every other one",
    "current": "the current a leaky integrate-and-fire cell would need, beside its weighted synaptic input",
    "score": "score any matrix against a true one",
    "plan": "what to expect of how long a recording, before it is made",
}

USAGE = "\n".join(
    (
        "usage: neurofit connectivity ANALYSIS ...   (neurofit connectivity ANALYSIS --help says more)",
        "",
        *(f"  {name:<9}{what}" for name, what in ANALYSES.items()),
    )
)


def run(words: Sequence[str]) -> int:
    """Runs one analysis; returns the exit code."""
    if not words or words[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if words else 2
    if words[0] not in ANALYSES:
        listed = ", ".join(ANALYSES)
        print(f"neurofit connectivity: no analysis {words[0]!r}; expected one of {listed}", file=sys.stderr)
        return 2
    return int(importlib.import_module(f"neurofit.cli.connectivity_{words[0]}").run(words[1:]) or 0)

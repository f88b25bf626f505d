"""`neurofit convert RECORDING OUT`: write a recording as neurofit HDF5, NWB or raw files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from neurofit.cli.parse import RecordingPath, parse
from neurofit_io.options import LoadOptions


@dataclass(frozen=True)
class Arguments:
    """Write a recording as neurofit HDF5 (.h5), as NWB (.nwb) or as a folder of raw files (.bin)."""

    recording: RecordingPath
    """A file or folder."""
    out: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="OUT")]]
    """File to write, .h5 or .nwb, or folder to write, .bin; the suffix says the format."""
    load: LoadOptions = field(default_factory=LoadOptions)
    signal: str | None = None
    """Write only this signal (or spikes), with trials; by default everything."""
    overwrite: bool = False
    """Replace OUT if it is there."""


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    arguments = parse(Arguments, words, verb="convert")
    from neurofit_io.errors import RecordingError
    from neurofit_io.loading import load
    from neurofit_io.saving import save

    recording = load(arguments.recording, arguments.load)
    name = arguments.signal
    if name is not None:
        if name not in {*recording.signals, *recording.spike_trains}:
            listed = ", ".join([*recording.signals, *recording.spike_trains]) or "none"
            raise RecordingError(arguments.recording, f"no signal {name!r}", expected=f"one of {listed}")
        recording = dataclasses.replace(
            recording,
            signals={k: v for k, v in recording.signals.items() if k == name},
            spike_trains={k: v for k, v in recording.spike_trains.items() if k == name},
            connectivities={},
        )
    save(recording, arguments.out, overwrite=arguments.overwrite)
    print(f"written: {arguments.out}")
    return 0

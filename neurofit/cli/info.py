"""`neurofit info RECORDING`: what it holds, and the option that picks each part."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neurofit.cli.parse import RecordingPath, parse
from neurofit_io.options import LoadOptions


@dataclass(frozen=True)
class Arguments:
    """Show what a recording holds: signals with shape, rate, unit and span, spikes, trials, connectivity."""

    recording: RecordingPath
    """A file or folder."""
    load: LoadOptions = field(default_factory=LoadOptions)
    json: bool = False
    """Print JSON."""
    figure: Path | None = None
    """Also draw the first seconds of every signal, the spikes and the connectivity into this .png file."""


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    arguments = parse(Arguments, words, verb="info")
    from neurofit_io.describing import describe, describe_text
    from neurofit_io.errors import RecordingError
    from neurofit_io.loading import load

    if arguments.figure is not None and arguments.figure.suffix.lower() != ".png":
        raise RecordingError(arguments.figure, f"suffix {arguments.figure.suffix!r}", expected=".png")
    recording = load(arguments.recording, arguments.load)
    description = describe(recording)
    print(json.dumps(description, indent=2) if arguments.json else describe_text(description))
    if arguments.figure is not None:
        from neurofit.estimators.overview import draw_overview

        draw_overview(recording, arguments.figure)
    return 0

"""`neurofit check RECORDING`: errors and warnings; exit code 1 when there are errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neurofit.cli.parse import RecordingPath, parse
from neurofit_io.options import LoadOptions


@dataclass(frozen=True)
class Arguments:
    """Look through a recording for what would spoil a fit: missing values, dead channels, wrong units, bad times."""

    recording: RecordingPath
    """A file or folder."""
    load: LoadOptions = field(default_factory=LoadOptions)


def run(words: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    arguments = parse(Arguments, words, verb="check")
    from neurofit_io.checking import check

    findings = check(arguments.recording, arguments.load)
    for finding in findings:
        print(": ".join(part for part in (finding.severity, finding.place, finding.message) if part))
    errors = sum(finding.severity == "error" for finding in findings)
    print(f"{errors} errors, {len(findings) - errors} warnings")
    return 1 if errors else 0

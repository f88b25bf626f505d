"""Which recording a run was fitted on: its path or paths, and a fingerprint of the bytes that were read."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurofit.estimators.options import FitOptions
from neurofit.preparation import PreparedSeries
from neurofit.runs import Run, RunError, changed, fingerprint
from neurofit_io import Provenance, Recording, load


def config_of(recording: Recording, series: PreparedSeries, options: FitOptions) -> dict[str, Any]:
    """What decides the result of a fit, for `config.json`.

    `path` names the recording; several files that were fitted as one are listed in `paths`, in their order.
    """
    parts = recording.provenance.parts
    return {
        "estimator": "next_step",
        "recording": {
            "path": _path(recording),
            **({"paths": [_absolute(part) for part in parts]} if parts and _in_files(recording) else {}),
            "signal": series.name,
            "fingerprint": _fingerprint(recording, series),
        },
        "options": options.as_json(),
    }


def recording_of(run: Run, options: FitOptions) -> Recording:
    """Opens the recording that a run was fitted on.

    Raises:
        RunError: It lay in memory, or its bytes changed since.
        RecordingError: It is not there any more.
    """
    stored = run.config()["recording"]
    if stored["path"] is None:
        raise RunError(run.path, "fitted on a recording in memory", do="give the recording to predict and score")
    paths = stored.get("paths", [stored["path"]])
    recording = load(paths, options.load)
    differs = _changes(stored["fingerprint"], _file_fingerprint(recording))
    if differs:
        raise RunError(
            stored["path"], f"changed since {run.path} was fitted: {', '.join(differs[:5])}",
            do=f"to predict it as another recording: neurofit predict {run.path} {shlex.join(paths)}",
        )  # fmt: skip
    return recording


def was_fitted_on(run: Run, recording: Recording, series: PreparedSeries) -> bool:
    """Whether a recording holds the very bytes that a run was fitted on.

    Args:
        run: The run.
        recording: Any recording.
        series: The same, prepared as the fitted one was.
    """
    return not _changes(run.config()["recording"]["fingerprint"], _fingerprint(recording, series))


def _path(recording: Recording) -> str | None:
    return _absolute(recording.provenance) if _in_files(recording) else None


def _absolute(provenance: Provenance) -> str:
    return str(Path(provenance.path).absolute())


def _in_files(recording: Recording) -> bool:
    """Whether all of a recording can be opened again."""
    return all(part.files for part in recording.provenance.parts or (recording.provenance,))


def _fingerprint(recording: Recording, series: PreparedSeries) -> dict[str, Any]:
    return _file_fingerprint(recording) if _in_files(recording) else _value_fingerprint(series)


def _file_fingerprint(recording: Recording) -> dict[str, Any]:
    """That of the files of a recording; of one joined of several, that of each under its place in the order."""
    parts = recording.provenance.parts
    if not parts:
        return fingerprint(recording.provenance.path, recording.provenance.files)
    return {"parts": [fingerprint(part.path, part.files) for part in parts]}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two fingerprints; of joined recordings, with the number of the file from 1."""
    before, after = old.get("parts", [old]), new.get("parts", [new])
    if len(before) != len(after):
        return [f"{len(after)} files instead of {len(before)}"]
    several = len(before) > 1
    return [
        f"file {number}: {change}" if several else change
        for number, (one, other) in enumerate(zip(before, after, strict=True), start=1)
        for change in changed(one, other)
    ]


def _value_fingerprint(series: PreparedSeries) -> dict[str, Any]:
    """Sha256 of the values of a recording that lies in no file."""
    digest = hashlib.sha256()
    for _, values in series.signal.slabs():
        digest.update(np.ascontiguousarray(values).tobytes())
    return {"bytes": 4 * series.signal.shape[0] * series.signal.shape[1], "sha256": digest.hexdigest()}

"""Which recording a run was fitted on: its path, and a fingerprint of the bytes that were read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from neurofit.estimators.options import FitOptions
from neurofit.preparation import PreparedSeries
from neurofit.runs import Run, RunError, changed, fingerprint
from neurofit_io import Recording, load


def config_of(recording: Recording, series: PreparedSeries, options: FitOptions) -> dict[str, Any]:
    """What decides the result of a fit, for `config.json`."""
    return {
        "estimator": "next_step",
        "recording": {"path": _path(recording), "signal": series.name, "fingerprint": _fingerprint(recording, series)},
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
    recording = load(stored["path"], options.load)
    differs = changed(stored["fingerprint"], _file_fingerprint(recording))
    if differs:
        raise RunError(
            stored["path"], f"changed since {run.path} was fitted: {', '.join(differs[:5])}",
            do=f"to predict it as another recording: neurofit predict {run.path} {stored['path']}",
        )  # fmt: skip
    return recording


def was_fitted_on(run: Run, recording: Recording, series: PreparedSeries) -> bool:
    """Whether a recording holds the very bytes that a run was fitted on.

    Args:
        run: The run.
        recording: Any recording.
        series: The same, prepared as the fitted one was.
    """
    return not changed(run.config()["recording"]["fingerprint"], _fingerprint(recording, series))


def _path(recording: Recording) -> str | None:
    return str(Path(recording.provenance.path).absolute()) if recording.provenance.files else None


def _fingerprint(recording: Recording, series: PreparedSeries) -> dict[str, Any]:
    return _file_fingerprint(recording) if recording.provenance.files else _value_fingerprint(series)


def _file_fingerprint(recording: Recording) -> dict[str, Any]:
    return fingerprint(recording.provenance.path, recording.provenance.files)


def _value_fingerprint(series: PreparedSeries) -> dict[str, Any]:
    """Sha256 of the values of a recording that lies in no file."""
    digest = hashlib.sha256()
    for _, values in series.signal.slabs():
        digest.update(np.ascontiguousarray(values).tobytes())
    return {"bytes": 4 * series.signal.shape[0] * series.signal.shape[1], "sha256": digest.hexdigest()}

"""`load`: recognise what a path holds by its content and open it lazily.

A format is a module with two functions: `recognises(path) -> bool`, cheap and never raising, and
`read(path, options) -> Recording`.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurofit_io.damage import in_words, refuse_damaged, unrecognised
from neurofit_io.errors import RecordingError
from neurofit_io.one_sweep import one_sweep
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Recording
from neurofit_io.trial_bounds import mended

READERS = {
    "neurofit": "neurofit_hdf5",
    "sonata": "sonata",
    "nwb": "nwb",
    "lfads": "lfads_hdf5",
    "matlab": "matlab",
    "suite2p": "suite2p",
    "numpy": "numpy_files",
    "csv": "tables",
    "raw": "raw",
    "hdf5": "hdf5",
}
"""Format to module, in the order in which they are asked; the most particular first."""


Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""A file or a folder, or several of the same channels."""


def load(path: Paths, options: LoadOptions | None = None, **changes: Any) -> Recording:
    """Opens a recording; values are read when asked for.

    Args:
        path: A file or a folder; several of the same channels are laid one after the other, as `join` does.
        options: How to read it where it does not say itself.
        **changes: Single options by name, such as `rate_hz=30.0`, over `options`.

    Returns:
        The `Recording`.

    Raises:
        RecordingError: Missing, damaged, not recognised, or ambiguous without an option; one line says what to do.
    """
    paths = [path] if isinstance(path, str | os.PathLike) else [*path]
    try:
        chosen = dataclasses.replace(options or LoadOptions(), **changes)
    except TypeError as error:
        known = ", ".join(f.name for f in dataclasses.fields(LoadOptions))
        place = paths[0] if paths else ""
        raise RecordingError(place, f"unknown option: {error}", expected=f"one of {known}") from error
    recordings = [_load_one(Path(one), chosen) for one in paths]
    if len(recordings) == 1:
        return recordings[0]
    from neurofit_io.joining import join

    return join(recordings)


def _load_one(file: Path, chosen: LoadOptions) -> Recording:
    refuse_damaged(file)
    with in_words(file):
        recording = _reader(file, chosen).read(file, chosen)
        if chosen.sweep is not None:
            recording = one_sweep(recording, chosen.sweep)
        return mended(recording, chosen.bad_trials)


def _reader(file: Path, options: LoadOptions) -> Any:
    if options.format is not None:
        if options.format not in READERS:
            raise RecordingError(file, f"--format {options.format}", expected=f"one of {', '.join(READERS)}")
        return importlib.import_module(f"neurofit_io.{READERS[options.format]}")
    for name in READERS.values():
        module = importlib.import_module(f"neurofit_io.{name}")
        if module.recognises(file):
            return module
    raise unrecognised(file)

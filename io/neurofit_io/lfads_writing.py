"""Writes trials of counts as the HDF5 file that LFADS tools read, in one of their three families of names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.errors import RecordingError
from neurofit_io.files import atomic_path
from neurofit_io.hdf5_output import hdf5_output
from neurofit_io.lfads_hdf5 import FAMILIES, NAMES
from neurofit_io.recording import Recording
from neurofit_io.signals import Signal

_PREFIXES = {
    "lfads-torch": {"train": "train", "valid": "valid", "test": "test"},
    "autolfads": {"train": "train", "valid": "valid", "test": "test"},
    "nlb": {"train": "train", "valid": "eval", "test": "eval"},
}


def write_lfads(
    recording: Recording,
    path: str | os.PathLike[str],
    *,
    family: Literal["lfads-torch", "autolfads", "nlb"] = "lfads-torch",
) -> Path:
    """Writes the counts and true rates of a trial-based recording, with the other signals under their names.

    Args:
        recording: A signal `counts` in sweeps of equal length, and trials with a column `split` of train, valid, test.
        path: The file to write; replaced as a whole.
        family: Names of the keys.

    Returns:
        The path.

    Raises:
        RecordingError: No counts, no split, or trials of different lengths.
        OSError: The disk is full; what was at `path` is still there.
    """
    target = Path(path)
    starts, prefixes = _trials(recording, family)
    counts = recording.signals.get("counts")
    if counts is None or counts.rate_hz is None:
        raise RecordingError(target, "no signal 'counts'", expected="counts in trials")
    rests = {"counts": FAMILIES[family]} | {name: rest for rest, name in NAMES.items() if name != "counts"}
    with atomic_path(target) as beside, hdf5_output(beside) as (file, stop_if_full):
        file.attrs["rate_hz"] = counts.rate_hz
        file["conversion_factor"] = counts.rate_hz
        for name, signal in recording.signals.items():
            _write_signal(file, signal, rests.get(name, name), starts, prefixes)
            stop_if_full()
        if family == "lfads-torch" and "counts_recon" not in recording.signals:
            for prefix in np.unique(prefixes):
                file[f"{prefix}_recon_data"] = file[f"{prefix}_encod_data"]
        if family == "autolfads":
            for prefix in np.unique(prefixes):
                file[f"{prefix}_inds"] = np.flatnonzero(prefixes == prefix)
    return target


def _trials(recording: Recording, family: str) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Begin of each trial, s, and the prefix of its keys."""
    if family not in _PREFIXES:
        raise RecordingError("", f"family {family!r}", expected=f"one of {', '.join(_PREFIXES)}")
    trials, place = recording.trials, recording.provenance.path
    if trials is None or "split" not in trials.columns:
        raise RecordingError(place, "trials without a column 'split'", expected="train, valid or test for each trial")
    names = _PREFIXES[family]
    used = set(np.unique(trials.columns["split"]).tolist())
    if not used <= set(names) or len({names[split] for split in used}) < len(used):
        expected = "train and either valid or test" if family == "nlb" else "train, valid or test"
        raise RecordingError(place, f"splits {', '.join(sorted(used))}", expected=expected)
    return trials.start_s, np.array([names[split] for split in trials.columns["split"].tolist()])


def _write_signal(
    file: h5py.File, signal: Signal, rest: str, starts: NDArray[np.float64], prefixes: NDArray[np.str_]
) -> None:
    """Each sweep of `signal` goes to the trial that begins last before it."""
    half = 0.5 / (signal.rate_hz or 1.0)
    order = np.argsort(starts, kind="stable")
    of_sweep = [order[np.searchsorted(starts[order], s.start_s + half) - 1] for s in signal.segments]
    for prefix in dict.fromkeys(prefixes[of_sweep].tolist()):
        chosen = [s for s, trial in zip(signal.segments, of_sweep, strict=True) if prefixes[trial] == prefix]
        lengths = {segment.stop - segment.start for segment in chosen}
        if len(lengths) > 1:
            found = f"{prefix} trials of {min(lengths)} to {max(lengths)} steps"
            raise RecordingError(signal.source.place, found, expected="one length for all of a split")
        shape = len(chosen), lengths.pop(), signal.shape[1]
        data = file.create_dataset(f"{prefix}_{rest}", shape, dtype=np.float32)
        for k, segment in enumerate(chosen):
            data[k] = signal.read(segment.start, segment.stop)

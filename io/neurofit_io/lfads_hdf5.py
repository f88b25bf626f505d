"""The HDF5 files of LFADS tools, trials x time x units, in their three families of names.

| family | encoder input | others |
|---|---|---|
| lfads-torch | train_encod_data, valid_encod_data | test_encod_data, *_recon_data, *_ext_input, *_truth |
| autolfads | train_data, valid_data | *_truth, *_ext_input, *_inds |
| nlb | train_spikes_heldin, eval_spikes_heldin | *_spikes_heldout, *_forward, *_behavior |

Truth is stored as `rate per bin * conversion_factor`, so `true_rates = truth / conversion_factor * rate_hz` in Hz.
Trials are laid one after the other, train first; `trials.columns["split"]` says train, valid or test (nlb: eval).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.clock import Clock, Segment
from neurofit_io.damage import in_words
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Provenance, Recording
from neurofit_io.safe_hdf5 import open_checked, read_numbers
from neurofit_io.signals import Signal
from neurofit_io.sources import ConcatenatedSource
from neurofit_io.sweeps import Hdf5Array, SweepSource
from neurofit_io.timing import RATE_NAMES
from neurofit_io.trials import Trials

FAMILIES = {"lfads-torch": "encod_data", "autolfads": "data", "nlb": "spikes_heldin"}
SPLITS = {"train": "train", "valid": "valid", "test": "test", "eval": "test"}
NAMES = {
    "encod_data": "counts", "data": "counts", "spikes_heldin": "counts", "recon_data": "counts_recon",
    "spikes_heldout": "counts_heldout", "spikes_heldin_forward": "counts_heldin_forward",
    "spikes_heldout_forward": "counts_heldout_forward", "truth": "true_rates",
}  # fmt: skip
"""Rest of a key to the name of a signal; any other keeps its own."""

_KEY = re.compile(r"(train|valid|test|eval)_(\w+)")


def recognises(path: Path) -> bool:
    """Whether `path` is an HDF5 file with the encoder input of one of the three families."""
    try:
        if not h5py.is_hdf5(path):
            return False
        with h5py.File(path, "r") as file:
            return _family(file) is not None
    except (OSError, RuntimeError, KeyError, ValueError):
        return False


def read(path: Path, options: LoadOptions) -> Recording:
    """All splits of one session as one `Recording` of counts in sweeps.

    Raises:
        RecordingError: No bin width, or arrays that do not fit each other.
    """
    file = open_checked(path, options)
    with in_words(path):
        family = _family(file)
        if family is None:
            raise RecordingError(path, "no encoder input", expected=f"train_{' or train_'.join(FAMILIES.values())}")
        rate = _rate(file, path, options)
        splits = _splits(file, path, FAMILIES[family], rate)
        signals, notes = _signals(file, path, splits, rate)
        trials = _trials(file, splits, rate)
    provenance = Provenance(path, "lfads", (path,), {"family": family}, notes)
    return Recording(provenance, signals, intervals={"trials": trials})


@dataclass(frozen=True)
class _Split:
    """The trials of one split: `train_*` and so on.

    Args:
        prefix: As in the file: train, valid, test, eval.
        n_trials: Trials.
        steps: Steps of the encoder input in a trial.
        starts_s: Begin of each trial, s, (trials,).
    """

    prefix: str
    n_trials: int
    steps: int
    starts_s: NDArray[np.float64]


def _family(file: h5py.File) -> str | None:
    for family, main in FAMILIES.items():
        for prefix in SPLITS:
            item = file.get(f"{prefix}_{main}")
            if isinstance(item, h5py.Dataset) and item.ndim == 3:
                return family
    return None


def _rate(file: h5py.File, path: Path, options: LoadOptions) -> float:
    stored = next((float(v) for k, v in file.attrs.items() if k.lower() in RATE_NAMES and np.size(v) == 1), None)
    rate = stored if options.rate_hz is None else options.rate_hz
    if rate is None or not rate > 0:
        raise RecordingError(path, "no bin width in the file", do="give --rate-hz, 1000 / the bin width in ms")
    return rate


def _splits(file: h5py.File, path: Path, main: str, rate_hz: float) -> list[_Split]:
    """The splits in order, each trial with room for the longest array and what is to be predicted after it."""
    splits, begin = [], 0
    for prefix in SPLITS:
        key = f"{prefix}_{main}"
        if key not in file:
            continue
        n_trials, steps, width = file[key].shape
        if 0 in (n_trials, steps, width):
            raise RecordingError(path, f"shape {file[key].shape}: no samples", place=key)
        shapes = {k: v.shape for k, v in file.items() if k.startswith(f"{prefix}_") and _is_table(v, n_trials)}
        forward = max((shape[1] for k, shape in shapes.items() if k.endswith("_forward")), default=0)
        spacing = max(steps + forward, *(shape[1] for shape in shapes.values()))
        splits.append(_Split(prefix, n_trials, steps, (begin + np.arange(n_trials) * spacing) / rate_hz))
        begin += n_trials * spacing
    return splits


def _is_table(item: h5py.Dataset | h5py.Group, n_trials: int) -> bool:
    return isinstance(item, h5py.Dataset) and item.ndim == 3 and item.shape[0] == n_trials and item.dtype.kind in "biuf"


def _signals(
    file: h5py.File, path: Path, splits: list[_Split], rate_hz: float
) -> tuple[dict[str, Signal], tuple[str, ...]]:
    """One signal for each rest of a key, over the splits that have it."""
    found: dict[str, list[_Split]] = {}
    skipped = []
    by_prefix = {split.prefix: split for split in splits}
    for key, item in file.items():
        match = _KEY.fullmatch(key)
        split = by_prefix.get(match[1]) if match else None
        if match and split and _is_table(item, split.n_trials) and item.size:
            found.setdefault(match[2], []).append(split)
        elif np.size(item) != 1 and not (split and item.ndim == 1 and len(item) == split.n_trials):
            skipped.append(key)
    notes = [f"not read: {', '.join(skipped)}"] if skipped else []
    if "recon_data" in found and _repeats_input(file, found["recon_data"]):
        del found["recon_data"]
        notes.append("*_recon_data repeats *_encod_data and is not read twice")
    ordered = [(rest, [s for s in splits if s in having]) for rest, having in found.items()]
    signals = [_signal(file, path, rest, having, rate_hz) for rest, having in ordered]
    return {signal.name: signal for signal in signals}, tuple(notes)


def _repeats_input(file: h5py.File, splits: list[_Split]) -> bool:
    pairs = [(file[f"{s.prefix}_recon_data"], file[f"{s.prefix}_encod_data"]) for s in splits]
    return all(a.shape == b.shape and np.array_equal(a[:8], b[:8]) for a, b in pairs)


def _signal(file: h5py.File, path: Path, rest: str, splits: list[_Split], rate_hz: float) -> Signal:
    name = NAMES.get(rest, rest)
    widths = {f"{s.prefix}_{rest}": file[f"{s.prefix}_{rest}"].shape[2] for s in splits}
    if len(set(widths.values())) > 1:
        listed = ", ".join(f"{key} {n}" for key, n in widths.items())
        raise RecordingError(path, f"different widths: {listed}", expected="one width for all splits")
    parts, segments, begin = [], [], 0
    for split in splits:
        source = SweepSource(Hdf5Array(path, f"{split.prefix}_{rest}"), 0, 1, f"{path}: {split.prefix}_{rest}")
        late = split.steps / rate_hz if rest.endswith("_forward") else 0.0
        for k in range(split.n_trials):
            first = begin + k * source.trial_steps
            segments.append(Segment(first, first + source.trial_steps, float(split.starts_s[k]) + late))
        parts.append(source)
        begin += source.shape[0]
    kind, unit, gain = _meaning(file, name, rate_hz)
    clock = Clock(begin, rate_hz, segments[0].start_s, sweeps=tuple(segments))
    return Signal(name, kind, unit, ConcatenatedSource(parts), clock, gain=gain)


def _meaning(file: h5py.File, name: str, rate_hz: float) -> tuple[str, str, float]:
    """Kind, unit and gain of a signal."""
    if name == "true_rates":
        factor = float(np.asarray(file["conversion_factor"][()]).reshape(-1)[0]) if "conversion_factor" in file else 1.0
        return "true_rates", "Hz", rate_hz / factor
    return ("counts", "count", 1.0) if name.startswith("counts") else ("other", "", 1.0)


def _trials(file: h5py.File, splits: list[_Split], rate_hz: float) -> Trials:
    starts = np.concatenate([s.starts_s for s in splits])
    stops = starts + np.repeat([s.steps / rate_hz for s in splits], [s.n_trials for s in splits])
    columns: dict[str, NDArray] = {"split": np.repeat([SPLITS[s.prefix] for s in splits], [s.n_trials for s in splits])}
    per_trial = {m[2] for m in map(_KEY.fullmatch, file) if m and isinstance(file[m[0]], h5py.Dataset)}
    for rest in sorted(per_trial):
        items = [file.get(f"{s.prefix}_{rest}") for s in splits]
        shapes = [(s.n_trials,) for s in splits]
        if None not in items and [i.shape for i in items] == shapes and all(i.dtype.kind in "biuf" for i in items):
            columns["trial_index" if rest == "inds" else rest] = np.concatenate([read_numbers(i) for i in items])
    return Trials("trials", starts, stops, columns)

"""The output folder of Suite2p: F, Fneu and spks, (ROI, frame), and iscell, one row a ROI.

The frame rate is in ops.npy, which is a pickled object and is never opened here: `--rate-hz` has to say it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from neurofit_io.arrays import NamedArray, signal_of
from neurofit_io.errors import RecordingError
from neurofit_io.numpy_files import map_npy
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Provenance, Recording
from neurofit_io.signals import Signal

_PARTS = {"F.npy": "fluorescence", "Fneu.npy": "neuropil", "spks.npy": "deconvolved"}
_PLANES = ("plane*", "suite2p/plane*")


def recognises(path: Path) -> bool:
    """Whether `path` is a plane folder with F.npy, or holds such folders."""
    try:
        return path.is_dir() and bool(_planes(path))
    except OSError:
        return False


def read(path: Path, options: LoadOptions) -> Recording:
    """Fluorescence, neuropil and deconvolved activity of each plane, with iscell as columns of the channels.

    Raises:
        RecordingError: No frame rate given, or parts of different shapes.
    """
    planes = _planes(path)
    if options.rate_hz is None:
        raise RecordingError(
            path, "no frame rate: Suite2p keeps it in ops.npy, a pickled object that is never opened here",
            do="give --rate-hz (fs in ops.npy, divided by the number of planes if it is per volume)",
        )  # fmt: skip
    signals, files, notes = [], [], []
    for plane in planes:
        suffix = f"_{plane.name}" if len(planes) > 1 else ""
        signals += [dataclasses.replace(s, name=s.name + suffix) for s in _plane(plane, options)]
        files += [plane / name for name in (*_PARTS, "iscell.npy") if (plane / name).is_file()]
        notes += [f"{plane.name} has no {name}" for name in (*_PARTS, "iscell.npy") if not (plane / name).is_file()]
    return Recording(
        Provenance(path, "suite2p", tuple(files), notes=tuple(notes)), {signal.name: signal for signal in signals}
    )


def _planes(path: Path) -> list[Path]:
    if (path / "F.npy").is_file():
        return [path]
    found = {file.parent for pattern in _PLANES for file in path.glob(f"{pattern}/F.npy")}
    return sorted(found, key=lambda plane: (len(plane.name), plane.name))


def _plane(plane: Path, options: LoadOptions) -> list[Signal]:
    arrays = {kind: map_npy(plane / name) for name, kind in _PARTS.items() if (plane / name).is_file()}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 2 for shape in shapes.values()):
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise RecordingError(plane, listed, expected="one shape (ROI, frame) for all")
    metadata = _channel_columns(plane, next(iter(shapes.values()))[0])
    general = dataclasses.replace(options, kind=None, time_axis=None, trial_axis=None)
    signals = []
    for kind, values in arrays.items():
        array = NamedArray(kind, values, plane, time_axis=1, kind=kind)
        signals.append(dataclasses.replace(signal_of(array, [], general)[0], metadata=metadata))
    return signals


def _channel_columns(plane: Path, n_rois: int) -> dict[str, dict[str, list]]:
    """`accepted` (0 or 1) and `probability` of each ROI, by which channels can be selected."""
    path = plane / "iscell.npy"
    if not path.is_file():
        return {}
    table = np.asarray(map_npy(path))
    if table.ndim != 2 or table.shape[0] != n_rois:
        raise RecordingError(path, f"shape {table.shape}", expected=f"a row for each of {n_rois} ROIs")
    columns = {"accepted": table[:, 0].astype(int).tolist()}
    return {"channel_columns": columns | ({"probability": table[:, 1].tolist()} if table.shape[1] > 1 else {})}

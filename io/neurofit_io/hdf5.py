"""Any HDF5 file whose layout is not known: one dataset by its path, with what its attributes and neighbours say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurofit_io.arrays import NamedArray, recording_of_arrays
from neurofit_io.damage import HDF5_SIGNATURE, in_words, promised_hdf5_bytes
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Recording
from neurofit_io.safe_hdf5 import open_checked
from neurofit_io.sweeps import Hdf5Array
from neurofit_io.timing import RATE_NAMES

_UNIT_NAMES = ("unit", "units")
_START_NAMES = ("start_s", "start_time", "t_start", "t0")


def recognises(path: Path) -> bool:
    """Whether `path` is an HDF5 file of any kind."""
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            return file.read(8) == HDF5_SIGNATURE or promised_hdf5_bytes(path) is not None
    except (OSError, ValueError):
        return False


def read(path: Path, options: LoadOptions) -> Recording:
    """The dataset that `--dataset` names, or the only numeric one.

    Raises:
        RecordingError: None or several numeric datasets, or rate, time axis or unit not known.
    """
    file = open_checked(path, options)
    with in_words(path):
        arrays, skipped = numeric_datasets(file, path)
    if options.dataset is not None and options.dataset.strip("/") in skipped:
        raise RecordingError(
            path, f"it holds {skipped[options.dataset.strip('/')]}", place=options.dataset, expected="plain numbers",
            do="choose another with --dataset",
        )  # fmt: skip
    return recording_of_arrays(arrays, path, options, format="hdf5")


def numeric_datasets(file: h5py.File, path: Path) -> tuple[list[NamedArray], dict[str, str]]:
    """Every dataset of plain numbers as an array left on disk, and the type of each other dataset by name."""
    arrays: list[NamedArray] = []
    skipped: dict[str, str] = {}

    def note(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if item.dtype.kind in "biuf" and item.shape is not None:
            arrays.append(_named(name, item, path))
        else:
            skipped[name] = str(item.dtype)

    file.visititems(note)
    return arrays, skipped


def _named(name: str, item: h5py.Dataset, path: Path) -> NamedArray:
    unit = _attribute(item, _UNIT_NAMES)
    return NamedArray(
        f"/{name}", Hdf5Array(path, f"/{name}"), path,
        rate_hz=_number(_attribute(item, RATE_NAMES)), start_s=_number(_attribute(item, _START_NAMES)),
        unit=unit if isinstance(unit, str) else None,
    )  # fmt: skip


def _attribute(item: h5py.Dataset, names: tuple[str, ...]) -> Any:
    """The one value of the first attribute with one of the names; None without."""
    found = next((value for key, value in item.attrs.items() if key.lower() in names and np.size(value) == 1), None)
    value = found if found is None or isinstance(found, (str, bytes)) else np.asarray(found).reshape(-1)[0]
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float, np.number)) else None

"""MATLAB files: version 5 (and older) through scipy, version 7.3 (HDF5) through `matlab73`.

Variables, the fields of structs and the elements of cell arrays are named by their path, counted from 0: `y`,
`data[0].calcium`, `trials[3].t`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit_io import matlab73
from neurofit_io.arrays import NamedArray, recording_of_arrays
from neurofit_io.damage import HDF5_SIGNATURE
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Recording
from neurofit_io.safe_hdf5 import refuse_too_large

_V5, _V73 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"
_VECTOR_LIMIT = 2**24


def recognises(path: Path) -> bool:
    """Whether the header says MATLAB, or the name does and the bytes are not plain HDF5."""
    head = _head(path)
    return head.startswith((_V5, _V73)) or (
        path.suffix.lower() == ".mat" and bool(head) and not head.startswith(HDF5_SIGNATURE)
    )


def read(path: Path, options: LoadOptions) -> Recording:
    """The variable that `--dataset` names, or the only candidate.

    Raises:
        RecordingError: None or several candidates, damaged, or rate, time axis or unit not known.
    """
    if _head(path).startswith(_V73):
        arrays, notes = matlab73.arrays_of(path, options)
    else:
        arrays, notes = _arrays_v5(path, options)
    return recording_of_arrays(arrays, path, options, format="matlab", notes=notes)


def _head(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(128)
    except OSError:
        return b""


def _arrays_v5(path: Path, options: LoadOptions) -> tuple[list[NamedArray], tuple[str, ...]]:
    import scipy.io

    try:
        listed = scipy.io.whosmat(path)
        refuse_too_large(sum(int(np.prod(shape)) * 8 for _, shape, _ in listed), str(path))
        needed = _needed(listed, options)
        loaded = scipy.io.loadmat(path, variable_names=needed)
    except RecordingError:
        raise
    # scipy's reader fails on damaged bytes with whatever it trips over, from zlib.error to TypeError.
    except Exception as error:
        raise RecordingError(path, f"damaged, or not a MATLAB file ({error})", do="copy or save it again") from error
    pairs = ((name, value) for name, value in loaded.items() if not name.startswith("__"))
    left = [f"{name} {shape}" for name, shape, _ in listed if name not in needed]
    arrays = [NamedArray(n, v, path) for name, value in pairs for n, v in leaves(name, value)]
    return arrays, (f"not opened: {', '.join(left)}",) if left else ()


def _needed(listed: list[tuple[str, tuple[int, ...], str]], options: LoadOptions) -> list[str]:
    """The variable that is named, and vectors, which may be its times or its trials' columns; else all."""
    root = (options.dataset or "").partition(".")[0].partition("[")[0]
    if root not in {name for name, _, _ in listed}:
        return [name for name, _, _ in listed]
    vectors = [n for n, shape, _ in listed if sum(k != 1 for k in shape) <= 1 and np.prod(shape) < _VECTOR_LIMIT]
    return [root, *vectors]


def leaves(name: str, value: Any) -> Iterator[tuple[str, NDArray]]:
    """Every numeric array below a variable, by its path."""
    if not isinstance(value, np.ndarray):
        return
    if value.dtype.names is not None:
        for index, element in enumerate(value.reshape(-1)):
            parent = name if value.size == 1 else f"{name}[{index}]"
            for field in value.dtype.names:
                yield from leaves(f"{parent}.{field}", element[field])
    elif value.dtype == object:
        for index, element in enumerate(value.reshape(-1, order="F")):
            yield from leaves(f"{name}[{index}]", element)
    elif value.dtype.kind in "biuf" and value.size:
        yield name, value

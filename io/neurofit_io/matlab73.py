"""MATLAB version 7.3 files: HDF5 with the axes reversed and cell arrays stored as references."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py

from neurofit_io.arrays import NamedArray
from neurofit_io.damage import in_words
from neurofit_io.options import LoadOptions
from neurofit_io.safe_hdf5 import open_checked
from neurofit_io.sweeps import Hdf5Array

_NOT_NUMBERS = ("char", "function_handle", "string", "table", "datetime")


def arrays_of(path: Path, options: LoadOptions) -> tuple[list[NamedArray], tuple[str, ...]]:
    """Every numeric array, left on disk, with its axes as MATLAB shows them; and what was skipped."""
    skipped: list[str] = []
    with in_words(path):
        file = open_checked(path, options)
        roots = [name for name in file if not name.startswith("#")]
        arrays = [
            NamedArray(name, Hdf5Array(path, dataset, reversed_axes=True), path)
            for root in roots
            for name, dataset in _leaves(root, file[root], skipped)
        ]
    notes = (f"skipped, not plain numbers: {', '.join(skipped)}",) if skipped else ()
    return arrays, notes


def _leaves(name: str, item: h5py.Dataset | h5py.Group, skipped: list[str]) -> Iterator[tuple[str, str]]:
    matlab_class = item.attrs.get("MATLAB_class", b"").decode()
    if isinstance(item, h5py.Group):
        if "MATLAB_sparse" in item.attrs:
            skipped.append(f"{name} (sparse)")
        else:
            for field, value in item.items():
                yield from _field(name, field, value, skipped)
    elif item.dtype == h5py.ref_dtype:
        for index, element in enumerate(_references(item)):
            yield from _leaves(f"{name}[{index}]", element, skipped)
    elif "MATLAB_empty" not in item.attrs and item.shape is not None and item.size:
        if item.dtype.kind in "biuf" and matlab_class not in _NOT_NUMBERS:
            yield name, item.name
        else:
            skipped.append(f"{name} ({matlab_class or item.dtype})")


def _field(name: str, field: str, value: h5py.Dataset | h5py.Group, skipped: list[str]) -> Iterator[tuple[str, str]]:
    """A field of a struct; of a struct array it is a dataset of references, one an element, that is no cell array."""
    is_array = isinstance(value, h5py.Dataset) and value.dtype == h5py.ref_dtype and "MATLAB_class" not in value.attrs
    if not is_array:
        yield from _leaves(f"{name}.{field}", value, skipped)
        return
    for index, element in enumerate(_references(value)):
        yield from _leaves(f"{name}[{index}].{field}", element, skipped)


def _references(item: h5py.Dataset) -> Iterator[h5py.Dataset | h5py.Group]:
    """What a dataset of references points to, in MATLAB's order."""
    for reference in item[()].reshape(-1):
        if reference:
            yield item.file[reference]

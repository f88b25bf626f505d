"""Compression that HDF5 does not bring along: which filter a dataset needs, and where to get it.

Filters have registered numbers (https://github.com/HDFGroup/hdf5_plugins); the package hdf5plugin brings the usual
ones and is imported only when a file asks for one.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import h5py

NAMES = {
    307: "bzip2", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32013: "zfp", 32015: "zstd",
    32017: "sz", 32018: "fcidecomp", 32023: "sperr", 32024: "sz3", 32026: "blosc2",
}  # fmt: skip


BUILT_IN = 256
"""Filters below this number come with HDF5."""


def bring_filters(dataset: h5py.h5d.DatasetID) -> None:
    """Asks hdf5plugin, when it is installed, for the filters that `dataset` needs and nobody has."""
    if any(not h5py.h5z.filter_avail(code) for code in _codes(dataset)) and importlib.util.find_spec("hdf5plugin"):
        importlib.import_module("hdf5plugin")


def filters_of(file: str, dataset: str) -> list[str]:
    """Names of the filters beyond HDF5's own that a dataset of `file` was written with; none when it will not open."""
    if not Path(file).is_file():
        return []
    try:
        with h5py.File(file, "r") as handle:
            codes = _codes(handle[dataset].id)
    except (OSError, KeyError, RuntimeError, AttributeError, ValueError):
        return []
    return [f"{NAMES.get(code, 'filter')} ({code})" for code in codes if code >= BUILT_IN]


def _codes(dataset: h5py.h5d.DatasetID) -> list[int]:
    plist = dataset.get_create_plist()
    return [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]

"""NumPy files: one array in a .npy, several by name in a .npz. Nothing is unpickled."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from neurofit_io.arrays import OBJECTS, NamedArray, recording_of_arrays
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Recording
from neurofit_io.safe_hdf5 import refuse_too_large

NPY_MAGIC = b"\x93NUMPY"
_DAMAGE = (ValueError, OSError, EOFError, TypeError, SyntaxError, TokenError, zlib.error)
_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def recognises(path: Path) -> bool:
    """Whether `path` is a .npy, or a zip archive of .npy files."""
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            if file.read(6) == NPY_MAGIC:
                return True
        if not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        return bool(names) and all(name.endswith(".npy") for name in names)
    except (OSError, zipfile.BadZipFile):
        return False


def read(path: Path, options: LoadOptions) -> Recording:
    """A .npy memory-mapped, or the members of a .npz that are asked for.

    Raises:
        RecordingError: Pickled objects, damaged, or rate, time axis or unit not known.
    """
    with open(path, "rb") as file:
        single = file.read(6) == NPY_MAGIC
    arrays = [NamedArray(path.stem, map_npy(path), path)] if single else _members(path, options)
    return recording_of_arrays(arrays, path, options, format="numpy")


def map_npy(path: Path) -> NDArray:
    """The array of a .npy file, mapped and not read.

    Raises:
        RecordingError: It holds pickled objects, or is damaged.
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except _DAMAGE as error:
        raise _unloadable(path, error) from error


def _members(path: Path, options: LoadOptions) -> list[NamedArray]:
    """Every member; its values are read when it is named, the only candidate, or a vector (it may be the times)."""
    try:
        with zipfile.ZipFile(path) as archive:
            headers = {name: _header(path, archive, name) for name in archive.namelist()}
            tables = [name for name, (shape, _) in headers.items() if not _is_vector(shape)]
            wanted = {name for name in headers if name not in tables or len(tables) == 1}
            wanted |= {f"{options.dataset}.npy"}
            arrays = [(n, _values(path, archive, n, *header, n in wanted)) for n, header in headers.items()]
    except (*_DAMAGE, zipfile.BadZipFile, NotImplementedError) as error:
        raise _unloadable(path, error) from error
    return [NamedArray(name.removesuffix(".npy"), values, path) for name, values in arrays]


def _header(path: Path, archive: zipfile.ZipFile, member: str) -> tuple[tuple[int, ...], np.dtype]:
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        shape, _, dtype = _HEADER_READERS.get(version, np.lib.format.read_array_header_2_0)(file)
    return shape, dtype


def _values(
    path: Path, archive: zipfile.ZipFile, member: str, shape: tuple[int, ...], dtype: np.dtype, wanted: bool
) -> NDArray:
    """The values, or a stand-in of the same shape and type that takes no memory."""
    if not wanted or dtype.hasobject:
        return np.broadcast_to(np.zeros((), dtype), shape)
    refuse_too_large(int(np.prod(shape, dtype=object)) * dtype.itemsize, f"{path}: {member}")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _is_vector(shape: tuple[int, ...]) -> bool:
    return sum(n != 1 for n in shape) <= 1


def _unloadable(path: Path, error: Exception) -> RecordingError:
    if isinstance(error, RecordingError):
        return error
    if "Python objects" in str(error):
        return RecordingError(path, f"it holds {OBJECTS}", expected="plain numbers")
    return RecordingError(path, f"damaged, or not what its header says ({error})", do="copy it again")

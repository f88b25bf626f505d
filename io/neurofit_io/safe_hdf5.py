"""HDF5 files opened without following what leads out of their folder, and without taking memory on trust.

An HDF5 file can name other files: external links, external storage (raw bytes in another file) and virtual datasets.
All of them are looked up without being followed. A dataset's size is held against the memory at hand before it is
read, and only plain numbers are taken where numbers are expected.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.damage import in_bytes, in_words, refuse_damaged
from neurofit_io.errors import RecordingError
from neurofit_io.filters import bring_filters
from neurofit_io.options import LoadOptions
from neurofit_io.sources import open_hdf5


def open_checked(path: str | os.PathLike[str], options: LoadOptions) -> h5py.File:
    """Opens an HDF5 file for reading after `refuse_outside`; compression plugins it needs are brought in.

    Raises:
        RecordingError: It leads out of its folder and `options.allow_external` is off, or it is damaged.
    """
    refuse_damaged(Path(path))
    with in_words(path):
        handle = open_hdf5(path)
        refuse_outside(handle, options.allow_external)
    return handle


def refuse_outside(file: h5py.File, allow_external: bool = False) -> None:
    """Looks at every link and dataset once, following none that leaves the file's folder.

    Raises:
        RecordingError: A link, external storage or a virtual dataset leads outside the file's folder.
    """
    _look(file, allow_external, set())


def _look(file: h5py.File, allow_external: bool, seen: set[Path]) -> None:
    name = file.filename
    beside = Path(name).resolve().parent
    neighbours = set()
    for path in _datasets(file):
        dataset = h5py.h5d.open(file.id, path)
        bring_filters(dataset)
        if not allow_external:
            neighbours |= _other_files(name, path, dataset.get_create_plist())
    if allow_external:
        return
    for path in _external_links(file):
        target = os.fsdecode(file.id.links.get_val(path)[0])
        neighbours.add(_within(name, path, "an external link", target, beside))
    seen.add(Path(name).resolve())
    for neighbour in sorted(neighbours - seen):
        with in_words(neighbour), h5py.File(neighbour, "r") as other:
            _look(other, False, seen)


def _external_links(file: h5py.File) -> list[bytes]:
    found: list[bytes] = []

    def look(name: bytes, info: h5py.h5l.LinkInfo) -> None:
        if info.type == h5py.h5l.TYPE_EXTERNAL:
            found.append(name)

    file.id.links.visit(look, info=True)
    return found


def _datasets(file: h5py.File) -> list[bytes]:
    found: list[bytes] = []

    def look(name: bytes, info: h5py.h5o.ObjInfo) -> None:
        if info.type == h5py.h5o.TYPE_DATASET:
            found.append(name)

    h5py.h5o.visit(file.id, look, info=True)
    return found


def _other_files(file: str, path: bytes, plist: h5py.h5p.PropDCID) -> set[Path]:
    """HDF5 files that a virtual dataset is made of; external storage is checked too, but holds no HDF5."""
    for i in range(plist.get_external_count()):
        # HDF5 looks for external storage in the working directory, for anything else beside the file.
        _within(file, path, "external storage", os.fsdecode(plist.get_external(i)[0]), Path.cwd())
    if plist.get_layout() != h5py.h5d.VIRTUAL:
        return set()
    targets = {plist.get_virtual_filename(i) for i in range(plist.get_virtual_count())} - {"."}
    beside = Path(file).resolve().parent
    return {_within(file, path, "a virtual dataset", target.replace("%b", "0"), beside) for target in targets}


def _within(file: str, path: bytes, what: str, target: str, beside: Path) -> Path:
    folder, found = Path(file).resolve().parent, (beside / target).resolve()
    if found.is_relative_to(folder) and found.is_file():
        return found
    why = "leads out of the folder" if found.is_file() else "leads to a file that is not in the folder"
    raise RecordingError(
        file, f"{what} to {target} {why}", place=path.decode(errors="replace"),
        do="copy that file beside this one, or give --allow-external if you trust it",
    )  # fmt: skip


def read_numbers(dataset: h5py.Dataset) -> NDArray:
    """All values of a dataset of plain numbers, in their stored type.

    Raises:
        RecordingError: Objects, references, strings or compounds; larger than memory; damaged.
    """
    place = f"{dataset.file.filename}: {dataset.name}"
    refuse_not_numeric(dataset)
    refuse_too_large(dataset.size * dataset.dtype.itemsize, place)
    with in_words(place):
        return np.asarray(dataset[()])


def refuse_not_numeric(dataset: h5py.Dataset) -> None:
    """Refuses anything but booleans, integers and real floating point numbers."""
    with in_words(f"{dataset.file.filename}: {dataset.name}"):
        dtype = dataset.dtype
    if dtype.kind not in "biuf":
        words = {"O": "objects or text of variable length", "S": "text", "V": "a compound type", "c": "complex numbers"}
        raise RecordingError(
            dataset.file.filename, f"it holds {words.get(dtype.kind, str(dtype))}", place=dataset.name,
            expected="plain numbers", do="choose another with --dataset",
        )  # fmt: skip


def refuse_too_large(n_bytes: int, place: str) -> None:
    """Refuses to take `n_bytes` when the machine does not have them free.

    Raises:
        RecordingError: More than the memory at hand.
    """
    free = available_memory()
    if n_bytes > free:
        raise RecordingError(
            "", f"needs {in_bytes(n_bytes)} of memory, {in_bytes(free)} are free", place=place,
            do="read a part of it (--time, --channels), or copy it with `neurofit convert`",
        )  # fmt: skip


def available_memory() -> int:
    """Bytes that can be taken without swapping: the kernel's estimate, else all physical memory."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

"""`save`: write a recording as NWB, as neurofit HDF5, whole or not at all, or as a folder of raw files.

Signals are read and written slab by slab, so a recording larger than memory can be saved.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from neurofit_io.errors import RecordingError
from neurofit_io.files import atomic_path
from neurofit_io.raw_writing import write_raw
from neurofit_io.recording import Recording

WRITERS = {".nwb": "nwb_writing", ".h5": "neurofit_hdf5", ".hdf5": "neurofit_hdf5"}
"""Suffix to module; each has `write(recording, path, *, compress)`."""

RAW = ".bin"
"""Suffix of a folder of raw files, which must be new or empty."""


def save(recording: Recording, path: str | os.PathLike[str], *, overwrite: bool = False, compress: bool = True) -> Path:
    """Writes `recording`: `.nwb` as NWB 2, `.h5` and `.hdf5` as neurofit HDF5, `.bin` as a folder of raw files.

    Args:
        recording: What to write; it is read as it is written.
        path: Where; the file appears when it is complete.
        overwrite: Whether a file that is there may be replaced; also by a recording that is read from it.
        compress: gzip level 1 with shuffle; False is larger and several times as fast to read.

    Returns:
        The path written.

    Raises:
        RecordingError: Another suffix, a file that is there, nothing that the format can hold, or a full disk.
    """
    target = Path(path)
    if target.suffix.lower() == RAW:
        return write_raw(recording, target)
    if target.suffix.lower() not in WRITERS:
        raise RecordingError(target, f"suffix {target.suffix!r}", expected=f"one of {', '.join((*WRITERS, RAW))}")
    if target.exists() and not overwrite:
        raise RecordingError(target, "there is a file already", do="give another name, or --overwrite")
    writer = importlib.import_module(f"neurofit_io.{WRITERS[target.suffix.lower()]}")
    try:
        with atomic_path(target) as beside:
            writer.write(recording, beside, compress=compress)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RecordingError(
            target, f"could not be written ({reason})", do="see that the disk has room and the folder may be written to"
        ) from error  # fmt: skip
    return target

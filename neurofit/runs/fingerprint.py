"""On which bytes a model was fitted: a fingerprint of files, and what differs between two of them.

A file of up to 1 GB is known by its sha256; a larger one by its size, its time and the sha256 of its first and last
16 MB, so that no fit waits for a pass over a terabyte.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

WHOLE_UP_TO = 10**9
"""Largest file, in bytes, that is hashed whole."""

END = 16 * 10**6
"""Bytes hashed at each end of a larger file."""

_BLOCK = 2**20


def fingerprint(
    path: str | os.PathLike[str],
    files: Iterable[str | os.PathLike[str]] | None = None,
    *,
    whole_up_to: int = WHOLE_UP_TO,
    end: int = END,
) -> dict[str, Any]:
    """Fingerprints a file, or the files of a folder, in a form that JSON can hold.

    Args:
        path: a file, or a folder.
        files: the files of the folder that were read; all of them when None.
        whole_up_to: largest file, in bytes, that is hashed whole.
        end: bytes hashed at each end of a larger file.

    Returns:
        `{"bytes", "sha256"}` for a file, `{"bytes", "mtime_ns", "sha256_ends"}` for a large one, and
        `{"files": {relative path: the same}}` for a folder, in the order of the names.
    """
    root = Path(path)
    if not root.is_dir():
        return _of_file(root, whole_up_to, end)
    found = (
        [Path(file) for file in files] if files is not None else [file for file in root.rglob("*") if file.is_file()]
    )
    named = {Path(os.path.relpath(file, root)).as_posix(): file for file in found}
    return {"files": {name: _of_file(named[name], whole_up_to, end) for name in sorted(named)}}


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names what differs between two fingerprints; empty when they are equal.

    Returns:
        "size", "content" or "time" for a file; the same after the file's name for a folder, where a file may also be
        "missing" or "new".
    """
    if "files" not in old and "files" not in new:
        return _file_changes(old, new)
    before, after = old.get("files", {}), new.get("files", {})
    lines = []
    for name in sorted({*before, *after}):
        if name not in after:
            lines.append(f"{name}: missing")
        elif name not in before:
            lines.append(f"{name}: new")
        else:
            lines.extend(f"{name}: {change}" for change in _file_changes(before[name], after[name]))
    return lines


def _file_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    if old.get("bytes") != new.get("bytes"):
        return ["size"]
    if any(old.get(key) != new.get(key) for key in ("sha256", "sha256_ends")):
        return ["content"]
    return ["time"] if old.get("mtime_ns") != new.get("mtime_ns") else []


def _of_file(file: Path, whole_up_to: int, end: int) -> dict[str, Any]:
    status = file.stat()
    if status.st_size <= whole_up_to:
        return {"bytes": status.st_size, "sha256": _sha256(file, [(0, status.st_size)])}
    ends = [(0, end), (max(0, status.st_size - end), end)]
    return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256_ends": _sha256(file, ends)}


def _sha256(file: Path, spans: list[tuple[int, int]]) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        for start, length in spans:
            stream.seek(start)
            while length > 0 and (block := stream.read(min(_BLOCK, length))):
                digest.update(block)
                length -= len(block)
    return digest.hexdigest()

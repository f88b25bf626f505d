"""Files written whole or not at all, and HDF5 files opened with care.

Every file is written beside its place, flushed to disk and renamed into it, so a reader sees the old bytes or the
new ones, never half of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a path beside `path` to write to; on success it is flushed and renamed into place.

    Raises:
        OSError: The disk is full or the folder not writable; the old file, if any, is untouched.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}{target.suffix}")
    try:
        yield beside
        descriptor = os.open(beside, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(beside, target)
    except OSError as error:
        if error.errno is not None:
            error.filename = error.filename or os.fspath(target)
        raise
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes `text` (UTF-8) to `path` atomically."""
    with atomic_path(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes `content` to `path` atomically."""
    with atomic_path(path) as beside:
        beside.write_bytes(content)


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Writes `content` as indented JSON with sorted keys kept as given; NaN becomes null."""
    write_text(path, json.dumps(_finite(content), indent=2, allow_nan=False) + "\n")


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    if isinstance(content, float) and (content != content or content in (float("inf"), float("-inf"))):
        return None
    return content

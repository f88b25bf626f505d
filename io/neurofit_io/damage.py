"""Files that are not what their name promises, and HDF5's failures, told in words a user can act on.

A path is looked at once, before any reader: missing, a dead link, empty, a pointer to the real file (Git LFS,
git-annex), a web page, an archive, cut short, locked, not readable. What HDF5 says while a dataset is read goes
through `unreadable`.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import html
import os
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import h5py

from neurofit_io.errors import RecordingError
from neurofit_io.filters import filters_of

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
SUFFIXES = (".nwb", ".h5", ".hdf5", ".mat", ".npy", ".npz", ".csv", ".tsv", ".bin", ".dat", ".raw")
FAILURES = (
    OSError, LookupError, ArithmeticError, RuntimeError, ValueError, TypeError, AttributeError, MemoryError,
)  # fmt: skip
"""What h5py and numpy raise on bytes that contradict themselves; a group where a dataset should be is among it."""

_LISTED = 8


def refuse_damaged(path: Path) -> None:
    """Looks at what lies at `path` before a reader does; a folder passes.

    Raises:
        RecordingError: Nothing there, not readable, or bytes that are no recording; one line says what to do.
    """
    _refuse_missing(path)
    if path.is_dir():
        return
    try:
        with open(path, "rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise RecordingError(path, f"cannot be opened: {error.strerror}", do=f"chmod u+r {path.name}") from error
    if not head:
        raise RecordingError(path, "0 bytes (a failed download?)", do="copy or download it again")
    _refuse_pointer(path, head)
    _refuse_page(path, head)
    _refuse_archive(path, head)
    _refuse_encrypted(path, head)
    _refuse_cut_hdf5(path)


def _refuse_missing(path: Path) -> None:
    try:
        if path.exists():
            return
    except OSError as error:
        raise RecordingError(path, f"cannot be reached: {error.strerror}") from error
    if path.is_symlink():
        target = os.readlink(path)
        annex = ".git/annex/" in target
        do = f"git annex get {path.name}" if annex else "restore the file it points to"
        raise RecordingError(path, f"a link to {target}, which is not there", do=do)
    folder = path.parent
    if not folder.is_dir():
        raise RecordingError(path, f"no such file, and no folder {folder}")
    names = sorted(entry.name for entry in folder.iterdir())
    near = difflib.get_close_matches(path.name, names, n=3)
    raise RecordingError(path, "no such file", do=f"did you mean {' or '.join(near)}?" if near else "")


def _refuse_pointer(path: Path, head: bytes) -> None:
    if head.startswith(b"version https://git-lfs"):
        size = re.search(rb"^size (\d+)", head, re.MULTILINE)
        of = f" of a {in_bytes(int(size[1]))} file" if size else ""
        raise RecordingError(path, f"this is a Git LFS pointer{of}, not the file", do=f"git lfs pull -I {path.name}")
    if head.startswith(b"/annex/objects/"):
        raise RecordingError(path, "this is a git-annex pointer, not the file", do=f"git annex get {path.name}")


def _refuse_page(path: Path, head: bytes) -> None:
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \r\n\t").lower()
    if not text.startswith(("<!doctype html", "<html")):
        return
    title = re.search(
        r"<title[^>]*>(.*?)</title>", path.read_text(encoding="utf-8", errors="replace")[:65536], re.S | re.I
    )
    titled = f" titled {html.unescape(title[1]).strip()!r}" if title else ""
    raise RecordingError(path, f"this is a web page{titled}, not a recording", do="log in and download the file itself")


def _refuse_archive(path: Path, head: bytes) -> None:
    kinds = {b"PK\x03\x04": "zip", b"\x1f\x8b\x08": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"7z\xbc\xaf": "7z"}
    kind = next((name for magic, name in kinds.items() if head.startswith(magic)), "")
    if head[257:262] == b"ustar":
        kind = "tar"
    if not kind:
        return
    try:
        members = _members(path, kind)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise RecordingError(path, f"a damaged {kind} archive ({error})", do="copy or download it again") from error
    if kind == "zip" and all(name.endswith(".npy") for name in members):
        return
    raise RecordingError(path, f"a {kind} archive{_listed(members)}", do="unpack it first")


def _members(path: Path, kind: str) -> list[str]:
    if kind == "zip":
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    try:
        with tarfile.open(path, "r:*") as archive:
            # Beyond its first member a compressed archive would have to be unpacked.
            return [member.name for _, member in zip(range(_LISTED + 1 if kind == "tar" else 1), archive, strict=False)]
    except tarfile.ReadError:
        return [path.stem] if kind != "7z" else []


def _refuse_encrypted(path: Path, head: bytes) -> None:
    marks = {b"Salted__": "openssl", b"-----BEGIN PGP MESSAGE": "gpg", b"age-encryption.org": "age"}
    for mark, tool in marks.items():
        if head.startswith(mark):
            raise RecordingError(path, f"this file is encrypted ({tool})", do=f"decrypt it with {tool} first")


def _refuse_cut_hdf5(path: Path) -> None:
    promised = promised_hdf5_bytes(path)
    if promised is None:
        return
    there = path.stat().st_size
    if there < promised:
        raise RecordingError(
            path, f"cut short: {there} of {promised} bytes are there", do="copy again, or rerun what was writing it"
        )
    try:
        h5py.File(path, "r").close()
    except FAILURES as error:
        raise unreadable(str(path), error) from error


def promised_hdf5_bytes(path: Path) -> int | None:
    """The size that an HDF5 file says it has (end-of-file address of its superblock); None when not HDF5."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        start = 0
        while start + 96 <= size or start == 0:
            file.seek(start)
            block = file.read(96)
            if block.startswith(HDF5_SIGNATURE):
                return _end_of_file(block)
            start = 512 if start == 0 else 2 * start
    return None


def _end_of_file(block: bytes) -> int:
    """Superblock versions 0 and 1 hold base, free space, end; 2 and 3 base, extension, end; 0 where it is not known."""
    version = block[8] if len(block) > 8 else 0
    if version > 3:
        return 0
    width, first = (13, {0: 24, 1: 28}[version]) if version < 2 else (9, 12)
    size = block[width] if len(block) > width else 0
    end = block[first + 2 * size : first + 3 * size]
    if size not in (2, 4, 8) or len(end) < size:
        return len(block) + 1 if len(block) < 96 else 0
    return struct.unpack({2: "<H", 4: "<I", 8: "<Q"}[size], end)[0]


def unreadable(place: str, error: BaseException) -> RecordingError:
    """The error for `place` ("file" or "file: dataset") of what HDF5 raised there."""
    file, _, dataset = place.partition(": ")
    text = " ".join(str(error).split())
    if getattr(error, "errno", None) == errno.EACCES:
        return RecordingError(file, "no permission to read it", do=f"chmod u+r {Path(file).name}")
    if isinstance(error, BlockingIOError) or "unable to lock file" in text:
        return RecordingError(
            file, "another program has it open for writing (HDF5 lock)",
            do="close that program, or set HDF5_USE_FILE_LOCKING=FALSE to read what is there now",
        )  # fmt: skip
    if "can't open directory" in text or ("filter" in text and "not registered" in text):
        names = " and ".join(filters_of(file, dataset)) or "a filter"
        return RecordingError(
            file, f"compressed with {names}, which HDF5 itself cannot read", place=dataset, do="pip install hdf5plugin"
        )
    if isinstance(error, MemoryError):
        return RecordingError(file, "larger than the memory at hand", place=dataset, do="read a part of it")
    what = re.sub(r"^(Unable to|Can't) synchronously ", r"\1 ", text) or type(error).__name__
    return RecordingError(
        file, f"damaged, or not what its metadata says ({what})", place=dataset,
        do="copy it again; `neurofit info` lists what can still be read" if dataset else "copy it again",
    )  # fmt: skip


@contextlib.contextmanager
def in_words(place: str | os.PathLike[str]) -> Iterator[None]:
    """Turns what h5py and numpy raise on damaged bytes at `place` into a `RecordingError`."""
    try:
        yield
    except RecordingError:
        raise
    except FAILURES as error:
        raise unreadable(os.fspath(place), error) from error


def unrecognised(path: Path) -> RecordingError:
    """The error for a file or folder that no format recognises; it lists what could be read instead."""
    if path.is_dir():
        return _unknown_folder(path)
    if promised_hdf5_bytes(path) is not None:
        found = "HDF5, but neither NWB nor SONATA nor any layout known here" + _listed(hdf5_datasets(path))
        return RecordingError(path, found, do="name one with --dataset")
    return RecordingError(
        path, f"not a format known here ({in_bytes(path.stat().st_size)})",
        expected="NWB, SONATA, HDF5, MATLAB, npy, npz, csv, Suite2p or raw binary",
        do="name one with --format; a raw file also needs --dtype, --n-channels and --rate-hz",
    )  # fmt: skip


def _unknown_folder(path: Path) -> RecordingError:
    inside = sorted(p.relative_to(path).as_posix() for p in path.glob("*") if p.suffix.lower() in SUFFIXES)
    if not inside:
        return RecordingError(path, "a folder without a readable file", expected="a recording, or a folder that is one")
    raw = ", or describe the raw files in a recording.toml" if any(file.endswith(".bin") for file in inside) else ""
    return RecordingError(
        path, f"a folder that is no recording itself; it holds{_listed(inside)}", do=f"give one of them{raw}"
    )


def hdf5_datasets(path: Path) -> list[str]:
    """Every dataset of an HDF5 file as `/path (shape) type`."""
    lines: list[str] = []

    def note(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            lines.append(f"/{name} {item.shape} {item.dtype}")

    with in_words(path), h5py.File(path, "r") as file:
        file.visititems(note)
    return lines


def _listed(items: list[str]) -> str:
    if not items:
        return ""
    more = f" and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return f": {', '.join(items[:_LISTED])}{more}"


def in_bytes(n: int) -> str:
    """A size as people say it: 130 bytes, 1.7 MB."""
    for factor, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if n >= factor:
            return f"{n / factor:.1f} {unit}"
    return f"{n} bytes"

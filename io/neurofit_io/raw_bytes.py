"""What the bytes of a headerless file can and cannot be: size, header, byte order, number type.

A size that is not steps x channels x bytes per value is refused with the shapes that would fit; numbers of absurd
size that another type or byte order would make ordinary are refused with that type.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neurofit_io.errors import RecordingError

_MAGIC = {
    b"\x93NUMPY": ("a .npy file", "numpy"), b"\x89HDF\r\n\x1a\n": ("an HDF5 file", "hdf5"),
    b"MATLAB 5.0": ("a MATLAB file", "matlab"), b"MATLAB 7.3": ("a MATLAB file", "matlab"),
    b"PK\x03\x04": ("a zip archive", ""), b"\x1f\x8b\x08": ("a gzip archive", ""),
}  # fmt: skip
_COMMON = ("float32", "float64", "int16")
_LOOK = 2**14
_SMALL, _LARGE = 1e-15, 1e9
_ABSURD, _ORDINARY = 0.02, 0.001


def raw_dtype(name: str | None, byte_order: Literal["little", "big"] | None, path: Path) -> np.dtype:
    """The type of a value, little-endian unless said otherwise.

    Raises:
        RecordingError: Not named, or no type of plain numbers.
    """
    if name is None:
        raise RecordingError(path, "raw numbers of unknown type", do="give --dtype, such as float32 or int16")
    try:
        dtype = np.dtype(name)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind not in "biuf":
        raise RecordingError(path, f"number type {name!r}", expected="float32, float64, int16, uint8, ...")
    return dtype.newbyteorder(">") if byte_order == "big" else dtype.newbyteorder("<")


def header_of(path: Path) -> tuple[str, str] | None:
    """What a file begins with that is no raw data: in words, and the format that reads it."""
    with open(path, "rb") as file:
        head = file.read(16)
    return next((found for magic, found in _MAGIC.items() if head.startswith(magic)), None)


def refuse_header(path: Path) -> None:
    """Refuses a file that begins as one of another format."""
    header = header_of(path)
    if header is not None:
        words, format_name = header
        do = f"read it with --format {format_name}" if format_name else "unpack it first"
        raise RecordingError(path, f"{words}, not raw numbers", do=do)


def map_raw(path: Path, dtype: np.dtype, n_channels: int, time_axis: int, *, n_steps: int | None = None) -> NDArray:
    """The file as a mapped array, (steps, channels) or (channels, steps) as it lies, after all checks.

    Args:
        path: The file.
        dtype: Type of a value.
        n_channels: Channels.
        time_axis: 0 when all channels of a step lie together, 1 when all steps of a channel do.
        n_steps: Steps the file should hold; None for as many as there are.

    Raises:
        RecordingError: A header in front, a size that does not fit, or numbers that look misread.
    """
    refuse_header(path)
    steps = steps_in(path, dtype, n_channels, n_steps)
    refuse_misread(path, dtype)
    shape = (steps, n_channels) if time_axis == 0 else (n_channels, steps)
    return np.memmap(path, dtype=dtype, mode="r", shape=shape)


def steps_in(path: Path, dtype: np.dtype, n_channels: int, n_steps: int | None = None) -> int:
    """Steps of a file, whose size must be steps x channels x bytes exactly."""
    size, row = path.stat().st_size, n_channels * dtype.itemsize
    if n_channels < 1:
        raise RecordingError(path, f"{n_channels} channels", expected="at least 1")
    steps, rest = divmod(size, row)
    if rest:
        cut = " (an odd number of bytes: cut short?)" if size % 2 else ""
        raise RecordingError(
            path,
            f"{size} bytes{cut} are {steps} steps x {n_channels} channels x {dtype.itemsize} bytes and {rest} more",
            expected=f"no remainder{fits(size, dtype, n_channels)}",
        )  # fmt: skip
    if n_steps is not None and steps != n_steps:
        raise RecordingError(
            path, f"{size} bytes are {steps} steps of {n_channels} {dtype} channels", expected=f"{n_steps} steps"
        )
    if steps == 0:
        raise RecordingError(path, "no samples in it")
    return steps


def fits(size: int, dtype: np.dtype, n_channels: int) -> str:
    """Shapes near the given one that divide the size, in words."""
    types = {dtype.name, *_COMMON}
    near = [(n, name) for name in sorted(types) for n in range(max(1, n_channels - 3), n_channels + 4)]
    near.sort(key=lambda pair: (abs(pair[0] - n_channels), pair[1] != dtype.name))
    lines = [
        f"{size // (n * np.dtype(name).itemsize)} x {n} {name}"
        for n, name in near
        if size % (n * np.dtype(name).itemsize) == 0
    ]
    return f"; {', '.join(lines[:4])} would fit" if lines else ""


def refuse_misread(path: Path, dtype: np.dtype) -> None:
    """Refuses floating point numbers that another type or byte order would make ordinary."""
    with open(path, "rb") as file:
        head = file.read(_LOOK * dtype.itemsize)
    if dtype.kind != "f" or len(head) < 64:
        return
    if _absurd(head, dtype) > _ABSURD or _every_second_empty(head, dtype):
        others = [np.dtype(order + kind) for kind in ("f4", "f8") for order in "<>"]
        better = [other for other in others if other != dtype and _absurd(head, other) < _ORDINARY]
        better.sort(key=lambda other: _every_second_empty(head, other))
        if better:
            sample = np.frombuffer(head[: 4 * dtype.itemsize], dtype).astype(np.float64)
            raise RecordingError(
                path, f"values such as {', '.join(f'{v:.3g}' for v in sample)} as {_words(dtype)}",
                expected=f"numbers of ordinary size; it looks like {_words(better[0])}", do=_remedy(dtype, better[0]),
            )  # fmt: skip


def _absurd(head: bytes, dtype: np.dtype) -> float:
    """Share of the values that no recording holds: beyond 1e9, or between 0 and 1e-15."""
    stored = np.frombuffer(head[: len(head) // dtype.itemsize * dtype.itemsize], dtype)
    with np.errstate(invalid="ignore"):
        values = np.abs(stored.astype(np.float64))
    values = values[np.isfinite(values)]
    if not len(values) or not np.any(values):
        return 1.0
    return float(np.mean((values > _LARGE) | ((values > 0) & (values < _SMALL))))


def _every_second_empty(head: bytes, dtype: np.dtype) -> bool:
    """Whether float64 whose lower halves are empty is read as float32."""
    values = np.frombuffer(head[: len(head) // 8 * 8], dtype)
    return dtype.itemsize == 4 and any(
        not np.any(values[k::2]) and np.mean(values[1 - k :: 2] != 0) > 0.5 for k in (0, 1)
    )


def _words(dtype: np.dtype) -> str:
    return f"{'big' if dtype.byteorder == '>' else 'little'}-endian {dtype.name}"


def _remedy(given: np.dtype, better: np.dtype) -> str:
    parts = [f"--dtype {better.name}"] if better.itemsize != given.itemsize else []
    return "give " + " ".join([*parts, f"--byte-order {'big' if better.byteorder == '>' else 'little'}"])

"""What a simulation makes and cannot make again, kept as it comes: in memory, or in headerless files, float32."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from neurofit_io.sources import ArraySource, MemmapSource, Source


class Spool:
    """Arrays that are filled in the order of time and read afterwards.

    Args:
        names: What to keep.
        shape: (steps, cells) of each.
        folder: Where their files lie, `NAME.f4`; made when it is not there. None keeps them in memory.
    """

    def __init__(self, names: list[str], shape: tuple[int, int], folder: Path | None) -> None:
        self._shape, self._folder = shape, folder
        self._arrays = {name: np.empty(shape, np.float32) for name in names} if folder is None else {}
        self._paths = {name: folder / f"{name}.f4" for name in names} if folder is not None else {}
        self._files: dict[str, BinaryIO] = {}
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> Spool:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._files = {name: self._opened.enter_context(path.open("wb")) for name, path in self._paths.items()}
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def keep(self, first: int, blocks: Mapping[str, NDArray[np.float32] | None]) -> None:
        """Takes of blocks that begin at step `first` what lies within the recording."""
        inside = self._shape[0] - first
        for name, block in blocks.items():
            if block is not None and name in self._arrays:
                self._arrays[name][first : first + len(block)] = block[:inside]
            elif block is not None and name in self._files:
                self._files[name].write(block[:inside].astype("<f4", copy=False).data)

    def sources(self) -> dict[str, Source]:
        """What was kept, (steps, cells) each."""
        out: dict[str, Source] = {n: ArraySource(array, f"simulated {n}") for n, array in self._arrays.items()}
        return out | {n: MemmapSource(path, np.dtype("<f4"), self._shape) for n, path in self._paths.items()}

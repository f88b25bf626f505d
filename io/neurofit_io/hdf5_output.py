"""HDF5 files written so that a full disk ends in an error.

HDF5 cannot close a file, or a dataset, whose last bytes find no room, and the process dies when it tries again at
exit. So its bytes go through a Python file that remembers the first write that failed and drops all that follow;
`stop_if_full` and the end of `hdf5_output` report it.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py


class _Output(io.FileIO):
    failure: OSError | None = None

    def write(self, content: Any, /) -> int:
        view = memoryview(content)
        done = view.nbytes if self.failure else 0
        try:
            while done < view.nbytes:
                done += super().write(view[done:])
        except OSError as error:
            self.failure = error
        return view.nbytes

    def truncate(self, size: int | None = None, /) -> int:
        return super().truncate(size) if self.failure is None else size or 0

    def stop_if_full(self) -> None:
        if self.failure is not None:
            raise self.failure


@contextlib.contextmanager
def hdf5_output(path: Path) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """A new HDF5 file at `path`, and `stop_if_full` to call between large writes.

    Raises:
        OSError: A write failed; the file is closed and incomplete.
    """
    with _Output(path, "w+") as output:
        try:
            with h5py.File(output, "w") as file:
                yield file, output.stop_if_full
        except Exception as error:
            # What HDF5 and pynwb say after a lost write is about its consequences.
            raise (output.failure or error) from error
        output.stop_if_full()

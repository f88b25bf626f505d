"""Ctrl-C and SIGTERM as a request: the step in progress ends, a checkpoint is saved, and `Interrupted` is raised."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any] | int | None


class Interrupted(Exception):
    """Training was asked to stop, and stopped after saving a checkpoint.

    Attributes:
        signum: number of the signal (`signal.SIGINT` or `signal.SIGTERM`).
        update: steps of the optimiser done.
        epoch: whole epochs done.
    """

    def __init__(self, signum: int, *, update: int, epoch: int) -> None:
        self.signum, self.update, self.epoch = signum, update, epoch
        super().__init__(f"stopped by {signal.Signals(signum).name} after {epoch} epochs and {update} updates")


class StopRequest:
    """Remembers the first signal; the second one ends the process the usual way."""

    def __init__(self) -> None:
        self.signum: int | None = None
        self._usual: dict[int, Handler] = {}

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        self.signum = signum
        self.restore()

    def install(self) -> None:
        """Takes over SIGINT and SIGTERM."""
        for signum in (signal.SIGINT, signal.SIGTERM):
            self._usual[signum] = signal.signal(signum, self._receive)

    def restore(self) -> None:
        """Gives both signals back to whoever had them."""
        while self._usual:
            signum, handler = self._usual.popitem()
            signal.signal(signum, handler)


@contextlib.contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Yields a `StopRequest` that listens while the block runs; only the main thread can listen."""
    request = StopRequest()
    if threading.current_thread() is threading.main_thread():
        request.install()
    try:
        yield request
    finally:
        request.restore()

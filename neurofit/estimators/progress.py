"""What a person sees while something long is made: a bar on a terminal, a line now and then elsewhere, on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from tqdm import tqdm

LINE_EVERY_S = 10.0


class Progress:
    """Shows how much of something is done; a context manager, so that the bar is closed whatever happens.

    Args:
        what: What is being done, such as `simulating`.
        unit: What is counted, such as `step`; `B` for bytes.
        show: False for silence.
    """

    def __init__(self, what: str, *, unit: str, show: bool = True) -> None:
        self._what, self._unit, self._show = what, unit, show
        self._bar: tqdm[Any] | None = None
        self._began = self._said = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, total: int) -> None:
        """Says that `done` of `total` is done."""
        if not self._show:
            return
        if sys.stderr.isatty():
            if self._bar is None:
                self._bar = tqdm(
                    desc=self._what, total=total, unit=self._unit, unit_scale=self._unit == "B", dynamic_ncols=True
                )
            self._bar.update(done - self._bar.n)
            return
        now = time.monotonic()
        if now - self._said >= LINE_EVERY_S:
            self._said = now
            print(f"{self._what}  {done / total:.0%}  {now - self._began:.0f} s", file=sys.stderr, flush=True)

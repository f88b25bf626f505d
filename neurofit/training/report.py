"""What a person sees while a model is fitted: a bar on a terminal, one line an epoch elsewhere, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from tqdm import tqdm


class EpochReport:
    """Shows how training proceeds; a context manager, so that the bar is closed whatever happens."""

    def __init__(self, *, epochs: int, updates_per_epoch: int, update: int, show: bool) -> None:
        self._epochs = epochs
        self._bar: tqdm[Any] | None = None
        self._lines = show and not sys.stderr.isatty()
        if show and not self._lines:
            total = epochs * updates_per_epoch
            self._bar = tqdm(total=total, initial=update, unit="update", dynamic_ncols=True)

    def __enter__(self) -> EpochReport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self) -> None:
        """Counts one update."""
        if self._bar is not None:
            self._bar.update()

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Shows one row of `metrics.jsonl`."""
        losses = f"train {row['train']:.5g}  validation {row['validation']:.5g}"
        if self._bar is not None:
            self._bar.set_postfix_str(f"epoch {row['epoch']}/{self._epochs}  {losses}")
        elif self._lines:
            print(f"epoch {row['epoch']}/{self._epochs}  {losses}  {row['seconds']:.1f} s", file=sys.stderr, flush=True)

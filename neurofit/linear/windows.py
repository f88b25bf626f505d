"""From slabs of a recording to windows that linear predictors are fitted on and scored with.

A window is `history` rows followed by the rows to be predicted. Windows of one contiguous segment follow each other
without a gap; the first `history` rows of a segment are only ever history, and no window crosses into another segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Slabs = Iterable[tuple[NDArray[np.floating[Any]], bool]]
"""Pairs (values (time, channel), starts_segment): the next rows, and whether a gap lies before them."""

WINDOW_ELEMENTS = 2**20
"""Entries of a window: 8 MB in float64, which a processor's cache holds."""


def windows(slabs: Slabs, *, history: int) -> Iterator[NDArray[np.floating[Any]]]:
    """Cut slabs into windows that stay within one segment.

    Args:
        slabs: Pairs (values, starts_segment) in the order of time; the first slab starts a segment either way.
        history: Rows of history at the start of every window.

    Yields:
        (history + n, channel) with n >= 1, in the slabs' type. Together the n rows are all rows of all segments but
        the first `history` of each.
    """
    carried: NDArray[np.floating[Any]] | None = None
    for values, starts_segment in slabs:
        joined = values if carried is None or starts_segment else np.concatenate([carried, values])
        rows = max(4 * history, WINDOW_ELEMENTS // max(1, joined.shape[1]), 1)
        for start in range(0, len(joined) - history, rows):
            yield joined[start : start + history + rows]
        carried = joined[max(0, len(joined) - history) :].copy()

"""Straight lines across each cell's own spikes, drawn stretch by stretch: what `interpolate_blanks` does, from spikes.

Blanks take up little of the time; a mask of all of it, and a search through the rest, cost more than averages do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bridge_spikes(
    values: NDArray[np.float32],
    steps: NDArray[np.int64],
    cells: NDArray[np.integer],
    *,
    before: int,
    after: int,
) -> None:
    """Draws the lines into `values`; a stretch at an end takes the nearest sample kept, a cell of blanks stays.

    Args:
        values: (time, cell), changed in place.
        steps: Row of each spike, which may lie outside, (spikes,).
        cells: Column of each spike, (spikes,).
        before: Rows before a spike that are blank.
        after: Rows after it.
    """
    inside = (steps + after >= 0) & (steps - before < len(values))
    order = np.lexsort((steps[inside], cells[inside]))
    column, step = cells[inside][order], steps[inside][order]
    if not len(step):
        return
    first, last = np.maximum(step - before, 0), np.minimum(step + after, len(values) - 1)
    begins = np.r_[True, (column[1:] != column[:-1]) | (first[1:] > last[:-1] + 1)]
    column, first, last = column[begins], first[begins], last[np.r_[begins[1:], True]]
    some_kept = (first > 0) | (last < len(values) - 1)
    column, first, last = column[some_kept], first[some_kept], last[some_kept]
    right = values[np.where(last < len(values) - 1, last + 1, first - 1), column].astype(np.float64)
    left = np.where(first > 0, values[first - 1, column], right)
    length = last - first + 1
    for k in range(int(length.max(initial=0))):
        blank = length > k
        way = (k + 1) / (length[blank] + 1)
        values[first[blank] + k, column[blank]] = left[blank] + way * (right[blank] - left[blank])

"""Windows hold every predictable row once, with the true rows before it, within one segment."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from neurofit.linear import windows


def numbered(start: int, stop: int) -> NDArray[np.float32]:
    """Rows that carry their own number, two channels."""
    return np.repeat(np.arange(start, stop, dtype=np.float32)[:, None], 2, axis=1)


@pytest.mark.parametrize("history", [0, 1, 3])
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_rows_and_their_history(history: int, size: int) -> None:
    segments = [numbered(0, 11), numbered(100, 102), numbered(200, 207)]
    slabs = [(s[i : i + size], i == 0) for s in segments for i in range(0, len(s), size)]
    predicted = []
    for window in windows(slabs, history=history):
        assert (np.diff(window, axis=0) == 1).all()
        assert window.dtype == np.float32
        predicted += window[history:, 0].tolist()
    assert predicted == [row for segment in segments for row in segment[history:, 0].tolist()]


def test_large_slabs_are_cut() -> None:
    slab = np.zeros((2**15, 128), np.float32)
    parts = list(windows([(slab, True)], history=4))
    assert len(parts) == 4
    assert sum(len(part) - 4 for part in parts) == 2**15 - 4


def test_carried_history_survives_a_reused_buffer() -> None:
    buffer = np.empty((4, 2), np.float32)

    def slabs() -> Iterator[tuple[NDArray[np.float32], bool]]:
        for start in range(0, 12, 4):
            buffer[:] = numbered(start, start + 4)
            yield buffer, start == 0

    for window in windows(slabs(), history=2):
        assert (np.diff(window, axis=0) == 1).all()


def test_first_slab_starts_a_segment_without_saying_so() -> None:
    assert [window.shape for window in windows([(numbered(0, 5), False)], history=2)] == [(5, 2)]

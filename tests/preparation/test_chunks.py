"""Chunks stay within a stretch and cover the data; streams are contiguous where they say so."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.preparation import Stretch, consecutive_chunks, parallel_streams

STRETCHES = (Stretch(0, 26), Stretch(30, 57), Stretch(60, 64))


def test_consecutive_chunks_leave_room_for_the_target():
    assert consecutive_chunks(STRETCHES, 5) == [
        (0, 5), (5, 10), (10, 15), (15, 20), (20, 25), (30, 35), (35, 40), (40, 45), (45, 50), (50, 55),
    ]  # fmt: skip
    assert consecutive_chunks([Stretch(0, 5)], 5) == []
    assert consecutive_chunks([Stretch(0, 6)], 5) == [(0, 5)]


def test_the_paper_has_41_whole_chunks_of_1000():
    assert len(consecutive_chunks([Stretch(0, 41_999)], 1000)) == 41


def test_two_streams_of_a_broken_recording():
    streams = parallel_streams(STRETCHES, 5, 2)
    np.testing.assert_array_equal(streams.starts, np.array([[0, 30], [5, 35], [10, 40], [15, 45], [20, 50]]))
    np.testing.assert_array_equal(streams.resets, [[True, True]] + [[False, False]] * 4)


@pytest.mark.parametrize("seed", range(20))
def test_streams_hold_every_chunk_and_flag_every_break(seed):
    random = np.random.default_rng(seed)
    edges = np.cumsum(random.integers(1, 60, size=9))
    stretches = [Stretch(int(a), int(b)) for a, b in zip(edges[:-1:2], edges[1::2], strict=False)]
    length, batch = int(random.integers(1, 8)), int(random.integers(1, 9))
    chunks = [start for start, _ in consecutive_chunks(stretches, length)]
    streams = parallel_streams(stretches, length, batch)
    assert set(streams.starts.flat) == set(chunks)
    assert streams.starts.shape[1] == min(batch, len(chunks))
    assert streams.starts.size - len(chunks) < max(1, streams.starts.shape[1])
    for stream, resets in zip(streams.starts.T, streams.resets.T, strict=True):
        assert resets[0]
        for previous, start, reset in zip(stream, stream[1:], resets[1:], strict=False):
            assert chunks.index(start) == chunks.index(previous) + 1
            assert reset == (start != previous + length)


def test_nothing_to_cut_gives_no_streams():
    assert parallel_streams([Stretch(0, 3)], 5, 4).starts.shape == (0, 0)

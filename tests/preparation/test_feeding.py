"""What the reader hands out is what slices of the whole recording are, whatever block it came with."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import warnings

import numpy as np
import pytest

from neurofit.preparation import PreparedSeries, PrepareOptions, consecutive_chunks, feeding, parallel_streams, prepare
from neurofit.preparation.feeding import ChunkReader, chunk_bytes, drawn_order
from neurofit_io import Provenance, Recording, RecordingError, Signal, signal_from_array

STEPS, CHANNELS, LENGTH = 3000, 3, 20
INPUTS = ("stimulus",)


def series(**options) -> PreparedSeries:
    """Three training stretches, two measured inputs."""
    random = np.random.default_rng(0)
    values = random.standard_normal((STEPS, CHANNELS)).astype(np.float32)
    values[[400, 1013]] = np.nan
    stimulus = random.standard_normal((STEPS, 2)).astype(np.float32)
    signals = {
        "vm": signal_from_array(values, name="vm", unit="mV", rate_hz=1000.0),
        "stimulus": signal_from_array(stimulus, name="stimulus", rate_hz=1000.0),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return prepare(
            Recording(Provenance("memory", "test"), signals), PrepareOptions(signal="vm", inputs=INPUTS, **options)
        )


STREAMED = series(memory_gb=0)
STARTS = np.array([start for start, _ in consecutive_chunks(STREAMED.spans["train"], LENGTH)])


def drawn(epoch: int, seed: int = 0, batch: int = 4) -> list[np.ndarray]:
    return drawn_order(STARTS, batch=batch, size=chunk_bytes(STREAMED, LENGTH), seed=seed, epoch=epoch)


def streams(epoch: int) -> list[np.ndarray]:
    return list(parallel_streams(STREAMED.spans["train"], LENGTH, 4).starts)


@pytest.fixture(params=[10**9, 30_000, 1], ids=["one block", "several blocks", "a block an update"])
def block_bytes(request, monkeypatch):
    """A chunk has 400 bytes, an update 1600."""
    monkeypatch.setattr(feeding, "BLOCK_BYTES", request.param // 4)
    monkeypatch.setattr(feeding, "SLAB_BYTES", 2000)
    monkeypatch.setattr(feeding, "_PIECE_BYTES", 700)


@pytest.mark.parametrize("history", [0, 7])
@pytest.mark.parametrize("schedule", [drawn, streams])
def test_chunks_are_slices_of_the_recording(block_bytes, schedule, history):
    whole = series()
    values, inputs = whole.values(), whole.read_inputs(0, STEPS)
    updates = [starts for epoch in range(2) for starts in schedule(epoch)]
    reader = ChunkReader(STREAMED, length=LENGTH, history=history)
    begins = {start: stretch.start for stretch in whole.spans["train"] for start in range(stretch.start, stretch.stop)}
    seen_short = False
    for starts, given in zip(updates, reader.feed(schedule), strict=False):
        assert given.values.shape == (len(starts), history + LENGTH + 1, CHANNELS)
        for start, known, x, u in zip(starts.tolist(), given.known.tolist(), given.values, given.inputs, strict=True):
            assert known == min(history, start - begins[start])
            seen_short |= known < history
            steps = slice(start - known, start + LENGTH + 1)
            np.testing.assert_array_equal(x, np.concatenate([np.zeros((history - known, CHANNELS)), values[steps]]))
            np.testing.assert_array_equal(u, np.concatenate([np.zeros((history - known, 2)), inputs[steps]]))
    assert seen_short == (history > 0)


@pytest.mark.parametrize("schedule", [drawn, streams])
def test_taking_up_in_the_middle_gives_the_same_bits(block_bytes, schedule):
    reader = ChunkReader(STREAMED, length=LENGTH, history=3)
    per_epoch = len(schedule(0))
    whole = list(itertools.islice(reader.feed(schedule), 2 * per_epoch))
    for update in (1, per_epoch - 1, per_epoch, per_epoch + 5):
        rest = itertools.islice(reader.feed(schedule, update), 2 * per_epoch - update)
        for ours, theirs in zip(rest, whole[update:], strict=True):
            for field in dataclasses.fields(ours):
                np.testing.assert_array_equal(getattr(ours, field.name), getattr(theirs, field.name))


def test_an_epoch_draws_every_chunk_once(block_bytes):
    for epoch in range(2):
        updates = drawn(epoch)
        assert {len(starts) for starts in updates[:-1]} == {4}
        np.testing.assert_array_equal(np.sort(np.concatenate(updates)), STARTS)
        np.testing.assert_array_equal(np.concatenate(updates), np.concatenate(drawn(epoch)))
    orders = [np.concatenate(drawn(epoch, seed)).tolist() for epoch in range(2) for seed in range(2)]
    assert len({*map(tuple, orders)}) == 4


def test_a_block_of_drawn_chunks_is_read_in_slabs(monkeypatch):
    """Blocks of 16 chunks out of slabs of 5: at most 5 stretches each, where single draws would make about 14."""
    monkeypatch.setattr(feeding, "BLOCK_BYTES", 16 * 400)
    monkeypatch.setattr(feeding, "SLAB_BYTES", 5 * 400)
    reader, updates = ChunkReader(STREAMED, length=LENGTH), drawn(0)
    blocks = [reader.read(updates[i : i + 4]) for i in range(0, len(updates), 4)]
    assert max(len(block.firsts) for block in blocks) <= 5
    # A stretch ends with the target of its last chunk, which is the only step read twice.
    chunks, stretches = len(STARTS), sum(len(block.firsts) for block in blocks)
    assert sum(len(block.values) for block in blocks) == chunks * LENGTH + stretches


def test_a_recording_of_one_block_is_drawn_from_as_a_whole():
    order = np.concatenate(drawn(3, seed=5))
    np.testing.assert_array_equal(order, np.random.default_rng((5, 3)).permutation(STARTS))


def test_a_block_of_streams_is_one_stretch_of_each(monkeypatch):
    monkeypatch.setattr(feeding, "_PIECE_BYTES", 700)
    block = ChunkReader(STREAMED, length=LENGTH).read(streams(0)[:3])
    assert len(block.firsts) == 4
    assert len(block.values) == 4 * (3 * LENGTH + 1)


class Broken:
    """A source that cannot be read from step 1200 on."""

    shape, dtype, place = (STEPS, CHANNELS), np.dtype(np.float32), "broken.h5"

    def read(self, start, stop, channels=None):
        if stop > 1200:
            raise OSError("no such block")
        return np.zeros((stop - start, CHANNELS), np.float32)


def broken() -> PreparedSeries:
    signal = dataclasses.replace(STREAMED.signal, source=Broken())
    assert isinstance(signal, Signal)
    return dataclasses.replace(STREAMED, signal=signal)


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("neurofit-reader")]


def test_what_reading_raises_reaches_the_consumer(monkeypatch):
    monkeypatch.setattr(feeding, "BLOCK_BYTES", 400)
    given = ChunkReader(broken(), length=LENGTH).feed(lambda epoch: [STARTS[i : i + 1] for i in range(len(STARTS))])
    good = int(np.sum(STARTS + LENGTH + 1 <= 1200))
    assert len(list(itertools.islice(given, good))) == good
    with pytest.raises(RecordingError, match=r"broken\.h5: .*no such block"):
        next(given)
    assert readers() == []


def test_the_thread_ends_with_the_iterator_and_reads_one_block_ahead(monkeypatch):
    monkeypatch.setattr(feeding, "BLOCK_BYTES", 1600)
    reader, read = ChunkReader(STREAMED, length=LENGTH), []
    plain = reader.read
    monkeypatch.setattr(reader, "read", lambda starts, room: read.append(len(starts)) or plain(starts, room))
    given = reader.feed(drawn)
    assert read == []
    next(given)
    assert len(readers()) == 1
    given.close()
    assert readers() == []
    assert read == [1, 1]

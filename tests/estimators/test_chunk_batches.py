"""Batches from memory and from the file are the same, with what lies before the chunks and the inputs beside them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import test_next_step_inputs as driving
import torch
import var2

from neurofit.estimators import NextStep
from neurofit.estimators.chunk_batches import ChunkBatch, ChunkBatches
from neurofit.preparation import PreparedSeries, PrepareOptions, feeding, prepare
from neurofit_io import Recording, load, save

HISTORY, CHUNK = 7, 40


def broken(memory_gb: float) -> PreparedSeries:
    """A recording with inputs that breaks off twice in its training span."""
    recording = driving.driven()
    values = recording.signals["vm"].read().copy()
    values[300:303], values[1000:1001] = np.nan, np.nan
    signals = {**recording.signals, "vm": var2.recording(values).signals["vm"]}
    options = PrepareOptions(signal="vm", inputs=("current",), memory_gb=memory_gb)
    with pytest.warns(match="steps"):
        return prepare(Recording(recording.provenance, signals), options)


def batches(series: PreparedSeries, *, carried: bool, update: int = 0, n: int = 30) -> list[ChunkBatch]:
    made = ChunkBatches(
        series, chunk=CHUNK, batch=6, carried=carried, seed=3, history=HISTORY, device=torch.device("cpu")
    )
    return list(itertools.islice(made.batches(update), n))


def assert_same(one: ChunkBatch, other: ChunkBatch) -> None:
    for name in ("starts", "resets", "values", "inputs", "past"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("carried", [True, False])
def test_a_streamed_recording_gives_the_same_batches(carried, monkeypatch):
    monkeypatch.setattr(feeding, "BLOCK_BYTES", 10**4)
    resident, streamed = broken(1.0), broken(0.0)
    assert streamed.values() is None
    found = batches(streamed, carried=carried)
    if carried:
        for one, other in zip(batches(resident, carried=True), found, strict=True):
            assert_same(one, other)
    for update in (1, 11):
        for one, other in zip(
            found[update:], batches(streamed, carried=carried, update=update, n=len(found) - update), strict=True
        ):
            assert_same(one, other)


@pytest.mark.parametrize("memory_gb", [0.0, 1.0])
def test_batches_are_the_recording(memory_gb):
    series = broken(memory_gb)
    for batch in batches(series, carried=False, n=9):
        for row, start in enumerate(batch.starts.tolist()):
            np.testing.assert_array_equal(batch.values[row], series.read(start, start + CHUNK + 1))
            np.testing.assert_array_equal(batch.inputs[row], series.read_inputs(start, start + CHUNK))
            begin = max(stretch.start for stretch in series.spans["train"] if stretch.start <= start)
            known = min(HISTORY, start - begin)
            assert batch.past[: HISTORY - known, row].isnan().all()
            before = np.hstack([series.read(start - known, start), series.read_inputs(start - known, start)])
            np.testing.assert_array_equal(batch.past[HISTORY - known :, row], before)


def test_a_fit_from_the_file_is_the_fit_from_memory(tmp_path: Path):
    save(var2.recording(), tmp_path / "recording.h5")
    models = [
        NextStep(**{**var2.FAST, "output": "ar"}, memory_gb=gb, cache="none").fit(
            load(tmp_path / "recording.h5"), show=False
        )
        for gb in (0.0, 1.0)
    ]
    rows = [[{**row, "seconds": 0} for row in model.run.metrics()] for model in models]
    assert rows[0] == rows[1]
    assert models[0].scores == models[1].scores

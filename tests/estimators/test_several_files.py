"""A run of several files knows them all, in order, and finds them again; a run of one file stays as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurofit.estimators.data import config_of, recording_of, was_fitted_on
from neurofit.estimators.options import FitOptions
from neurofit.preparation import PrepareOptions, prepare
from neurofit.runs import Run, RunError
from neurofit_io import Provenance, Recording, load, save, signal_from_array
from neurofit_io.joining import join

OPTIONS = FitOptions(prepare=PrepareOptions(signal="vm", gap_ms=0.0))


def written(path: Path, seed: int, n_steps: int = 400) -> Path:
    values = np.random.default_rng(seed).normal(size=(n_steps, 2)).astype(np.float32)
    signal = signal_from_array(values, name="vm", unit="mV", rate_hz=1000.0)
    save(Recording(Provenance(Path("memory"), "memory"), {"vm": signal}), path, overwrite=True)
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [written(tmp_path / f"{name}.h5", seed) for seed, name in enumerate("ab")]


def run_of(paths: Path | list[Path], folder: Path) -> Run:
    recording = load(paths)
    return Run.create(folder, config_of(recording, prepare(recording, OPTIONS.prepare), OPTIONS))


def test_one_file_is_one_path(files: list[Path], tmp_path: Path) -> None:
    stored = run_of(files[0], tmp_path / "run").config()["recording"]
    assert stored["path"] == str(files[0])
    assert sorted(stored) == ["fingerprint", "path", "signal"]
    assert sorted(stored["fingerprint"]) == ["bytes", "sha256"]


def test_several_files_are_listed_and_opened_again(files: list[Path], tmp_path: Path) -> None:
    run = run_of(files, tmp_path / "run")
    stored = run.config()["recording"]
    assert stored["path"] == str(tmp_path / "a.h5, b.h5")
    assert stored["paths"] == [str(file) for file in files]
    again = recording_of(run, OPTIONS)
    np.testing.assert_array_equal(again.signal("vm").read(), load(files).signal("vm").read())
    series = prepare(again, OPTIONS.prepare)
    assert was_fitted_on(run, again, series)
    for others in (files[::-1], files[0]):
        other = load(others)
        assert not was_fitted_on(run, other, prepare(other, OPTIONS.prepare))


def test_the_file_that_changed_is_said(files: list[Path], tmp_path: Path) -> None:
    run = run_of(files, tmp_path / "run")
    written(files[1], seed=5)
    with pytest.raises(
        RunError, match=r"a\.h5, b\.h5: changed since .*: file 2: (size|content); .* predict \S+ \S+a\.h5 \S+b"
    ):
        recording_of(run, OPTIONS)


def test_files_joined_with_memory_lie_in_memory(files: list[Path], tmp_path: Path) -> None:
    beside = load(files[1])
    held = Recording(Provenance(Path("memory"), "memory"), beside.signals)
    series = prepare([load(files[0]), held], OPTIONS.prepare)
    assert [(s.start, s.stop) for s in series.usable] == [(0, 400), (400, 800)]
    config = config_of(join([load(files[0]), held]), series, OPTIONS)
    assert config["recording"]["path"] is None
    assert "paths" not in config["recording"]


def test_the_split_runs_over_all_files(files: list[Path]) -> None:
    series = prepare([load(file) for file in files], OPTIONS.prepare)
    assert series.spans["train"] == ((0, 400), (400, 504))
    assert series.spans["test"] == ((560, 800),)

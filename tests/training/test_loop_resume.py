"""kill -9 and SIGTERM at any moment, then a resume, end in the same bytes as a run that was never disturbed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny
from safetensors import safe_open

from neurofit.runs import Run

SCRIPT = Path(tiny.__file__).with_name("lives.py")


def live(folder: Path, *words: str) -> list[str]:
    """Trains in one life after another (see lives.py) and returns what each printed."""
    command = [sys.executable, str(SCRIPT), str(folder), *words]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert not process.stderr
    return process.stdout.splitlines()


def outcome(folder: Path) -> dict[str, object]:
    """What must not depend on how often a run was disturbed."""
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in Run(folder).metrics()]
    files = sorted(file for file in folder.rglob("*.safetensors") if file.parent.name != "checkpoint")
    return {"rows": rows, **{str(file.relative_to(folder)): file.read_bytes() for file in files}}


def names(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    tiny.fit(folder)
    return folder


def test_the_undisturbed_run_has_what_the_others_are_compared_by(undisturbed):
    result = outcome(undisturbed)
    assert 3 <= len(result["rows"]) < tiny.OPTIONS.epochs
    assert set(result) == {
        "rows",
        "model.safetensors",
        "snapshots/epoch_000002.safetensors",
        "snapshots/epoch_000005.safetensors",
    }
    assert result["model.safetensors"] == result["snapshots/epoch_000002.safetensors"]
    assert result["model.safetensors"] != result["snapshots/epoch_000005.safetensors"]


def test_kill_in_every_update(tmp_path, undisturbed):
    words = [f"update:{update}" for update in range(1, 21)]
    assert live(tmp_path, *words, "end") == ["-9"] * 20 + ["0"]
    assert outcome(tmp_path) == outcome(undisturbed)
    assert names(tmp_path) == names(undisturbed)


def test_kill_in_and_around_every_write(tmp_path, undisturbed):
    words = [f"write:{number}:{moment}" for number in (1, 2) for moment in ("before", "middle", "after")]
    assert live(tmp_path, *words, "write:5:middle", *words, "end") == ["-9"] * 13 + ["0"]
    assert outcome(tmp_path) == outcome(undisturbed)
    assert names(tmp_path) == names(undisturbed)


def test_only_a_whole_checkpoint_counts(tmp_path):
    assert live(tmp_path, "write:1:before", "write:1:middle") == ["-9", "-9"]
    assert not Run(tmp_path).checkpoint_path.exists()
    assert list(Run(tmp_path).checkpoint_path.parent.iterdir())


def test_kill_at_random_moments(tmp_path, undisturbed):
    moments = np.random.default_rng(0).uniform(0.0, 0.06, size=15)
    statuses = live(tmp_path, *[f"seconds:{moment:.4f}" for moment in moments], "end")
    assert "-9" in statuses
    assert set(statuses) <= {"-9", "0"}
    assert outcome(tmp_path) == outcome(undisturbed)
    assert names(tmp_path) == names(undisturbed)


def test_sigterm_ends_the_step_and_saves(tmp_path, undisturbed):
    assert live(tmp_path, "term:6", "term:8", "end") == ["update 6 epoch 1 143", "update 8 epoch 1 143", "0"]
    assert outcome(tmp_path) == outcome(undisturbed)


def test_an_ended_run_is_read_not_trained(tmp_path, undisturbed):
    first = tiny.fit(tmp_path)
    before = outcome(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    again = tiny.fit(tmp_path, on_epoch=lambda row: pytest.fail("an ended run was trained"))
    assert again == first
    assert outcome(tmp_path) == before == outcome(undisturbed)


def test_a_checkpoint_is_one_file_of_tensors_and_json(undisturbed):
    with safe_open(undisturbed / "checkpoint" / "state.safetensors", framework="pt") as file:
        groups = {name.partition(".")[0] for name in file.keys()}  # noqa: SIM118
        assert list(file.metadata()) == ["neurofit"]
    assert groups == {"model", "best", "optimizer", "program", "random"}


def test_files_are_as_readable_as_any_other(undisturbed):
    expected = (undisturbed / "config.json").stat().st_mode
    assert {file.stat().st_mode for file in undisturbed.rglob("*.safetensors")} == {expected}

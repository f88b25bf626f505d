"""Files are whole or not there, whatever happens while they are written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from neurofit_io import files

_WRITES_HALF = """
import sys, time
from neurofit_io.files import atomic_path
with atomic_path(sys.argv[1]) as beside:
    with open(beside, "wb") as file:
        file.write(b"half of the new")
        file.flush()
        print("written", flush=True)
        time.sleep(60)
"""


def test_killed_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "model.bin"
    target.write_bytes(b"old")
    package = Path(files.__file__).parents[1]
    child = subprocess.Popen(
        [sys.executable, "-c", _WRITES_HALF, str(target)], stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(package)},
    )  # fmt: skip
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
        child.send_signal(signal.SIGKILL)
    assert target.read_bytes() == b"old"


def test_an_error_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "model.bin"
    target.write_bytes(b"old")

    def write_half() -> None:
        with files.atomic_path(target) as beside:
            beside.write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["model.bin"]


def test_written_into_a_new_folder(tmp_path: Path) -> None:
    files.write_bytes(tmp_path / "a" / "b.bin", b"new")
    assert (tmp_path / "a" / "b.bin").read_bytes() == b"new"
    assert len(list((tmp_path / "a").iterdir())) == 1


def test_json_has_null_for_what_is_not_finite(tmp_path: Path) -> None:
    files.write_json(tmp_path / "scores.json", {"mse": float("nan"), "ci95": (1.0, float("inf")), 3: "µ"})
    assert json.loads((tmp_path / "scores.json").read_text("utf-8")) == {"mse": None, "ci95": [1.0, None], "3": "µ"}

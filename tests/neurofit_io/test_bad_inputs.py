"""Every bad input of the table gets its stated answer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bad_files import signal, vm
from bad_inputs import BAD_INPUTS, BadInput

from neurofit_io import Recording, check, load, save
from neurofit_io.recording import Provenance

WRITTEN = [case for case in BAD_INPUTS if case.write is not None]


def test_the_table_is_complete() -> None:
    assert {case.case for case in BAD_INPUTS} == set(range(1, 61))
    assert all(case.elsewhere for case in BAD_INPUTS if case.write is None)


@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: case.label)
def test_stated_answer(case: BadInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if case.title == "no permission" and os.geteuid() == 0:
        pytest.skip("root reads every file")
    if case.title == "missing filter":
        monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    assert case.write is not None
    path, options = case.write(tmp_path)
    if case.answer == "handled":
        assert case.holds(load(path, **options))
        return
    findings = check(path, **options)
    answers = [f.message for f in findings if f.severity == case.answer]
    assert any(all(word.lower() in text.lower() for word in case.words) for text in answers), findings
    assert case.answer == "error" or not [f for f in findings if f.severity == "error"]
    assert all("\n" not in f.message for f in findings)


FULL_DISK = """
import resource, sys
import bad_files
from neurofit_io import Recording, save
from neurofit_io.recording import Provenance
from pathlib import Path

big = bad_files.signal(bad_files.vm(20000, 50))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    save(Recording(Provenance(Path("x"), "memory"), {"vm": big}), sys.argv[1], overwrite=True)
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("name", ["session.h5", "session.nwb"])
def test_full_disk_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    small = signal(vm(50))
    save(Recording(Provenance(Path("x"), "memory"), {"vm": small}), path)
    before = path.read_bytes()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-B", "-c", FULL_DISK, str(path)], capture_output=True, text=True, timeout=60, env=environment,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^RecordingError .*{name}: could not be written .*room", done.stdout)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [name]
    np.testing.assert_array_equal(load(path).signals["vm"].read(), small.read())

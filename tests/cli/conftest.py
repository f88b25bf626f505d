"""Runs the command line within the tests, and one small run that several of them read."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import commands
import pytest
import torch

from neurofit.cli.main import main


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Neurofit = Callable[..., Ended]


def ended(words: tuple[object, ...]) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


@pytest.fixture
def neurofit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Neurofit:
    """`neurofit(*words)`: exit code, stdout and stderr."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def run(*words: object) -> Ended:
        code = ended(words)
        return Ended(code, *capsys.readouterr())

    return run


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take longer than everything else."""
    monkeypatch.setattr("neurofit.estimators.fitting.report_fit", lambda *args, **more: None)


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny recording as a file."""
    return commands.write_recording(tmp_path_factory.mktemp("recording") / "tiny.h5")


@pytest.fixture(scope="session")
def finished(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with figures and report."""
    torch.set_num_threads(1)
    run = tmp_path_factory.mktemp("finished") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warnings, "showwarning", warnings.showwarning)
        assert ended(("fit", recording, "--out", run, *commands.FIT, "--snapshot-epochs", "1,2")) == 0
    return run

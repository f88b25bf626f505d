"""Progress: a bar on a terminal that ends at the total, a line now and then elsewhere, nothing when told."""

from __future__ import annotations

import sys

import pytest

from neurofit.estimators import progress
from neurofit.estimators.progress import Progress


def test_a_bar_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress("simulating", unit="step") as shown:
        for done in (100, 300, 1000):
            shown(done, 1000)
    said = capsys.readouterr().err
    assert "simulating: 100%" in said
    assert "1000/1000" in said


def test_a_line_now_and_then_elsewhere(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Progress("writing", unit="B") as shown:
        for second in range(1, 26):
            now[0] = float(second)
            shown(second, 50)
    assert capsys.readouterr().err.splitlines() == ["writing  20%  10 s", "writing  40%  20 s"]


def test_silence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with Progress("writing", unit="B", show=False) as shown:
        shown(1, 2)
    assert capsys.readouterr().err == ""

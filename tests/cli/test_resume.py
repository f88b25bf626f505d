"""kill -9 and signals at any moment of `neurofit fit`, then --resume auto: the same bytes as a run left in peace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import commands
import numpy as np
import pytest

SCRIPT = Path(commands.__file__).with_name("fit_lives.py")
WORDS = (*commands.FIT, "--checkpoint-every-s", "0", "--snapshot-epochs", "1")
IN_ORDER = (
    "config.json:1", "environment.json:1", "state.safetensors:1", "state.safetensors:3", "epoch_000001.safetensors:1",
    "model.safetensors:1", "fitted.safetensors:1", "scores.json:1", "losses.png:1", "traces.png:1", "report.html:1",
    "environment.json:2",
)  # fmt: skip
"""Files of a run in the order in which they are written; `:2` is the second of that name in one life."""


def environment() -> dict[str, str]:
    """The environment of a process of its own."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(commands.ROOT), str(commands.ROOT / "io"))),
        "OMP_NUM_THREADS": "1",
    }


def live(recording: Path, run: Path, *words: str) -> list[tuple[int, str]]:
    """Fits in one life after another (see fit_lives.py): the exit status and the last line of stderr of each."""
    command = [sys.executable, str(SCRIPT), *words, "--", str(recording), "--out", str(run), *WORDS]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment())
    assert not ran.stderr
    ends = [line.partition(" ") for line in ran.stdout.splitlines()]
    return [(int(status), message) for status, _, message in ends]


def outcome(run: Path) -> dict[str, object]:
    """What must not depend on how often a run was disturbed: everything but clock times, and the checkpoint."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        del row["seconds"]
    timed = ("metrics.jsonl", "environment.json", "state.safetensors")
    files = {str(f.relative_to(run)): f.read_bytes() for f in sorted(run.rglob("*")) if f.is_file()}
    files["report.html"] = files["report.html"].replace(str(run).encode(), b"RUN")
    return {"rows": rows} | {name: content for name, content in files.items() if Path(name).name not in timed}


@pytest.fixture(scope="module")
def undisturbed(recording, tmp_path_factory) -> dict[str, object]:
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    assert [status for status, _ in live(recording, run, "end")] == [0]
    return outcome(run)


def test_the_undisturbed_run_has_what_the_others_are_compared_by(undisturbed):
    assert {"rows", "config.json", "model.safetensors", "fitted.safetensors", "scores.json", "report.html"} < set(
        undisturbed
    )
    assert len(undisturbed["rows"]) == 2
    assert not [name for name in undisturbed if Path(name).name.startswith(".")]


def test_kill_in_the_middle_of_every_file(recording, tmp_path, undisturbed):
    words = [f"{file}:middle" for file in IN_ORDER]
    ends = live(recording, tmp_path / "run", *words, "end")
    assert [status for status, _ in ends] == [-9] * len(words) + [0]
    assert outcome(tmp_path / "run") == undisturbed


def test_kill_right_after_files_that_matter(recording, tmp_path, undisturbed):
    seen_again = ("state.safetensors:3", "losses.png:1", "traces.png:1", "report.html:1")
    words = [f"{file}:after" for file in IN_ORDER if file not in seen_again]
    ends = live(recording, tmp_path / "run", *words, "end")
    assert [status for status, _ in ends] == [-9] * len(words) + [0]
    assert outcome(tmp_path / "run") == undisturbed


def test_kill_at_random_moments(recording, tmp_path, undisturbed):
    moments = np.sort(np.random.default_rng(0).uniform(0.01, 0.4, size=6))
    ends = live(recording, tmp_path / "run", *[f"seconds:{moment:.3f}" for moment in moments], "end")
    assert {status for status, _ in ends} <= {-9, 0}
    assert ends[0][0] == -9
    assert ends[-1][0] == 0
    assert outcome(tmp_path / "run") == undisturbed


def test_signals_finish_the_step_and_save(recording, tmp_path, undisturbed):
    ends = live(recording, tmp_path / "run", "SIGTERM:1", "SIGINT:1", "end", "end")
    go_on = "go on with the same command and --resume auto"
    assert ends[:2] == [
        (143, f"neurofit: stopped by SIGTERM after 0 epochs and 1 updates; {go_on}"),
        (130, f"neurofit: stopped by SIGINT after 0 epochs and 2 updates; {go_on}"),
    ]
    assert ends[2][0] == 0
    assert ends[3] == (0, "")
    assert outcome(tmp_path / "run") == undisturbed


def test_a_whole_process_is_killed_and_resumed(tmp_path):
    words = (commands.BIONET, "--signal", "vm", "--time", "0:0.4", "--hidden", "8", "--epochs", "3", "--device", "cpu")
    killed, left = tmp_path / "killed", tmp_path / "left"
    fit = ["fit", *map(str, words), "--checkpoint-every-s", "0", "--out"]
    run = [sys.executable, "-m", "neurofit.cli.main", *fit, str(killed)]
    with subprocess.Popen(
        run, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stderr is not None
        while "epoch 2/3" not in process.stderr.readline():
            assert process.poll() is None
        process.kill()
    assert process.returncode == -signal.SIGKILL
    plain = [sys.executable, "-c", f"{UNDRAWN}main({[*fit, str(left)]!r})"]
    for command in ([*run, "--resume", "must"], plain):
        ran = subprocess.run(command, capture_output=True, text=True, env=environment())
        assert ran.returncode == 0, ran.stderr
    assert (killed / "report.html").exists()
    for name in ("model.safetensors", "scores.json", "fitted.safetensors"):
        assert (killed / name).read_bytes() == (left / name).read_bytes()


UNDRAWN = """
import neurofit.estimators.next_step as module
from neurofit.cli.main import main
module.report_fit = lambda *arguments, **more: None
"""

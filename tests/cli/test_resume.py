"""kill -9 and signals at any moment of `neurofit fit`, then --resume auto: the same bytes as a run left in peace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

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


def environment(hash_seed: int = 0) -> dict[str, str]:
    """The environment of a process of its own."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(commands.ROOT), str(commands.ROOT / "io"))),
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": str(hash_seed),
    }


class Lives(NamedTuple):
    """A folder of runs, and how each life of each run ended: its exit status and the last line of its stderr."""

    folder: Path
    ends: dict[str, list[tuple[int, str]]]


MIDDLE = [f"{file}:middle" for file in IN_ORDER]
AFTER = [
    f"{file}:after" for file in IN_ORDER if not file.startswith(("state.safetensors:3", "losses", "traces", "report"))
]
SECONDS = [f"seconds:{moment:.3f}" for moment in np.sort(np.random.default_rng(0).uniform(0.01, 0.4, size=6))]
LIVES = {
    "undisturbed": ["end"],
    "middle": [*MIDDLE, "end"],
    "after": [*AFTER, "end"],
    "seconds": [*SECONDS, "end"],
    "full_disk": ["limit:100", "limit:3000", "end"],
    "signals": ["SIGTERM:1", "SIGINT:1", "end", "end"],
}


@pytest.fixture(scope="module")
def lives(recording, tmp_path_factory) -> Lives:
    """All the runs of `LIVES`, by one process that forks (see fit_lives.py)."""
    folder = tmp_path_factory.mktemp("lives")
    words = [word for name, words in LIVES.items() for word in (f"run:{name}", *words)]
    command = [sys.executable, str(SCRIPT), str(folder), *words, "--", str(recording), *WORDS]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment())
    assert not ran.stderr
    ends: dict[str, list[tuple[int, str]]] = {name: [] for name in LIVES}
    for line in ran.stdout.splitlines():
        name, status, message = line.split(" ", 2)
        ends[name].append((int(status), message))
    return Lives(folder, ends)


def outcome(run: Path) -> dict[str, object]:
    """What must not depend on how often a run was disturbed: everything but clock times, and the checkpoint."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        del row["seconds"]
    timed = ("metrics.jsonl", "environment.json", "state.safetensors")
    files = {str(f.relative_to(run)): f.read_bytes() for f in sorted(run.rglob("*")) if f.is_file()}
    files["report.html"] = files["report.html"].replace(str(run).encode(), b"RUN")
    return {"rows": rows} | {name: content for name, content in files.items() if Path(name).name not in timed}


def test_the_undisturbed_run_has_what_the_others_are_compared_by(lives):
    undisturbed = outcome(lives.folder / "undisturbed")
    assert lives.ends["undisturbed"][0][0] == 0
    names = {"rows", "config.json", "model.safetensors", "fitted.safetensors", "scores.json", "report.html"}
    assert names < set(undisturbed)
    assert len(undisturbed["rows"]) == 2
    assert not [name for name in undisturbed if Path(name).name.startswith(".")]


@pytest.mark.parametrize("name", ["middle", "after", "seconds", "full_disk", "signals"])
def test_a_disturbed_run_ends_in_the_same_bytes(lives, name):
    assert lives.ends[name][-1][0] == 0
    assert outcome(lives.folder / name) == outcome(lives.folder / "undisturbed")


@pytest.mark.parametrize(("name", "kills"), [("middle", MIDDLE), ("after", AFTER)])
def test_every_life_was_killed_where_it_should(lives, name, kills):
    assert [status for status, _ in lives.ends[name]] == [-9] * len(kills) + [0]


def test_some_lives_were_killed_at_random_moments(lives):
    statuses = [status for status, _ in lives.ends["seconds"]]
    assert statuses[0] == -9
    assert set(statuses) <= {-9, 0}


def test_signals_finish_the_step_and_save(lives):
    go_on = "go on with the same command and --resume auto"
    assert lives.ends["signals"][:2] == [
        (143, f"neurofit: stopped by SIGTERM after 0 epochs and 1 updates; {go_on}"),
        (130, f"neurofit: stopped by SIGINT after 0 epochs and 2 updates; {go_on}"),
    ]
    assert lives.ends["signals"][3] == (0, "")


def test_a_full_disk_ends_in_one_line_and_leaves_nothing_half_written(lives):
    (first, second, _) = lives.ends["full_disk"]
    run = lives.folder / "full_disk"
    assert first == (1, f"neurofit: {run / 'config.json'}: File too large")
    assert second[0] == 1
    assert second[1].startswith(f"neurofit: {run / 'checkpoint' / 'state.safetensors'}: cannot be written: ")
    assert second[1].endswith("; see that the disk has room")


def test_a_whole_process_is_killed_and_resumed_under_any_hash_seed(tmp_path):
    words = (
        commands.BIONET,
        "--signal",
        "vm",
        "--time",
        "0:0.4",
        "--channels",
        "0:12",
        "--epochs",
        "3",
        "--device",
        "cpu",
    )
    killed, left = tmp_path / "killed", tmp_path / "left"
    fit = ["fit", *map(str, words), "--checkpoint-every-s", "0", "--out"]
    run = [sys.executable, "-m", "neurofit.cli.main", *fit, str(killed)]
    with subprocess.Popen(
        run, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment(1)
    ) as process:
        assert process.stderr is not None
        while "epoch 2/3" not in process.stderr.readline():
            assert process.poll() is None
        process.kill()
    assert process.returncode == -signal.SIGKILL
    plain = [sys.executable, "-c", f"{UNDRAWN}main({[*fit, str(left)]!r})"]
    for seed, command in ((2, [*run, "--resume", "must"]), (3, plain)):
        ran = subprocess.run(command, capture_output=True, text=True, env=environment(seed))
        assert ran.returncode == 0, ran.stderr
    assert (killed / "report.html").exists()
    for name in ("model.safetensors", "scores.json", "fitted.safetensors"):
        assert (killed / name).read_bytes() == (left / name).read_bytes()


UNDRAWN = """
import neurofit.estimators.next_step as module
from neurofit.cli.main import main
module.report_fit = lambda *arguments, **more: None
"""

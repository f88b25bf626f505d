"""Trains the tiny program in one life after another, each ended as its word says.

    python lives.py FOLDER WORD [WORD ...]

    update:N          kill -9 in the N-th update (counted over all lives)
    write:N:MOMENT    kill -9 before, in the middle of, or after the N-th checkpoint of this life takes its place
    seconds:S         kill -9 from outside, S seconds after the first update
    term:N            SIGTERM in the N-th update
    end               a life that is let alone

Each life is a fork of this process, which itself computes nothing, so torch is imported once. Every life prints one
line: what it printed itself, and its exit status (negative for a signal).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import tiny
import torch._dynamo  # what an optimiser imports when it is first used

from neurofit.runs import Run
from neurofit.training import Interrupted, train


def kill() -> None:
    """Ends this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_in_write(number: int, moment: str) -> None:
    """Arranges for the death of this process around the rename of its `number`-th checkpoint."""
    replace, count = os.replace, 0

    def deadly(source: Any, target: Any) -> None:
        nonlocal count
        count += Path(target).name == "state.safetensors"
        if count == number and moment == "middle":
            os.truncate(source, os.path.getsize(source) // 2)
        if count != number or moment == "after":
            replace(source, target)
        if count == number:
            kill()

    os.replace = deadly  # type: ignore[assignment]


def live(folder: Path, word: str, started: int) -> int:
    """Trains from wherever the folder stands; writes a byte to `started` with each update."""
    kind, _, rest = word.partition(":")
    if kind == "write":
        number, moment = rest.split(":")
        kill_in_write(int(number), moment)
    program = tiny.TinyProgram(tiny.OPTIONS)

    def on_step(update: int) -> None:
        os.write(started, b".")
        if kind == "update" and update == int(rest):
            kill()
        if kind == "term" and update == int(rest):
            os.kill(os.getpid(), signal.SIGTERM)

    program.on_step = on_step
    run = Run.create(folder, {"lr": tiny.OPTIONS.lr}, resume="auto")
    try:
        train(program, tiny.OPTIONS, run, show=False)
    except Interrupted as stop:
        print(f"update {stop.update} epoch {stop.epoch}", end=" ", flush=True)
        return 128 + stop.signum
    return 0


def one_life(folder: Path, word: str) -> int:
    """Forks, waits, and returns the exit status."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os._exit(live(folder, word, writing))
    os.close(writing)
    if word.startswith("seconds:"):
        os.read(reading, 1)
        time.sleep(float(word.partition(":")[2]))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(reading)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for word in sys.argv[2:]:
        print(one_life(Path(sys.argv[1]), word), flush=True)

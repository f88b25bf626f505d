"""Runs `neurofit fit` in one life after another, each ended as its word says.

python fit_lives.py FOLDER WORD [WORD ...] -- RECORDING [OPTION ...]

    run:NAME          the lives after this word fit into FOLDER/NAME
    FILE:N:MOMENT     kill -9 before, in the middle of, or after the N-th file of that name takes its place in this life
    seconds:S         kill -9 from outside, S seconds after the life began
    limit:BYTES       no file of this life may grow beyond so many bytes, as if the disk were full
    SIGTERM:N         that signal (or SIGINT) in the N-th update of this life
    end               a life that is let alone

Each life is a fork of this process, which itself computes nothing, so torch is imported once. Every life prints one
line: its exit status (negative for a signal) and the last line of its stderr. Figures are written but not drawn: that
takes longer than everything else.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import torch._dynamo  # what an optimiser imports when it is first used

import neurofit.estimators.drawing
import neurofit.estimators.next_step
from neurofit.cli.main import main
from neurofit.estimators.next_step_program import NextStepProgram


def kill_in_write(name: str, number: int, moment: str) -> None:
    """Arranges for the death of this process around the rename of its `number`-th file of that name."""
    replace, count = os.replace, 0

    def deadly(source: Any, target: Any) -> None:
        nonlocal count
        count += Path(target).name == name
        due = count == number and Path(target).name == name
        if due and moment == "middle":
            os.truncate(source, os.path.getsize(source) // 2)
        if not due or moment == "after":
            replace(source, target)
        if due:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = deadly  # type: ignore[assignment]


def signal_in_update(signum: int, number: int) -> None:
    """Arranges for a signal to this process in its `number`-th update."""
    step, count = NextStepProgram.step, 0

    def signalled(self: NextStepProgram, batch: Any) -> Any:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signum)
        return step(self, batch)

    NextStepProgram.step = signalled  # type: ignore[method-assign]


def live(word: str, words: list[str]) -> None:
    """Fits from wherever the run stands."""
    kind, _, rest = word.partition(":")
    if kind.startswith("SIG"):
        signal_in_update(signal.Signals[kind], int(rest))
    elif kind == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(rest), int(rest)))
    elif kind not in ("seconds", "end"):
        number, moment = rest.split(":")
        kill_in_write(kind, int(number), moment)
    main(["fit", *words, "--resume", "auto"])


def one_life(word: str, words: list[str]) -> tuple[int, str]:
    """Forks, waits, and returns the exit status and the last line of stderr."""
    with tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if child == 0:
            os.dup2(err.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            try:
                live(word, words)
            except SystemExit as end:
                os._exit(int(end.code or 0))
        if word.startswith("seconds:"):
            time.sleep(float(word.partition(":")[2]))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        err.seek(0)
        lines = err.read().splitlines()
    return os.waitstatus_to_exitcode(status), lines[-1] if lines else ""


if __name__ == "__main__":
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    neurofit.estimators.drawing.figures.figure_png = lambda figure: b"png"  # type: ignore[attr-defined]
    cut = sys.argv.index("--")
    folder, fit, name = Path(sys.argv[1]), sys.argv[cut + 1 :], ""
    for word in sys.argv[2:cut]:
        if word.startswith("run:"):
            name = word.removeprefix("run:")
        else:
            print(name, *one_life(word, [*fit, "--out", str(folder / name)]), flush=True)

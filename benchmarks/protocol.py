"""How everything here is measured: arms interleaved in one process, on one thread, by CPU time.

    round 1: A B C    round 2: A B C    ...    ratio of a round = CPU of an arm / CPU of the reference in that round

Every arm runs once before the first round, for compilers and caches and to see that all arms give the same answer. What
is reported is the median and the least time of an arm, and the median and the range of its ratios. A case that has a
row in `results/<benchmark>.jsonl` is not run again unless asked for.

Import this before numpy and torch: the number of threads is fixed when they load.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"

import collections
import datetime
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

torch.set_num_threads(1)

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("numpy", "scipy", "torch", "h5py", "scikit-learn", "pynapple", "numba", "elephant")


@dataclass(frozen=True)
class Arm:
    """One way of doing the work.

    Attributes:
        name: What the table calls it.
        run: Does the work; an iterator that it returns is exhausted within the measured time.
        work: What the times are divided by: how many pieces it does, or which share of the whole.
    """

    name: str
    run: Callable[[], Any]
    work: float = 1.0


@dataclass(frozen=True)
class Benchmark:
    """A benchmark and how often it is measured.

    Attributes:
        name: Name of its file in `results/`.
        rounds: Rounds of every case.
        again: Whether to measure cases that have a row already.
    """

    name: str
    rounds: int
    again: bool

    def compare(
        self,
        case: str,
        arms: Callable[[], Sequence[Arm]],
        *,
        goal: str,
        answer: Callable[[Any], NDArray[Any]] | None = None,
        tolerance: float = 0.0,
    ) -> None:
        """Measures one case, prints its table and keeps its row.

        Args:
            case: What is done, in words; names the row.
            arms: Makes the arms, the reference first; not called when the row is there.
            goal: What was asked for; empty when nothing was.
            answer: Reduces what an arm returns to numbers in which all arms have to agree; None compares nothing.
            tolerance: Difference allowed between answers, relative to the largest number in the reference's.

        Raises:
            AssertionError: An arm gives another answer than the reference.
        """
        known = {row["case"]: row for row in rows(self.name)}
        if self.again or case not in known:
            measured = _measure(arms(), self.rounds, answer, tolerance)
            known[case] = {"case": case, "goal": goal, **measured, **circumstances()}
            _append(self.name, known[case])
        print(table([known[case]]), end="\n\n", flush=True)


def rows(benchmark: str) -> list[dict[str, Any]]:
    """The latest row of every case that was measured, in the order of their first measurement."""
    path = RESULTS / f"{benchmark}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    latest = {}
    for row in map(json.loads, lines):
        latest[row["case"]] = row
    return list(latest.values())


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as one Markdown table, the first arm of each being its reference, over their circumstances."""
    lines = [
        "| case | arm | CPU median (min) | wall median (min) | CPU / first arm (range) |",
        "|---|---|---|---|---|",
        *(line for row in rows for line in _lines(row)),
    ]
    loads = [load for row in rows for load in row["load"]]
    rounds = " or ".join(str(n) for n in sorted({len(row["load"]) for row in rows}))
    dates, machines = (", ".join(sorted({row[name] for row in rows})) for name in ("date", "machine"))
    versions = sorted({f"{name} {version}" for row in rows for name, version in row["versions"].items()})
    return "\n".join(
        [*lines, f"\n{rounds} rounds, {dates}, load {min(loads):.1f} to {max(loads):.1f} on {machines}; "
         f"{', '.join(versions)}."]
    )  # fmt: skip


def _lines(row: Mapping[str, Any]) -> Iterator[str]:
    case = row["case"] + (f" (goal: {row['goal']})" if row["goal"] else "")
    reference = next(iter(row["arms"].values()))["cpu_s"]
    for name, arm in row["arms"].items():
        ratios = [own / other for own, other in zip(arm["cpu_s"], reference, strict=True)]
        spread = f"{statistics.median(ratios):.3g} ({min(ratios):.3g} to {max(ratios):.3g})"
        ratio = "1" if arm["cpu_s"] is reference else spread
        yield f"| {case} | {name} | {_times(arm['cpu_s'])} | {_times(arm['wall_s'])} | {ratio} |"
        case = ""


def _measure(
    arms: Sequence[Arm], rounds: int, answer: Callable[[Any], NDArray[Any]] | None, tolerance: float
) -> dict[str, Any]:
    expected = None
    for arm in arms:
        if answer is None:
            _exhaust(arm.run())
            continue
        given = answer(arm.run())
        expected = given if expected is None else expected
        slack = tolerance * float(np.abs(expected).max())
        np.testing.assert_allclose(given, expected, rtol=0, atol=slack, err_msg=f"{arm.name} against {arms[0].name}")
    times: dict[str, dict[str, list[float]]] = {arm.name: {"cpu_s": [], "wall_s": []} for arm in arms}
    load = []
    for number in range(rounds):
        load.append(os.getloadavg()[0])
        for arm in arms:
            print(f"\rround {number + 1} of {rounds}: {arm.name:<60}", end="", file=sys.stderr, flush=True)
            cpu, wall = time.process_time(), time.perf_counter()
            _exhaust(arm.run())
            times[arm.name]["wall_s"].append((time.perf_counter() - wall) / arm.work)
            times[arm.name]["cpu_s"].append((time.process_time() - cpu) / arm.work)
    print(file=sys.stderr)
    return {"arms": times, "load": load}


def _exhaust(result: Any) -> None:
    if isinstance(result, Iterator):
        collections.deque(result, maxlen=0)


def circumstances() -> dict[str, Any]:
    """Date, machine and versions, for a row of results."""
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    machine = f"{os.cpu_count()} cores, {_processor()}"
    return {"date": datetime.date.today().isoformat(), "machine": machine, "versions": versions}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _append(benchmark: str, row: Mapping[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{benchmark}.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")


def _times(seconds: Sequence[float]) -> str:
    median, least = statistics.median(seconds), min(seconds)
    factor, unit = (1, "s") if median >= 1 else (1e3, "ms")
    return f"{median * factor:.3g} {unit} ({least * factor:.3g})"

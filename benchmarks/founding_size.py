"""The founding paper's size from end to end: 2022 cells for 6 s through .bin, fit, predict and connectivity.

    python benchmarks/founding_size.py [--epochs 2] [--again]

Every stage is the command a person would type, in a process of its own, on one thread; its CPU time and its peak memory
are those of that process. Files lie in a temporary folder (3 GB). The row is kept in `results/founding_size.jsonl`.
"""

from __future__ import annotations

import protocol  # first, because it sets the number of threads

# isort: split
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tyro

RESULTS = protocol.RESULTS / "founding_size.jsonl"
Row = dict[str, Any]


def stage(*words: str | Path) -> Row:
    """Runs a command of neurofit to its end; what it cost.

    Raises:
        RuntimeError: It failed; with its last lines.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", "neurofit.cli.main", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"neurofit {' '.join(map(str, words))}\n" + "\n".join(said.splitlines()[-5:]))
    print(f"neurofit {words[0]}: {usage.ru_utime + usage.ru_stime:.0f} CPU s", file=sys.stderr, flush=True)
    return {
        "command": words[0],
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "wall_s": time.perf_counter() - began,
        "peak_mb": usage.ru_maxrss / 1024,
    }


def measure(epochs: int, seed: int) -> Row:
    """All stages, and what came out of them."""
    with tempfile.TemporaryDirectory() as folder:
        recording, run, conn = (Path(folder) / name for name in ("founding.bin", "run", "conn"))
        cpu = ("--device", "cpu")
        stages = [
            stage("simulate", "network", "--out", recording, "--seed", str(seed)),
            stage("fit", recording, "--signal", "vm", "--out", run, "--epochs", str(epochs), *cpu),
            stage("predict", run),
            stage("connectivity", "infer", recording, "--preset", "nayebi2015", "--method", "gls", "--no-lengths",
                  "--out", conn),
        ]  # fmt: skip
        fitted = json.loads((run / "scores.json").read_text(encoding="utf-8"))["test"]
        inferred = json.loads((conn / "scores.json").read_text(encoding="utf-8"))
    names = ("mse", "mse_persistence", "mse_ar", "mse_var", "skill_ar")
    kept = ("method", "auc", "ap", "ap_chance", "auc_distance", "ap_distance", "cpu_s")
    return {
        "stages": stages,
        "fit": {name: fitted[name]["pooled"] for name in names} | {"predictor": fitted["predictor"]},
        "connectivity": [{name: row[name] for name in kept} for row in inferred],
    }


def table(row: Row) -> str:
    """The row as two Markdown tables."""
    lines = ["| stage | CPU s | wall s | peak MB |", "|---|---|---|---|"]
    lines += [f"| {s['command']} | {s['cpu_s']:.0f} | {s['wall_s']:.0f} | {s['peak_mb']:.0f} |" for s in row["stages"]]
    said = ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row["fit"].items())
    lines += [
        "",
        f"Held-out Vm after {row['epochs']} epochs: {said}",
        "",
        "| method | AUC | AP | CPU s |",
        "|---|---|---|---|",
    ]
    lines += [f"| {c['method']} | {c['auc']:.3f} | {c['ap']:.3f} | {c['cpu_s']:.1f} |" for c in row["connectivity"]]
    first = row["connectivity"][0]
    lines.append(f"| distance alone | {first['auc_distance']:.3f} | {first['ap_distance']:.3f} | |")
    lines.append(f"| chance | 0.500 | {first['ap_chance']:.3f} | |")
    return "\n".join(lines)


def main(epochs: int = 2, seed: int = 0, again: bool = False) -> None:
    """Runs the chain unless its row is there, and prints it.

    Args:
        epochs: Epochs of the fit.
        seed: Seed of the network.
        again: Run again what has a row.
    """
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    known = {(row["epochs"], row["seed"]): row for row in map(json.loads, lines)}
    if again or (epochs, seed) not in known:
        load = os.getloadavg()[0]
        known[epochs, seed] = {
            "epochs": epochs, "seed": seed, "load": load, **measure(epochs, seed), **protocol.circumstances()
        }  # fmt: skip
        RESULTS.parent.mkdir(exist_ok=True)
        with RESULTS.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(known[epochs, seed]) + "\n")
    print(table(known[epochs, seed]))


if __name__ == "__main__":
    tyro.cli(main)

"""A default fit of every recording at hand, scored on held-out time beside the baselines.

One thread, seed 0.

`NEUROFIT_TEST_DATA` names the folder of recordings. A recording that has a row in `results/recordings.jsonl` is not
fitted again unless with `--again`. Rates that the files do not hold are invented for this table, and marked so.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import protocol  # fixes the number of threads; before numpy and torch

from neurofit import NextStep
from neurofit_io import RecordingWarning


@dataclass(frozen=True)
class Case:
    """A recording and the options that its file needs."""

    name: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)


FERGUSON = "nwb_icephys_ferguson/FergusonEtAl2015_PYR2.nwb"
CASES = (
    Case("60 cells, extracellular, 0.1 ms", "bionet_60cells", {"signal": "extracellular"}),
    Case("60 cells, Vm, 0.1 ms", "bionet_60cells", {"signal": "vm"}),
    Case("60 cells, [Ca], 0.1 ms", "bionet_60cells", {"signal": "calcium"}),
    Case("60 cells, 60 s, Vm, 0.5 ms", "bionet_60cells_60s", {"signal": "vm"}),
    Case("60 cells, 60 s, spikes in 20 ms", "bionet_60cells_60s", {"signal": "spikes", "bin_ms": 20.0}),
    Case("the same, poisson", "bionet_60cells_60s", {"signal": "spikes", "bin_ms": 20.0, "output": "poisson"}),
    Case("NWB current clamp, 16 sweeps, 0.1 ms", "nwb_icephys_hippocampus/99111002.nwb", {"signal": "vm"}),
    Case("NWB current clamp, 13 sweeps, 0.1 ms", FERGUSON, {"signal": "vm"}),
    Case("the same with its current, 1 ms", FERGUSON, {"signal": "vm", "inputs": "stimulus", "decimate": 10}),
    Case("MATLAB LFP, 1 ms", "mat_kramer/LFP-1.mat", {"dataset": "LFP", "kind": "lfp", "unit": "mV"}),
    Case("Suite2p fluorescence, rate invented: 30 Hz", "calcium_suite2p", {"signal": "fluorescence", "rate_hz": 30.0}),
    Case(
        "zebrafish dF/F, rate invented: 2 Hz",
        "calcium_zebrafish/zf_20170215-f3.mat",
        {"dataset": "activity_matrix", "time_axis": 1, "rate_hz": 2.0, "kind": "dff"},
    ),
    Case("spikes of 300 cells, 3 s, bins of 20 ms", "sonata_300_intfire", {"signal": "spikes", "bin_ms": 20.0}),
)
RESULTS = protocol.RESULTS / "recordings.jsonl"


def main() -> None:
    """Fits what has no row yet and prints the table."""
    folder = Path(os.environ["NEUROFIT_TEST_DATA"])
    rows = {} if "--again" in sys.argv else _rows()
    RESULTS.parent.mkdir(exist_ok=True)
    for case in CASES:
        if case.name not in rows:
            rows[case.name] = _fit(case, folder / case.path)
            with RESULTS.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(rows[case.name]) + "\n")
    print(_table([rows[case.name] for case in CASES]))


def _rows() -> dict[str, dict[str, Any]]:
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    return {row["case"]: row for row in map(json.loads, lines)}


def _fit(case: Case, path: Path) -> dict[str, Any]:
    warnings.simplefilter("ignore", RecordingWarning)
    cpu, wall = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        model = NextStep(**case.options).fit(path, out=Path(folder) / "run")
        scores, loss = model.scores["test"], model.fitted.validation_loss
    return {
        "case": case.name, "validation_loss": loss, "predictor": scores["predictor"], "scores": scores,
        "cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall, **protocol.circumstances(),
    }  # fmt: skip


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| recording | channels x test steps | mse gru | persistence | mean | AR | VAR | ARX | skill_persistence "
        "| skill_ar | validation: gru / best baseline | predicts with | CPU s |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        scores, own, loss = row["scores"], row["scores"]["network"], dict(row["validation_loss"])
        names = ("persistence", "mean", "ar", "var", "arx")
        errors = [own["mse"], *(scores.get(f"mse_{name}", {"pooled": None}) for name in names)]
        network = loss.pop("network")
        cells = [
            row["case"], f"{scores['n_channels']} x {scores['n_steps']}",
            *("" if e["pooled"] is None else f"{e['pooled']:.4g}" for e in errors),
            f"{own['skill_persistence']['pooled']:.3f}", f"{own['skill_ar']['pooled']:.3f}",
            f"{network:.4g} / {min(loss.values()):.4g}",
            "gru" if row["predictor"] == "network" else row["predictor"], f"{row['cpu_s']:.0f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    versions = ", ".join(sorted({f"{name} {version}" for row in rows for name, version in row["versions"].items()}))
    return "\n".join([*lines, f"\n{rows[-1]['date']}, {rows[-1]['machine']}; {versions}."])


if __name__ == "__main__":
    main()

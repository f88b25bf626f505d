"""Connections inferred and scored against the truth: methods, sizes, lengths, what hurts, and truths nobody here made.

    python benchmarks/connectivity.py [--only "300 cells, 60 s"] [--seeds 3] [--again]

Every network is simulated once and kept in the cache folder. A row is one method on one recording of one seed; those in
`results/connectivity.jsonl` are not run again unless asked for. Methods run with their defaults where their name says
nothing else. Tables show means over seeds beside chance and a ranking by distance alone; floors were set beforehand.
"""

from __future__ import annotations

import protocol  # first, because it sets the number of threads

# isort: split
import functools
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from neurofit.connectivity.estimate import Estimate
from neurofit.connectivity.methods import infer
from neurofit.connectivity.population import Population, population_of
from neurofit.connectivity.scoring import score_connectivity
from neurofit.simulate.degradation import degrade
from neurofit.simulate.degradation_options import DegradationOptions
from neurofit.simulate.network import simulate_network
from neurofit.simulate.network_options import NetworkOptions
from neurofit_io import Connectivity, Recording, RecordingWarning, load, save

RESULTS = protocol.RESULTS / "connectivity.jsonl"
CACHE = Path(os.environ.get("NEUROFIT_BENCHMARK_CACHE", Path(tempfile.gettempdir()) / "neurofit-benchmarks"))
DATA = Path(os.environ.get("NEUROFIT_TEST_DATA", ""))

VOLTAGE: tuple[str, ...] = (
    "gls",
    "gls boxes",
    "gls psp",
    "lif-current",
    "lif-current nayebi2015",
    "sta-corrected",
    "sta",
)
SPIKES: tuple[str, ...] = ("linear-coupling", "glm", "correlogram", "partial-correlation")
OPTIONS: dict[str, dict[str, Any]] = {
    "gls boxes": {"basis": "boxes"}, "gls psp": {"basis": "psp"}, "lif-current nayebi2015": {"preset": "nayebi2015"},
    "gls fine": {"bin_ms": 0.2},
}  # fmt: skip
"""Methods with other options than the defaults, by the name of their rows."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """A recording and what is tried on it.

    Attributes:
        name: What the table calls it.
        methods: Methods, with their options as OPTIONS has them.
        network: Options of the simulation; empty for recordings that others made.
        duration_s: The part of it that is used, from its beginning; all of it when None.
        hurt: What is taken away from it.
        folder: Folder of a recording in NEUROFIT_TEST_DATA.
        floors: By method the AUC and AP asked for.
    """

    name: str
    methods: tuple[str, ...]
    network: Mapping[str, Any] = field(default_factory=dict)
    duration_s: float | None = None
    hurt: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""
    floors: Mapping[str, tuple[float, float]] = field(default_factory=dict)


MINUTE = {"neurons": 300, "duration_s": 60.0}
LARGE = {"neurons": 2022, "duration_s": 6.0}
FEW = ("gls", "gls fine", "lif-current", "sta-corrected")
SETTINGS = (
    Setting("300 cells, 60 s", (*VOLTAGE, "gls fine", *SPIKES), MINUTE,
            floors={"gls-dale": (0.93, 0.84), "linear-coupling": (0.68, 0.37)}),
    Setting("300 cells, 20 s", (*VOLTAGE, "linear-coupling"), MINUTE, 20.0),
    Setting("300 cells, 6 s", (*VOLTAGE, "gls fine", "linear-coupling"), MINUTE, 6.0,
            floors={"gls": (0.70, 0.41), "gls-dale": (0.75, 0.46)}),
    Setting("2022 cells, 6 s", ("gls", "gls psp", "lif-current", "lif-current nayebi2015", "sta-corrected", "sta",
                                "linear-coupling", "correlogram"), LARGE, floors={"gls": (0.59, 0.18)}),
    Setting("60 biophysical cells, 60 s", (*VOLTAGE, *SPIKES), folder="bionet_60cells_60s",
            floors={"gls": (0.83, 0.56)}),
    Setting("60 biophysical cells, 6 s", ("gls", "lif-current", "sta-corrected"), folder="bionet_60cells_60s",
            duration_s=6.0),
    Setting("300 SONATA integrate-and-fire cells, 3 s, spikes", SPIKES, folder="sonata_300_intfire"),
    Setting("300 cells, 20 s, half of the cells hidden", FEW, MINUTE, 20.0, {"hidden_cells": 0.5}),
    Setting("300 cells, 20 s, 1 mV noise", FEW, MINUTE, 20.0, {"measurement_noise_mv": 1.0}),
    Setting("300 cells, 20 s, 5 mV noise", FEW, MINUTE, 20.0, {"measurement_noise_mv": 5.0}),
    Setting("300 cells, 20 s, 1 kHz camera", ("gls", "lif-current", "sta-corrected"), MINUTE, 20.0,
            {"frame_rate_hz": 1000.0}),
    Setting("300 cells, 20 s, a tenth of the spikes missed", FEW, MINUTE, 20.0, {"missed_spikes": 0.1}),
    Setting("300 cells, 20 s, synchronous", (*FEW, "linear-coupling"),
            {"neurons": 300, "duration_s": 20.0, "regime": "synchronous"}),
    Setting("300 cells, 20 s, sparse", (*FEW, "linear-coupling"),
            {"neurons": 300, "duration_s": 20.0, "regime": "sparse"}),
)  # fmt: skip


def simulated(network: Mapping[str, Any], seed: int) -> Path:
    """The recording of a network, simulated unless it lies in the cache."""
    options = NetworkOptions(**network, seed=seed)
    words = "-".join(str(value) for value in network.values())
    path = CACHE / f"network-{words}-{seed}.h5"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as spool:
            recording = simulate_network(options, folder=Path(spool), signals=("vm",))
            save(recording, path, compress=False)
    return path


def recorded(setting: Setting, seed: int) -> Recording:
    """The recording of a setting."""
    if setting.folder:
        return load(DATA / setting.folder)
    recording = load(simulated(setting.network, seed))
    return degrade(recording, DegradationOptions(**setting.hurt), seed=seed) if setting.hurt else recording


def known_rows() -> dict[tuple[str, str, int], list[Row]]:
    """The latest rows by setting, arm and seed: an arm gives one a method, the Dale step another."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    return {(entry["setting"], entry["arm"], entry["seed"]): entry["rows"] for entry in map(json.loads, lines)}


def measured(
    setting: Setting, arm: str, seed: int, again: bool, opened: Callable[[], tuple[Population, Connectivity]]
) -> list[Row]:
    """Rows of a method on a recording, run unless they are there."""
    known = known_rows().get((setting.name, arm, seed))
    if known is not None and not again:
        return known
    (population, truth), average = opened(), os.getloadavg()[0]
    began, wall = time.process_time(), time.perf_counter()
    estimates = infer(population, arm.split()[0] if arm in OPTIONS else arm, **OPTIONS.get(arm, {}))
    cost, wall = time.process_time() - began, time.perf_counter() - wall
    ranked: dict[str, Estimate | NDArray[np.float64]] = {}
    for estimate in estimates:
        ranked[f"{arm}-dale" if estimate.method.endswith("-dale") else arm] = estimate
    if arm == "sta":
        # As the paper looked at it: the size of the peak itself.
        ranked = {"sta by size of peak": np.array(estimates[0].weight), **ranked}
    about = {"cpu_s": cost, "wall_s": wall, "notes_of_method": estimates[0].notes}
    rows = [
        {"method": name, **about, **score_connectivity(value, truth, cell_ids=population.cell_ids).as_row()}
        for name, value in ranked.items()
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as stream:
        entry = {"setting": setting.name, "arm": arm, "seed": seed, "rows": rows, "load": average}
        stream.write(json.dumps({**entry, **protocol.circumstances()}) + "\n")
    print(f"{setting.name}, {arm}, seed {seed}: AUC {rows[0]['auc']:.3f} AP {rows[0]['ap']:.3f}, {cost:.1f} CPU s",
          flush=True)  # fmt: skip
    return rows


def opened_once(setting: Setting, seed: int) -> tuple[Population, Connectivity]:
    """The cells of a setting, and the truth about them."""
    recording = recorded(setting, seed)
    assert recording.connectivity is not None
    population = population_of(recording)
    if setting.duration_s is not None:
        population = population.until(setting.duration_s)
    return population, recording.connectivity


def bench(setting: Setting, seeds: int, again: bool) -> list[list[Row]]:
    """Rows of every method over the seeds; none where the recording is one of others that is not there."""
    if setting.folder and not (DATA / setting.folder).is_dir():
        print(f"{setting.name}: not run, NEUROFIT_TEST_DATA has no {setting.folder}")
        return []
    table: dict[str, list[Row]] = {}
    for seed in range(1 if setting.folder else seeds):
        opened = functools.cache(functools.partial(opened_once, setting, seed))
        for arm in setting.methods:
            for row in measured(setting, arm, seed, again, opened):
                table.setdefault(row["method"], []).append(row)
    return list(table.values())


COLUMNS = {
    "AUC": "auc", "AP": "ap", "AP e": "ap_e", "AP i": "ap_i", "MCC": "mcc", "r": "r_weight",
    "r edges": "r_weight_edges", "sign": "sign_accuracy", "Dale": "dale_accuracy", "CPU s": "cpu_s",
}  # fmt: skip


def table(setting: Setting, rows: Sequence[Sequence[Row]]) -> Iterator[str]:
    """One setting as a Markdown table, chance and distance at its end."""
    yield f"| {setting.name} | {' | '.join(COLUMNS)} | floor |"
    yield "|" + "---|" * (len(COLUMNS) + 2)
    for each in rows:
        floor = setting.floors.get(each[0]["method"])
        said = "" if floor is None else f"{floor[0]:.2f} / {floor[1]:.2f}"
        yield f"| {each[0]['method']} | {' | '.join(_mean(each, name) for name in COLUMNS.values())} | {said} |"
    first = rows[0]
    if first[0]["ap_distance"] is not None:
        yield f"| distance alone | {_mean(first, 'auc_distance')} | {_mean(first, 'ap_distance')} |" + " |" * 9
    yield f"| chance | .500 | {_mean(first, 'ap_chance')} |" + " |" * 9
    yield (
        f"\nMeans over {len(first)} seed{'s' * (len(first) > 1)}; range of AP of {first[0]['method']}: "
        + " to ".join(f"{end(row['ap'] for row in first):.3f}" for end in (min, max))
    )


def _mean(rows: Sequence[Row], name: str) -> str:
    values = [row[name] for row in rows if row[name] is not None]
    if not values:
        return ""
    return f"{fmean(values):.1f}" if name == "cpu_s" else f"{fmean(values):.3f}".replace("0.", ".", 1)


def main(only: str = "", seeds: int = 3, again: bool = False) -> None:
    """Runs what has no row, and prints the tables.

    Args:
        only: Run only the settings whose names begin so.
        seeds: Seeds of every simulated network.
        again: Run again what has a row.
    """
    warnings.simplefilter("ignore", RecordingWarning)
    for setting in SETTINGS:
        if setting.name.startswith(only):
            rows = bench(setting, seeds, again)
            if rows:
                print("\n".join(table(setting, rows)), end="\n\n", flush=True)


if __name__ == "__main__":
    tyro.cli(main)

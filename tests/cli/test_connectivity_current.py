"""`neurofit connectivity current`: a driven network in; numbers beside chance and figures out, or what is missing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from neurofit.connectivity.synaptic_input import SynapticKernel, synaptic_input
from neurofit.estimators import pictures
from neurofit.estimators.connectivity_current_options import CurrentOptions
from neurofit_io import Connectivity, Provenance, Recording, save, signal_from_array, spikes_from_lists

CELLS, STEPS, RATE_HZ = 5, 16000, 4000.0


def driven() -> Recording:
    """Voltages that are the weighted input plus noise, with spike shapes pasted; the last cell has no input."""
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.uniform(0, STEPS / RATE_HZ, 40)) for _ in range(CELLS)]
    spikes = spikes_from_lists(trains, stop_s=STEPS / RATE_HZ)
    post, pre = np.nonzero(~np.eye(CELLS, dtype=bool)[: CELLS - 1])
    weights = np.where(pre == 2, -2.0, 1.0)
    truth = Connectivity("connectivity", post, pre, weights, np.arange(CELLS), np.arange(CELLS), "nS")
    more = {"kernel": SynapticKernel(), "rate_hz": RATE_HZ, "start_s": 0.0, "n_steps": STEPS}
    vm = -60 + 2 * synaptic_input(spikes, truth, **more) + rng.normal(0, 0.5, (STEPS, CELLS))
    for cell, train in enumerate(trains):
        for step in (train * RATE_HZ).astype(int):
            vm[step : step + 6, cell] = 20
    signal = signal_from_array(vm, name="vm", rate_hz=RATE_HZ, unit="mV")
    return Recording(Provenance(Path("memory"), "memory"), {"vm": signal}, {"spikes": spikes}, {"connectivity": truth})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network whole, without its weights, without its spikes, and without a voltage."""
    folder, whole = tmp_path_factory.mktemp("current"), driven()
    save(whole, folder / "whole.h5")
    save(dataclasses.replace(whole, connectivities={}), folder / "no_truth.h5")
    save(dataclasses.replace(whole, connectivities={}, spike_trains={}), folder / "no_spikes.h5")
    save(dataclasses.replace(whole, signals={}), folder / "no_vm.h5")
    return folder


@pytest.fixture(autouse=True)
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering takes as long as all the rest, and is tested with the figures."""
    monkeypatch.setattr(pictures.figures, "figure_png", lambda figure: b"drawn" if figure.axes else b"")


def test_numbers_figures_and_report(neurofit, folder):
    out = folder / "out"
    words = ("connectivity", "current", folder / "whole.h5", "--out", out)
    code, said, err = neurofit(*words, "--tau-ms", "3.5,20", "--cell", "1")
    assert (code, err) == (0, "")
    assert sorted(path.name for path in (out / "figures").iterdir()) == [
        "averaged_input.png", "current.png", "input.png",
    ]  # fmt: skip
    rows = json.loads((out / "scores.json").read_text())
    assert {(row["what"], row["of"], row["tau_ms"], row["blanked"]) for row in rows} == {
        (what, of, tau, blanked)
        for what, of, tau in (
            ("input", "vm", None), ("averaged input", "vm", None), ("input", "current", 3.5), ("input", "current", 20.0)
        )
        for blanked in (False, True)
    }  # fmt: skip
    found = {(row["what"], row["tau_ms"], row["blanked"]): row for row in rows}
    blanked, raw = found["input", None, True], found["input", None, False]
    assert blanked["r"] > 0.7 > raw["r"]
    assert blanked["r"] > 3 * blanked["chance_r"]
    assert blanked["best_lag_ms"] == 0
    assert (blanked["n_cells"], blanked["cells_above_chance"]) == (4, 1.0)
    assert blanked["cells"]["r"][4] is None
    assert blanked["r"] == pytest.approx(np.median(blanked["cells"]["r"][:4]))
    assert "itself" in said
    assert f"report: {out / 'report.html'}" in said
    assert json.loads((out / "config.json").read_text())["options"]["tau_ms"] == [3.5, 20.0]


@pytest.mark.parametrize(
    ("file", "note"),
    [("no_truth.h5", "no true weights in the recording"), ("no_spikes.h5", "no spikes in the recording")],
)
def test_what_is_missing_is_one_line_and_the_rest_is_done(neurofit, folder, tmp_path, file, note):
    words = ("connectivity", "current", folder / file, "--out", tmp_path / "out")
    code, said, err = neurofit(*words)
    assert (code, err) == (0, "")
    assert next(line for line in said.splitlines() if line.startswith("note: ")).startswith(f"note: {note}")
    assert [path.name for path in (tmp_path / "out" / "figures").iterdir()] == ["current.png"]
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == []
    refused = neurofit(*words)
    assert refused.code == 1
    assert str(tmp_path / "out") in refused.err
    assert neurofit(*words, "--overwrite", "--tau-ms=10").code == 0


@pytest.mark.parametrize(
    ("file", "words", "message"),
    [
        ("no_vm.h5", (), "0 voltages (none); expected one signal of kind vm"),
        ("whole.h5", ("--cell", "9"), "--cell 9; expected 0 to 4"),
        ("whole.h5", ("--tau-ms", "0"), "--tau-ms 0.0; expected times above 0"),
        ("whole.h5", ("--kernel-tau-ms", "-1"), "a kernel of -1 ms"),
        ("whole.h5", ("--kernel", "difference", "--kernel-rise-ms", "9"), "rises in 9 ms and decays in 4 ms"),
        ("whole.h5", ("--window-ms", "nan"), "--window-ms nan"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(neurofit, folder, tmp_path, file, words, message):
    code, _, err = neurofit("connectivity", "current", folder / file, "--out", tmp_path / "out", *words)
    assert code == 1
    assert len(err.splitlines()) == 1
    assert message in err
    assert not (tmp_path / "out").exists()


def test_help_names_every_option(neurofit):
    said = neurofit("connectivity", "current", "--help").out
    assert all(f"--{f.name.replace('_', '-')}" in said for f in dataclasses.fields(CurrentOptions))

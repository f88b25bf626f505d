"""`describe` and its text, against recordings whose content is known."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from neurofit_io import (
    Clock,
    Connectivity,
    Recording,
    RecordingWarning,
    Signal,
    Trials,
    describing,
    load,
    signal_from_array,
)
from neurofit_io.describing import describe, describe_text, nan_share, table
from neurofit_io.recording import Provenance
from neurofit_io.sources import array_source
from neurofit_io.spikes import spikes_from_lists

RNG = np.random.default_rng(5)


@pytest.fixture
def everything() -> Recording:
    values = np.full((400, 3), -65.0, np.float32)
    values[:40, 0] = np.nan
    times = np.concatenate([np.arange(200), 1000 + np.arange(200)]) / 1000
    lfp = Signal(
        "lfp", "lfp", "uV", array_source(np.zeros((400, 2), np.int16)), Clock(400, None, 0.0, array_source(times))
    )
    connections = Connectivity(
        "connectivity", np.array([0, 1, 1]), np.array([1, 2, 2]), np.array([0.5, -1.0, -1.0]), np.arange(3),
        np.arange(3), "uS", pre_types=np.array(["e", "e", "i"]),
    )  # fmt: skip
    return Recording(
        Provenance(Path("session.h5"), "neurofit", (Path("session.h5"),), notes=("eye tracking not read",)),
        {"vm": signal_from_array(values, name="vm", rate_hz=1000.0, unit="mV"), "lfp": lfp},
        {"spikes": spikes_from_lists([[0.1, 0.2], [], [0.3]], stop_s=0.5)},
        {"connectivity": connections},
        {"trials": Trials("trials", np.array([0.0, 0.2]), np.array([0.1, np.nan]), {"choice": np.array(["l", "r"])})},
    )


def test_says_what_is_there(everything: Recording) -> None:
    said = describe(everything)
    vm, lfp = said["signals"]
    assert vm["shape"] == [400, 3]
    assert (vm["rate_hz"], vm["start_s"], vm["duration_s"], vm["unit"]) == (1000.0, 0.0, 0.4, "mV")
    assert (vm["nan_share"], vm["nan_sampled"]) == (40 / 1200, False)
    assert vm["option"] == "--signal vm"
    assert lfp["gaps"] == 1
    assert lfp["rate_hz"] == pytest.approx(1000)
    (spikes,) = said["spikes"]
    assert (spikes["units"], spikes["spikes"], spikes["silent_units"], spikes["mean_rate_hz"]) == (3, 3, 1, 2.0)
    assert spikes["option"] == "--signal spikes --bin-ms 20"
    (trials,) = said["intervals"]
    assert (trials["count"], trials["median_s"], trials["columns"]) == (2, 0.1, ["choice"])
    (connectivity,) = said["connectivity"]
    assert (connectivity["connected_pairs"], connectivity["possible_pairs"], connectivity["rows"]) == (2, 6, 3)
    assert (connectivity["positive"], connectivity["negative"], connectivity["inhibitory_cells"]) == (1, 2, 1)
    assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_text_is_aligned_and_names_options(everything: Recording) -> None:
    text = describe_text(describe(everything))
    vm, lfp = (next(line for line in text.splitlines() if line.startswith(f"  {name} ")) for name in ("vm", "lfp"))
    assert vm.index("--signal vm") == lfp.index("--signal lfp")
    for words in (
        "session.h5: neurofit, 1 file", "400 x 3", "1000 Hz", "NaN 3.333%", "1 gap ", "--signal spikes --bin-ms 20",
        "2 of 6 pairs", "1 positive, 2 negative", "eye tracking not read", "1 silent",
    ):  # fmt: skip
        assert words in text


def test_signals_without_a_usable_clock_are_still_listed() -> None:
    back = Clock(3, None, 0.0, array_source(np.array([0.0, 0.2, 0.1])))
    odd = Signal("odd", "other", "", array_source(np.zeros((3, 1))), back)
    unknown = signal_from_array(np.zeros((3, 1)), name="unknown", rate_hz=None)
    said = describe(Recording(Provenance(Path("x"), "memory"), {"odd": odd, "unknown": unknown}))
    assert "do not increase" in said["signals"][0]["problem"]
    assert said["signals"][1]["problem"] == "no sampling rate"
    text = describe_text(said)
    assert "do not increase" in text
    assert "no sampling rate" in text


def test_nan_share_is_sampled_when_large(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.zeros((50_000, 2), np.float32)
    values[RNG.random(values.shape) < 0.25] = np.nan
    signal = signal_from_array(values, name="vm", rate_hz=1000.0)
    exact = float(np.isnan(values).mean())
    assert nan_share(signal) == (exact, False)
    monkeypatch.setattr(describing, "EXACT_BYTES", 1000)
    monkeypatch.setattr(describing, "SAMPLED_BYTES", 8000)
    share, sampled = nan_share(signal)
    assert sampled
    assert share == pytest.approx(exact, abs=0.02)
    text = describe_text(describe(Recording(Provenance(Path("x"), "memory"), {"vm": signal})))
    assert "NaN about 2" in text


def test_nothing_and_whole_numbers() -> None:
    assert "nothing that can be read" in describe_text(describe(Recording(Provenance(Path("x"), "memory"))))
    assert nan_share(signal_from_array(np.zeros((3, 2), np.int16), name="a", rate_hz=1.0)) == (0.0, False)


def test_signals_are_listed_by_kind_and_spikes_of_the_recorded_cells_first() -> None:
    kinds = ("stimulus", "deconvolved", "dff", "fluorescence", "calcium", "lfp", "extracellular", "vm")
    signals = {kind: signal_from_array(np.zeros((3, 1)), name=kind, rate_hz=1.0) for kind in kinds}
    trains = {name: spikes_from_lists([[0.1]], stop_s=0.5, name=name) for name in ("spikes_input", "spikes")}
    said = describe(Recording(Provenance(Path("x"), "memory"), signals, trains))
    assert [s["name"] for s in said["signals"]] == [*reversed(kinds[1:]), "stimulus"]
    assert [s["name"] for s in said["spikes"]] == ["spikes", "spikes_input"]


def test_self_connections_are_no_pairs_but_are_counted() -> None:
    """Cell 0 connects to itself twice, cell 1 only through a weight that nobody knows."""
    own = Connectivity(
        "connectivity", np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), np.array([1.0, 2.0, np.nan, 3.0]), np.arange(2),
        np.arange(2),
    )  # fmt: skip
    said = describe(Recording(Provenance(Path("x"), "memory"), connectivities={"connectivity": own}))
    (entry,) = said["connectivity"]
    assert (entry["connected_pairs"], entry["possible_pairs"], entry["self_connected_cells"]) == (1, 2, 1)
    assert "1 of 2 pairs" in describe_text(said)
    assert "1 cell to itself" in describe_text(said)


def test_table() -> None:
    assert table([["a", "bbb", ""], ["cc", "d", "e"]]) == "  a   bbb\n  cc  d    e"


def test_a_real_simulation(shared_data: Path) -> None:
    with pytest.warns(RecordingWarning, match="units attribute"):
        said = describe(load(shared_data / "bionet_60cells"))
    assert {"vm", "calcium", "extracellular"} <= {s["name"] for s in said["signals"]}
    assert all(s["shape"] == [20000, 60] and s["rate_hz"] == pytest.approx(10000) for s in said["signals"])
    spikes = next(s for s in said["spikes"] if s["name"] == "spikes")
    assert (spikes["spikes"], spikes["units"], spikes["silent_units"]) == (1603, 60, 10)
    connectivity = next(c for c in said["connectivity"] if c["name"] == "connectivity")
    assert (connectivity["connected_pairs"], connectivity["possible_pairs"]) == (414, 3540)
    assert connectivity["negative"] > 0
    json.dumps(said, allow_nan=False)


def test_options_can_be_pasted_and_columns_are_named() -> None:
    named = signal_from_array(
        np.zeros((3, 2)), name="my position (cm)", rate_hz=1.0, metadata={"channel_columns": {"accepted": [1, 0]}}
    )
    spikes = spikes_from_lists([[0.1]], stop_s=0.5, name="unit's", columns={"snr": np.ones(1)})
    said = describe(Recording(Provenance(Path("x"), "memory"), {named.name: named}, {spikes.name: spikes}))
    assert shlex.split(said["signals"][0]["option"]) == ["--signal", "my position (cm)"]
    assert shlex.split(said["spikes"][0]["option"]) == ["--signal", "unit's", "--bin-ms", "20"]
    text = describe_text(said)
    assert "--units by accepted" in text
    assert "--units by snr" in text
    assert "1 unit  1 spike  " in text

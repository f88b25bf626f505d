"""A small recording in which every field of every part is filled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurofit_io.clock import Clock, Segment
from neurofit_io.connectivity import Connectivity
from neurofit_io.recording import Provenance, Recording
from neurofit_io.signals import Signal, signal_from_array
from neurofit_io.sources import array_source
from neurofit_io.spikes import Spikes, spikes_from_lists
from neurofit_io.trials import Trials


def every_field_recording() -> Recording:
    """Signals with a rate, timestamps and sweeps; two sets of spikes; connectivity; three tables of intervals."""
    rng = np.random.default_rng(7)
    signals = [_potentials(rng), _calcium(rng), _lfp(rng), _sweeps(rng), _speed(rng)]
    intervals = [
        Trials(
            "trials", np.array([0.1, 0.3]), np.array([0.2, np.nan]),
            {
                "choice": np.array(["left", "right"]), "correct": np.array([True, False]),
                "cue": np.arange(4.0).reshape(2, 2),
            },
        ),
        Trials("epochs", np.array([0.0]), np.array([0.5]), {"tags": np.array(["wake"])}),
        Trials("light/on", np.array([0.25]), np.array([0.26]), {"id": np.array([3])}),
    ]  # fmt: skip
    trains = [_spikes(rng), spikes_from_lists([[], [0.1, 0.2]], name="spikes_external", stop_s=0.5)]
    tables = [_connectivity(), _connectivity_from_outside()]
    return Recording(
        Provenance(
            Path("somewhere/simulation"), "sonata",
            metadata={"subject": {"age": "P20D"}, "seed": 3, "licence": "BSD-3"}, notes=("nothing was skipped",),
        ),
        {s.name: s for s in signals}, {s.name: s for s in trains}, {c.name: c for c in tables},
        {t.name: t for t in intervals},
    )  # fmt: skip


def _potentials(rng: np.random.Generator) -> Signal:
    values = rng.normal(-65, 5, (5000, 3)).astype(np.float32)
    values[100:200, 1] = np.nan
    return signal_from_array(
        values, name="vm", unit="mV", rate_hz=10000.0, start_s=0.25, channel_ids=np.array([7, 11, 300]),
        positions_um=rng.normal(0, 100, (3, 3)), metadata={"layer": [4, 4, 5], "path": "a/b"},
    )  # fmt: skip


def _calcium(rng: np.random.Generator) -> Signal:
    """Frames with timestamps and a pause of one second."""
    values = array_source(rng.gamma(2, 1e-4, (200, 4)), np.float32)
    times = np.arange(200) / 30.0 + (np.arange(200) >= 90)
    return Signal("calcium", "calcium", "mM", values, Clock(200, None, 0.0, array_source(times)))


def _lfp(rng: np.random.Generator) -> Signal:
    """Integers with a gain and an offset per channel."""
    values = array_source(rng.integers(-2000, 2000, (300, 2)), np.int16)
    return Signal(
        "lfp", "lfp", "uV", values, Clock(300, 1000.0), np.array([0.195, 0.39]), np.array([1.0, -2.0]),
        np.array(["Cz", "Fz"]), np.array([[0.0, 10.0, np.nan], [0.0, 20.0, 1.0]]),
    )  # fmt: skip


def _sweeps(rng: np.random.Generator) -> Signal:
    """One cell in three sweeps of unequal length, the first two of which start at the same time."""
    values = array_source(rng.normal(-70, 1, 600), np.float32)
    sweeps = (Segment(0, 100, 0.0), Segment(100, 350, 0.0), Segment(350, 600, 2.0))
    return Signal("vm_cell2", "vm", "mV", values, Clock(600, 20000.0, 0.0, None, sweeps), channel_ids=np.array(["c2"]))


def _speed(rng: np.random.Generator) -> Signal:
    return signal_from_array(rng.random(400), name="running/speed", unit="", rate_hz=59.94, kind="other")


def _spikes(rng: np.random.Generator) -> Spikes:
    trains = [np.sort(rng.uniform(0, 0.5, n)) for n in (40, 0, 25)]
    return spikes_from_lists(
        trains, stop_s=0.5, unit_ids=np.array(["a", "b", "c"]), positions_um=rng.normal(size=(3, 3)),
        observed_s=(np.array([[0.0, 0.5]]), np.array([[0.0, 0.2], [0.3, 0.5]]), np.empty((0, 2))),
        columns={"quality": np.array(["good", "mua", "good"]), "snr": np.array([4.5, np.nan, 2.0]), "id": np.arange(3)},
        metadata={"sorter": "none"},
    )  # fmt: skip


def _connectivity() -> Connectivity:
    positions = np.arange(9.0).reshape(3, 3)
    return Connectivity(
        "connectivity", np.array([0, 0, 2]), np.array([1, 1, 0]), np.array([0.5, 0.25, -1.0]), np.array([7, 11, 300]),
        np.array([7, 11, 300]), "uS", np.array([1.1, 1.3, 0.7]), np.array(["i", "e", ""]), np.array(["i", "e", ""]),
        positions, positions, {"model": "Exp2Syn"},
    )  # fmt: skip


def _connectivity_from_outside() -> Connectivity:
    return Connectivity(
        "connectivity_external", np.array([2, 1]), np.array([0, 1]), np.array([0.5, np.nan]), np.array([7, 11, 300]),
        np.array(["x", "y"]), pre_types=np.array(["e", "e"]),
    )  # fmt: skip

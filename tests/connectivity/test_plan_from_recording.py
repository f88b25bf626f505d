"""What a plan takes from a recording: rates, noise away from spikes, density and types; and what it needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurofit.connectivity.plan_from_recording import noise_mv, plan_of_recording
from neurofit.connectivity.plan_options import PlanOptions
from neurofit_io import (
    Provenance,
    Recording,
    RecordingError,
    connectivity_from_matrix,
    signal_from_array,
    spikes_from_lists,
)

IDS = np.arange(6)
NOISE = np.array([1.0, 2, 3, 3, 4, 50])


def recording(with_vm: bool = True, **more) -> Recording:
    """Six cells for 4 s at 1 kHz, noise of known sd around -60 mV, spikes of 100 mV; the last cell never fires."""
    rng = np.random.default_rng(0)
    lists = [np.sort(rng.uniform(0, 4, n)) for n in (10, 20, 40, 20, 30, 0)]
    values = -60 + NOISE * rng.standard_normal((4000, 6))
    for cell, times in enumerate(lists):
        steps = np.floor(times * 1000).astype(int)
        values[steps, cell] += 100
    spikes = spikes_from_lists(lists, start_s=0.0, stop_s=4.0, unit_ids=IDS)
    vm = signal_from_array(values.astype(np.float32), name="vm", rate_hz=1000.0, unit="mV", channel_ids=IDS)
    signals = {"vm": vm} if with_vm else {}
    return Recording(Provenance(Path("made"), "memory"), signals, {"spikes": spikes}, **more)


def test_everything_the_recording_knows() -> None:
    matrix = np.zeros((6, 6))
    matrix[0, 1], matrix[1, 0], matrix[2, 3] = 1, -1, 2
    truth = connectivity_from_matrix(matrix, orientation="post_pre", post_ids=IDS,
                                     pre_types=np.array(["e", "i", "e", "e", "", "e"]))  # fmt: skip
    options, notes = plan_of_recording(recording(connectivities={"connectivity": truth}), PlanOptions(epsp_mv=7.0))
    assert (options.neurons, options.epsp_mv, options.sample_ms) == (6, 7.0, 1.0)
    assert options.rate_hz == pytest.approx(120 / 6 / 4)
    assert options.rate_spread == pytest.approx(np.log([10, 20, 40, 20, 30]).std())
    assert options.noise_mv == pytest.approx(3, rel=0.05)
    assert (options.density, options.excitatory_share) == (pytest.approx(3 / 30), 4 / 5)
    assert len(notes) == 4


def test_noise_by_hand() -> None:
    made = recording()
    vm, spikes = made.signals["vm"], made.spikes
    values = vm.read().astype(float)
    for cell in range(6):
        steps = np.floor(spikes.times_of(cell) * 1000 + 1e-6).astype(int)
        for step in steps:
            values[step : step + 3, cell] = np.nan
    noise, seconds = noise_mv(vm, spikes)
    assert noise == pytest.approx(np.median(np.nanstd(values, axis=0)), rel=1e-6)
    assert seconds == 4


def test_without_voltages_their_noise_is_assumed() -> None:
    options, notes = plan_of_recording(recording(with_vm=False))
    assert (options.noise_mv, options.density, options.neurons) == (PlanOptions().noise_mv, PlanOptions().density, 6)
    assert "no Vm: its noise and its samples are assumed" in notes


def test_without_spikes_there_is_no_plan() -> None:
    with pytest.raises(RecordingError, match="made: no spikes; expected spikes, to know the rates"):
        plan_of_recording(Recording(Provenance(Path("made"), "memory")))
    silent = spikes_from_lists([[], [0.5], []], start_s=0.0, stop_s=1.0)
    with pytest.raises(RecordingError, match="1 of 3 cells fire"):
        plan_of_recording(Recording(Provenance(Path("made"), "memory"), {}, {"spikes": silent}))

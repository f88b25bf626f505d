"""Damage: each kind does what it says and no more, and is the same however the recording is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest

from neurofit.simulate.degradation import degrade
from neurofit.simulate.degradation_options import DegradationOptions
from neurofit.simulate.spike_errors import nearest
from neurofit_io import (
    Clock,
    Connectivity,
    Provenance,
    Recording,
    RecordingError,
    Segment,
    Signal,
    Spikes,
    Trials,
    connectivity_from_matrix,
    signal_from_array,
)
from neurofit_io.comparing import differences
from neurofit_io.sources import ArraySource
from neurofit_io.spikes import sorted_spikes

N, STEPS, RATE_HZ = 40, 5000, 1000.0


def made(*, positions: bool = True) -> Recording:
    rng = np.random.default_rng(0)
    ids = 100 + np.arange(N)
    places = rng.uniform(0, 300, (N, 3))
    weight = rng.standard_normal((N, N)) * (rng.random((N, N)) < 0.2)
    spikes = sorted_spikes(
        rng.uniform(0, STEPS / RATE_HZ, 20_000), rng.integers(0, N, 20_000), name="spikes", unit_ids=ids, start_s=0.0,
        stop_s=STEPS / RATE_HZ, positions_um=places if positions else None, columns={"area": np.repeat(["a", "b"], 20)},
        observed_s=tuple(np.array([[0.0, 5.0 - k / 100]]) for k in range(N)),
    )  # fmt: skip
    vm = signal_from_array(rng.normal(-60, 5, (STEPS, N)), name="vm", rate_hz=RATE_HZ, unit="mV", channel_ids=ids)
    lfp = signal_from_array(rng.standard_normal((STEPS, N)), name="lfp", rate_hz=RATE_HZ, unit="uV")
    slow = signal_from_array(rng.standard_normal((50, 3)), name="pupil", rate_hz=10.0, kind="other")
    truth = connectivity_from_matrix(
        weight, orientation="post_pre", post_ids=ids, pre_types=np.repeat(["e", "i"], [30, 10]),
        post_types=np.repeat(["e", "i"], [30, 10]), post_positions_um=places,
    )  # fmt: skip
    signals = {each.name: each for each in (vm, lfp, slow)}
    trials = Trials("trials", np.array([0.0]), np.array([1.0]))
    return Recording(
        Provenance(Path("made"), "memory", notes=("made up",)), signals, {"spikes": spikes}, {"connectivity": truth},
        {"trials": trials},
    )  # fmt: skip


def parts(recording: Recording) -> tuple[Signal, Spikes, Connectivity]:
    assert recording.spikes is not None
    assert recording.connectivity is not None
    return recording.signals["vm"], recording.spikes, recording.connectivity


def test_nothing_is_done_unless_asked() -> None:
    recording = made()
    assert degrade(recording) is recording
    assert degrade(recording, DegradationOptions()) is recording


def test_hidden_cells_leave_signals_spikes_and_truth() -> None:
    whole = made()
    vm, spikes, truth = parts(whole)
    part = degrade(whole, DegradationOptions(hidden_cells=0.3), seed=1)
    seen_vm, seen_spikes, seen_truth = parts(part)
    kept = np.flatnonzero(np.isin(vm.channel_ids, seen_vm.channel_ids))
    assert len(kept) == 28
    np.testing.assert_array_equal(seen_vm.read(), vm.read()[:, kept])
    np.testing.assert_array_equal(seen_vm.read(3, 9, [5, 0]), vm.read(3, 9, kept[[5, 0]]))
    np.testing.assert_array_equal(seen_spikes.unit_ids, spikes.unit_ids[kept])
    for unit, cell in enumerate(kept):
        np.testing.assert_array_equal(seen_spikes.times_of(unit), spikes.times_of(int(cell)))
    assert seen_spikes.positions_um is not None
    assert spikes.positions_um is not None
    assert seen_spikes.observed_s is not None
    assert spikes.observed_s is not None
    np.testing.assert_array_equal(seen_spikes.positions_um, spikes.positions_um[kept])
    np.testing.assert_array_equal(seen_spikes.columns["area"], spikes.columns["area"][kept])
    np.testing.assert_array_equal(seen_spikes.observed_s[-1], spikes.observed_s[kept[-1]])
    np.testing.assert_array_equal(seen_truth.weight, truth.weight[np.ix_(kept, kept)])
    assert seen_truth.recurrent
    assert seen_truth.pre_types is not None
    assert truth.pre_types is not None
    np.testing.assert_array_equal(seen_truth.pre_types, truth.pre_types[kept])
    # Electrodes that are not the cells', and what has nothing to do with cells, stay.
    assert part.signals["lfp"] is whole.signals["lfp"]
    assert part.signals["pupil"] is whole.signals["pupil"]
    assert part.intervals is whole.intervals
    assert part.provenance.notes == ("made up", "12 of 40 cells are hidden")
    assert part.provenance.metadata["degradation"]["hidden_cells"] == 0.3


def test_hidden_cells_differ_by_seed_and_one_is_left() -> None:
    whole, some = made(), DegradationOptions(hidden_cells=0.3)
    assert differences(degrade(whole, some, seed=1), degrade(whole, some, seed=1)) == []
    assert differences(degrade(whole, some, seed=1), degrade(whole, some, seed=2))
    with pytest.raises(RecordingError, match="40 of 40 cells hidden"):
        degrade(whole, DegradationOptions(hidden_cells=0.999))
    with pytest.raises(RecordingError, match="no connectivity, spikes or vm"):
        degrade(Recording(Provenance(Path("x"), "memory")), some)


def test_cells_of_another_population_stay() -> None:
    whole = made()
    ids = 100 + np.arange(N)
    outside = Connectivity(
        "inputs", np.arange(N), np.zeros(N, np.int64), np.ones(N), ids, ids[:1], metadata={"pre_population": "outside"}
    )
    recording = Recording(
        whole.provenance, whole.signals, {**whole.spike_trains, "spikes_outside": parts(whole)[1]},
        {**whole.connectivities, "inputs": outside},
    )  # fmt: skip
    part = degrade(recording, DegradationOptions(hidden_cells=0.5))
    assert part.spike_trains["spikes_outside"] is recording.spike_trains["spikes_outside"]
    assert part.connectivities["inputs"].shape == (20, 1)
    np.testing.assert_array_equal(part.connectivities["inputs"].post_ids, parts(part)[2].post_ids)


def test_frames_are_means() -> None:
    whole = made()
    part = degrade(whole, DegradationOptions(frame_rate_hz=125.0))
    vm, seen = whole.signals["vm"], part.signals["vm"]
    expected = vm.read().astype(np.float64).reshape(-1, 8, N).mean(axis=1)
    np.testing.assert_allclose(seen.read(), expected, rtol=1e-6)
    assert (seen.rate_hz, seen.start_s, seen.shape) == (125.0, 0.0, (625, N))
    for start, stop in ((0, 1), (7, 300), (624, 625), (5, 5)):
        np.testing.assert_array_equal(seen.read(start, stop), seen.read()[start:stop])
    np.testing.assert_array_equal(seen.read(3, 40, [4]), seen.read()[3:40, [4]])
    assert part.signals["pupil"] is whole.signals["pupil"]
    assert part.spikes is whole.spikes


def test_frames_never_span_a_jump_in_time() -> None:
    values = np.arange(25.0)[:, None] + np.array([0.0, 100.0])
    clock = Clock(25, 10.0, 1.0, sweeps=(Segment(0, 11, 1.0), Segment(11, 13, 5.0), Segment(13, 25, 9.0)))
    signal = Signal("vm", "vm", "mV", ArraySource(values), clock, gain=2.0, offset=1.0)
    recording = Recording(Provenance(Path("x"), "memory"), {"vm": signal})
    seen = degrade(recording, DegradationOptions(frame_rate_hz=2.5)).signals["vm"]
    firsts = np.array([0, 4, 13, 17, 21])
    np.testing.assert_allclose(seen.read(), 2 * (values[firsts] + 1.5) + 1)
    assert seen.segments == (Segment(0, 2, 1.0), Segment(2, 5, 9.0))
    np.testing.assert_array_equal(seen.read(1, 4), seen.read()[1:4])


def test_frame_rates_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RecordingError, match=r"3.33333 samples of 1000 Hz in a frame; .* --frame-rate-hz 333.3333"):
        degrade(made(), DegradationOptions(frame_rate_hz=300.0))
    assert degrade(made(), DegradationOptions(frame_rate_hz=333.3333)).signals["vm"].shape == (1666, N)
    with pytest.raises(RecordingError, match="lasts no frame"):
        degrade(made(), DegradationOptions(frame_rate_hz=0.1))
    uneven = signal_from_array(np.zeros((9, 1)), name="vm", rate_hz=None)
    with pytest.raises(RecordingError, match="not sampled evenly"):
        degrade(Recording(Provenance(Path("x"), "memory"), {"vm": uneven}), DegradationOptions(frame_rate_hz=1.0))


def test_noise_is_white_of_the_size_asked_for_and_on_vm_alone() -> None:
    whole = made()
    part = degrade(whole, DegradationOptions(measurement_noise_mv=2.0), seed=3)
    noise = part.signals["vm"].read().astype(np.float64) - whole.signals["vm"].read()
    assert kstest(noise[:, ::4].ravel() / 2.0, "norm").pvalue > 1e-3
    bound = 5 / np.sqrt(noise.size)
    assert abs((noise[1:] * noise[:-1]).mean() / 4) < bound
    assert abs((noise[:, 1:] * noise[:, :-1]).mean() / 4) < bound
    assert abs((noise[1024:2048] * noise[:1024]).mean() / 4) < 2.5 * bound
    assert part.signals["lfp"] is whole.signals["lfp"]
    other = degrade(whole, DegradationOptions(measurement_noise_mv=2.0), seed=4).signals["vm"].read()
    assert not np.array_equal(other, part.signals["vm"].read())
    with pytest.raises(RecordingError, match="no vm"):
        degrade(
            Recording(whole.provenance, spike_trains=whole.spike_trains), DegradationOptions(measurement_noise_mv=1)
        )


def test_all_damage_reads_alike_in_any_slab() -> None:
    options = DegradationOptions(
        hidden_cells=0.2, measurement_noise_mv=1.0, frame_rate_hz=500.0, missed_spikes=0.1, misattributed_spikes=0.1
    )
    seen = degrade(made(), options, seed=5).signals["vm"]
    whole = seen.read()
    for size in (1, 7, 1024, 1500):
        for start in range(0, 2500, max(size, 311)):
            stop = min(start + size, 2500)
            np.testing.assert_array_equal(seen.read(start, stop), whole[start:stop])
    np.testing.assert_array_equal(seen.read(1000, 1100, [31, 0, 7]), whole[1000:1100][:, [31, 0, 7]])
    assert differences(degrade(made(), options, seed=5), degrade(made(), options, seed=5)) == []


def test_missed_spikes_are_missing_at_random() -> None:
    whole = made()
    part = degrade(whole, DegradationOptions(missed_spikes=0.25))
    before, after = parts(whole)[1], parts(part)[1]
    assert after.n_spikes == pytest.approx(15_000, abs=5 * np.sqrt(20_000 * 0.25 * 0.75))
    left = set(zip(after.times_s.tolist(), after.units.tolist(), strict=True))
    assert left < set(zip(before.times_s.tolist(), before.units.tolist(), strict=True))
    lost = 1 - after.per_unit() / before.per_unit()
    assert lost.std() < 3 * np.sqrt(0.25 * 0.75 / 500)
    assert part.provenance.notes[-1] == f"{20_000 - after.n_spikes} of 20000 spikes are missed"


@pytest.mark.parametrize("positions", [True, False])
def test_mistaken_spikes_go_to_another_cell(positions: bool) -> None:
    whole = made(positions=positions)
    before, after = parts(whole)[1], parts(degrade(whole, DegradationOptions(misattributed_spikes=0.2)))[1]
    np.testing.assert_array_equal(after.times_s, before.times_s)
    moved = after.units != before.units
    assert moved.sum() == pytest.approx(4000, abs=5 * np.sqrt(20_000 * 0.2 * 0.8))
    taken = set(zip(before.units[moved].tolist(), after.units[moved].tolist(), strict=True))
    if positions:
        assert before.positions_um is not None
        gaps = np.linalg.norm(before.positions_um[:, None] - before.positions_um, axis=2)
        np.fill_diagonal(gaps, np.inf)
        assert taken == set(enumerate(gaps.argmin(axis=1).tolist()))
    else:
        assert len(taken) > 0.8 * N * (N - 1)


def test_cells_in_one_place_are_nearest_to_each_other() -> None:
    found = nearest(np.array([[1.0, 0, 0], [1, 0, 0], [50, 0, 0]]))
    assert found[:2].tolist() == [1, 0]
    assert found[2] in (0, 1)


def test_wrong_spikes_want_spikes() -> None:
    whole = made()
    silent = Recording(whole.provenance, whole.signals)
    with pytest.raises(RecordingError, match="no spikes"):
        degrade(silent, DegradationOptions(missed_spikes=0.1))
    alone = sorted_spikes(np.ones(3), np.zeros(3, int), name="spikes", unit_ids=np.arange(1), start_s=0, stop_s=2)
    with pytest.raises(RecordingError, match="1 unit; expected two"):
        degrade(
            Recording(whole.provenance, spike_trains={"spikes": alone}), DegradationOptions(misattributed_spikes=0.1)
        )


@pytest.mark.parametrize(("name", "value"), [("hidden_cells", 1.0), ("missed_spikes", -0.1), ("frame_rate_hz", 0.0),
                                             ("measurement_noise_mv", float("nan"))])  # fmt: skip
def test_options_that_make_no_sense(name: str, value: float) -> None:
    with pytest.raises(RecordingError, match=f"--{name.replace('_', '-')} {value:g}"):
        DegradationOptions(**{name: value})

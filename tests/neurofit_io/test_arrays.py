"""What every anonymous array goes through: time axis, rate, unit, trials, spikes, connectivity."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurofit_io import LoadOptions, RecordingError, RecordingWarning
from neurofit_io.arrays import NamedArray, oriented, recording_of_arrays
from neurofit_io.recording import Recording
from neurofit_io.sweeps import Hdf5Array, SweepSource
from neurofit_io.timing import is_time_vector, time_vector

FILE = Path("file.x")
VALUES = np.random.default_rng(0).normal(size=(40, 3))


def recording(arrays: dict[str, Any], **options: Any) -> Recording:
    named = [NamedArray(name, np.asarray(values), FILE) for name, values in arrays.items()]
    return recording_of_arrays(named, FILE, LoadOptions(**options), format="test")


def test_vector_is_one_channel() -> None:
    for values in (VALUES[:, 0], VALUES[:, :1], VALUES[:, :1].T):
        signal = recording({"x": values}, rate_hz=10).signal()
        assert signal.shape == (40, 1)
        np.testing.assert_array_equal(signal.read()[:, 0], VALUES[:, 0].astype(np.float32))


def test_time_axis_of_a_table_is_asked_for() -> None:
    with pytest.raises(RecordingError, match=r"x: shape \(3, 40\); .*--time-axis 0 for 3 steps, --time-axis 1 for 40"):
        recording({"x": VALUES.T}, rate_hz=10)
    np.testing.assert_array_equal(
        recording({"x": VALUES.T}, rate_hz=10, time_axis=1).signal().read(), VALUES.astype(np.float32)
    )


def test_time_vector_tells_axis_rate_and_start() -> None:
    got = recording({"x": VALUES.T, "t": 5 + np.arange(40) / 250})
    assert got.signal().shape == (40, 3)
    assert got.signal().rate_hz == pytest.approx(250)
    assert got.signal().start_s == 5
    assert "times of t taken in s" in got.provenance.notes


def test_square_table_with_time_vector_is_still_asked_for() -> None:
    with pytest.raises(RecordingError, match="--time-axis"):
        recording({"x": np.ones((40, 40)), "t": np.arange(40) / 250})


def test_time_in_ms_by_name() -> None:
    signal = recording({"x": VALUES, "time_ms": 100 + 0.1 * np.arange(40)}).signal()
    assert signal.rate_hz == pytest.approx(10000)
    assert signal.start_s == pytest.approx(0.1)


def test_sample_numbers_tell_no_rate() -> None:
    arrays = {"x": VALUES, "t": np.arange(-10, 30, dtype=np.int16)}
    with pytest.raises(
        RecordingError, match=r"no sampling rate in the file .t counts samples.; give it with --rate-hz"
    ):
        recording(arrays)
    assert recording(arrays, rate_hz=1000).signal().start_s == pytest.approx(-0.01)


def test_gap_in_the_time_vector_is_kept() -> None:
    times = np.arange(40) / 250
    times[20:] += 1
    segments = recording({"x": VALUES, "t": times}).signal().segments
    assert [(s.start, s.stop) for s in segments] == [(0, 20), (20, 40)]


def test_given_rate_against_the_time_vector() -> None:
    with pytest.warns(RecordingWarning, match="t steps at 250 Hz, 300 Hz is used"):
        signal = recording({"x": VALUES, "t": np.arange(40) / 250}, rate_hz=300).signal()
    assert signal.rate_hz == 300


def test_time_vector_in_ms_without_a_name_for_it_follows_the_given_rate() -> None:
    signal = recording({"x": VALUES, "t": 50 + 0.5 * np.arange(40)}, rate_hz=2000).signal()
    assert (signal.rate_hz, signal.start_s) == (2000, pytest.approx(0.05))


def test_rate_beside_the_data_in_the_same_struct() -> None:
    arrays = {"a.x": VALUES[:, 0], "a.fps": np.array([[30.0]]), "b.fs": np.array(7.0)}
    assert recording(arrays, dataset="a.x").signal().rate_hz == 30


@pytest.mark.parametrize("rate", [0.0, -5.0, float("nan")])
def test_rate_that_is_none(rate: float) -> None:
    with pytest.raises(RecordingError, match="expected a number above 0"):
        recording({"x": VALUES}, rate_hz=rate, time_axis=0)


def test_candidates_are_listed() -> None:
    with pytest.raises(RecordingError, match=r"2 arrays: --dataset 'x' \(40, 3\), --dataset 'y' \(5, 2\)"):
        recording({"x": VALUES, "y": np.ones((5, 2)), "t": np.arange(40) / 2}, rate_hz=1)
    with pytest.raises(RecordingError, match=r"no numeric array 'z'; expected one of --dataset 'x'"):
        recording({"x": VALUES}, dataset="z")
    with pytest.raises(RecordingError, match="no numeric array in it"):
        recording({})


def test_voltages_need_a_unit_and_come_in_design_units() -> None:
    with pytest.raises(RecordingError, match="x: vm values without a unit; give --unit"):
        recording({"x": VALUES}, kind="vm", rate_hz=1, time_axis=0)
    signal = recording({"x": VALUES}, kind="vm", unit="V", scale=2, offset=1, rate_hz=1, time_axis=0).signal("vm")
    assert signal.unit == "mV"
    np.testing.assert_allclose(signal.read(), (VALUES * 2 + 1) * 1000, rtol=1e-6)


def test_integers_of_a_voltage_need_a_scale() -> None:
    counts = np.arange(12, dtype=np.int16).reshape(6, 2)
    with pytest.raises(RecordingError, match=r"int16 values of a lfp signal; .* give --scale"):
        recording({"x": counts}, kind="lfp", unit="uV", rate_hz=1, time_axis=0)
    signal = recording({"x": counts}, kind="lfp", unit="uV", scale=0.195, rate_hz=1, time_axis=0).signal()
    np.testing.assert_allclose(signal.read(), counts * 0.195, rtol=1e-6)


def test_name_that_is_a_kind_is_taken_at_its_word() -> None:
    signal = recording({"session.calcium": VALUES[:, 0]}, rate_hz=1).signal()
    assert (signal.name, signal.kind) == ("calcium", "calcium")
    signal = recording({"group/pupil": VALUES[:, 0]}, rate_hz=1).signal()
    assert (signal.name, signal.kind) == ("pupil", "other")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array(["a", "b"]), "it holds text"),
        (np.ones(3, complex), "complex numbers"),
        (np.empty((0, 4)), "no samples"),
        (np.ones((2, 2, 2, 2)), "at most 3 dimensions"),
    ],
)
def test_unusable_arrays(values: np.ndarray, words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        recording({"x": values}, dataset="x", rate_hz=1, time_axis=0)


def test_trials_are_sweeps_one_after_the_other() -> None:
    table = np.arange(12.0).reshape(3, 4)
    arrays = {"x": table, "t": np.arange(4) / 100 - 0.02, "side": np.array([[1], [0], [1]])}
    got = recording(arrays, dataset="x", trial_axis=0)
    signal = got.signal()
    np.testing.assert_array_equal(signal.read()[:, 0], table.reshape(-1))
    assert [(s.start, s.stop, round(s.start_s, 9)) for s in signal.segments] == [(0, 4, 0), (4, 8, 0.04), (8, 12, 0.08)]
    assert signal.metadata["trial_start_s"] == pytest.approx(-0.02)
    assert got.trials is not None
    assert got.trials.columns["side"].tolist() == [1, 0, 1]
    np.testing.assert_allclose(got.trials.stop_s - got.trials.start_s, 0.04)


@pytest.mark.parametrize(("trial_axis", "time_axis"), [(0, 1), (2, 0), (1, 2)])
def test_sweep_source_against_slices(trial_axis: int, time_axis: int, tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(4, 5, 3))
    expected = np.moveaxis(values, (trial_axis, time_axis), (0, 1)).reshape(
        -1, values.shape[3 - trial_axis - time_axis]
    )
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"], file["reversed"] = values, values.T
    stored = Hdf5Array(tmp_path / "x.h5", "x")
    turned = Hdf5Array(tmp_path / "x.h5", "reversed", reversed_axes=True)
    for array in (values, stored, pickle.loads(pickle.dumps(turned))):
        source = SweepSource(array, trial_axis, time_axis)
        assert source.shape == expected.shape
        for start, stop in ((0, source.shape[0]), (2, 9), (7, 7), (5, 6)):
            np.testing.assert_array_equal(source.read(start, stop), expected[start:stop])
        np.testing.assert_array_equal(source.read(1, 8, np.array([2, 0])), expected[1:8][:, [2, 0]])


def test_three_axes_need_both_options() -> None:
    with pytest.raises(RecordingError, match="--trial-axis 0 --time-axis 1"):
        recording({"x": np.ones((2, 3, 4))}, rate_hz=1)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("time_axis", [0, 1])
def test_mapped_arrays_stay_mapped(tmp_path: Path, order: Any, time_axis: int) -> None:
    np.save(tmp_path / "x.npy", np.asarray(VALUES, order=order))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    source = pickle.loads(pickle.dumps(oriented(NamedArray("x", mapped, tmp_path / "x.npy"), time_axis)))
    assert type(source).__name__ == "MemmapSource"
    expected = VALUES if time_axis == 0 else VALUES.T
    np.testing.assert_array_equal(source.read(1, 3), expected[1:3])


def test_spike_vectors() -> None:
    arrays = {"a": np.array([[10.0, 30.0]]), "back": np.array([[30.0, 10.0]]), "x": VALUES}
    with pytest.raises(RecordingError, match="give --spike-unit s, ms or samples"):
        recording(arrays, dataset="a", kind="spikes")
    with pytest.raises(RecordingError, match="back: 1 spike times go back, the first at index 1"):
        recording(arrays, dataset="back", kind="spikes", spike_unit="ms")
    spikes = recording(arrays, dataset="a", kind="spikes", spike_unit="ms").spikes
    assert spikes is not None
    assert spikes.times_s.tolist() == [0.01, 0.03]
    samples = recording({"a": np.array([5, 20])}, kind="spikes", spike_unit="samples", rate_hz=100).spikes
    assert samples is not None
    assert samples.times_s.tolist() == [0.05, 0.2]
    assert (samples.start_s, samples.stop_s) == (0, 0.2)


def test_cell_array_of_spike_vectors_is_one_unit_each() -> None:
    arrays = {"u[0]": np.array([0.1, 0.2]), "u[1]": np.array([0.15, 0.3]), "t": np.arange(50) / 100}
    for more in ({}, {"dataset": "u"}):
        spikes = recording(arrays, kind="spikes", spike_unit="s", **more).spikes
        assert spikes is not None
        assert spikes.unit_ids.tolist() == ["u[0]", "u[1]"]
        assert spikes.times_of(1).tolist() == [0.15, 0.3]
        assert spikes.stop_s == pytest.approx(0.5)


def test_raster_is_no_list_of_times() -> None:
    with pytest.raises(RecordingError, match="a vector of spike times; read a table of counts with --kind counts"):
        recording({"x": np.eye(4)}, kind="spikes", spike_unit="s")
    with pytest.raises(RecordingError, match="1 of 2 spike times are not finite"):
        recording({"x": np.array([0.1, np.nan])}, kind="spikes", spike_unit="s")


def test_connectivity_needs_an_orientation() -> None:
    with pytest.raises(RecordingError, match="--orientation post_pre or pre_post"):
        recording({"w": np.eye(3)}, kind="connectivity")
    weights = np.arange(9.0).reshape(3, 3)
    got = recording({"w": weights}, kind="connectivity", orientation="pre_post", unit="uS").connectivity
    assert got is not None
    assert got.unit == "uS"
    np.testing.assert_array_equal(got.weight, weights.T)


@pytest.mark.parametrize("name", ["t", "Time", "timestamps", "a.time_s", "g/t_ms", "time (s)"])
def test_time_names(name: str) -> None:
    assert is_time_vector(NamedArray(name, np.arange(5.0), FILE))


@pytest.mark.parametrize("name", ["train", "x", "tt", "spiketimes", "downtime"])
def test_other_names(name: str) -> None:
    assert not is_time_vector(NamedArray(name, np.arange(5.0), FILE))


@pytest.mark.parametrize(
    ("name", "found"), [("t", True), ("a.t", True), ("a.b[0].t", True), ("a.b[1].t", False), ("c.t", False)]
)
def test_time_belongs_to_its_group(name: str, found: bool) -> None:
    times = time_vector([NamedArray(name, np.arange(5.0), FILE)], 5, of="a.b[0].x")
    assert (times is not None) == found


def test_three_axes_need_to_know_which_counts_trials_even_when_time_is_known() -> None:
    with pytest.raises(RecordingError, match=r"x: shape \(2, 40, 3\); .*--trial-axis 0 --time-axis 1"):
        recording({"x": np.stack([VALUES, VALUES])}, rate_hz=10, time_axis=1)

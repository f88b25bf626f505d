"""Measured inputs: the same steps as the signal, standardised by themselves, cut and re-laid with it, found again."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
import scipy.signal

from neurofit.preparation import Frozen, PrepareOptions, Stretch, prepare, residency
from neurofit.preparation.splitting import union
from neurofit_io import (
    Clock,
    Provenance,
    Recording,
    RecordingError,
    RecordingWarning,
    Segment,
    Signal,
    load,
    signal_from_array,
    spikes_from_lists,
)
from neurofit_io.sources import array_source

N_STEPS = 1000


def values(width: int, seed: int, n_steps: int = N_STEPS) -> np.ndarray:
    return np.random.default_rng(seed).normal(3.0, 2.0, (n_steps, width)).astype(np.float32)


VM, CURRENT, PLACE = values(2, 0), values(1, 1), values(2, 2)


def recorded(vm=VM, rate_hz=1000.0, ids=("x", "y"), **inputs) -> Recording:
    """A recording of `vm` and of the inputs, arrays at the rate of vm or signals."""
    signals = {"vm": signal_from_array(vm, name="vm", unit="mV", rate_hz=rate_hz)}
    for name, one in inputs.items():
        more = {"channel_ids": np.array(ids)} if name == "place" else {}
        signals[name] = one if isinstance(one, Signal) else signal_from_array(one, name=name, rate_hz=rate_hz, **more)
    return Recording(Provenance("memory", "test"), signals)


def in_sweeps(name: str, array: np.ndarray, lengths: tuple[int, ...], starts: tuple[float, ...]) -> Signal:
    edges = itertools.pairwise(np.cumsum([0, *lengths]).tolist())
    sweeps = tuple(Segment(a, b, start) for (a, b), start in zip(edges, starts, strict=True))
    return Signal(name, name, "", array_source(array), Clock(len(array), 1000.0, sweeps=sweeps))


OPTIONS = PrepareOptions(signal="vm", inputs=("place", "current"))


def test_all_columns_in_order_standardised_by_their_own_training_span():
    recording = recorded(current=CURRENT, place=PLACE)
    series = prepare(recording, OPTIONS)
    assert (series.n_inputs, series.input_names) == (3, ("place.x", "place.y", "current"))
    both = np.concatenate([PLACE, CURRENT], axis=1).astype(np.float64)
    (train,) = series.spans["train"]
    mean, std = both[: train.stop].mean(axis=0), both[: train.stop].std(axis=0)
    np.testing.assert_allclose(series.read_inputs(0, N_STEPS), (both - mean) / std, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(series.read_inputs(990, 995), series.read_inputs(0, N_STEPS)[990:995])
    np.testing.assert_array_equal(series.values(), prepare(recording, PrepareOptions(signal="vm")).values())


def test_no_inputs_are_no_columns():
    series = prepare(recorded(current=CURRENT), PrepareOptions(signal="vm"))
    assert (series.n_inputs, series.input_names, series.read_inputs(3, 9).shape) == (0, (), (6, 0))


def test_tiny_inputs_beside_large_ones_are_not_floored():
    series = prepare(recorded(current=1e-6 * CURRENT, place=PLACE), OPTIONS)
    assert series.read_inputs(*series.spans["train"][0]).std(axis=0) == pytest.approx(1.0, rel=1e-4)


def test_read_from_the_file_equals_memory(monkeypatch):
    recording = recorded(current=CURRENT, place=PLACE)
    whole = prepare(recording, OPTIONS).read_inputs(0, N_STEPS)
    monkeypatch.setattr(residency, "RESIDENT_BYTES", 100)
    series = prepare(recording, OPTIONS)
    assert series.inputs is not None
    assert series.inputs.resident is None
    np.testing.assert_array_equal(series.read_inputs(0, N_STEPS), whole)


def test_steps_at_which_an_input_is_missing_are_cut():
    vm, current = VM.copy(), CURRENT.copy()
    vm[100:110, 0] = np.nan
    current[105:120] = np.nan
    current[900] = np.inf
    with pytest.warns(RecordingWarning, match=r"^21 of 1000 steps \(2\.1 %\) in 2 runs cut"):
        series = prepare(recorded(vm, current=current), PrepareOptions(signal="vm", inputs=("current",)))
    assert series.usable == (Stretch(0, 100), Stretch(120, 900), Stretch(901, 1000))
    kept = np.concatenate([CURRENT[s.start : s.stop] for s in series.spans["train"]]).astype(np.float64)
    expected = (CURRENT[120:900] - kept.mean()) / kept.std()
    np.testing.assert_allclose(series.read_inputs(120, 900), expected, rtol=1e-5, atol=1e-5)


def test_the_union_of_runs():
    rng = np.random.default_rng(3)
    flags = rng.random((3, 200)) < 0.3
    runs = [np.flatnonzero(np.diff(row, prepend=False, append=False)).reshape(-1, 2) for row in flags]
    expected = np.flatnonzero(np.diff(flags.any(axis=0), prepend=False, append=False)).reshape(-1, 2)
    np.testing.assert_array_equal(union(*runs), expected)
    assert union(np.empty((0, 2), np.int64)).shape == (0, 2)


def test_inputs_that_do_not_vary_while_training_are_left_out():
    place = PLACE.copy()
    place[:700, 1] = 4.0
    options = PrepareOptions(signal="vm", inputs=("place", "current"))
    with pytest.warns(RecordingWarning, match=r"^1 of 3 inputs left out, constant in the training span: place\.y$"):
        series = prepare(recorded(current=CURRENT, place=place), options)
    assert series.input_names == ("place.x", "current")
    with pytest.raises(RecordingError, match="no input of current is left: all are constant in the training span"):
        prepare(recorded(current=np.ones_like(CURRENT)), PrepareOptions(signal="vm", inputs=("current",)))


def test_filters_leave_inputs_alone_and_decimation_does_not():
    vm = VM.copy()
    vm[400:403, 0] = np.nan
    options = PrepareOptions(
        signal="vm", inputs=("current",), highpass_hz=5.0, lowpass_hz=100.0, notch_hz=50.0, reference="mean",
        detrend="linear",
    )  # fmt: skip
    recording = recorded(vm, current=CURRENT)
    with pytest.warns(RecordingWarning, match="3 of 1000 steps"):
        filtered = prepare(recording, options)
    with pytest.warns(RecordingWarning, match="3 of 1000 steps"):
        slowed = prepare(recording, dataclasses.replace(options, decimate=3))
    assert filtered.inputs is not None
    assert slowed.inputs is not None
    np.testing.assert_array_equal(filtered.inputs.signal.read()[:, 0], np.delete(CURRENT[:, 0], slice(400, 403)))
    taps = scipy.signal.firwin(61, 1 / 3)
    for stretch, part in zip(slowed.usable, (CURRENT[:400], CURRENT[403:]), strict=True):
        padded = np.concatenate([np.repeat(part[:1], 60, axis=0), part]).astype(np.float64)
        expected = np.convolve(padded[:, 0], taps)[60 : 60 + len(part) : 3]
        laid = slowed.inputs.signal.read(stretch.start, stretch.stop)[:, 0]
        np.testing.assert_allclose(laid, expected, rtol=1e-5, atol=1e-5)
    assert slowed.read_inputs(0, slowed.n_steps).shape == (slowed.n_steps, 1)


def test_irregular_inputs_are_interpolated_with_the_signal():
    times = np.random.default_rng(4).uniform(0.08, 0.12, N_STEPS).cumsum()
    signals = {
        name: Signal(name, name, "", array_source(array), Clock(N_STEPS, None, timestamps=array_source(times)))
        for name, array in (("vm", VM), ("current", CURRENT))
    }
    recording = Recording(Provenance("memory", "test"), signals)
    series = prepare(recording, PrepareOptions(signal="vm", inputs=("current",), resample_hz=10.0))
    assert series.inputs is not None
    expected = np.interp(series.time_s(0, series.n_steps), times, CURRENT[:, 0])
    np.testing.assert_allclose(series.inputs.signal.read()[:, 0], expected, rtol=1e-5)
    late = Clock(N_STEPS, None, timestamps=array_source(times + 0.2))
    signals["current"] = Signal("current", "current", "", array_source(CURRENT), late)
    with pytest.raises(RecordingError, match=r"input current and vm are up to .* steps apart in time"):
        prepare(recording, PrepareOptions(signal="vm", inputs=("current",), resample_hz=10.0))


def test_spikes_are_inputs_counted_in_the_steps_of_the_signal():
    trains = [[0.0105, 0.0106, 0.2], [0.3, 0.9]]
    spikes = spikes_from_lists(trains, stop_s=1.0)
    recording = Recording(Provenance("memory", "test"), recorded().signals, {"spikes": spikes})
    series = prepare(recording, PrepareOptions(signal="vm", inputs=("spikes",)))
    assert series.inputs is not None
    counts = series.inputs.signal.read()
    assert (series.input_names, counts.sum(axis=0).tolist()) == (("spikes.0", "spikes.1"), [3, 2])
    assert np.flatnonzero(counts[:, 0]).tolist() == [10, 200]


def test_a_signal_and_inputs_of_spikes_share_the_bins():
    spikes = spikes_from_lists([np.arange(0.01, 1, 0.013) ** 1.5], stop_s=1.0)
    lick = signal_from_array(values(1, 5, n_steps=50), name="lick", rate_hz=50.0)
    recording = Recording(Provenance("memory", "test"), {"lick": lick}, {"spikes": spikes})
    series = prepare(recording, PrepareOptions(signal="spikes", inputs=("lick",), bin_ms=20, gap_ms=0))
    assert (series.n_steps, series.input_names) == (50, ("lick",))


@pytest.mark.parametrize(
    ("current", "message"),
    [
        (values(1, 1, n_steps=900), "input current has 900 steps at 1000 Hz; expected 1000 steps at 1000 Hz, as"),
        (signal_from_array(CURRENT, name="current", rate_hz=2000.0), "1000 steps at 2000 Hz; expected 1000 steps at 1"),
        (signal_from_array(CURRENT, name="current", rate_hz=1000.0, start_s=0.5), "up to 500 steps apart in time"),
        (in_sweeps("current", CURRENT, (400, 600), (0.0, 0.4)), "breaks in time at steps 400; expected no break"),
        (
            Signal("current", "current", "", array_source(CURRENT), Clock(
                N_STEPS, None, timestamps=array_source(np.random.default_rng(6).uniform(5e-4, 15e-4, N_STEPS).cumsum())
            )),
            "1000 steps at irregular times; expected 1000 steps at 1000 Hz",
        ),
    ],
)  # fmt: skip
def test_other_steps_are_refused(current, message):
    with pytest.raises(RecordingError, match=message) as said:
        prepare(recorded(current=current), PrepareOptions(signal="vm", inputs=("current",)))
    assert "choose a --time that both cover, or bring current to the steps of vm first" in str(said.value)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("licks",), "no signal 'licks'"),
        (("current", "current"), "current twice among --inputs"),
        (("vm",), "vm, the signal to be predicted, among --inputs"),
    ],
)
def test_inputs_that_cannot_be(names, message):
    with pytest.raises(RecordingError, match=message):
        prepare(recorded(current=CURRENT), PrepareOptions(signal="vm", inputs=names))


def test_a_time_that_both_cover_mends_another_length():
    longer = signal_from_array(values(1, 7, n_steps=3000), name="current", rate_hz=1000.0, start_s=-1.0)
    series = prepare(recorded(current=longer), PrepareOptions(signal="vm", inputs=("current",), time="0.2:0.9"))
    assert series.inputs is not None
    np.testing.assert_array_equal(series.inputs.signal.read(), longer.read(1200, 1900))


def test_sweeps_at_the_same_places():
    lengths, starts = (600, 250, 150), (0.0, 5.0, 9.0)
    vm = in_sweeps("vm", VM, lengths, starts)
    options = PrepareOptions(signal="vm", inputs=("current",))
    current = in_sweeps("current", CURRENT, lengths, (0.0, 5.0, 9.0004))
    series = prepare(Recording(Provenance("memory", "test"), {"vm": vm, "current": current}), options)
    assert series.stretches("all") == (Stretch(0, 600), Stretch(600, 850), Stretch(850, 1000))
    late = in_sweeps("current", CURRENT, lengths, (0.0, 5.0, 9.1))
    with pytest.raises(RecordingError, match="up to 100 steps apart"):
        prepare(Recording(Provenance("memory", "test"), {"vm": vm, "current": late}), options)
    others = in_sweeps("current", CURRENT, (600, 200, 200), starts)
    with pytest.raises(RecordingError, match=r"at steps 600, 800; expected breaks .* 600, 850, as vm"):
        prepare(Recording(Provenance("memory", "test"), {"vm": vm, "current": others}), options)


def test_another_recording_gets_the_same_inputs():
    place = PLACE.copy()
    place[:, 0] = 7.0
    with pytest.warns(RecordingWarning, match=r"constant in the training span: place\.x"):
        fitted = prepare(recorded(place=place, current=CURRENT), OPTIONS)
    stored = json.loads(json.dumps(fitted.frozen().as_json()))
    like = Frozen.from_state(fitted.frozen().state(), stored)
    other = recorded(values(2, 8), current=values(1, 9), place=values(2, 10), ids=("y", "x"))
    series = prepare(other, OPTIONS, like=like)
    assert series.input_names == fitted.input_names == ("place.y", "current")
    both = np.concatenate([values(2, 10)[:, :1], values(1, 9)], axis=1)
    assert fitted.inputs is not None
    expected = (both - fitted.inputs.standardiser.mean) / fitted.inputs.standardiser.std
    np.testing.assert_allclose(series.read_inputs(0, N_STEPS), expected, rtol=1e-5, atol=1e-6)


def test_another_recording_without_the_inputs_is_refused():
    like = prepare(recorded(place=PLACE, current=CURRENT), OPTIONS).frozen()
    with pytest.raises(RecordingError, match="no signal 'current'"):
        prepare(recorded(place=PLACE), OPTIONS, like=like)
    with pytest.raises(RecordingError, match=r"1 of the model's 3 inputs are not there: place\.y"):
        prepare(recorded(place=PLACE, current=CURRENT, ids=("x", "z")), OPTIONS, like=like)


def test_what_was_stored_without_inputs_is_still_read():
    frozen = prepare(recorded(), PrepareOptions(signal="vm")).frozen()
    description = frozen.as_json()
    del description["input_names"]
    back = Frozen.from_state(frozen.state(), description)
    assert (back.input_names, back.input_standardiser) == ((), None)
    assert sorted(frozen.state()) == ["mean", "std", "train_mean", "train_std"]


def test_one_name_and_a_stored_list_are_names():
    assert PrepareOptions(inputs="stimulus").inputs == ("stimulus",)  # type: ignore[arg-type]
    assert PrepareOptions(inputs=["a", "b"]).inputs == ("a", "b")  # type: ignore[arg-type]


def test_injected_current_beside_a_voltage(shared_data):
    recording = load(shared_data / "nwb_icephys_ferguson" / "FergusonEtAl2015_PYR2.nwb")
    series = prepare(recording, PrepareOptions(signal="vm", inputs=("stimulus",)))
    assert (series.n_inputs, series.n_steps, len(series.usable)) == (1, 260_000, 13)
    train = np.concatenate([series.read_inputs(*stretch) for stretch in series.spans["train"]])
    assert (train.mean(), train.std()) == pytest.approx((0.0, 1.0), abs=1e-4)

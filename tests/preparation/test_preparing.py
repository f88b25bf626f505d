"""From a recording to a series: literal numpy on small arrays, what is cut and counted, and streaming parity."""

from __future__ import annotations

import contextlib
import itertools
import json

import numpy as np
import pytest
import scipy.signal

from neurofit.preparation import Frozen, PreparedSeries, PrepareOptions, Scored, Stretch, prepare, residency
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
    signals,
    spikes_from_lists,
)
from neurofit_io.sources import array_source

N_STEPS, N_CHANNELS = 1000, 4


def noise(seed: int = 0, n_steps: int = N_STEPS) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.standard_normal((n_steps, N_CHANNELS)) * [5, 4, 6, 5] - 70).astype(np.float32)


def recorded(values: np.ndarray, rate_hz: float | None = 1000.0, **more) -> Recording:
    signal = signal_from_array(values, name="vm", unit="mV", rate_hz=rate_hz, **more)
    return Recording(Provenance("memory", "test"), {"vm": signal})


def of_sweeps(values: np.ndarray, *lengths: int) -> Recording:
    edges = np.cumsum([0, *lengths]).tolist()
    sweeps = tuple(Segment(a, b, 10.0 * i) for i, (a, b) in enumerate(itertools.pairwise(edges)))
    signal = Signal("vm", "vm", "mV", array_source(values), Clock(len(values), 1000.0, sweeps=sweeps))
    return Recording(Provenance("memory", "test"), {"vm": signal})


def test_a_plain_recording():
    values = noise()
    series = prepare(recorded(values, channel_ids=np.array(list("abcd"))))
    assert (series.name, series.kind, series.unit, series.dt_ms) == ("vm", "vm", "mV", 1.0)
    assert (series.n_steps, series.n_channels, series.channel_ids.tolist()) == (1000, 4, list("abcd"))
    assert (series.excluded, series.notes, series.validation_is_test) == ({}, (), False)
    assert series.spans == {
        "train": (Stretch(0, 610),), "validation": (Stretch(630, 700),), "test": (Stretch(720, 1000),),
    }  # fmt: skip
    assert series.scored("test") == (Scored(700, 720, 1000),)
    assert series.scored("train") == (Scored(0, 20, 610),)
    assert series.scored("all") == (Scored(0, 20, 1000),)
    train = values[:610].astype(np.float64)
    expected = ((values - train.mean(axis=0)) / train.std(axis=0)).astype(np.float32)
    np.testing.assert_allclose(series.read(0, 1000), expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(series.read(100, 130), series.values()[100:130])
    np.testing.assert_array_equal(series.read_physical(5, 9), values[5:9])
    np.testing.assert_allclose(series.time_s(5, 9), [0.005, 0.006, 0.007, 0.008])


def test_prepared_values_cannot_be_overwritten():
    with pytest.raises(ValueError, match="read-only"):
        prepare(recorded(noise())).values()[0, 0] = 1


@pytest.mark.parametrize(
    ("options", "cut"),
    [
        (PrepareOptions(), "^5 of 1000 steps"),
        (PrepareOptions(zscore="none", channels="2,0"), ""),
        (PrepareOptions(highpass_hz=10, reference="median", decimate=3, detrend="linear"), "^5 of 1000 steps"),
    ],
)
def test_streamed_from_the_file_equals_memory(monkeypatch, options, cut):
    values = noise()
    values[200:205, 1] = np.nan
    with pytest.warns(RecordingWarning, match=cut) if cut else contextlib.nullcontext():
        whole = prepare(recorded(values), options)
        monkeypatch.setattr(residency, "RESIDENT_BYTES", 1000)
        streamed = prepare(recorded(values), options)
        monkeypatch.setattr(signals, "SLAB_BYTES", 16 * 13)
        by_slabs = prepare(recorded(values), options)
    assert streamed.values() is None
    for series in (streamed, by_slabs):
        assert (series.usable, series.split, series.notes) == (whole.usable, whole.split, whole.notes)
    np.testing.assert_array_equal(streamed.read(0, streamed.n_steps), whole.read(0, whole.n_steps))
    np.testing.assert_allclose(by_slabs.read(0, whole.n_steps), whole.read(0, whole.n_steps), rtol=1e-6, atol=1e-7)


def test_missing_values_are_cut_and_counted_never_fed():
    values = noise()
    values[100:110, 0] = np.nan
    values[105:112, 2] = np.inf
    values[900, 3] = np.nan
    with pytest.warns(RecordingWarning, match=r"^13 of 1000 steps \(1\.3 %\) in 2 runs cut, values missing$"):
        series = prepare(recorded(values))
    assert series.usable == (Stretch(0, 100), Stretch(112, 900), Stretch(901, 1000))
    # 987 usable steps: B = 690, V = 621, gap 20; step n of those after the first hole is step n + 12.
    assert series.spans["train"] == (Stretch(0, 100), Stretch(112, 613))
    assert series.spans["validation"] == (Stretch(633, 702),)
    assert series.spans["test"] == (Stretch(722, 900), Stretch(901, 1000))
    assert series.scored("test") == (Scored(702, 722, 900), Scored(901, 921, 1000))
    train = np.concatenate([values[:100], values[112:613]]).astype(np.float64)
    np.testing.assert_allclose(series.standardiser.mean, train.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(series.standardiser.std, train.std(axis=0), rtol=1e-12)
    for span in ("train", "validation", "test", "all"):
        assert all(np.isfinite(series.read(*stretch)).all() for stretch in series.stretches(span))


def test_channels_mostly_missing_are_left_out_before_steps_are_cut():
    values = noise()
    values[:, 1] = np.nan
    values[:501, 2] = np.nan
    values[:500, 3] = np.nan
    with pytest.warns(RecordingWarning) as said:
        series = prepare(recorded(values, channel_ids=np.array([10, 11, 12, 13])))
    assert series.excluded == {"missing": [11, 12]}
    assert (series.columns.tolist(), series.channel_ids.tolist()) == ([0, 3], [10, 13])
    assert series.usable == (Stretch(500, 1000),)
    assert [str(w.message) for w in said] == [
        "2 of 4 channels left out, more than half of their values missing: 11, 12",
        "500 of 1000 steps (50 %) in 1 runs cut, values missing",
    ]


def test_nothing_left_is_said():
    values = noise()
    with pytest.raises(RecordingError, match=r"no channel of vm is left.*more than half"):
        prepare(recorded(np.full_like(values, np.nan)))
    values[:500, 0] = values[500:, 1] = np.nan
    with pytest.raises(RecordingError, match="every step of vm misses a value"):
        prepare(recorded(values))
    with pytest.raises(RecordingError, match=r"no channel of vm is left.*constant"):
        prepare(recorded(np.zeros_like(values)))


def test_constant_channels_are_left_out_and_small_ones_floored():
    values = noise()
    values[:, 1] = -70.1
    values[:640, 2] = 7
    values[:, 3] = -70 + 1e-4 * values[:, 3]
    with pytest.warns(RecordingWarning) as said:
        series = prepare(recorded(values, channel_ids=np.array([10, 11, 12, 13])))
    assert series.excluded == {"constant": [11, 12]}
    std = values[:610].astype(float).std(axis=0)[[0, 3]]
    np.testing.assert_allclose(series.standardiser.std, [std[0], 0.05 * np.median(std)], rtol=1e-6)
    assert [str(w.message)[:60] for w in said] == [
        "2 of 4 channels left out, constant in the training span: 11,",
        "1 of 2 channels vary less than 0.05 of the median; their std",
    ]


@pytest.mark.parametrize("zscore", ["all", "all-global"])
def test_statistics_over_everything_are_called_a_leak(zscore):
    values = noise()
    with pytest.warns(RecordingWarning, match=rf"leak: statistics include the test span \(--zscore {zscore}\)"):
        series = prepare(recorded(values), PrepareOptions(zscore=zscore))
    axis = 0 if zscore == "all" else None
    double = values.astype(np.float64)
    np.testing.assert_allclose(series.standardiser.mean, np.broadcast_to(double.mean(axis=axis), 4), rtol=1e-12)
    np.testing.assert_allclose(series.standardiser.std, np.broadcast_to(double.std(axis=axis), 4), rtol=1e-12)
    train = double[:610]
    expected = (values - train.mean(axis=0)) / train.std(axis=0)
    np.testing.assert_allclose(series.in_score_units(series.read(0, 1000)), expected, atol=1e-5)


def test_no_carve_out_validates_on_the_test_span():
    series = prepare(recorded(noise()), PrepareOptions(validation_fraction=0, gap_ms=0))
    assert series.validation_is_test
    assert series.spans["validation"] is series.spans["test"]
    assert series.scored("test") == (Scored(680, 700, 1000),)


def test_no_span_crosses_a_sweep_and_short_ends_are_counted():
    with pytest.warns(RecordingWarning, match=r"1 of 2 stretches \(12 of 280 steps\) of the test span are not scored"):
        series = prepare(of_sweeps(noise(), 600, 388, 12))
    assert series.spans["train"] == (Stretch(0, 600), Stretch(600, 610))
    assert series.scored("train") == (Scored(0, 20, 600),)
    assert series.spans["test"] == (Stretch(720, 988), Stretch(988, 1000))
    assert series.scored("test") == (Scored(700, 720, 988),)


def test_an_empty_signal_is_said():
    with pytest.raises(RecordingError, match="vm has 0 steps of 4 channels"):
        prepare(recorded(np.empty((0, N_CHANNELS), np.float32)))


@pytest.mark.parametrize("n_steps", [1, 2, 5])
def test_too_short_a_recording_is_said(n_steps):
    with pytest.raises(RecordingError, match=rf"{n_steps} usable steps leave \d+ for training"):
        prepare(recorded(noise(n_steps=n_steps)))


def test_too_long_a_chunk_is_said():
    series = prepare(recorded(noise()))
    series.require(609)
    with pytest.raises(RecordingError, match=r"1000 usable steps.*has 610; expected at least 611 for a chunk of 610"):
        series.require(610)


def test_too_long_a_warm_up_is_said():
    with pytest.warns(RecordingWarning, match="validation span"):
        series = prepare(of_sweeps(noise(), 630, 70, 300), PrepareOptions(warmup_ms=100))
    with pytest.raises(RecordingError, match="no step of the validation span can be scored"):
        series.require(10)


def test_unknown_and_irregular_rates_are_said():
    with pytest.raises(RecordingError, match="give --rate-hz"):
        prepare(recorded(noise(), rate_hz=None))
    times = np.random.default_rng(0).uniform(0.08, 0.12, N_STEPS).cumsum()
    clock = Clock(N_STEPS, None, timestamps=array_source(times))
    irregular = Recording(Provenance("memory", "test"), {"vm": Signal("vm", "vm", "mV", array_source(noise()), clock)})
    with pytest.raises(RecordingError, match="give --resample-hz"):
        prepare(irregular)
    series = prepare(irregular, PrepareOptions(resample_hz=10))
    assert series.dt_ms == 100
    wanted = np.arange(times[0], times[-1], 0.1)
    np.testing.assert_allclose(series.time_s(0, series.n_steps), wanted, rtol=1e-12)
    expected = np.interp(wanted, times, noise()[:, 2])
    np.testing.assert_allclose(series.read_physical(0, series.n_steps)[:, 2], expected, rtol=1e-6)


def test_filters_run_once_over_each_stretch():
    values = noise()
    values[400:403, 0] = np.nan
    options = PrepareOptions(lowpass_hz=100, decimate=2)
    with pytest.warns(RecordingWarning, match="^3 of 1000 steps"):
        series = prepare(recorded(values), options)
    assert series.usable == (Stretch(0, 200), Stretch(200, 499))
    assert (series.dt_ms, series.n_steps) == (2.0, 499)
    np.testing.assert_allclose(series.time_s(198, 203), [0.396, 0.398, 0.403, 0.405, 0.407])
    sos = scipy.signal.butter(4, 100, fs=1000, output="sos")
    taps = scipy.signal.firwin(41, 0.5)
    for stretch, part in zip(series.usable, (values[:400], values[403:]), strict=True):
        start = scipy.signal.sosfilt_zi(sos)[:, :, None] * part[0].astype(float)
        slow, _ = scipy.signal.sosfilt(sos, part.astype(float), axis=0, zi=start)
        expected = scipy.signal.upfirdn(taps, slow, down=2, axis=0)[20 : stretch.n_steps]
        np.testing.assert_allclose(series.read_physical(stretch.start + 20, stretch.stop), expected, rtol=1e-6)


def test_the_line_is_fitted_before_the_test_span():
    values = noise() + np.linspace(0, 50, N_STEPS)[:, None].astype(np.float32)
    values[700:] += 1000
    series = prepare(recorded(values), PrepareOptions(detrend="linear"))
    slope, level = np.polyfit(np.arange(700), values[:700].astype(float), 1)
    expected = values - level - np.arange(N_STEPS)[:, None] * slope
    np.testing.assert_allclose(series.read_physical(0, N_STEPS), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (PrepareOptions(resample_hz=500), "regular samples at 1000 Hz; use --decimate"),
        (PrepareOptions(decimate=1), "expected a whole number of 2 or more"),
        (PrepareOptions(reference="mean", channels="1"), "on 1 channel; expected several"),
        (PrepareOptions(lowpass_hz=900), "expected between 0 and 500"),
        (PrepareOptions(train_fraction=2), "--train-fraction 2"),
    ],
)
def test_options_that_do_not_fit_are_said(options, message):
    with pytest.raises(RecordingError, match=message):
        prepare(recorded(noise()), options)


def test_spikes_are_standardised_counts():
    random = np.random.default_rng(0)
    trains = [np.sort(random.uniform(0, 60, size)) for size in (600, 0, 300)]
    recording = Recording(Provenance("memory", "test"), spike_trains={"spikes": spikes_from_lists(trains, stop_s=60.0)})
    with pytest.warns(RecordingWarning, match="1 of 3 channels left out, constant in the training span: 1$"):
        series = prepare(recording, PrepareOptions(bin_ms=20))
    assert (series.kind, series.dt_ms, series.n_steps, series.columns.tolist()) == ("counts", 20.0, 3000, [0, 2])
    counts = np.histogram(trains[2], bins=np.arange(3001) * 0.02)[0]
    np.testing.assert_array_equal(series.read_physical(0, 3000)[:, 1], counts)
    train = counts[: series.spans["train"][0].stop]
    expected = (counts - train.mean()) / train.std()
    np.testing.assert_allclose(series.read(0, 3000)[:, 1], expected, rtol=1e-5, atol=1e-6)


def test_another_recording_is_prepared_alike():
    fitted = prepare(recorded(noise(), channel_ids=np.array([1, 2, 3, 4])), PrepareOptions(channels="3,0"))
    stored = json.loads(json.dumps(fitted.frozen().as_json()))
    like = Frozen.from_state(fitted.frozen().state(), stored)
    other = noise(seed=1, n_steps=300)
    other[:, 3] = 5.0
    series = prepare(recorded(other, channel_ids=np.array([4, 3, 2, 1])), PrepareOptions(channels="3,0"), like=like)
    assert (series.channel_ids.tolist(), series.columns.tolist(), series.max_order) == ([4, 1], [0, 3], 20)
    mean, std = fitted.standardiser.mean, fitted.standardiser.std
    np.testing.assert_allclose(series.read(0, 300), (other[:, [0, 3]] - mean) / std, rtol=1e-5)
    assert series.scored("all") == (Scored(0, 20, 300),)


def test_another_step_is_refused():
    like = prepare(recorded(noise())).frozen()
    with pytest.raises(RecordingError, match="steps of 2 ms; expected 1 ms, as in the fitted recording"):
        prepare(recorded(noise(), rate_hz=500.0), like=like)


def test_silent_cells_do_not_carry_the_calcium_error(shared_data):
    with pytest.warns(RecordingWarning):
        recording = load(shared_data / "bionet_60cells")
    with pytest.warns(RecordingWarning, match="constant in the training span|vary less than"):
        series = prepare(recording, PrepareOptions(signal="calcium"))
    stretch = series.spans["test"][0]
    physical = series.read_physical(stretch.start, stretch.stop).astype(np.float64)
    raw = recording.signal("calcium").read(0, series.spans["train"][0].stop, series.columns).astype(np.float64)
    unfloored = np.square((physical - raw.mean(axis=0)) / raw.std(axis=0)).mean(axis=0)
    with_floor = np.square(series.read(*stretch).astype(np.float64)).mean(axis=0)
    assert unfloored.mean() > 500
    assert with_floor.mean() < 4
    assert with_floor.max() < 0.2 * with_floor.sum()


def test_a_real_simulation_is_standardised(shared_data):
    with pytest.warns(RecordingWarning):
        recording = load(shared_data / "bionet_60cells")
    series: PreparedSeries = prepare(recording, PrepareOptions(signal="vm"))
    assert (series.n_steps, series.n_channels, series.dt_ms, series.max_order) == (20_000, 60, pytest.approx(0.1), 20)
    assert series.spans["train"] == (Stretch(0, 12_400),)
    train = series.read(0, 12_400).astype(np.float64)
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-5)

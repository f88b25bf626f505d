"""Signals, channels, units and time by option; nothing is guessed."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.preparation.options import PrepareOptions
from neurofit.preparation.selection import at_time, narrowed, parse_channels, parse_time, passing, select, select_like
from neurofit_io import Clock, Provenance, Recording, RecordingError, Segment, Signal, signal_from_array
from neurofit_io import spikes_from_lists as spikes
from neurofit_io.sources import array_source

VALUES = np.arange(60.0).reshape(20, 3)


def recording(**more) -> Recording:
    signal = signal_from_array(VALUES, name="vm", rate_hz=10, channel_ids=np.array([7, 5, 3]), **more)
    trains = spikes([[0.01, 0.5], [0.2], [0.9]], stop_s=1.0, columns={"quality": np.array(["good", "mua", "good"])})
    return Recording(Provenance("memory", "test"), {"vm": signal}, {"spikes": trains})


def test_channels_are_positions_in_the_order_given():
    signal, columns = select(recording(), PrepareOptions(signal="vm", channels="2,0"))
    assert columns.tolist() == [2, 0]
    assert signal.channel_ids.tolist() == [3, 7]
    np.testing.assert_array_equal(signal.read(4, 9), VALUES[4:9][:, [2, 0]])
    np.testing.assert_array_equal(signal.read(4, 9, [1]), VALUES[4:9][:, [0]])


def test_narrowed_takes_gain_offset_and_positions_along():
    gain, offset, positions = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.25, 0.125]), np.arange(9.0).reshape(3, 3)
    source, clock = array_source(VALUES), Clock(20, 10.0)
    signal = Signal("x", "x", "", source, clock, gain, offset, positions_um=positions)
    chosen = narrowed(narrowed(signal, np.array([2, 0, 1])), np.array([0, 2]))
    np.testing.assert_array_equal(chosen.read(), signal.read()[:, [2, 1]])
    np.testing.assert_array_equal(chosen.positions_um, positions[[2, 1]])


@pytest.mark.parametrize(
    ("text", "expected"), [("0,3,10:13", [0, 3, 10, 11, 12]), (":2", [0, 1]), ("18:", [18, 19]), (" 4 , 1", [4, 1])]
)
def test_channel_text(text, expected):
    assert parse_channels(text, signal_from_array(np.zeros((2, 20)), name="x", rate_hz=1)).tolist() == expected


@pytest.mark.parametrize("text", ["", "a", "-1", "20", "10:21", "3,3", "5:5", "1;2", "1:2:3", "25:"])
def test_bad_channel_text_is_said(text):
    with pytest.raises(RecordingError, match="--channels"):
        parse_channels(text, signal_from_array(np.zeros((2, 20)), name="x", rate_hz=1))


TABLE = {
    "snr": np.array([1.0, 4.0, 9.0]),
    "quality": np.array(["good", "mua", "good"]),
    "ok": np.array([True, False, True]),
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("snr>=4", [0, 1, 1]), ("snr > 4", [0, 0, 1]),
        ("snr<4", [1, 0, 0]), ("snr<=4", [1, 1, 0]), ("snr==4", [0, 1, 0]),
        ("quality==good", [1, 0, 1]), ("quality!=good", [0, 1, 0]), ("ok==true", [1, 0, 1]), ("ok==False", [0, 1, 0]),
    ],
)  # fmt: skip
def test_conditions(condition, expected):
    signal = recording().signals["vm"]
    assert passing(condition, TABLE, signal).astype(int).tolist() == expected


@pytest.mark.parametrize("condition", ["snr", "depth>3", "quality>=good", "snr==high"])
def test_bad_conditions_are_said(condition):
    with pytest.raises(RecordingError, match="expected"):
        passing(condition, TABLE, recording().signals["vm"])


def test_units_of_spikes_and_channels_of_signals():
    _, columns = select(recording(), PrepareOptions(signal="spikes", bin_ms=100, units="quality==good"))
    assert columns.tolist() == [0, 2]
    labelled = recording(metadata={"channel_columns": {"area": ["V1", "V1", "LM"]}})
    _, columns = select(labelled, PrepareOptions(signal="vm", units="area==V1", channels="1,2"))
    assert columns.tolist() == [1]
    with pytest.raises(RecordingError, match="no channel of vm has area==CA1"):
        select(labelled, PrepareOptions(signal="vm", units="area==CA1"))


def test_bins_only_for_spikes():
    with pytest.raises(RecordingError, match="use --decimate"):
        select(recording(), PrepareOptions(signal="vm", bin_ms=20))


def test_time_is_half_open_and_restarts_the_clock():
    signal = at_time(recording(start_s=5.0).signals["vm"], "5.3:6.1")
    np.testing.assert_array_equal(signal.read(), VALUES[3:11])
    np.testing.assert_allclose(signal.time_s(), 5.3 + 0.1 * np.arange(8))
    assert signal.rate_hz == 10


@pytest.mark.parametrize(("text", "expected"), [(":", range(20)), (":0.5", range(5)), ("1.5:", range(15, 20))])
def test_either_side_may_be_empty(text, expected):
    np.testing.assert_array_equal(at_time(recording().signals["vm"], text).read(), VALUES[expected])


def test_time_cuts_every_sweep():
    sweeps = (Segment(0, 8, 0.0), Segment(8, 12, 3.0), Segment(12, 20, 0.2))
    signal = Signal("x", "x", "", array_source(VALUES), Clock(20, 10.0, sweeps=sweeps))
    cut = at_time(signal, "0.5:1")
    np.testing.assert_array_equal(cut.read(), VALUES[[5, 6, 7, 15, 16, 17, 18, 19]])
    assert [(s.start, s.stop) for s in cut.segments] == [(0, 3), (3, 8)]
    np.testing.assert_allclose(cut.time_s(), [0.5, 0.6, 0.7, 0.5, 0.6, 0.7, 0.8, 0.9])


def test_time_of_timestamps_keeps_them():
    times = np.arange(20) * 0.1
    times[10:] += 5
    signal = Signal("x", "x", "", array_source(VALUES), Clock(20, None, timestamps=array_source(times)))
    cut = at_time(signal, "0.75:6.31")
    np.testing.assert_array_equal(cut.read(), VALUES[8:14])
    np.testing.assert_array_equal(cut.time_s(), times[8:14])
    assert [(s.start, s.stop) for s in cut.segments] == [(0, 2), (2, 6)]


@pytest.mark.parametrize("text", ["5", "2:1", "a:b", "1:2:3", "nan:3", "1:1"])
def test_bad_time_is_said(text):
    with pytest.raises(RecordingError, match=r"--time .*A:B"):
        parse_time(text)


def test_time_outside_is_said_with_what_there_is():
    with pytest.raises(RecordingError, match=r"no sample in --time 7:9; expected within 0:1\.9"):
        at_time(recording().signals["vm"], "7:9")


def test_like_finds_channels_by_id():
    signal, columns = select_like(recording(), PrepareOptions(signal="vm", channels="0"), np.array(["3", "7"]))
    assert columns.tolist() == [2, 0]
    assert signal.channel_ids.tolist() == [3, 7]
    with pytest.raises(RecordingError, match="1 of the model's 2 channels are not there once: 4"):
        select_like(recording(), PrepareOptions(signal="vm"), np.array([3, 4]))

"""Conversion on reading, choice of channels, slabs, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurofit_io.clock import Clock
from neurofit_io.errors import RecordingError
from neurofit_io.signals import Signal, signal_from_array
from neurofit_io.sources import array_source

STORED = np.random.default_rng(0).integers(-2000, 2000, (100, 4)).astype(np.int16)
GAIN = np.array([0.195, 2.34, 0.001, -1.0])
OFFSET = np.array([0.0, -5.0, 100.0, 1.0])


def _signal(**more: object) -> Signal:
    source = array_source(STORED, place="probe.nwb: /acquisition/e")
    return Signal("extracellular", "extracellular", "uV", source, Clock(100, 1000.0), **more)  # type: ignore[arg-type]


def test_gain_and_offset_per_channel_follow_the_chosen_channels() -> None:
    signal = _signal(gain=GAIN, offset=OFFSET)
    expected = np.array([[float(v) * g + o for v, g, o in zip(row, GAIN, OFFSET, strict=True)] for row in STORED])
    assert signal.read().dtype == np.float32
    assert_allclose(signal.read(), expected, rtol=1e-6)
    for channels in ([2], [3, 0], [1, 1, 2]):
        assert_allclose(signal.read(10, 20, channels), expected[10:20][:, channels], rtol=1e-6)


def test_computed_in_float64() -> None:
    """A small signal on a large offset would lose its digits in float32."""
    stored = np.array([[16777217.0], [16777219.0]])
    signal = Signal("x", "other", "", array_source(stored), Clock(2, 1.0), offset=-16777216.0)
    assert signal.read().tolist() == [[1.0], [3.0]]


def test_slabs_cover_the_span_once() -> None:
    signal = _signal(gain=0.5)
    pieces = list(signal.slabs(7, 93))
    assert [first for first, _ in pieces] == [7]
    assert_array_equal(np.concatenate([v for _, v in pieces]), signal.read(7, 93))


def test_slabs_of_a_long_signal_are_bounded() -> None:
    signal = signal_from_array(np.arange(3 * 2**21, dtype=np.float32), name="vm", rate_hz=1.0)
    pieces = list(signal.slabs())
    assert [first for first, _ in pieces] == [0, 2**22]
    assert_array_equal(np.concatenate([v for _, v in pieces])[:, 0], np.arange(3 * 2**21))


@pytest.mark.parametrize(
    ("span", "channels", "words"),
    [
        ((0, 101), None, "steps 0:101 asked for; expected within 0:100"),
        ((-1, 5), None, "steps -1:5"),
        ((9, 3), None, "steps 9:3"),
        ((0, 5), [4], "channel 4 asked for; expected 0 to 3"),
        ((0, 5), [-1, 2], "channel -1 asked for"),
    ],
)
def test_outside_of_the_signal(span: tuple[int, int], channels: list[int] | None, words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        _signal().read(*span, channels)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"gain": 0.0}, "conversion is 0.0"),
        ({"gain": float("nan")}, "conversion is nan"),
        ({"gain": np.ones(3)}, "3 conversion values for 4 channels"),
        ({"offset": np.ones(5)}, "5 offset values for 4 channels"),
        ({"channel_ids": np.arange(3)}, "3 channel ids for 4 channels"),
    ],
)
def test_what_contradicts_the_data_is_refused(more: dict, words: str) -> None:
    with pytest.raises(RecordingError, match=f"probe.nwb: /acquisition/e: {words}"):
        _signal(**more)


def test_data_and_timestamps_of_unequal_length() -> None:
    with pytest.raises(RecordingError, match="100 samples but 99 timestamps"):
        Signal("x", "x", "", array_source(STORED), Clock(99, 1.0))


def test_ids_default_to_columns_and_names_can_change() -> None:
    signal = _signal()
    assert signal.channel_ids.tolist() == [0, 1, 2, 3]
    assert signal.renamed("lfp").name == "lfp"
    assert (signal.rate_hz, signal.start_s, signal.duration_s) == (1000.0, 0.0, 0.1)
    assert_allclose(signal.time_s(98), [0.098, 0.099])

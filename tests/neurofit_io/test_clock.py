"""Time bases: constant rates, timestamps with gaps and jitter, sweeps."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import ArrayLike

from neurofit_io.clock import Clock, Segment, same_rate
from neurofit_io.errors import RecordingError
from neurofit_io.sources import array_source


def _stamped(times_s: ArrayLike) -> Clock:
    source = array_source(times_s, np.float64, "file.h5: timestamps")
    return Clock(source.shape[0], None, timestamps=source)


def test_constant_rate() -> None:
    clock = Clock(5, 10.0, 2.0)
    assert clock.regular
    assert clock.segments == (Segment(0, 5, 2.0),)
    assert clock.duration_s == 0.5
    assert_allclose(clock.time_s(1, 4), [2.1, 2.2, 2.3], rtol=1e-15)


def test_without_a_rate_there_are_no_times() -> None:
    clock = Clock(5, None)
    assert np.isnan(clock.duration_s)
    with pytest.raises(RecordingError, match="--rate-hz"):
        clock.time_s(0, 5)


def test_gaps_split_and_do_not_change_the_rate() -> None:
    times = np.concatenate([np.arange(100) * 0.01, 5 + np.arange(50) * 0.01, 9 + np.arange(10) * 0.01])
    clock = _stamped(times)
    assert clock.segments == (Segment(0, 100, 0.0), Segment(100, 150, 5.0), Segment(150, 160, 9.0))
    assert clock.step_rate_hz == pytest.approx(100.0, rel=1e-12)
    assert clock.duration_s == pytest.approx(1.6, rel=1e-12)


def test_jitter_below_one_percent_is_regular() -> None:
    rng = np.random.default_rng(0)
    times = np.arange(1000) * 0.01 + rng.uniform(-4e-5, 4e-5, 1000)
    clock = _stamped(times)
    assert clock.regular
    assert clock.step_rate_hz == pytest.approx(999 / (times[-1] - times[0]), rel=1e-9)


def test_jitter_above_one_percent_is_irregular() -> None:
    rng = np.random.default_rng(0)
    clock = _stamped(np.arange(1000) * 0.01 + rng.uniform(-1e-3, 1e-3, 1000))
    assert not clock.regular
    assert clock.step_rate_hz is None
    assert len(clock.segments) == 1


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([0.0, 0.1, 0.05, 0.2], "at 1 places, first at index 2 by -0.05 s"),
        ([0.0, 0.1, 0.1, 0.2], "first at index 2 by 0 s"),
        ([0.0, np.nan, 0.2], "1 timestamps are not finite, the first at index 1"),
    ],
)
def test_timestamps_that_go_wrong_are_refused(times: list[float], words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        _ = _stamped(times).segments


@pytest.mark.parametrize("times", [[], [3.0], [3.0, 3.5]])
def test_few_timestamps(times: list[float]) -> None:
    clock = _stamped(times)
    assert [(s.start, s.stop) for s in clock.segments] == [(0, len(times))]
    assert_allclose(clock.time_s(0, len(times)), times)


def test_overlapping_sweeps_keep_their_own_starts() -> None:
    clock = Clock(6, 10.0, sweeps=(Segment(0, 3, 0.0), Segment(3, 6, 0.0)))
    assert_allclose(clock.time_s(1, 6), [0.1, 0.2, 0.0, 0.1, 0.2])
    assert clock.segments == clock.sweeps


def test_rates_as_stored_agree() -> None:
    assert same_rate(49999.99999999999, 50000.00000000001)
    assert not same_rate(50000.0, 50001.0)

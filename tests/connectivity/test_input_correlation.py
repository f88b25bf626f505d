"""Correlation of input and voltage against numpy's on rolled arrays, and its chance level on independent series."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.connectivity.input_correlation import input_correlation
from neurofit_io import RecordingError


def test_lags_and_chance_are_those_of_rolled_arrays():
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.standard_normal((900, 1)), axis=0) % 5
    y = np.roll(x, 7, axis=0) + rng.standard_normal((900, 1))
    found = input_correlation(x, y, dt_ms=1.0, longest_lag_ms=20.0)

    def r(lag: int) -> float:
        return float(np.corrcoef(x[:, 0], np.roll(y[:, 0], -lag))[0, 1])

    assert found.r[0] == pytest.approx(r(0))
    lags = np.array([r(lag) for lag in range(21)])
    assert found.best_lag_ms[0] == np.abs(lags).argmax() == 7
    assert found.best_r[0] == pytest.approx(lags[7])
    moves = range(220, 680)
    assert found.chance_r[0] == pytest.approx(np.quantile([abs(r(move)) for move in moves], 0.95))
    largest = [max(abs(r(move + lag)) for lag in range(21)) for move in moves]
    assert found.chance_best_r[0] == pytest.approx(np.quantile(largest, 0.95))


def test_unrelated_series_pass_their_chance_level_one_time_in_twenty():
    rng = np.random.default_rng(1)
    a, b = (np.apply_along_axis(np.convolve, 0, rng.standard_normal((1500, 200)), np.ones(20), "same") for _ in "ab")
    found = input_correlation(a, b, dt_ms=1.0)
    assert 0.01 < np.mean(np.abs(found.r) > found.chance_r) < 0.1
    assert 0.01 < np.mean(np.abs(found.best_r) > found.chance_best_r) < 0.1


def test_constant_input_has_no_correlation_and_short_recordings_are_refused():
    vm = np.random.default_rng(2).standard_normal((1200, 2))
    found = input_correlation(np.zeros_like(vm), vm, dt_ms=1.0)
    assert np.isnan(found.r).all()
    assert np.isnan(found.chance_best_r).all()
    with pytest.raises(RecordingError, match="1 s or more"):
        input_correlation(vm[:900], vm[:900], dt_ms=1.0)
    with pytest.raises(RecordingError, match="shape"):
        input_correlation(vm[:, :1], vm, dt_ms=1.0)

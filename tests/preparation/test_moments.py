"""Streamed moments against numpy on the whole array, and missing values counted."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.preparation.moments import moments_over, survey
from neurofit.preparation.splitting import Stretch
from neurofit_io import signal_from_array, signals


@pytest.fixture
def small_slabs(monkeypatch):
    monkeypatch.setattr(signals, "SLAB_BYTES", 4 * 3 * 7)


def values(n_steps: int = 200) -> np.ndarray:
    random = np.random.default_rng(0)
    offset, spread = np.array([-70.0, 1e4, 3e-5]), np.array([5.0, 1e-2, 1e-6])
    return (offset + spread * random.standard_normal((n_steps, 3))).astype(np.float32)


@pytest.mark.usefixtures("small_slabs")
def test_moments_over_stretches_are_those_of_numpy():
    array = values()
    steps = (Stretch(3, 50), Stretch(60, 61), Stretch(90, 200))
    chosen = np.concatenate([array[s.start : s.stop] for s in steps]).astype(np.float64)
    for moments in (
        moments_over(signal_from_array(array, name="x", rate_hz=1), steps),
        survey(signal_from_array(array, name="x", rate_hz=1), steps).moments,
    ):
        assert moments.n_steps == len(chosen)
        np.testing.assert_allclose(moments.mean, chosen.mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(moments.std, chosen.std(axis=0), rtol=1e-9)


def test_slab_size_does_not_matter(monkeypatch):
    signal, steps = signal_from_array(values(), name="x", rate_hz=1), (Stretch(5, 190),)
    whole = moments_over(signal, steps)
    monkeypatch.setattr(signals, "SLAB_BYTES", 12)
    by_step = moments_over(signal, steps)
    np.testing.assert_allclose(by_step.mean, whole.mean, rtol=1e-14)
    np.testing.assert_allclose(by_step.std, whole.std, rtol=1e-9)


def test_pooled_moments_are_those_of_all_values():
    array = values().astype(np.float64)
    pooled = moments_over(signal_from_array(values(), name="x", rate_hz=1), (Stretch(0, 200),)).pooled()
    np.testing.assert_allclose(pooled.mean, np.full(3, array.mean()), rtol=1e-13)
    np.testing.assert_allclose(pooled.std, np.full(3, array.std()), rtol=1e-13)


@pytest.mark.usefixtures("small_slabs")
def test_missing_values_are_found_across_slabs():
    array = values(40)
    array[5:16, 0] = np.nan
    array[13, 1] = np.inf
    array[30, 1] = -np.inf
    array[:, 2] = np.nan
    found = survey(signal_from_array(array, name="x", rate_hz=1), (Stretch(17, 30),))
    assert found.missing.tolist() == [11, 2, 40]
    bad = np.zeros(40, bool)
    for start, stop in found.runs(np.array([0, 1])):
        assert not bad[start:stop].any()
        bad[start:stop] = True
    np.testing.assert_array_equal(bad, ~np.isfinite(array[:, :2]).all(axis=1))
    np.testing.assert_allclose(found.moments.mean[:2], array[17:30, :2].astype(float).mean(axis=0), rtol=1e-13)


def test_nothing_missing_has_no_runs():
    found = survey(signal_from_array(values(), name="x", rate_hz=1), ())
    assert found.runs(np.arange(3)).shape == (0, 2)

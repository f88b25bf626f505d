"""Streamed moments against numpy's two passes, and copies against the correlation matrix."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit_io import signals
from neurofit_io.moments import moments
from neurofit_io.signals import signal_from_array

RNG = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "SLAB_BYTES", 4 * 6 * 37)


def test_against_two_passes() -> None:
    x = (RNG.standard_normal((500, 6)) * [1, 2, 1e-3, 5, 1, 1] + [0, 1e4, 5, -65, 0, 0]).astype(np.float32)
    x[RNG.random(x.shape) < 0.1] = np.nan
    x[:, 4] = np.nan
    x[:90, 5] = np.nan
    x[200:230, 0] = np.inf
    x[400:405, 3] = -999
    seen = moments(signal_from_array(x, name="vm", rate_hz=1.0), np.full((1, 6), -999, np.float32))
    clean = np.where(np.isfinite(x) & (x != -999), x, np.nan).astype(np.float64)[:, [0, 1, 2, 3, 5]]
    for name, of in (("mean", np.nanmean), ("std", np.nanstd), ("low", np.nanmin), ("high", np.nanmax)):
        np.testing.assert_allclose(getattr(seen, name)[[0, 1, 2, 3, 5]], of(clean, axis=0), rtol=1e-12)
    np.testing.assert_array_equal(seen.nan, np.isnan(x).sum(axis=0))
    np.testing.assert_array_equal(seen.inf, np.isinf(x).sum(axis=0))
    np.testing.assert_array_equal(seen.first_bad, np.argmin(np.isfinite(x), axis=0))
    assert seen.marked.tolist() == [(x == -999).sum(axis=0).tolist()]
    assert seen.marked[0, 3] > 0
    assert seen.finite[4] == 0


def test_copies_are_the_pairs_of_correlation_one() -> None:
    x = RNG.standard_normal((800, 40)) + RNG.standard_normal((800, 1))
    x[:, 7] = 3 * x[:, 2] - 65
    x[:, 31] = x[:, 2]
    x[:, 19] = x[:, 11]
    x[:, 20] = -x[:, 11]
    x[:, 33] = x[:, 34] + 1e-2 * RNG.standard_normal(800)
    x[:, 5] = 4.0
    x[:, 6] = 4.0
    x = x.astype(np.float32)
    seen = moments(signal_from_array(x, name="vm", rate_hz=1.0))
    with np.errstate(invalid="ignore"):
        pairs = np.triu(np.corrcoef(x.astype(np.float64).T) > 1 - 1e-9, 1)
    assert {(a, b) for a, b in zip(*np.nonzero(pairs), strict=True)} == {(2, 7), (2, 31), (7, 31), (11, 19)}
    assert seen.copies() == [[2, 7, 31], [11, 19]]
    assert np.flatnonzero(seen.constant).tolist() == [5, 6]

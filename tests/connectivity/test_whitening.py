"""Whitening: the coefficients against numpy's least squares row by row, and a process whose coefficients are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from neurofit.connectivity.binned_voltage import BinnedVoltage
from neurofit.connectivity.whitening import fit_whitener, whiten_voltage

TRUE = (1.4, -0.55)


def voltage(n_bins: int = 20_000, n_cells: int = 3, *, holes: float = 0.02) -> BinnedVoltage:
    rng = np.random.default_rng(0)
    scale = np.arange(1, n_cells + 1)
    values = signal.lfilter([1.0], [1.0, -TRUE[0], -TRUE[1]], rng.standard_normal((n_bins, n_cells)), axis=0) * scale
    valid = rng.random((n_bins, n_cells)) > holes
    return BinnedVoltage(values.astype(np.float32), valid, np.zeros(n_cells), 0.5, 0.0)


def literal(one: BinnedVoltage, cell: int, order: int) -> NDArray[np.float64]:
    rows = [t for t in range(order, one.n_bins) if one.valid[t - order : t + 1, cell].all()]
    table = np.array([[one.values[t - k, cell] for k in range(1, order + 1)] + [1.0] for t in rows])
    return np.linalg.lstsq(table, one.values[rows, cell].astype(float), rcond=None)[0][:order]


def test_each_cell_has_the_coefficients_of_least_squares() -> None:
    one = voltage(3000)
    found = fit_whitener(one, order=3)
    for cell in range(3):
        np.testing.assert_allclose(found[cell], literal(one, cell, 3), atol=2e-3)


@pytest.mark.parametrize("shared", [False, True])
def test_a_known_process_is_recovered_and_whitened(shared: bool) -> None:
    one = voltage()
    coefficients = fit_whitener(one, order=2, shared=shared)
    np.testing.assert_allclose(coefficients, [TRUE] * 3, atol=0.02)
    innovations, valid = whiten_voltage(one, coefficients)
    for cell, scale in enumerate((1.0, 2.0, 3.0)):
        both = valid[1:, cell] & valid[:-1, cell]
        kept = innovations[:, cell]
        assert np.std(kept[valid[:, cell]]) == pytest.approx(scale, rel=0.03)
        assert abs(np.corrcoef(kept[1:][both], kept[:-1][both])[0, 1]) < 0.02


def test_bins_with_a_blank_in_their_history_are_not_used() -> None:
    one = voltage(holes=0.0)
    one.valid[100, 1] = False
    innovations, valid = whiten_voltage(one, fit_whitener(one, order=2))
    assert np.flatnonzero(~valid[:, 1]).tolist() == [0, 1, 100, 101, 102]
    assert not innovations[~valid].any()
    assert abs(float(innovations[:, 1].mean())) < 1e-4


def test_cells_that_never_vary_or_are_never_valid_have_no_coefficients() -> None:
    one = voltage()
    one.values[:, 0] = 0.0
    one.valid[:, 2] = False
    coefficients = fit_whitener(one, order=2)
    assert coefficients.any(axis=1).tolist() == [False, True, False]
    assert np.isfinite(fit_whitener(one, order=2, shared=True)).all()

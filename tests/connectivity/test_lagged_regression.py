"""The shared regression against a literal table of regressors and numpy's least squares."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse, stats

from neurofit.connectivity.lagged_regression import fit_lagged, lagged_sums, spike_counts
from neurofit_io import spikes_from_lists

BINS, CELLS = 3000, 5


def drawn(seed: int = 0) -> tuple[sparse.csr_array, NDArray[np.float32], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.03, (BINS, CELLS)).astype(np.float32)
    response = rng.standard_normal((BINS, CELLS)).astype(np.float32)
    return sparse.csr_array(counts), response, rng.random((BINS, CELLS)) > 0.1


def literal_table(counts: sparse.csr_array, basis: NDArray[np.float64], first_lag: int) -> NDArray[np.float64]:
    """(bins, basis x cells), the spikes of the last bins left out as the fit leaves them out."""
    spikes = counts.toarray().astype(np.float64)
    spikes[len(spikes) - first_lag - len(basis) :] = 0
    table = np.zeros((BINS, basis.shape[1], CELLS))
    for lag, row in enumerate(basis, start=first_lag):
        for column, value in enumerate(row):
            table[lag:, column] += value * spikes[: BINS - lag]
    return table.reshape(BINS, -1)


@pytest.mark.parametrize("first_lag", [0, 2])
@pytest.mark.parametrize("n_basis", [1, 3])
def test_coefficients_and_errors_are_those_of_least_squares(first_lag: int, n_basis: int) -> None:
    counts, response, _ = drawn()
    basis = np.random.default_rng(1).standard_normal((6, n_basis))
    valid = np.ones((BINS, CELLS), dtype=bool)
    fit = fit_lagged(counts, response, valid, basis, first_lag=first_lag, ridge=0.0)
    table = literal_table(counts, basis, first_lag)
    centred = table - table.mean(axis=0)
    target = response - response.mean(axis=0, dtype=np.float64)
    expected, squares, *_ = np.linalg.lstsq(centred, target, rcond=None)
    np.testing.assert_allclose(fit.beta.reshape(expected.shape), expected, atol=1e-5)
    variance = squares / (BINS - table.shape[1])
    np.testing.assert_allclose(fit.variance, variance, rtol=1e-4)
    error = np.sqrt(np.diag(np.linalg.inv(centred.T @ centred))[:, None] * variance)
    np.testing.assert_allclose(fit.standard_error().reshape(error.shape), error, rtol=1e-4)


def test_f_is_that_of_two_nested_fits() -> None:
    counts, response, _ = drawn()
    basis = np.eye(4)
    valid = np.ones((BINS, CELLS), dtype=bool)
    fit = fit_lagged(counts, response, valid, basis, first_lag=1, ridge=0.0)
    table = literal_table(counts, basis, 1).reshape(BINS, 4, CELLS)
    target = response[:, 2] - response[:, 2].mean(dtype=np.float64)

    def left(columns: NDArray[np.float64]) -> float:
        centred = columns.reshape(BINS, -1) - columns.reshape(BINS, -1).mean(axis=0)
        return float(np.linalg.lstsq(centred, target, rcond=None)[1][0])

    full, without = left(table), left(np.delete(table, 3, axis=2))
    expected = (without - full) / 4 / (full / (BINS - 4 * CELLS))
    assert fit.f_statistic()[3, 2] == pytest.approx(expected, rel=1e-4)


def test_sums_are_the_same_whether_filtered_first_or_lag_by_lag() -> None:
    counts, response, valid = drawn()
    busy = sparse.csr_array(np.random.default_rng(2).poisson(2.0, (BINS, CELLS)).astype(np.float32))
    basis = np.zeros((20, 1))
    basis[3:7] = 0.5
    for spikes in (counts, busy):
        table = literal_table(spikes, basis, 1)
        kept = np.where(valid, response, 0)
        deviation = np.where(valid, kept - kept.sum(axis=0) / valid.sum(axis=0), 0)
        found = lagged_sums(spikes, response, valid, basis, first_lag=1)
        np.testing.assert_allclose(found[0], table.T @ deviation, rtol=1e-4, atol=2e-3)


def test_t_is_standard_normal_where_nothing_connects_and_bins_are_missing() -> None:
    scores = []
    for seed in range(12):
        counts, response, valid = drawn(seed)
        valid[: BINS // 3, 0] = False
        fit = fit_lagged(counts, np.where(valid, response, 0), valid, np.eye(3), first_lag=1)
        scores.append((fit.beta / fit.standard_error()).ravel())
    assert stats.kstest(np.concatenate(scores), "norm").pvalue > 0.001
    assert np.std(np.concatenate(scores)) == pytest.approx(1.0, abs=0.05)


def test_cells_that_hardly_fire_have_no_coefficients() -> None:
    counts, response, valid = drawn()
    quiet = counts.toarray()
    quiet[:, 1] = 0
    fit = fit_lagged(sparse.csr_array(quiet), response, valid, np.eye(2), first_lag=1)
    assert fit.silent.tolist() == [False, True, False, False, False]
    assert not fit.beta[:, 1].any()
    assert not fit.f_statistic()[1].any()
    assert np.isnan(fit.standard_error()[:, 1]).all()
    assert np.isfinite(fit.beta).all()


def test_spikes_are_counted_in_the_bin_they_fall_in() -> None:
    spikes = spikes_from_lists([[0.0, 0.0011, 0.0012], [0.0999]], stop_s=0.1)
    counts = spike_counts(spikes, n_bins=100, bin_ms=1.0, start_s=0.0).toarray()
    assert counts[0, 0] == 1
    assert counts[1, 0] == 2
    assert counts[99, 1] == 1
    assert counts.sum() == 4

"""Every cell's response regressed at once on the past spikes of all cells.

    y_i(t) = sum_j sum_b beta_ijb x_jb(t) + e_i(t)        x_jb(t) = sum_l basis_lb s_j(t - l)

All cells have the same regressors x, so that one Gram matrix and one factorisation serve them all. The Gram matrix is
a sum over the cross-correlograms of the spikes and the products with the response are sums of it around spikes: both
cost what there are spikes, and the table of regressors, (time, cells x basis), is never made.

Steps that are not valid hold no response (0); the missing share of each cell is made up for on the average. Against
regressors masked cell by cell this gains nothing but time (specification of the field, section 4, "Readings").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from neurofit.connectivity.blanking import spike_steps
from neurofit_io import Spikes

RIDGE = 1e-4
"""Times the mean of the Gram matrix's diagonal: what keeps cells that hardly fire from dividing by nothing."""
FEWEST_SPIKES = 5
BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class LaggedFit:
    """Coefficients of every pair.

    Attributes:
        beta: Coefficients, (basis, pre, post), in units of the response.
        unexplained: For each presynaptic cell the inverse Gram matrix of its own regressors with all others' effects
            taken out, (pre, basis, basis).
        variance: Of what is left of the response, (post,).
        observed: Share of the steps with a valid response, (post,).
        freedom: Valid steps less the number of regressors, (post,).
        silent: Presynaptic cells with fewer than FEWEST_SPIKES spikes; their coefficients are 0, (pre,).
    """

    beta: NDArray[np.float64]
    unexplained: NDArray[np.float64]
    variance: NDArray[np.float64]
    observed: NDArray[np.float64]
    freedom: NDArray[np.float64]
    silent: NDArray[np.bool_]

    def standard_error(self) -> NDArray[np.float64]:
        """Standard error of `beta`, (basis, pre, post); NaN where nothing is estimated."""
        spread = np.diagonal(self.unexplained, axis1=1, axis2=2).T
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt(spread[:, :, None] * (self.variance / self.observed)[None, None])
        error[:, self.silent] = np.nan
        return error

    def f_statistic(self) -> NDArray[np.float64]:
        """F of all coefficients of each pair against 0, (pre, post)."""
        n_basis = len(self.beta)
        explained = np.empty(self.beta.shape[1:])
        for pre, spread in enumerate(self.unexplained):
            explained[pre] = np.einsum("bi,bi->i", self.beta[:, pre], linalg.solve(spread, self.beta[:, pre]))
        with np.errstate(divide="ignore", invalid="ignore"):
            f = explained * self.observed / (n_basis * self.variance)
        f[self.silent] = 0.0
        return np.nan_to_num(f, nan=0.0, posinf=0.0)


def spike_counts(spikes: Spikes, *, n_bins: int, bin_ms: float, start_s: float) -> sparse.csr_array:
    """Spikes of each cell in bins, (bins, cells), float32, sparse."""
    bins = spike_steps(spikes, rate_hz=1000 / bin_ms, start_s=start_s)
    inside = (bins >= 0) & (bins < n_bins)
    ones = np.ones(np.count_nonzero(inside), np.float32)
    table = sparse.coo_array((ones, (bins[inside], spikes.units[inside])), shape=(n_bins, spikes.n_units))
    return table.tocsr()


def fit_lagged(
    counts: sparse.csr_array,
    response: NDArray[np.float32],
    valid: NDArray[np.bool_],
    basis: NDArray[np.float64],
    *,
    first_lag: int = 0,
    ridge: float = RIDGE,
) -> LaggedFit:
    """Least squares of every cell's response on the past spikes of all.

    Args:
        counts: `spike_counts`, (bins, pre).
        response: (bins, post), 0 where not valid; its mean over valid bins is taken away.
        valid: (bins, post).
        basis: Basis of the response to a spike, (lags, basis), from `first_lag` on.
        first_lag: Bins from a spike to the first row of `basis`.
        ridge: Added to the diagonal of the Gram matrix, relative to its mean.
    """
    counts = _without_end(counts, first_lag + len(basis))
    n_bins, n_pre = counts.shape
    n_basis = basis.shape[1]
    number = np.asarray(counts.sum(axis=0), dtype=np.float64).reshape(-1)
    gram = _gram(counts, basis)
    mean = basis.sum(axis=0)[:, None] * number / n_bins
    gram = (gram - n_bins * mean[:, :, None, None] * mean).reshape(n_basis * n_pre, -1)
    silent = number < FEWEST_SPIKES
    gram[np.diag_indices_from(gram)] += ridge * max(float(np.mean(np.diag(gram))), 1e-12)
    inverse = linalg.inv(gram, overwrite_a=True, check_finite=False)
    observed = np.maximum(valid.mean(axis=0), 1e-9)
    cross = lagged_sums(counts, response, valid, basis, first_lag=first_lag).reshape(n_basis * n_pre, -1)
    beta = (inverse @ cross).reshape(n_basis, n_pre, -1) / observed
    beta[:, silent] = 0.0
    own = np.einsum("bjcj->jbc", inverse.reshape(n_basis, n_pre, n_basis, n_pre))
    n_valid = valid.sum(axis=0)
    freedom = np.maximum(n_valid - n_pre * n_basis, 1)
    left = _squares(response, valid) - np.einsum("xi,xi->i", beta.reshape(cross.shape), cross)
    return LaggedFit(beta, own, np.maximum(left, 0) / freedom, observed, freedom.astype(np.float64), silent)


def _without_end(counts: sparse.csr_array, lags: int) -> sparse.csr_array:
    """Without the spikes whose effect would lie beyond the end: sums over time then have no edge."""
    kept = counts.copy()
    kept.data[kept.indptr[max(0, counts.shape[0] - lags)] :] = 0.0
    kept.eliminate_zeros()
    return kept


def _gram(counts: sparse.csr_array, basis: NDArray[np.float64]) -> NDArray[np.float64]:
    """sum_t x_jb(t) x_kc(t), (basis, cells, basis, cells), from cross-correlograms of as many lags as the basis has."""
    (n_lags, n_basis), (n_bins, n_cells) = basis.shape, counts.shape
    gram = np.zeros((n_basis, n_cells, n_basis, n_cells))
    together = np.empty((n_cells, n_cells), np.float32)
    by_cell = counts.T.tocsr()
    for lag in range(n_lags - 1, -1, -1):
        # Spikes of k come `lag` bins after those of j: where x_k sees its own l ago, x_j sees its own l + `lag` ago.
        (by_cell[:, : n_bins - lag] @ counts[lag:]).toarray(out=together)
        products = (basis[lag:].T @ basis[: n_lags - lag]).astype(np.float32)
        if lag == 0:
            # The other order of time, j after k.
            gram += gram.transpose(2, 3, 0, 1).copy()
        for b, c in np.argwhere(products):
            gram[b, :, c] += products[b, c] * together
    return gram


def lagged_sums(
    counts: sparse.csr_array,
    response: NDArray[np.float32],
    valid: NDArray[np.bool_],
    basis: NDArray[np.float64],
    *,
    first_lag: int,
) -> NDArray[np.float64]:
    """sum_t x_jb(t) y_i(t), y in deviations from its mean over valid bins, (basis, pre, post).

    Args:
        counts: Spikes, (bins, pre).
        response: (bins, post).
        valid: (bins, post).
        basis: (lags, basis), from `first_lag` on.
        first_lag: Bins from a spike to the first row of `basis`.
    """
    n_bins, n_pre = counts.shape
    by_cell = _without_end(counts, first_lag + len(basis)).T.tocsr()
    deviation = _deviation(response, valid)
    filtering = np.count_nonzero(basis) * n_bins + basis.shape[1] * by_cell.nnz
    if filtering < len(basis) * by_cell.nnz:
        return np.stack([by_cell @ _ahead(deviation, column, first_lag) for column in basis.T])
    out = np.zeros((basis.shape[1], n_pre, response.shape[1]))
    for lag, row in enumerate(basis, start=first_lag):
        sums = by_cell[:, : n_bins - lag] @ deviation[lag:]
        for column in np.flatnonzero(row):
            out[column] += row[column] * sums
    return out


def _deviation(response: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The response less its mean over valid bins, 0 where not valid."""
    out = np.where(valid, response, np.float32(0))
    mean = out.sum(axis=0, dtype=np.float64) / np.maximum(valid.sum(axis=0), 1)
    out -= mean.astype(np.float32)
    out[~valid] = 0.0
    return out


def _ahead(response: NDArray[np.float32], column: NDArray[np.float64], first_lag: int) -> NDArray[np.float32]:
    """sum_l column_l y(t + first_lag + l), (bins, post)."""
    out = np.zeros_like(response)
    for lag in np.flatnonzero(column):
        shift = min(first_lag + int(lag), len(response))
        out[: len(response) - shift] += np.float32(column[lag]) * response[shift:]
    return out


def _squares(response: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Sum of squared deviations of the valid responses, (post,)."""
    out = np.empty(response.shape[1])
    for block in _blocks(response.shape[1], len(response)):
        values = _deviation(response[:, block], valid[:, block])
        out[block] = np.einsum("tc,tc->c", values, values, dtype=np.float64)
    return out


def _blocks(n_columns: int, n_rows: int) -> Iterator[slice]:
    width = max(1, BLOCK_BYTES // (8 * max(1, n_rows)))
    for first in range(0, n_columns, width):
        yield slice(first, first + width)

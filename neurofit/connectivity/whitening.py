"""What each cell's voltage does not say about its own next bin: an autoregression taken away.

    e_i(t) = v_i(t) - c_i - sum_k a_ik v_i(t - k)

Least squares on the bins whose own history is free of blanks. A shared whitener has the same a for all cells, from
their pooled sums of squares, each cell in units of its own variance.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.binned_voltage import BinnedVoltage

ORDER = 8
CELLS_AT_ONCE = 32
SHARING_CELLS = 256
"""Cells that a shared autoregression is fitted to; more would change nothing."""


def fit_whitener(voltage: BinnedVoltage, *, order: int = ORDER, shared: bool = False) -> NDArray[np.float64]:
    """Coefficients a of the autoregression, (cells, order); 0 for a cell that never varies or is never free of blanks.

    Args:
        voltage: Binned voltage.
        order: Number of lags, bins.
        shared: One autoregression for all cells.
    """
    n_cells = voltage.values.shape[1]
    gram, cross = np.zeros((n_cells, order, order)), np.zeros((n_cells, order))
    square, rows = np.zeros(n_cells), np.zeros(n_cells)
    chosen = np.linspace(0, n_cells - 1, min(n_cells, SHARING_CELLS)).astype(int) if shared else np.arange(n_cells)
    for cells, window, usable in _histories(voltage, order, chosen):
        for i, cell in enumerate(cells):
            kept = window[:, usable[:, i], i].astype(np.float64)
            centred = kept - kept.mean(axis=1, keepdims=True) if kept.shape[1] else kept
            products = centred @ centred[1:].T
            gram[cell], cross[cell] = products[1:], products[0]
            square[cell], rows[cell] = float(np.trace(products[1:])) / order, kept.shape[1]
    usable_cells = (square > 0) & (rows > 10 * order)
    coefficients = np.zeros((n_cells, order))
    if shared and usable_cells.any():
        scaled = np.where(usable_cells, rows / np.where(usable_cells, square, 1), 0)
        pooled = np.einsum("c,cij->ij", scaled, gram), np.einsum("c,ci->i", scaled, cross)
        coefficients[:] = _solve(*pooled)
    elif not shared:
        for cell in np.flatnonzero(usable_cells):
            coefficients[cell] = _solve(gram[cell], cross[cell])
    return coefficients


def whiten_voltage(
    voltage: BinnedVoltage, coefficients: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Innovations of each cell.

    Args:
        voltage: Binned voltage.
        coefficients: `fit_whitener`, (cells, order).

    Returns:
        e, mV, (bins, cells), 0 where not valid, and whether bin and history are free of blanks, (bins, cells).
    """
    order = coefficients.shape[1]
    out, valid = voltage.values.copy(), voltage.valid.copy()
    for lag in range(1, order + 1):
        out[lag:] -= coefficients[:, lag - 1].astype(np.float32) * voltage.values[:-lag]
        valid[lag:] &= voltage.valid[:-lag]
    valid[:order] = False
    out[~valid] = 0.0
    mean = out.sum(axis=0, dtype=np.float64) / np.maximum(valid.sum(axis=0), 1)
    out -= np.where(valid, mean.astype(np.float32), 0)
    return out, valid


def _histories(
    voltage: BinnedVoltage, order: int, chosen: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.bool_]]]:
    """Blocks of cells with (1 + order, rows, cells): each bin and those before it, and where all of them are valid."""
    n_rows = voltage.n_bins - order
    for first in range(0, len(chosen), CELLS_AT_ONCE):
        cells = chosen[first : first + CELLS_AT_ONCE]
        values, valid = voltage.values[:, cells], voltage.valid[:, cells]
        window = np.stack([values[order - lag : order - lag + n_rows] for lag in range(order + 1)])
        usable = np.logical_and.reduce([valid[order - lag : order - lag + n_rows] for lag in range(order + 1)])
        yield cells, window, usable


def _solve(gram: NDArray[np.float64], cross: NDArray[np.float64]) -> NDArray[np.float64]:
    ridged = gram + 1e-8 * np.trace(gram) / len(gram) * np.eye(len(gram))
    return np.asarray(np.linalg.solve(ridged, cross))

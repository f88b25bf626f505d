"""The shapes that responses to a spike take in whitened voltages: learned from all pairs of the recording, or assumed.

For each pair the whitened voltage of one cell is added up around the spikes of the other, lag by lag, in units in
which chance alone gives 1: c_ij(l) = sum_t s_j(t) e_i(t + l) / sqrt(n_j var e_i). Where nothing happens the second
moment over all pairs, M = <c c'>, is the identity; a synapse adds its shape. So the leading eigenvectors of M at lags
after the spike are the responses' common shapes. M at lags before the spike, which no synapse reaches, says what common
input and chance do: eigenvectors are kept whose eigenvalue exceeds the largest of these. Which pairs are connected is
neither known nor needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neurofit.connectivity.lagged_regression import FEWEST_SPIKES, lagged_sums

MOST_SHAPES = 3
BOX_EDGES_MS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.5, 8.5, 11.5, 15.5)
PSP_RISE_MS, PSP_DECAY_MS, PSP_DELAY_MS, PSP_LENGTH_MS = 3.5, 8.0, 1.0, 30.0
PAIRS_AT_MOST = 200_000
"""Pairs that shapes are learned from; more add nothing to a 30 x 30 matrix."""


@dataclass(frozen=True, eq=False)
class ResponseBasis:
    """Shapes of responses in whitened voltages.

    Attributes:
        shapes: (lags, shapes), from `first_lag` bins after a spike on.
        first_lag: Bins from a spike to the first row of `shapes`.
        said: Which basis it is, in words.
    """

    shapes: NDArray[np.float64]
    first_lag: int
    said: str


def learned_basis(
    counts: sparse.csr_array,
    innovations: NDArray[np.float32],
    valid: NDArray[np.bool_],
    *,
    bin_ms: float,
    window_ms: float,
    most: int = MOST_SHAPES,
) -> ResponseBasis | None:
    """The leading shapes of all pairs' responses, None where none stands out from the lags before spikes.

    Args:
        counts: Spikes, (bins, pre).
        innovations: Whitened voltages, (bins, post), 0 where not valid.
        valid: (bins, post).
        bin_ms: Width of a bin, ms.
        window_ms: Longest time from a spike to its effect, ms.
        most: Most shapes kept.
    """
    n_lags = max(2, round(window_ms / bin_ms))
    after = _second_moment(counts, innovations, valid, n_lags)
    before = _second_moment(counts[::-1], innovations[::-1], valid[::-1], n_lags)
    values, vectors = np.linalg.eigh(after)
    floor = float(np.linalg.eigvalsh(before)[-1])
    kept = min(int(np.count_nonzero(values > floor)), most)
    if kept == 0:
        return None
    shapes = vectors[:, ::-1][:, :kept]
    listed = ", ".join(f"{value:.3g}" for value in values[::-1][:kept])
    return ResponseBasis(
        shapes * np.sign(shapes[np.abs(shapes).argmax(axis=0), range(kept)]),
        1,
        f"{kept} response shape{'s' * (kept > 1)} learned from all pairs (variance {listed} of chance; "
        f"before spikes at most {floor:.3g})",
    )


def box_basis(*, bin_ms: float) -> ResponseBasis:
    """Ten boxes from 1 to 15.5 ms after a spike, wider the later; boxes narrower than a bin are left out."""
    edges = np.unique(np.round(np.array(BOX_EDGES_MS) / bin_ms).astype(int))
    widths = np.diff(edges)
    shapes = np.zeros((edges[-1] - edges[0], len(widths)))
    for box, (first, width) in enumerate(zip(edges, widths, strict=False)):
        shapes[first - edges[0] : first - edges[0] + width, box] = 1 / np.sqrt(width)
    said = f"{len(widths)} boxes from {edges[0] * bin_ms:g} to {edges[-1] * bin_ms:g} ms after a spike"
    return ResponseBasis(shapes, int(edges[0]), said)


def psp_basis(coefficients: NDArray[np.float64], *, bin_ms: float) -> ResponseBasis:
    """One assumed postsynaptic potential, whitened as the voltages were.

    Args:
        coefficients: Autoregressions of the cells, (cells, order); their mean whitens the potential.
        bin_ms: Width of a bin, ms.
    """
    lags = np.arange(round(PSP_LENGTH_MS / bin_ms)) * bin_ms
    since = np.maximum(lags - PSP_DELAY_MS, 0)
    potential = np.exp(-since / PSP_DECAY_MS) - np.exp(-since / PSP_RISE_MS)
    whitened = potential.copy()
    for lag, coefficient in enumerate(coefficients[coefficients.any(axis=1)].mean(axis=0), start=1):
        whitened[lag:] -= coefficient * potential[:-lag]
    said = f"an assumed potential ({PSP_RISE_MS:g} ms rise, {PSP_DECAY_MS:g} ms decay, {PSP_DELAY_MS:g} ms delay)"
    return ResponseBasis((whitened / np.linalg.norm(whitened))[:, None], 0, said)


def _second_moment(
    counts: sparse.csr_array, innovations: NDArray[np.float32], valid: NDArray[np.bool_], n_lags: int
) -> NDArray[np.float64]:
    """<c(l) c(l')> over pairs, lags 1 to `n_lags`, (lags, lags)."""
    n_pre = counts.shape[1]
    some = np.linspace(0, n_pre - 1, min(n_pre, max(1, PAIRS_AT_MOST // n_pre))).astype(int)
    e, known = np.ascontiguousarray(innovations[:, some]), valid[:, some]
    sums = lagged_sums(counts, e, known, np.eye(n_lags), first_lag=1)
    number = np.asarray(counts.sum(axis=0), dtype=np.float64).reshape(-1)
    scale = np.sqrt(number[:, None] * (e.astype(np.float64) ** 2).mean(axis=0))
    fires = (number >= FEWEST_SPIKES)[:, None] & (scale > 0)
    fires[some, range(len(some))] = False
    standard = np.where(fires, sums / np.where(scale > 0, scale, 1), 0).reshape(n_lags, -1)
    return standard @ standard.T / max(int(fires.sum()), 1)

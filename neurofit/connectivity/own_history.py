"""How long ago each cell last fired, in classes: the own-history regressors of a point process.

Class 0 are the bins too soon after a spike for any cell of the recording ever to have fired again; the others cover
ages as given, and the last one every greater age, and the time before the first spike. A hazard that depends on
the age alone is a renewal process; with inputs it is the modulated renewal process of R. Kass and V. Ventura (Neural
Computation 13, 2001).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

AGES_MS = (3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0)
MAX_REFRACTORY_MS = 5.0


def refractory_bins(counts: sparse.csr_array, bin_ms: float) -> int:
    """Bins after a spike in which no cell ever fired again, at most those of 5 ms.

    Args:
        counts: (bins, cells).
        bin_ms: Bin width, ms.
    """
    if counts.data.max(initial=0) > 1:
        return 0
    columns = counts.tocsc()
    columns.sort_indices()
    gaps = np.diff(columns.indices.astype(np.int64))
    borders = columns.indptr[1:-1]
    within = np.ones(len(gaps), dtype=bool)
    within[borders[(borders > 0) & (borders <= len(gaps))] - 1] = False
    limit = int(MAX_REFRACTORY_MS / bin_ms)
    return min(limit, int(gaps[within].min()) - 1) if within.any() else limit


def age_borders(bin_ms: float, refractory: int) -> NDArray[np.int64]:
    """First age of each class but the first, bins, rising.

    Args:
        bin_ms: Bin width, ms.
        refractory: Bins of class 0.
    """
    borders = np.unique(np.round(np.array(AGES_MS) / bin_ms).astype(np.int64))
    return np.concatenate([[refractory + 1], borders[borders > refractory + 1]])


def age_classes(
    counts: sparse.csr_array, borders: NDArray[np.int64], rows: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """The class of every cell's age in every bin, in blocks of bins.

    Args:
        counts: (bins, cells).
        borders: As from `age_borders`.
        rows: Bins of a block.

    Yields:
        First bin of a block and the classes, (bins of the block, cells).
    """
    bins, cells = counts.shape
    oldest = int(borders[-1])
    class_of = np.searchsorted(borders, np.arange(oldest + 1), side="right").astype(np.uint8)
    last = np.full(cells, -oldest, dtype=np.int32)
    for start in range(0, bins, rows):
        stop = min(start + rows, bins)
        fired = counts[start:stop].tocoo()
        latest = np.full((stop - start + 1, cells), np.iinfo(np.int32).min, dtype=np.int32)
        latest[0] = last
        latest[fired.row + 1, fired.col] = fired.row + start
        np.maximum.accumulate(latest, axis=0, out=latest)
        age = np.arange(start, stop, dtype=np.int32)[:, None] - latest[:-1]
        yield start, class_of[np.minimum(age, oldest)]
        last = np.maximum(latest[-1], stop - oldest)

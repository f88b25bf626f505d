"""The score of knowing nothing but where cells are: pairs ranked by nearness. Any method has to beat it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nearness(positions_um: NDArray[np.floating]) -> NDArray[np.float64]:
    """Minus the Euclidean distance of every two cells, um, (cells, cells); NaN where a position is not known.

    Args:
        positions_um: (cells, 2 or 3), um.
    """
    squared = np.zeros((len(positions_um), len(positions_um)))
    # One coordinate at a time: all at once would take three such matrices more.
    for coordinate in np.asarray(positions_um, dtype=np.float64).T:
        squared += np.square(coordinate[:, None] - coordinate[None, :])
    return -np.sqrt(squared)

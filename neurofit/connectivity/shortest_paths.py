"""How many synapses lie between two cells: the shortest directed path of every ordered pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path


def path_lengths(weight: NDArray[np.floating]) -> NDArray[np.float64]:
    """Synapses on the shortest path from pre to post, (post, pre): 1 where connected, 0 on the diagonal, inf for none.

    Args:
        weight: Weights, (post, pre); 0 and NaN (not tested) are no connection.
    """
    connected = (weight != 0) & ~np.isnan(weight)
    # The graph of scipy has rows from, columns to.
    graph = csr_array(connected.T.astype(np.float64))
    return np.ascontiguousarray(shortest_path(graph, method="D", unweighted=True).T)


def two_step_paths(weight: NDArray[np.floating]) -> NDArray[np.int64]:
    """Number of cells that pre connects to and that connect to post, (post, pre).

    Args:
        weight: Weights, (post, pre); 0 and NaN are no connection, and so is a cell with itself.
    """
    connected = ((weight != 0) & ~np.isnan(weight)).astype(np.float32)
    np.fill_diagonal(connected, 0.0)
    return np.rint(connected @ connected).astype(np.int64)

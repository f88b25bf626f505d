"""Who connects to whom, as a list of synapses or connections; `weight[post, pre]` when asked for a matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurofit_io.errors import RecordingError


@dataclass(frozen=True, eq=False)
class Connectivity:
    """Directed connections from presynaptic to postsynaptic cells.

    A pair may appear several times (one row a synapse); `weight` sums them. A row with weight NaN marks a pair
    that nobody tested.

    Args:
        name: `connectivity`, or with a suffix from the file.
        post: Index of the postsynaptic cell of each row, into `post_ids`, (rows,).
        pre: Index of the presynaptic cell of each row, into `pre_ids`, (rows,).
        weights: Signed weight of each row, negative where the presynaptic cell inhibits, (rows,).
        post_ids: A label per postsynaptic cell.
        pre_ids: A label per presynaptic cell; the same as `post_ids` for a recurrent network.
        unit: Unit of the weights, such as `uS`; empty when the file does not say.
        delays_ms: Delay of each row, ms, (rows,); None when not known.
        pre_types: `e`, `i` or empty per presynaptic cell.
        post_types: The same per postsynaptic cell.
        pre_positions_um: (pre cells, 3), um; None when not known.
        post_positions_um: (post cells, 3), um; None when not known.
        metadata: Whatever else the file says, JSON-able; `pre_population` and `post_population` where cells have
            ids of their own population.
    """

    name: str
    post: NDArray[np.int64]
    pre: NDArray[np.int64]
    weights: NDArray[np.float64]
    post_ids: NDArray
    pre_ids: NDArray
    unit: str = ""
    delays_ms: NDArray[np.float64] | None = None
    pre_types: NDArray[np.str_] | None = None
    post_types: NDArray[np.str_] | None = None
    pre_positions_um: NDArray[np.float64] | None = None
    post_positions_um: NDArray[np.float64] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.post) == len(self.pre) == len(self.weights):
            raise RecordingError(
                "", f"{len(self.post)} post, {len(self.pre)} pre and {len(self.weights)} weights", place=self.name,
                expected="one of each per connection",
            )  # fmt: skip
        for side, index, ids in (("post", self.post, self.post_ids), ("pre", self.pre, self.pre_ids)):
            if len(index) and not (index.min() >= 0 and index.max() < len(ids)):
                found = index.min() if index.min() < 0 else index.max()
                raise RecordingError(
                    "", f"{side}synaptic cell {found} of {len(ids)}", place=self.name, expected=f"0 to {len(ids) - 1}"
                )

    @property
    def shape(self) -> tuple[int, int]:
        """(post cells, pre cells)."""
        return len(self.post_ids), len(self.pre_ids)

    @property
    def recurrent(self) -> bool:
        """Whether both sides are the same cells."""
        same_population = self.metadata.get("pre_population") == self.metadata.get("post_population")
        return same_population and np.array_equal(self.post_ids, self.pre_ids)

    @property
    def weight(self) -> NDArray[np.float64]:
        """Dense signed matrix, (post, pre), several synapses of a pair summed, 0 where nothing connects."""
        dense = np.zeros(self.shape)
        np.add.at(dense, (self.post, self.pre), self.weights)
        return dense

    @property
    def n_connected_pairs(self) -> int:
        """Ordered pairs with at least one row of a known weight; without the diagonal when recurrent."""
        known = np.isfinite(self.weights)
        if self.recurrent:
            known &= self.post != self.pre
        return len(np.unique(self.post[known].astype(np.int64) * self.shape[1] + self.pre[known]))

    @property
    def n_self_connected(self) -> int:
        """Cells of a recurrent network with a row of a known weight onto themselves; no pair counts them."""
        own = (self.post == self.pre) & np.isfinite(self.weights)
        return len(np.unique(self.post[own])) if self.recurrent else 0

    @property
    def n_possible_pairs(self) -> int:
        """Ordered pairs without the diagonal when recurrent."""
        n_post, n_pre = self.shape
        return n_post * (n_pre - 1) if self.recurrent else n_post * n_pre


def connectivity_from_matrix(
    matrix: ArrayLike, *, orientation: str, name: str = "connectivity", place: str = "", **more: Any
) -> Connectivity:
    """`Connectivity` of a dense square matrix; its zeros are absent connections, its NaN untested pairs.

    Args:
        matrix: (cells, cells).
        orientation: `post_pre` or `pre_post`: what rows and columns are.
        name: Name of the result.
        place: File and path inside it, for messages.
        **more: Further fields of `Connectivity`, such as `post_ids` (used for both sides).

    Raises:
        RecordingError: Not square, or the orientation is neither of the two.
    """
    dense = np.asarray(matrix, dtype=np.float64)
    if dense.ndim != 2 or dense.shape[0] != dense.shape[1]:
        raise RecordingError(place, f"a connectivity matrix of shape {dense.shape}", expected="a square one")
    if orientation not in ("post_pre", "pre_post"):
        raise RecordingError(
            place, f"orientation {orientation!r}", expected="post_pre or pre_post", do="say --orientation"
        )
    if orientation == "pre_post":
        dense = dense.T
    post, pre = np.nonzero(dense)
    ids = more.pop("post_ids", np.arange(len(dense)))
    return Connectivity(name, post, pre, dense[post, pre], post_ids=ids, pre_ids=ids, **more)

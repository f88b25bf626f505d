"""The true connections as a matrix of the cells of an estimate, with signs, types and positions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurofit_io import Connectivity, RecordingError, RecordingWarning


@dataclass(frozen=True, eq=False)
class TrueConnections:
    """What an estimate is scored against; cells are those of the estimate, in its order.

    Attributes:
        weight: Signed weight, 0 where nothing connects, NaN where nobody knows, (post, pre).
        types: `e`, `i` or empty per presynaptic cell, (pre,).
        positions_um: (cells, 2 or 3), um; None when not known.
        signed: Whether the signs of the weights are known.
        notes: What was assumed, a sentence each.
    """

    weight: NDArray[np.float64]
    types: NDArray[np.str_]
    positions_um: NDArray[np.float64] | None
    signed: bool
    notes: tuple[str, ...]


def true_connections(
    truth: Connectivity | ArrayLike,
    *,
    n_cells: int,
    cell_ids: ArrayLike | None = None,
    positions_um: ArrayLike | None = None,
    pre_types: Sequence[str] | NDArray | None = None,
    place: str = "",
) -> TrueConnections:
    """The truth in the order of the estimate's cells.

    Args:
        truth: Connections, or a matrix (post, pre) with NaN where a pair is unknown.
        n_cells: Number of cells of the estimate.
        cell_ids: Their ids, (cells,); the truth, if it has ids, is put in this order and cut to these cells.
        positions_um: (cells, 2 or 3), um, of the estimate's cells, over those of the truth.
        pre_types: `e`, `i` or empty per cell of the estimate, over those of the truth.
        place: File of the truth, for messages.

    Returns:
        The truth. Weights that are all positive although types name inhibitory cells take their signs from the types.
        Types that are not given are taken from the signs, where there are negative weights.

    Raises:
        RecordingError: Another number of cells, other ids, an id that stands twice, or no square matrix.
    """
    notes: list[str] = []
    if isinstance(truth, Connectivity):
        weight, types, positions = _of_connectivity(truth, n_cells, cell_ids, place, notes)
    else:
        weight, types, positions = np.array(truth, dtype=np.float64), None, None
        if weight.ndim != 2 or weight.shape[0] != weight.shape[1]:
            raise RecordingError(place, f"a truth of shape {weight.shape}", expected="a square matrix [post, pre]")
    if len(weight) != n_cells:
        raise RecordingError(
            place, f"a truth of {len(weight)} cells", expected=f"{n_cells}, as the estimate has",
            do="score the cells that both have, with their ids",
        )  # fmt: skip
    if np.isinf(weight).any():
        raise RecordingError(place, f"{np.isinf(weight).sum()} infinite true weights", expected="finite ones, or NaN")
    np.fill_diagonal(weight, np.nan)
    types = types if pre_types is None else np.asarray(pre_types).astype(str)
    positions = positions if positions_um is None else np.asarray(positions_um, dtype=np.float64)
    _refuse_lengths(n_cells, types, positions, place)
    types = np.full(n_cells, "") if types is None else types
    weight, types, signed = _with_signs(weight, types, place, notes)
    return TrueConnections(weight, types, positions, signed, tuple(notes))


def unique_places(ids: ArrayLike, what: str, place: str = "") -> dict[str, int]:
    """Position of each id.

    Raises:
        RecordingError: An id stands twice.
    """
    labels = [str(label) for label in np.asarray(ids).tolist()]
    places = {label: position for position, label in enumerate(labels)}
    if len(places) < len(labels):
        twice = next(label for label in places if labels.count(label) > 1)
        raise RecordingError(
            place, f"cell {twice} stands {labels.count(twice)} times in {what}", expected="every cell once"
        )
    return places


def _of_connectivity(
    truth: Connectivity, n_cells: int, cell_ids: ArrayLike | None, place: str, notes: list[str]
) -> tuple[NDArray[np.float64], NDArray | None, NDArray[np.float64] | None]:
    post = unique_places(truth.post_ids, "the postsynaptic cells of the truth", place)
    pre = unique_places(truth.pre_ids, "the presynaptic cells of the truth", place)
    if cell_ids is None:
        if set(post) != set(pre):
            raise RecordingError(
                place, f"a truth from {len(pre)} cells to {len(post)} other ones", expected="one set of cells"
            )
        wanted = list(post)
    else:
        wanted = list(unique_places(cell_ids, "the estimate"))
        missing = [label for label in wanted if label not in post or label not in pre]
        if missing:
            listed = ", ".join(missing[:8]) + (" ..." if len(missing) > 8 else "")
            raise RecordingError(
                place, f"{len(missing)} of {len(wanted)} cells of the estimate are not in the truth: {listed}",
                expected="a truth of the same cells",
            )  # fmt: skip
        if len(post) > len(wanted):
            notes.append(f"{len(post) - len(wanted)} of the {len(post)} cells of the truth are not in the estimate")
    rows, columns = (np.array([where[label] for label in wanted], dtype=np.int64) for where in (post, pre))
    if len(wanted) != n_cells:
        return np.zeros((len(wanted), len(wanted))), None, None
    weight = truth.weight[np.ix_(rows, columns)]
    types = None if truth.pre_types is None else np.asarray(truth.pre_types).astype(str)[columns]
    if truth.pre_positions_um is not None:
        return weight, types, np.asarray(truth.pre_positions_um, dtype=np.float64)[columns]
    positions = truth.post_positions_um
    return weight, types, None if positions is None else np.asarray(positions, dtype=np.float64)[rows]


def _refuse_lengths(n_cells: int, types: NDArray | None, positions: NDArray | None, place: str) -> None:
    if types is not None and (types.shape != (n_cells,) or not set(types.tolist()) <= {"e", "i", ""}):
        raise RecordingError(
            place, f"types of shape {types.shape}: {', '.join(sorted(set(types.tolist()))[:6])}",
            expected=f"e, i or nothing for each of {n_cells} cells",
        )  # fmt: skip
    if positions is not None and (positions.ndim != 2 or len(positions) != n_cells or positions.shape[1] not in (2, 3)):
        raise RecordingError(place, f"positions of shape {positions.shape}", expected=f"({n_cells}, 3), um")


def _with_signs(
    weight: NDArray[np.float64], types: NDArray, place: str, notes: list[str]
) -> tuple[NDArray[np.float64], NDArray, bool]:
    negative = bool((weight < 0).any())
    if negative and not (types != "").any():
        excites, inhibits = (weight > 0).any(axis=0), (weight < 0).any(axis=0)
        types = np.where(excites & ~inhibits, "e", np.where(inhibits & ~excites, "i", ""))
        untyped = int((types == "").sum())
        notes.append(f"types of presynaptic cells taken from the signs of the true weights, {untyped} without one")
    elif not negative and (types == "i").any():
        flipped = (weight > 0) & (types == "i")
        if flipped.any():
            text = (
                f"{place + ': ' if place else ''}all true weights are positive although {(types == 'i').sum()} cells "
                f"are inhibitory: the signs of {flipped.sum()} weights are taken from the types"
            )
            warnings.warn(text, RecordingWarning, stacklevel=3)
            notes.append(text)
            weight = np.where(flipped, -weight, weight)
    signed = negative or bool((types != "").any())
    if not signed:
        notes.append("no negative weight and no types in the truth: signs are not scored")
    return weight, types, signed

"""Any matrix of connections, inferred or made by somebody else's method, scored against the true one.

Conventions: ordered pairs of different cells only, pairs of unknown truth left out, pairs ranked by |z| of an
`Estimate` or by the absolute value of a matrix. Whatever says nothing about a pair scores 0 there and is counted: the
column of a presynaptic cell that never fires, and NaN. Average precision stands beside its chance level, the density of
edges, and both scores beside those of a ranking by distance alone, which any method that is worth its name must beat.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurofit.connectivity.discovery import edge_calls
from neurofit.connectivity.distance_null import nearness
from neurofit.connectivity.estimate import Estimate
from neurofit.connectivity.intervals import rank_intervals
from neurofit.connectivity.ranking import matthews, ranked_pairs
from neurofit.connectivity.truth import TrueConnections, true_connections
from neurofit_io import Connectivity, RecordingError, RecordingWarning

FDR = 0.05


@dataclass(frozen=True, kw_only=True)
class ConnectivityScores:
    """Scores of one estimate; None where a score has no meaning, with the reason in `notes`.

    Attributes:
        auc: Area under the ROC curve; chance is 0.5, a tie counts one half.
        ap: Average precision.
        ap_chance: Its chance level, the share of edges among the pairs that are scored.
        auc_ci95: 95 % interval of `auc`, resampling presynaptic cells.
        ap_ci95: The same of `ap`.
        mcc: Matthews correlation with as many calls as there are edges.
        mcc_fdr: Matthews correlation of the calls at a false discovery rate of 5 %; needs z.
        n_calls_fdr: Number of those calls among the pairs that are scored.
        false_share_fdr: Share of those calls that are false: 0.05 at most, if z is what it claims to be.
        recall_fdr: Share of the edges that are called.
        auc_e: `auc` over pairs whose presynaptic cell is excitatory; `ap_e`, `ap_chance_e` alike.
        auc_i: `auc` over pairs whose presynaptic cell is inhibitory; `ap_i`, `ap_chance_i` alike.
        r_weight: Pearson correlation of estimated and true signed weight over all pairs.
        r_weight_edges: The same over true edges.
        sign_accuracy: Share of true edges of the right sign; an estimate of 0 has none. `_e` and `_i` by type.
        dale_accuracy: Share of presynaptic cells, of those with a true edge, whose sign is that of the sum of z |z|
            over their column; a cell whose column is 0 counts as wrong.
        auc_distance: `auc` of a ranking by nearness alone; `ap_distance`, `ap_distance_e`, `ap_distance_i` alike.
        n_cells: Number of cells.
        n_pairs: Ordered pairs that are scored.
        n_edges: True edges among them.
        n_masked: Pairs left out because their truth is unknown.
        n_silent: Presynaptic cells whose column is 0 throughout.
        n_undefined: Pairs whose estimate was NaN, scored as 0.
        notes: What was assumed, and why a score is None, a sentence each.
    """

    auc: float | None
    ap: float | None
    ap_chance: float | None
    auc_ci95: tuple[float, float] | None
    ap_ci95: tuple[float, float] | None
    mcc: float | None
    mcc_fdr: float | None
    n_calls_fdr: int | None
    false_share_fdr: float | None
    recall_fdr: float | None
    auc_e: float | None
    ap_e: float | None
    ap_chance_e: float | None
    auc_i: float | None
    ap_i: float | None
    ap_chance_i: float | None
    r_weight: float | None
    r_weight_edges: float | None
    sign_accuracy: float | None
    sign_accuracy_e: float | None
    sign_accuracy_i: float | None
    dale_accuracy: float | None
    auc_distance: float | None
    ap_distance: float | None
    ap_distance_e: float | None
    ap_distance_i: float | None
    n_cells: int
    n_pairs: int
    n_edges: int
    n_masked: int
    n_silent: int
    n_undefined: int
    notes: tuple[str, ...]

    def as_row(self) -> dict[str, Any]:
        """The scores for a JSON file: plain numbers, lists and None."""
        row = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in row.items()}


def score_connectivity(
    estimate: Estimate | ArrayLike,
    truth: Connectivity | TrueConnections | ArrayLike,
    *,
    positions_um: ArrayLike | None = None,
    pre_types: Sequence[str] | NDArray | None = None,
    cell_ids: ArrayLike | None = None,
    place: str = "",
) -> ConnectivityScores:
    """Scores an estimate against the truth.

    Args:
        estimate: An `Estimate`, ranked by |z|, or any matrix (post, pre), ranked by its absolute value.
        truth: The true connections, or a matrix (post, pre) with 0 where nothing connects and NaN where nobody knows;
            or what `true_connections` made of either, which needs none of the options below.
        positions_um: (cells, 2 or 3), um; those of the truth when not given.
        pre_types: `e`, `i` or empty per cell; those of the truth when not given.
        cell_ids: Ids of the estimate's cells, in order. The truth is put in that order, and cut to those cells.
        place: File of the truth, for messages.

    Returns:
        The scores.

    Raises:
        RecordingError: A truth of another size or ids, an id that stands twice, infinite values.
    """
    value, weight = _matrices(estimate)
    if isinstance(truth, TrueConnections):
        known = truth
        if known.weight.shape != value.shape:
            raise RecordingError(place, f"a truth of {len(known.weight)} cells", expected=f"{len(value)}")
    else:
        known = true_connections(
            truth, n_cells=len(value), cell_ids=cell_ids, positions_um=positions_um, pre_types=pre_types, place=place
        )
    notes = list(known.notes)
    undefined = _undefined_pairs(value)
    value, weight = np.where(np.isfinite(value), value, 0.0), np.where(np.isfinite(weight), weight, 0.0)
    np.fill_diagonal(value, 0.0)
    silent = np.count_nonzero(value, axis=0) == 0
    _say_unusual(value, undefined, silent, notes)
    scored = np.isfinite(known.weight)
    scores: dict[str, Any] = _ranked(np.abs(value), known, scored, notes)
    scores |= _called(estimate, known, scored, notes)
    scores |= _weights(weight, known, scored)
    scores |= _signs(value, known, scored)
    n_pairs = int(scored.sum())
    return ConnectivityScores(
        **scores,
        n_cells=len(value),
        n_pairs=n_pairs,
        n_edges=int(np.count_nonzero(known.weight[scored])),
        n_masked=len(value) * (len(value) - 1) - n_pairs,
        n_silent=int(silent.sum()),
        n_undefined=int(undefined.sum()),
        notes=tuple(notes),
    )


def _matrices(estimate: Estimate | ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What pairs are ranked by, and their weight, (post, pre) each."""
    if isinstance(estimate, Estimate):
        return np.asarray(estimate.z, dtype=np.float64), np.asarray(estimate.weight, dtype=np.float64)
    value = np.asarray(estimate, dtype=np.float64)
    if value.ndim != 2 or value.shape[0] != value.shape[1]:
        raise RecordingError("", f"an estimate of shape {value.shape}", expected="a square matrix [post, pre]")
    infinite = np.isinf(value)
    np.fill_diagonal(infinite, False)
    if infinite.any():
        raise RecordingError("", f"{infinite.sum()} infinite values in the estimate", expected="finite ones, or NaN")
    return value, value


def _undefined_pairs(value: NDArray[np.float64]) -> NDArray[np.bool_]:
    undefined = np.logical_not(np.isfinite(value), dtype=bool)
    np.fill_diagonal(undefined, False)
    return undefined


def _say_unusual(value: NDArray, undefined: NDArray, silent: NDArray, notes: list[str]) -> None:
    if silent.any():
        notes.append(f"{silent.sum()} presynaptic cells without any estimate; their pairs are scored as 0")
    if undefined.any():
        notes.append(f"{undefined.sum()} pairs with an estimate of NaN are scored as 0")
    if not (value < 0).any():
        notes.append("no negative value in the estimate: it calls every connection excitatory")
    twins = duplicated_cells(value)
    if twins:
        listed = ", ".join(f"{a} and {b}" for a, b in twins[:4]) + (" ..." if len(twins) > 4 else "")
        text = f"{len(twins)} pairs of cells have the same rows and columns in the estimate (counted from 0: {listed})"
        warnings.warn(f"{text}: the same cell twice? its pairs are counted twice", RecordingWarning, stacklevel=3)
        notes.append(text)


def duplicated_cells(value: NDArray[np.floating]) -> list[tuple[int, int]]:
    """Pairs of cells whose rows, and whose columns, are the same wherever both are defined; silent ones are none.

    Args:
        value: (post, pre), with a diagonal of 0.
    """
    weights = np.random.default_rng(0).standard_normal(len(value))
    alike = np.ones(value.shape, dtype=bool)
    for matrix in (value, value.T):
        # Columns i and j agree outside rows i and j where their random sums differ by these two rows alone.
        total, size = weights @ matrix, np.abs(weights) @ np.abs(matrix)
        apart = total[:, None] - total + weights[:, None] * matrix
        apart -= weights * matrix.T
        alike &= (np.abs(apart, out=apart) <= 1e-12 * (size[:, None] + size)) & (size > 0)[:, None]
        if np.count_nonzero(alike) == np.count_nonzero(alike.diagonal()):
            return []
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(alike, 1))]


def _ranked(score: NDArray, known: TrueConnections, scored: NDArray, notes: list[str]) -> dict[str, Any]:
    """Scores of the ranking and of that by distance."""
    edge, pre = known.weight[scored] != 0, np.nonzero(scored)[1].astype(np.int32)
    of_type = {kind: (known.types == kind)[pre] for kind in ("e", "i")}
    notes += [f"no presynaptic cell of type {kind}" for kind, own in of_type.items() if not own.any()]
    shares = {"ap_chance": edge, **{f"ap_chance_{kind}": edge[own] for kind, own in of_type.items()}}
    out: dict[str, Any] = {name: _share(part) for name, part in shares.items()}
    score = score[scored]
    ranked = ranked_pairs(score, edge)
    out |= {"auc": _defined(ranked.auc()), "ap": _defined(ranked.ap()), "mcc": _defined(ranked.mcc(len(ranked.edges)))}
    for kind, own in of_type.items():
        part = ranked_pairs(score[own], edge[own])
        out |= {f"auc_{kind}": _defined(part.auc()), f"ap_{kind}": _defined(part.ap())}
    intervals = rank_intervals(score, edge, pre) if ranked.defined else None
    out["auc_ci95"], out["ap_ci95"] = intervals or (None, None)
    if not ranked.defined:
        notes.append(f"{len(ranked.edges)} edges and {len(ranked.others)} other pairs: a ranking has no score")
    elif intervals is None:
        notes.append("no intervals: fewer than 20 presynaptic cells, or a resample of them without an edge")
    return out | _by_distance(known, scored, edge, of_type, notes)


def _by_distance(
    known: TrueConnections,
    scored: NDArray,
    edge: NDArray[np.bool_],
    of_type: dict[str, NDArray[np.bool_]],
    notes: list[str],
) -> dict[str, float | None]:
    """Scores of the ranking by nearness alone."""
    near = None if known.positions_um is None else nearness(known.positions_um)[scored]
    if near is None or not np.isfinite(near).all():
        notes.append("positions of the cells are not known: no ranking by distance to compare with")
        return dict.fromkeys(("auc_distance", "ap_distance", "ap_distance_e", "ap_distance_i"))
    ranked = ranked_pairs(near, edge)
    by_type = {
        f"ap_distance_{kind}": _defined(ranked_pairs(near[own], edge[own]).ap()) for kind, own in of_type.items()
    }
    return {"auc_distance": _defined(ranked.auc()), "ap_distance": _defined(ranked.ap()), **by_type}


def _called(
    estimate: Estimate | ArrayLike, known: TrueConnections, scored: NDArray, notes: list[str]
) -> dict[str, Any]:
    """Scores of the calls at a false discovery rate."""
    names = ("mcc_fdr", "n_calls_fdr", "false_share_fdr", "recall_fdr")
    if not isinstance(estimate, Estimate):
        notes.append("a matrix without z: no calls at a false discovery rate")
        return dict.fromkeys(names)
    called, edge = edge_calls(estimate, FDR).called[scored], known.weight[scored] != 0
    n_calls, n_edges, true = int(called.sum()), int(edge.sum()), int((called & edge).sum())
    if not n_calls:
        notes.append(f"no pair is called at a false discovery rate of {FDR:g}")
    mcc = matthews(true, n_calls - true, n_edges - true, len(edge) - n_edges - n_calls + true)
    false_share = (n_calls - true) / n_calls if n_calls else None
    return dict(zip(names, (_defined(mcc), n_calls, false_share, true / n_edges if n_edges else None), strict=True))


def _weights(weight: NDArray, known: TrueConnections, scored: NDArray) -> dict[str, float | None]:
    estimated, true = weight[scored], known.weight[scored]
    edge = true != 0
    return {
        "r_weight": _correlation(estimated, true),
        "r_weight_edges": _correlation(estimated[edge], true[edge]),
    }


def _correlation(x: NDArray, y: NDArray) -> float | None:
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    x, y = x - x.mean(), y - y.mean()
    return float(np.dot(x, y) / math.sqrt(np.dot(x, x) * np.dot(y, y)))


def _signs(value: NDArray, known: TrueConnections, scored: NDArray) -> dict[str, float | None]:
    names = ("sign_accuracy", "sign_accuracy_e", "sign_accuracy_i", "dale_accuracy")
    edge = scored & (known.weight != 0)
    if not known.signed or not edge.any():
        return dict.fromkeys(names)
    right = np.sign(value) == np.sign(known.weight)
    shares = [_share(right[edge]), *(_share(right[edge & (known.types == kind)]) for kind in ("e", "i"))]
    connected = edge.any(axis=0)
    true_sign = np.sign(np.where(edge, known.weight, 0.0).sum(axis=0))
    true_sign = np.where(known.types == "e", 1, np.where(known.types == "i", -1, true_sign))
    sign = np.sign((value * np.abs(value)).sum(axis=0))
    return dict(zip(names, (*shares, _share((sign == true_sign)[connected])), strict=True))


def _share(right: NDArray[np.bool_]) -> float | None:
    return float(right.mean()) if len(right) else None


def _defined(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

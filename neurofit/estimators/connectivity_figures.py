"""The figures of scored estimates: matrices side by side, precision against recall, weight on weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.distance_null import nearness
from neurofit.connectivity.estimate import Estimate
from neurofit.connectivity.ranking import ranked_pairs
from neurofit.connectivity.truth import TrueConnections
from neurofit.estimators.pictures import Figures
from neurofit.figures.connectivity import connection_matrices, weight_scatter
from neurofit.figures.connectivity_curves import precision_recall_curves

Estimates = Sequence[tuple[str, Estimate | NDArray[np.float64]]]


def scored_figures(
    estimates: Estimates, known: TrueConnections, rows: Sequence[Mapping[str, Any]], *, truth_unit: str = ""
) -> Figures:
    """Figures of the best estimate beside the truth, and of all of them in one curve panel.

    Args:
        estimates: Name and estimate of each, of the same cells as `known`.
        known: The truth.
        rows: `method` and scores of each, in the same order.
        truth_unit: Unit of the true weights.
    """
    scored = [place for place, row in enumerate(rows) if row["ap"] is not None]
    best = max(scored, key=lambda place: rows[place]["ap"], default=0)
    (method, estimate), row = estimates[best], rows[best]
    pairs = np.isfinite(known.weight)
    value, weight = ranked_and_weight(estimate)
    drawn: Figures = [
        (
            "matrices",
            f"{method} beside the truth; rows are postsynaptic, columns presynaptic cells",
            connection_matrices(
                value,
                known.weight,
                types=known.types,
                quantity=_quantity(estimate),
                truth_unit=truth_unit,
                method=method,
            ),
        )
    ]
    if not scored:
        return drawn
    edge = known.weight[pairs] != 0
    curves = {
        rows[place]["method"]: ranked_pairs(np.abs(ranked_and_weight(estimates[place][1])[0][pairs]), edge)
        for place in scored
    }
    near = None if row["ap_distance"] is None or known.positions_um is None else nearness(known.positions_um)[pairs]
    drawn.append(
        (
            "precision_recall",
            "Precision against recall, with chance and the ranking by distance alone",
            precision_recall_curves(
                {name: ranked.precision_recall() for name, ranked in curves.items()},
                chance=row["ap_chance"],
                ap={each["method"]: each["ap"] for each in rows},
                distance=None if near is None else ranked_pairs(near, edge).precision_recall(),
                ap_distance=row["ap_distance"],
            ),
        )
    )
    unit = estimate.unit if isinstance(estimate, Estimate) else ""
    drawn.append(
        (
            "weights",
            f"Weight of {method} against the true one, edges and pairs that are not connected",
            weight_scatter(
                weight[pairs],
                known.weight[pairs],
                r_edges=row["r_weight_edges"],
                r_all=row["r_weight"],
                unit=unit,
                truth_unit=truth_unit,
                method=method,
                quantity="weight",
            ),
        )
    )
    return drawn


def ranked_and_weight(estimate: Estimate | NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What pairs are ranked by and the weight, (post, pre) each, 0 where undefined."""
    both = (estimate.z, estimate.weight) if isinstance(estimate, Estimate) else (estimate, estimate)
    value, weight = (np.where(np.isfinite(matrix), matrix, 0.0) for matrix in both)
    return value, weight


def _quantity(estimate: Estimate | NDArray[np.float64]) -> str:
    return "z" if isinstance(estimate, Estimate) else "value"

"""Scores of connections as a table and as one plain line, chance and the ranking by distance always among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = list[str | float | None]


def connectivity_table(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[Row]]:
    """The scores of several estimates against one truth, the trivial answers below.

    Args:
        rows: `method` and the scores of each, as in `scores.json`.
    """
    header = ["method", "AUC", "AP", "E AP", "I AP", "MCC", "r", "r of edges", "sign", "Dale"]
    names = ("auc", "ap", "ap_e", "ap_i", "mcc", "r_weight", "r_weight_edges", "sign_accuracy", "dale_accuracy")
    with_cost = any(row.get("cpu_s") is not None for row in rows)
    table: list[Row] = [
        [str(row["method"]), *(row[name] for name in names), *([row.get("cpu_s")] if with_cost else [])] for row in rows
    ]
    # Estimates of a network may leave out different cells; the trivial answers are printed once for each such part.
    trivial = []
    for row in rows:
        distance: Row = ["distance alone", *(row[f"{name}_distance{of}"] for name, of in _BY_DISTANCE)]
        chance: Row = ["chance", 0.5, row["ap_chance"], row["ap_chance_e"], row["ap_chance_i"], *_GUESSED]
        trivial += [each for each in (distance, chance) if each not in trivial and each[1] is not None]
    width = len(header) + with_cost
    table += [[*row, *[None] * (width - len(row))] for row in trivial]
    return [*header, "CPU s"] if with_cost else header, table


_BY_DISTANCE = (("auc", ""), ("ap", ""), ("ap", "_e"), ("ap", "_i"))
_GUESSED = (0.0, 0.0, 0.0, 0.5, 0.5)
"""MCC, r, r of edges, signs of edges and of presynaptic cells, all guessed."""


def calls_table(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[Row]] | None:
    """What is called at a false discovery rate of 5 %, for the estimates with z; None where there are none."""
    called = [row for row in rows if row["n_calls_fdr"] is not None]
    header = ["method", "called", "of them false", "of the edges called", "MCC"]
    names = ("n_calls_fdr", "false_share_fdr", "recall_fdr", "mcc_fdr")
    return (header, [[str(row["method"]), *(row[name] for name in names)] for row in called]) if called else None


def connectivity_verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """The result in one plain line; a loss against distance alone is said as plainly as a win."""
    scored = [row for row in rows if row["ap"] is not None]
    if not scored:
        return f"nothing could be scored: {'; '.join(rows[0]['notes']) if rows else 'no estimate'}"
    best = max(scored, key=lambda row: row["ap"])
    said = (
        f"{'best is ' if len(scored) > 1 else ''}{best['method']}: AUC {best['auc']:.3f}, AP {best['ap']:.3f} "
        f"(chance {best['ap_chance']:.3f}"
    )
    if best["ap_distance"] is None:
        said += "; no positions, so no ranking by distance beside it)"
    else:
        said += f", distance alone AUC {best['auc_distance']:.3f}, AP {best['ap_distance']:.3f})"
        lost = [name for name in ("auc", "ap") if best[name] <= best[f"{name}_distance"]]
        if lost:
            said += f"; it does not beat distance alone in {' and '.join(name.upper() for name in lost)}"
    if best["dale_accuracy"] is not None:
        said += f"; {best['dale_accuracy']:.0%} of the presynaptic cells have the right sign"
    return f"{said}; {best['n_edges']} edges among {best['n_pairs']} pairs of {best['n_cells']} cells"

"""Scores as a table, and the result of a fit in one plain line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PREDICTORS = ("network", "persistence", "mean", "ar", "var", "arx")
AUTOREGRESSIONS = PREDICTORS[3:]


def score_table(scores: Mapping[str, Any], name: str) -> tuple[list[str], list[list[str | float | None]]]:
    """The scores of one span as a table: a row a predictor, all printed alike.

    Args:
        scores: One span of `scores.json`.
        name: What the network is called, such as `gru`.
    """
    header = ["predictor", "mse", "95 % interval", "median", "r2", "skill over persistence", "skill over AR"]
    poisson = "bits_per_spike" in scores
    rows = []
    for predictor in PREDICTORS:
        if predictor != "network" and f"mse_{predictor}" not in scores:
            continue
        mse = scores["network"]["mse"] if predictor == "network" else scores[f"mse_{predictor}"]
        own = scores["network"] if predictor == "network" else {}
        interval = mse["ci95"]
        rows.append(
            [
                (name if predictor == "network" else predictor) + (" *" if predictor == scores["predictor"] else ""),
                mse["pooled"],
                f"{interval[0]:.4g} .. {interval[1]:.4g}" if interval else None,
                mse["median"],
                *(_ratio(own, key, scores, predictor) for key in ("r2", "skill_persistence", "skill_ar")),
                *([_bits(scores, predictor)] if poisson else []),
            ]
        )
    return [*header, "bits per spike"] if poisson else header, rows


def _bits(scores: Mapping[str, Any], predictor: str) -> str | None:
    """Bits per spike with their interval."""
    own = scores["network"] if predictor == "network" else scores
    key = "bits_per_spike" if predictor == "network" else f"bits_per_spike_{predictor}"
    bits = own.get(key, {"pooled": None})
    if bits["pooled"] is None or not bits["ci95"]:
        return None if bits["pooled"] is None else f"{bits['pooled']:.4g}"
    return f"{bits['pooled']:.4g} ({bits['ci95'][0]:.4g} .. {bits['ci95'][1]:.4g})"


def _ratio(own: Mapping[str, Any], key: str, scores: Mapping[str, Any], predictor: str) -> float | None:
    """1 - mse / reference of any predictor, from the pooled errors of a span."""
    if own:
        return own[key]["pooled"]
    mse = scores[f"mse_{predictor}"]["pooled"]
    linear = [scores[f"mse_{n}"]["pooled"] for n in _fitted(scores)]
    mean, persistence = scores["mse_mean"]["pooled"], scores["mse_persistence"]["pooled"]
    reference = {"r2": mean, "skill_persistence": persistence, "skill_ar": min(linear)}[key]
    return None if mse is None or not reference else 1 - mse / reference


def table_text(scores: Mapping[str, Any], name: str) -> str:
    """The score table for the terminal."""
    lines = aligned_lines(*score_table(scores, name))
    notes = [
        f"mse_{name}: {scores[f'mse_{name}']['note']}"
        for name in AUTOREGRESSIONS
        if name not in _fitted(scores) and scores.get(f"mse_{name}", {}).get("note")
    ]
    interval = scores["network"]["mse"].get("note")
    notes += [f"no interval: {interval}"] if interval else []
    return "\n".join([*lines, *notes])


def aligned_lines(header: Sequence[str], rows: Sequence[Sequence[str | float | None]]) -> list[str]:
    """A table as lines of equal width, numbers with four digits, all columns but the first to the right."""
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return [
        "  ".join(f"{c:<{w}}" if i == 0 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in cells
    ]


def _cell(value: str | float | None) -> str:
    return "n/a" if value is None else value if isinstance(value, str) else f"{value:.4g}"


def _fitted(scores: Mapping[str, Any]) -> list[str]:
    """The autoregressions that a span was scored with."""
    return [name for name in AUTOREGRESSIONS if scores.get(f"mse_{name}", {"pooled": None})["pooled"] is not None]


def verdict(scores: Mapping[str, Any], validation_loss: Mapping[str, float], name: str, span: str) -> str:
    """The result in one plain line; a loss is said as plainly as a win."""
    own = scores["network"]
    linear = min(_fitted(scores), key=lambda each: scores[f"mse_{each}"]["pooled"])
    said = (
        f"{span}: {name} mse {own['mse']['pooled']:.4g}, persistence {scores['mse_persistence']['pooled']:.4g}, "
        f"mean {scores['mse_mean']['pooled']:.4g}, {linear} {scores[f'mse_{linear}']['pooled']:.4g} "
        f"(in squared training std); skill over the best autoregression {_cell(own['skill_ar']['pooled'])}"
    )
    if "bits_per_spike" in own:
        said += f"; {_cell(own['bits_per_spike']['pooled'])} bits per spike over the mean rate"
    if scores["predictor"] == "network":
        return said
    best = scores["predictor"]
    if validation_loss["network"] <= validation_loss[best]:
        return f"{said}. Scored as asked: {best}"
    return (
        f"{said}. On validation the {name} loses to {best} ({validation_loss['network']:.4g} against "
        f"{validation_loss[best]:.4g}): this run predicts with {best}"
    )

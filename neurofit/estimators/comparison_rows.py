"""What a comparison found: a row a run and a baseline, and their means over the seeds. Nothing is ranked by test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from neurofit.runs import Run


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run, or one baseline, which has no size, no seed and no run.

    Attributes:
        model: The cell, or the name of the baseline.
        hidden: Hidden units.
        layers: Recurrent layers.
        chunk: Steps of truncated backpropagation.
        seed: Seed of the run.
        run: Folder of the run in that of the comparison.
        epochs: Epochs run.
        seconds_per_epoch: Median over the epochs, validation included, s.
        error: Why the run failed.
        scores: `mse`, `skill_persistence` and `skill_ar` of the network itself by span, as in `scores.json`.
    """

    model: str
    hidden: int | None = None
    layers: int | None = None
    chunk: int | None = None
    seed: int | None = None
    run: str | None = None
    epochs: int | None = None
    seconds_per_epoch: float | None = None
    error: str | None = None
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def pooled(self, span: str, score: str = "mse") -> float | None:
        """A score over all entries of a span; None where there is none."""
        value: float | None = self.scores[span][score]["pooled"] if span in self.scores else None
        return value


@dataclass(frozen=True)
class Summary:
    """One combination over its seeds, or one baseline.

    Attributes:
        name: Such as `gru-h64-l1-c100`, or `ar`.
        rows: A row a seed.
    """

    name: str
    rows: tuple[Row, ...]

    @property
    def is_baseline(self) -> bool:
        """Whether this is a trivial answer, not a network."""
        return self.rows[0].run is None

    def values(self, span: str, score: str = "mse") -> list[float]:
        """A score of the runs that did not fail."""
        return [value for row in self.rows if (value := row.pooled(span, score)) is not None]

    def mean(self, span: str, score: str = "mse") -> float | None:
        """Mean of a score over the seeds; None where all failed or the span is not scored."""
        values = self.values(span, score)
        return fmean(values) if values else None


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        run: Its folder.
        rows: A row a run, in the order of the grid.
        baselines: A row a baseline.
    """

    run: Run
    rows: tuple[Row, ...]
    baselines: tuple[Row, ...]

    @property
    def best(self) -> Row | None:
        """The run with the smallest validation error; None without a validation span, where nothing is ranked."""
        errors = {i: mse for i, row in enumerate(self.rows) if (mse := row.pooled("validation")) is not None}
        return self.rows[min(errors, key=errors.__getitem__)] if errors else None

    def summaries(self) -> list[Summary]:
        """Combinations and baselines by mean validation error; in the order of the grid without validation."""
        groups: dict[str, list[Row]] = {}
        for row in (*self.rows, *self.baselines):
            groups.setdefault(row.model if row.run is None else row.run.rsplit("-s", 1)[0], []).append(row)
        summaries = [Summary(name, tuple(rows)) for name, rows in groups.items()]
        return sorted(summaries, key=_validation_error)


def _validation_error(summary: Summary) -> float:
    mean = summary.mean("validation")
    return math.inf if mean is None else mean

"""What a comparison found: a row a run and a baseline, and their means over the seeds. Nothing is ranked by test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from scipy.special import stdtrit

from neurofit.runs import Run

FEWEST_SEEDS = 3
"""Of two seeds the interval is five times as wide as what they lie apart, and says nothing."""

Interval = tuple[float, float]


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
        peak_memory: What `environment.json` of the run says of it: `of`, `start_bytes` and `peak_bytes`.
        validation_loss: What is ranked by: the squared error on validation, or with the poisson output the negative log
            likelihood, of the network itself; None without a validation span.
        error: Why the run failed.
        scores: `mse`, `skill_persistence`, `skill_ar` and with the poisson output `bits_per_spike` of the network
            itself by span, as in `scores.json`.
    """

    model: str
    hidden: int | None = None
    layers: int | None = None
    chunk: int | None = None
    seed: int | None = None
    run: str | None = None
    epochs: int | None = None
    seconds_per_epoch: float | None = None
    peak_memory: Mapping[str, Any] | None = None
    validation_loss: float | None = None
    error: str | None = None
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def pooled(self, span: str, score: str = "mse") -> float | None:
        """A score over all entries of a span; None where there is none."""
        value: float | None = self._score(span, score).get("pooled")
        return value

    def interval(self, span: str, score: str = "mse") -> Interval | None:
        """The 95 % block bootstrap of a pooled score over time; None where there is none."""
        ends = self._score(span, score).get("ci95")
        return None if ends is None else (ends[0], ends[1])

    def _score(self, span: str, score: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.scores.get(span, {}).get(score, {})
        return found


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

    def validation_loss(self) -> float | None:
        """Mean over the seeds of what is ranked by; None where all failed or there is no validation span."""
        losses = [row.validation_loss for row in self.rows if row.validation_loss is not None]
        return fmean(losses) if losses else None

    def mean(self, span: str, score: str = "mse") -> float | None:
        """Mean of a score over the seeds; None where all failed or the span is not scored."""
        values = self.values(span, score)
        return fmean(values) if values else None

    def interval_over_seeds(self, span: str, score: str = "mse") -> Interval | None:
        """The 95 % interval of the mean over seeds by Student's t; None of fewer than `FEWEST_SEEDS`."""
        values = self.values(span, score)
        if len(values) < FEWEST_SEEDS:
            return None
        half = float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / math.sqrt(len(values))
        return fmean(values) - half, fmean(values) + half

    def interval_over_time(self, span: str, score: str = "mse") -> Interval | None:
        """The 95 % interval of the mean over stretches of time: the mean of the runs' block bootstraps.

        That is the interval of the mean if the errors of all seeds rise and fall together, as they nearly do, and too
        wide a one otherwise. None where a run that did not fail has none.
        """
        intervals = [row.interval(span, score) for row in self.rows if row.error is None]
        known = [interval for interval in intervals if interval is not None]
        if not known or len(known) < len(intervals):
            return None
        lower, upper = zip(*known, strict=True)
        return fmean(lower), fmean(upper)


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
    def score(self) -> str:
        """What the tables show: `mse`, or `bits_per_spike` with the poisson output."""
        bits = any(row.pooled("test", "bits_per_spike") is not None for row in self.rows)
        return "bits_per_spike" if bits else "mse"

    @property
    def best(self) -> Row | None:
        """The run with the smallest validation loss; None without a validation span, where nothing is ranked."""
        return next(iter(self.best_of_models()), None)

    def best_of_models(self) -> tuple[Row, ...]:
        """The run of every cell with the smallest validation loss, the best first; none without a validation span."""
        ranked = [(row.validation_loss, i) for i, row in enumerate(self.rows) if row.validation_loss is not None]
        best: dict[str, Row] = {}
        for _, i in sorted(ranked):
            best.setdefault(self.rows[i].model, self.rows[i])
        return tuple(best.values())

    def summaries(self) -> list[Summary]:
        """Combinations and baselines by mean validation loss; in the order of the grid without validation."""
        groups: dict[str, list[Row]] = {}
        for row in (*self.rows, *self.baselines):
            groups.setdefault(row.model if row.run is None else row.run.rsplit("-s", 1)[0], []).append(row)
        summaries = [Summary(name, tuple(rows)) for name, rows in groups.items()]
        return sorted(summaries, key=_rank)


def _rank(summary: Summary) -> float:
    loss = summary.validation_loss()
    return math.inf if loss is None else loss

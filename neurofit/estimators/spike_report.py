"""The spike scores of all predictors of one span: for a JSON file, for the terminal, and as a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neurofit import figures
from neurofit.estimators.tables import aligned_lines
from neurofit.figures import ScorePanel, SpikeTraces
from neurofit.metrics import Score, SpikeScores


@dataclass(frozen=True, eq=False)
class PredictedSpikes:
    """What one predictor knows of spikes and rest.

    Attributes:
        ahead: By tolerance in s, from the fair horizon of that tolerance.
        one_step: One step ahead; only widths say something.
        rest_noise: One step ahead, over that of persistence.
    """

    ahead: Mapping[float, SpikeScores]
    one_step: SpikeScores
    rest_noise: Score

    @property
    def farthest(self) -> SpikeScores:
        """From the fair horizon of the largest tolerance."""
        return self.ahead[max(self.ahead)]


@dataclass(frozen=True, eq=False)
class SpikeReport:
    """Spikes and rest of every predictor over one span.

    Attributes:
        span: What was scored.
        signal: Name of the signal.
        unit: Physical unit of `examples`.
        dt_ms: Length of a step, ms.
        tolerances_s: Largest distances of a matched pair, s.
        horizons: Steps ahead by tolerance; a tolerance below a step has none.
        threshold: What counts as a spike, in words.
        steps: Steps scored.
        span_steps: Steps of the span.
        bounded: Whether steps were left out to bound the work: the last ones of each stretch.
        n_channels: Channels of the signal.
        scores: By predictor: `network`, `persistence`, `mean`, `ar`, and `var` when there is one.
        examples: Channels close up: truth and all predictions from the largest of `horizons`.
    """

    span: str
    signal: str
    unit: str
    dt_ms: float
    tolerances_s: tuple[float, ...]
    horizons: Mapping[float, int]
    threshold: str
    steps: int
    span_steps: int
    bounded: bool
    n_channels: int
    scores: Mapping[str, PredictedSpikes]
    examples: tuple[SpikeTraces, ...]

    @property
    def true_spikes(self) -> NDArray[np.intp]:
        """True spikes of each channel, (channels,)."""
        (matches,) = self._any.matches.values()
        return matches.true

    @property
    def note(self) -> str | None:
        """Why timing and width are not scored, None where they are."""
        if self.true_spikes.any():
            return None
        return f"no true spike in the {self.steps} scored steps: only invented ones and noise at rest can be scored"

    def as_json(self) -> dict[str, Any]:
        """For a JSON file: times in ms, null with a note for what is undefined."""
        return {
            "signal": self.signal,
            "dt_ms": self.dt_ms,
            "threshold": self.threshold,
            "steps": self.steps,
            "span_steps": self.span_steps,
            "bounded": self.bounded,
            "true_spikes": int(self.true_spikes.sum()),
            "spiking_channels": int(np.count_nonzero(self.true_spikes)),
            "true_width_ms": _number(self._true_width_ms),
            "note": self.note,
            "predictors": {name: self._predictor_json(scores) for name, scores in self.scores.items()},
        }

    def table(self, name: str) -> str:
        """Timing, then widths and rest, a row a predictor, for the terminal; `name` is what the network is called."""
        rows = self.as_json()["predictors"]
        named = {name if each == "network" else each: row for each, row in rows.items()}
        lines = []
        for i, first in enumerate(rows["network"]["f1"]):
            head = f"spikes within {first['tolerance_ms']:g} ms, h = {first['h'] or '-'}"
            cells = [[each, *_f1_cells(row["f1"][i])] for each, row in named.items()]
            lines += aligned_lines([head, "F1", "95 % interval", "chance", "precision", "recall", "predicted"], cells)
        taus = [f"D {each['tau_ms']:g} ms" for each in rows["network"]["van_rossum"]]
        rest = ["width error (ms)", "width error, h = 1", "rest noise, h = 1", "95 % interval", "median"]
        header = [f"distance and width, h = {max(self.horizons.values())}", *taus, *rest]
        lines += aligned_lines(header, [[each, *_rest_cells(row)] for each, row in named.items()])
        found = [each for row in rows.values() for each in (*row["f1"], row["rest_noise"]) if each.get("note")]
        notes = {f"{'no interval' if each['pooled'] is not None else 'n/a'}: {each['note']}" for each in found}
        return "\n".join([*lines, *self._counts(), *sorted(notes)])

    def figure(self, name: str, against: str = "ar") -> Figure:
        """Examples and all scores; `name` is what the network is called, `against` the predictor drawn beside it."""
        shown = {"truth": "truth", "network": name, against: against}
        examples = [
            replace(
                each,
                traces={label: each.traces[key] for key, label in shown.items()},
                spikes_s={label: each.spikes_s[key] for key, label in shown.items()},
            )
            for each in self.examples
        ]
        rows = self.as_json()["predictors"]
        panels = self._panels({name if each == "network" else each: row for each, row in rows.items()})
        ahead_ms = max(self.horizons.values()) * self.dt_ms
        return figures.spike_summary(examples, panels, signal=self.signal, unit=self.unit, ahead_ms=ahead_ms)

    def _panels(self, rows: Mapping[str, Mapping[str, Any]]) -> list[ScorePanel]:
        """`rows` of the JSON file by the names that the figure shows."""
        any_row = next(iter(rows.values()))
        within = [f"±{f['tolerance_ms']:g} ms{self._ahead(f['h'], ', ')}" for f in any_row["f1"]]
        taus = [f"tau {f['tau_ms']:g} ms" for f in any_row["van_rossum"]]
        distances = [self._ahead(f["h"]) for f in any_row["width_error"]]
        return [
            _panel(rows, "f1", "F1", within, None),
            _panel(rows, "van_rossum", "van Rossum distance", taus, (1.0, "about what no spike at all scores")),
            _panel(rows, "width_error", "spike width error (ms)", distances, (0.0, "as wide as the truth")),
            _panel(rows, "rest_noise", "rmse at rest / persistence's", [self._ahead(1)], (1.0, "persistence")),
        ]

    def _ahead(self, h: int | None, before: str = "") -> str:
        return "" if h is None else f"{before}{h * self.dt_ms:g} ms ahead"

    @property
    def _any(self) -> SpikeScores:
        return next(iter(self.scores.values())).farthest

    @property
    def _true_width_ms(self) -> float:
        return _median_ms(self._any.true_width_s)

    def _predictor_json(self, scores: PredictedSpikes) -> dict[str, Any]:
        farthest = max(self.horizons.values())
        widths = {farthest: scores.farthest.width_error_s, 1: scores.one_step.width_error_s}
        return {
            "f1": [self._f1_json(scores, tolerance) for tolerance in self.tolerances_s],
            "van_rossum": [{"h": farthest, **found} for found in scores.farthest.as_json()["van_rossum"]],
            "width_error": [{"h": h, "median": _number(_median_ms(errors))} for h, errors in widths.items()],
            "rest_noise": scores.rest_noise.as_json(),
        }

    def _f1_json(self, scores: PredictedSpikes, tolerance_s: float) -> dict[str, Any]:
        if tolerance_s not in self.horizons:
            shares = dict.fromkeys(
                ("h", "predicted_spikes", "pooled", "median", "precision", "recall", "chance", "ci95")
            )
            note = f"a tolerance of {1000 * tolerance_s:g} ms is shorter than a step of {self.dt_ms:g} ms"
            return {"tolerance_ms": 1000 * tolerance_s, **shares, "note": note}
        found = scores.ahead[tolerance_s].as_json()
        return {"h": self.horizons[tolerance_s], "predicted_spikes": found["predicted_spikes"], **found["f1"][0]}

    def _counts(self) -> list[str]:
        spikes, bounded = self.true_spikes, " (the first of each stretch, to bound the work)" if self.bounded else ""
        return [
            self.note
            or f"{spikes.sum()} true spikes in {np.count_nonzero(spikes)} of {self.n_channels} channels, "
            f"{self._true_width_ms:.3g} ms wide",
            f"{self.steps} of {self.span_steps} steps of the {self.span} span scored{bounded}",
            f"spikes: {self.threshold}; h: steps ahead; chance: as many spikes at other times",
            "D: van Rossum distance, about 1 without a spike; rest noise: rmse over that of persistence",
        ]


def _f1_cells(found: Mapping[str, Any]) -> list[str | float | None]:
    count = found["predicted_spikes"]
    shares = (found["chance"], found["precision"], found["recall"])
    return [found["pooled"], _bounds(found), *shares, None if count is None else str(count)]


def _rest_cells(row: Mapping[str, Any]) -> list[str | float | None]:
    rest = row["rest_noise"]
    timing = [*(e["pooled"] for e in row["van_rossum"]), *(e["median"] for e in row["width_error"])]
    return [*timing, rest["pooled"], _bounds(rest), rest["median"]]


def _bounds(found: Mapping[str, Any]) -> str | None:
    return "{:.3g} .. {:.3g}".format(*found["ci95"]) if found["ci95"] else None


def _panel(
    rows: Mapping[str, Mapping[str, Any]],
    key: str,
    quantity: str,
    groups: list[str],
    reference: tuple[float, str] | None,
) -> ScorePanel:
    found = {name: row[key] if isinstance(row[key], list) else [row[key]] for name, row in rows.items()}
    chance = {name: [_value(e["chance"]) for e in scores] for name, scores in found.items() if "chance" in scores[0]}
    return ScorePanel(
        quantity=quantity,
        groups=groups,
        values={
            name: [_value(e["pooled" if "pooled" in e else "median"]) for e in scores] for name, scores in found.items()
        },
        intervals={name: [e.get("ci95") for e in scores] for name, scores in found.items()},
        chance=chance,
        reference=reference,
    )


def _value(number: float | None) -> float:
    return math.nan if number is None else number


def _median_ms(widths_s: NDArray[np.float64]) -> float:
    defined = widths_s[~np.isnan(widths_s)]
    return 1000 * float(np.median(defined)) if defined.size else math.nan


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value

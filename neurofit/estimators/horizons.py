"""How far ahead a fitted model predicts: closed-loop forecasts from many starts in held-out time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neurofit.estimators.tables import aligned_lines
from neurofit.linear import LinearPredictor
from neurofit.metrics import HorizonScores, horizon_scores
from neurofit.models import NextStepNetwork
from neurofit.models.rollout import forecast, linear_forecast
from neurofit.preparation import PreparedSeries, Span
from neurofit_io import RecordingError

STARTS = 256
_BATCH_ENTRIES = 2**24


@dataclass(frozen=True, eq=False)
class Horizons:
    """Horizon curves of the network and of all baselines, from the same starts.

    Attributes:
        span: Where the starts lie.
        dt_ms: Length of a step, ms.
        scores: By predictor: `network`, `persistence`, `mean`, `ar`, and `var` when there is one.
    """

    span: str
    dt_ms: float
    scores: Mapping[str, HorizonScores]

    def as_json(self) -> dict[str, Any]:
        """For `horizons.json`."""
        return {"dt_ms": self.dt_ms, **{name: scores.as_json() for name, scores in self.scores.items()}}

    def table(self, name: str) -> str:
        """R2 by steps ahead, a row a predictor, for the terminal; `name` is what the network is called."""
        any_scores = next(iter(self.scores.values()))
        header = [f"r2 at h = ({self.dt_ms:g} ms each)", *(str(h) for h in any_scores.h), "predictable to h ="]
        rows = [
            [name if each == "network" else each, *(f"{score.pooled:.3f}" for score in scores.r2),
             str(scores.predictability_horizon)]
            for each, scores in self.scores.items()
        ]  # fmt: skip
        return "\n".join([*aligned_lines(header, rows), f"{any_scores.starts} starts in the {self.span} span"])


def measure_horizons(
    network: NextStepNetwork,
    predictors: Mapping[str, LinearPredictor],
    series: PreparedSeries,
    *,
    span: Span,
    steps: int,
    seed: int,
) -> Horizons:
    """Forecasts up to `steps` ahead from up to 256 starts spread evenly over a span, each warmed up on the truth.

    Args:
        network: The network, on the device it computes on.
        predictors: Linear predictors by name, on values in units of the training standard deviation.
        series: The prepared recording.
        span: Where the starts lie.
        steps: Farthest step ahead.
        seed: Seed of the bootstrap.

    Raises:
        RecordingError: `steps` is below 1, or no stretch of the span is as long.
    """
    starts, h = _starts(series, span, steps), _horizons(steps)
    columns = np.array(h) - 1
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ("truth", "last", "network", *predictors)}
    for history, future in _windows(series, starts, steps):
        score_history = series.in_score_units(history)
        ahead = forecast(network, torch.tensor(history), steps=steps).cpu().numpy()
        parts["truth"].append(series.in_score_units(future)[:, columns])
        parts["last"].append(score_history[:, -1])
        parts["network"].append(series.in_score_units(ahead)[:, columns])
        for name, predictor in predictors.items():
            parts[name].append(linear_forecast(predictor, score_history, steps=steps)[:, columns])
    arrays = {name: np.concatenate(pieces) for name, pieces in parts.items()}
    truth, last = arrays.pop("truth"), arrays.pop("last")
    scores = {name: horizon_scores(truth, values, last, h=h, seed=seed) for name, values in arrays.items()}
    return Horizons(span, series.dt_ms, scores)


def _horizons(steps: int) -> list[int]:
    """1, 2, 4, ... and `steps` itself."""
    return sorted({*(2**k for k in range(steps.bit_length()) if 2**k <= steps), steps})


def _starts(series: PreparedSeries, span: Span, steps: int) -> NDArray[np.int64]:
    """The last known steps, spread evenly over all that have `steps` steps of truth after them."""
    if steps < 1:
        raise RecordingError("", f"--horizon {steps}", expected="1 or more")
    pieces = series.scored(span)
    possible = [np.arange(piece.start - 1, piece.stop - steps) for piece in pieces if piece.stop - piece.start >= steps]
    if not possible:
        longest = max((piece.stop - piece.start for piece in pieces), default=0)
        raise RecordingError(
            series.place, f"--horizon {steps} in a {span} span whose longest stretch has {longest} steps",
            expected=f"at most {longest}",
        )  # fmt: skip
    every = np.concatenate(possible)
    return every[np.linspace(0, len(every) - 1, min(STARTS, len(every))).round().astype(np.int64)]


def _windows(
    series: PreparedSeries, starts: Sequence[int] | NDArray[np.int64], steps: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """History (batch, warm-up, channel) and future (batch, steps, channel) of the starts, in model space."""
    warmup = max(series.warmup_steps, 1)
    batch = max(1, _BATCH_ENTRIES // ((warmup + steps) * max(1, series.n_channels)))
    for first in range(0, len(starts), batch):
        rows = np.stack([series.read(s - warmup + 1, s + steps + 1) for s in map(int, starts[first : first + batch])])
        yield rows[:, :warmup], rows[:, warmup:]

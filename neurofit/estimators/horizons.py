"""How far ahead a fitted model predicts: forecasts from many starts in held-out time.

Forecasts of the network are read out of its state directly where the run has the regressions for it; what it predicts
when it runs on its own predictions, its orbit, stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.estimators.direct import forecast_directly, present_at
from neurofit.estimators.free_run import ChannelAutoRegression, begin, channel_autoregression, spread_starts
from neurofit.estimators.tables import aligned_lines
from neurofit.linear import DirectForecast, LinearPredictor
from neurofit.metrics import HorizonScores, horizon_scores
from neurofit.models import NextStepNetwork
from neurofit.models.rollout import FreeRun, linear_forecast
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
        scores: By predictor: `network`, `orbit` when the network forecasts directly, `persistence`, `mean`, `ar`, and
            `var` and `arx` when there are any.
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
        called = {"network": name, "orbit": f"{name} on its own"}
        rows = [
            [called.get(each, each), *(f"{score.pooled:.3f}" for score in scores.r2),
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
    direct: DirectForecast | None = None,
) -> Horizons:
    """Forecasts up to `steps` ahead from up to 256 starts spread evenly over a span, each warmed up on the truth.

    Args:
        network: The network, on the device it computes on.
        predictors: Linear predictors by name, on values in units of the training standard deviation.
        series: The prepared recording.
        span: Where the starts lie.
        steps: Farthest step ahead.
        seed: Seed of the bootstrap.
        direct: What the network's state says about later samples; without it the network's forecast is its orbit.

    Raises:
        RecordingError: `steps` is below 1, or no stretch of the span is as long.
    """
    starts, h = _starts(series, span, steps), _horizons(steps)
    columns = np.array(h) - 1
    own = ("network", "orbit") if direct else ("network",)
    own_past = channel_autoregression(predictors)
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ("truth", "last", *own, *predictors)}
    for values, inputs in _windows(series, starts, steps):
        score = series.in_score_units(values).astype(np.float32)
        known = score[:, :-steps]
        parts["truth"].append(score[:, -steps:][:, columns])
        parts["last"].append(known[:, -1])
        run = begin(network, values[:, :-steps], inputs)
        if direct:
            parts["network"].append(_direct(direct, own_past, run, known, inputs, series)[:, columns])
        orbit = run.next(steps).cpu().numpy()
        parts[own[-1]].append(series.in_score_units(orbit)[:, columns])
        for name, predictor in predictors.items():
            ahead = linear_forecast(predictor, known, steps=steps, inputs=inputs if series.n_inputs else None)
            parts[name].append(ahead[:, columns])
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
    longest = max((piece.stop - piece.start for piece in pieces), default=0)
    if longest < steps:
        raise RecordingError(
            series.place, f"--horizon {steps} in a {span} span whose longest stretch has {longest} steps",
            expected=f"at most {longest}",
        )  # fmt: skip
    return np.unique(spread_starts(pieces, STARTS, steps))


def _windows(
    series: PreparedSeries, starts: Sequence[int] | NDArray[np.int64], steps: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Model space (batch, warm-up + steps, channel) and measured inputs of the starts; steps beyond them follow."""
    warmup = max(series.warmup_steps, 1)
    batch = max(1, _BATCH_ENTRIES // ((warmup + steps) * max(1, series.n_channels)))
    for first in range(0, len(starts), batch):
        spans = [(s - warmup + 1, s + steps + 1) for s in map(int, starts[first : first + batch])]
        yield np.stack([series.read(*span) for span in spans]), np.stack([series.read_inputs(*span) for span in spans])


def _direct(
    direct: DirectForecast,
    ar: ChannelAutoRegression,
    run: FreeRun,
    known: NDArray[np.float32],
    inputs: NDArray[np.float32],
    series: PreparedSeries,
) -> NDArray[np.floating[Any]]:
    """Forecasts (start, steps, channel) in score units, before the run has begun."""
    hidden, following = (part.cpu().numpy() for part in (run.hidden, run.expected))
    past = known[:, -ar.order - 1 :]
    driving = inputs[:, known.shape[1] - past.shape[1] :]
    present = present_at(ar, hidden, following, past, driving, series)
    return forecast_directly(direct, ar, present, steps=inputs.shape[1] - known.shape[1])

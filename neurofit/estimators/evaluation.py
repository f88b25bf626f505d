"""One pass over held-out time in which the network and every baseline predict the same samples.

The network has seen the truth up to the sample before each one it predicts (teacher forcing); its state is warmed up
on the samples before the span, never scored from zero. Errors are in units of the training standard deviation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neurofit.linear import Baselines, LinearPredictor
from neurofit.metrics import ErrorSums, loss_eq2, mean_squared_error, r2, skill
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries, Scored, Span

SLAB_ENTRIES = 2**21


@dataclass(frozen=True, eq=False)
class PredictedSlab:
    """Samples `start:stop` as every predictor sees them, in units of the training standard deviation.

    Attributes:
        start: First step, counted in the prepared series.
        truth: (steps, channels).
        predictions: (steps, channels) by predictor: `network`, `persistence`, `mean`, `ar`, `var`.
    """

    start: int
    truth: NDArray[np.float64]
    predictions: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Errors of all predictors over one span.

    Attributes:
        sums: By predictor: `network`, `persistence`, `mean`, `ar`, and `var` when there is one.
        var_note: Why there is no `var`, else None.
    """

    sums: Mapping[str, ErrorSums]
    var_note: str | None

    def pooled_mse(self) -> dict[str, float]:
        """Pooled mean squared error by predictor."""
        return {name: float(sums.channel_mse.mean()) for name, sums in self.sums.items()}

    def best(self) -> str:
        """The predictor with the smallest pooled error; the network when it ties."""
        errors = self.pooled_mse()
        return min(errors, key=lambda name: (errors[name], name != "network"))

    def scores(self, predictor: str, *, seed: int) -> dict[str, Any]:
        """One span of `scores.json`.

        Args:
            predictor: Whose scores stand at the top; the network's own stand under `network` in any case.
            seed: Seed of the fit and of the bootstrap.
        """
        sums = self.sums
        references = {f"mse_{name}": self._mse(name, seed) for name in ("persistence", "mean", "ar", "var")}
        return {
            "predictor": predictor,
            **self._own_scores(predictor, seed),
            **references,
            "n_channels": len(sums["network"].squared_errors),
            "n_steps": sums["network"].n_steps,
            "seed": seed,
            "network": self._own_scores("network", seed),
        }

    def _own_scores(self, name: str, seed: int) -> dict[str, Any]:
        own, sums = self.sums[name], self.sums
        linear = [sums[other] for other in ("ar", "var") if other in sums]
        return {
            "mse": mean_squared_error(own, seed=seed).as_json(),
            "r2": r2(own, sums["mean"], seed=seed).as_json(),
            "skill_persistence": skill(own, sums["persistence"], seed=seed).as_json(),
            "skill_ar": skill(own, *linear, seed=seed).as_json(),
            "loss_eq2": loss_eq2(own),
        }

    def _mse(self, name: str, seed: int) -> dict[str, Any]:
        if name in self.sums:
            return mean_squared_error(self.sums[name], seed=seed).as_json()
        return {"pooled": None, "median": None, "ci95": None, "note": self.var_note}


def evaluate(network: NextStepNetwork, baselines: Baselines, series: PreparedSeries, span: Span) -> Evaluation:
    """Scores the network and all baselines over one span.

    Args:
        network: The network, on the device it computes on.
        baselines: The fitted baselines.
        series: The prepared recording.
        span: `train`, `validation` or `test`.
    """
    predictors = baselines.predictors()
    sums = {name: ErrorSums() for name in ("network", *predictors)}
    for piece in series.scored(span):
        for slab in predicted_slabs(network, predictors, series, piece):
            for name, prediction in slab.predictions.items():
                sums[name].add(slab.truth, prediction)
    return Evaluation(sums, baselines.var_note)


def network_mse(network: NextStepNetwork, series: PreparedSeries, span: Span) -> float:
    """Pooled mean squared error of the network alone over one span, in units of the training standard deviation."""
    total, entries = 0.0, 0
    for piece in series.scored(span):
        for slab in predicted_slabs(network, {}, series, piece):
            error = np.subtract(slab.truth, slab.predictions["network"], dtype=np.float64)
            total, entries = total + float(np.square(error).sum()), entries + error.size
    return total / entries


def predicted_slabs(
    network: NextStepNetwork, predictors: Mapping[str, LinearPredictor], series: PreparedSeries, piece: Scored
) -> Iterator[PredictedSlab]:
    """One-step predictions of the samples `piece.start:piece.stop`, streamed.

    Args:
        network: The network.
        predictors: Linear predictors by name, fitted on values in units of the training standard deviation.
        series: The prepared recording.
        piece: What to predict, and from where on the truth may warm up the state.
    """
    stream = _NetworkStream(network)
    rows = max(256, SLAB_ENTRIES // max(1, len(series.channel_ids)))
    for first in range(piece.warm, piece.start - 1, rows):
        stream.next(series.read(first, min(first + rows, piece.start - 1)))
    history = max([1, *(predictor.order for predictor in predictors.values())])
    for first in range(piece.start, piece.stop, rows):
        last = min(first + rows, piece.stop)
        values = series.read(first - history, last)
        prediction = stream.next(values[history - 1 : -1])
        window = series.in_score_units(values)
        yield PredictedSlab(
            first,
            window[history:],
            {
                "network": series.in_score_units(prediction),
                **{name: p.predict(window[history - p.order :]) for name, p in predictors.items()},
            },
        )


class _NetworkStream:
    """The network along one stretch of time, its state carried from slab to slab."""

    def __init__(self, network: NextStepNetwork) -> None:
        self.network = network
        self.device = next(network.parameters()).device
        self.state = network.initial_state(1)

    @torch.inference_mode()
    def next(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predictions of the samples after each of `values`, (steps, channels) -> (steps, channels)."""
        rows = torch.tensor(values, device=self.device)
        prediction, self.state = self.network(rows[None], self.state)
        return prediction[0].cpu().numpy()

"""One pass over held-out time in which the network and every baseline predict the same samples.

The network has seen the truth up to the sample before each one it predicts (teacher forcing); its state is warmed up
on the samples before the span, never scored from zero. Errors are in units of the training standard deviation; with the
poisson output there are likelihoods of the counts beside them, and predictors are chosen by those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.estimators.lanes import network_predictions
from neurofit.linear import Baselines, LinearPredictor, predict_with
from neurofit.metrics import ErrorSums, LikelihoodSums, bits_per_spike, loss_eq2, mean_squared_error, r2, skill
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries, Scored, Span

SLAB_ENTRIES = 2**21
AUTOREGRESSIONS = ("ar", "var", "arx")
REFERENCES = ("persistence", "mean", *AUTOREGRESSIONS)


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
        sums: By predictor: `network`, `persistence`, `mean`, `ar`, and `var` and `arx` when there are any.
        likelihoods: The same predictors, with the poisson output; else empty.
        notes: Why there is no `var` or `arx`, by name.
    """

    sums: Mapping[str, ErrorSums]
    likelihoods: Mapping[str, LikelihoodSums]
    notes: Mapping[str, str]

    def pooled_loss(self) -> dict[str, float]:
        """What predictors are chosen by: pooled squared error, or negative log likelihood with the poisson output."""
        if self.likelihoods:
            return {name: sums.pooled for name, sums in self.likelihoods.items()}
        return {name: float(sums.channel_mse.mean()) for name, sums in self.sums.items()}

    def best(self) -> str:
        """The predictor with the smallest pooled loss; the network when it ties."""
        losses = self.pooled_loss()
        return min(losses, key=lambda name: (losses[name], name != "network"))

    def scores(self, predictor: str, *, seed: int) -> dict[str, Any]:
        """One span of `scores.json`.

        Args:
            predictor: Whose scores stand at the top; the network's own stand under `network` in any case.
            seed: Seed of the fit and of the bootstrap.
        """
        sums = self.sums
        others = [name for name in REFERENCES if name in sums or name in self.notes]
        return {
            "predictor": predictor,
            **self._own_scores(predictor, seed),
            **{f"mse_{name}": self._mse(name, seed) for name in others},
            **{f"bits_per_spike_{name}": self._bits(name, seed) for name in others if name in self.likelihoods},
            "n_channels": len(sums["network"].squared_errors),
            "n_steps": sums["network"].n_steps,
            "seed": seed,
            "network": self._own_scores("network", seed),
        }

    def _own_scores(self, name: str, seed: int) -> dict[str, Any]:
        own, sums = self.sums[name], self.sums
        linear = [sums[other] for other in AUTOREGRESSIONS if other in sums]
        return {
            "mse": mean_squared_error(own, seed=seed).as_json(),
            "r2": r2(own, sums["mean"], seed=seed).as_json(),
            "skill_persistence": skill(own, sums["persistence"], seed=seed).as_json(),
            "skill_ar": skill(own, *linear, seed=seed).as_json(),
            "loss_eq2": loss_eq2(own),
            **({"bits_per_spike": self._bits(name, seed)} if self.likelihoods else {}),
        }

    def _mse(self, name: str, seed: int) -> dict[str, Any]:
        if name in self.sums:
            return mean_squared_error(self.sums[name], seed=seed).as_json()
        return {"pooled": None, "median": None, "ci95": None, "note": self.notes[name]}

    def _bits(self, name: str, seed: int) -> dict[str, Any]:
        return bits_per_spike(self.likelihoods[name], self.likelihoods["mean"], seed=seed).as_json()


class Tally:
    """Gathers slabs into an `Evaluation`.

    Args:
        network: The network that predicts.
        baselines: The fitted baselines.
        series: The prepared recording.
    """

    def __init__(self, network: NextStepNetwork, baselines: Baselines, series: PreparedSeries) -> None:
        self.standardiser, notes = series.standardiser, {"var": baselines.var_note, "arx": baselines.arx_note}
        self.notes = {name: note for name, note in notes.items() if note is not None}
        names = ("network", *baselines.predictors())
        self.sums = {name: ErrorSums() for name in names}
        mean = self.standardiser.train_mean
        self.likelihoods = {name: LikelihoodSums(mean) for name in names} if network.counts is not None else {}

    def add(self, slab: PredictedSlab) -> None:
        """Adds the next slab."""
        for name, prediction in slab.predictions.items():
            self.sums[name].add(slab.truth, prediction)
            if name in self.likelihoods:
                self.likelihoods[name].add(np.rint(self._counts(slab.truth)), self._counts(prediction))

    def evaluation(self) -> Evaluation:
        """What was gathered."""
        return Evaluation(self.sums, self.likelihoods, self.notes)

    def _counts(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values * self.standardiser.train_std + self.standardiser.train_mean


def evaluate(network: NextStepNetwork, baselines: Baselines, series: PreparedSeries, span: Span) -> Evaluation:
    """Scores the network and all baselines over one span.

    Args:
        network: The network, on the device it computes on.
        baselines: The fitted baselines.
        series: The prepared recording.
        span: `train`, `validation` or `test`.
    """
    tally = Tally(network, baselines, series)
    for piece in series.scored(span):
        for slab in predicted_slabs(network, baselines.predictors(), series, piece):
            tally.add(slab)
    return tally.evaluation()


def network_loss(network: NextStepNetwork, series: PreparedSeries, span: Span) -> float:
    """What the network is chosen by over one span.

    Returns:
        Pooled mean squared error in units of the training standard deviation, or with the poisson output the negative
        log likelihood of an entry in nats.
    """
    scale, mean = series.standardiser.train_std, series.standardiser.train_mean
    errors, likelihoods = ErrorSums(), LikelihoodSums(mean)
    for piece in series.scored(span):
        for slab in predicted_slabs(network, {}, series, piece):
            predicted = slab.predictions["network"]
            if network.counts is None:
                errors.add(slab.truth, predicted)
            else:
                likelihoods.add(np.rint(slab.truth * scale + mean), predicted * scale + mean)
    return float(errors.channel_mse.mean()) if network.counts is None else likelihoods.pooled


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
    for block, predictions in network_predictions(network, series, piece):
        for start, stop in slab_bounds(block, block + len(predictions), series):
            truth, linear = linear_predictions(predictors, series, start, stop)
            own = series.in_score_units(predictions[start - block : stop - block])
            yield PredictedSlab(start, truth, {"network": own, **linear})


def slab_bounds(start: int, stop: int, series: PreparedSeries) -> Iterator[tuple[int, int]]:
    """The steps `start:stop` in parts of at most `SLAB_ENTRIES` entries."""
    rows = max(256, SLAB_ENTRIES // max(1, series.n_channels))
    for first in range(start, stop, rows):
        yield first, min(first + rows, stop)


def linear_predictions(
    predictors: Mapping[str, LinearPredictor], series: PreparedSeries, start: int, stop: int
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """The samples `start:stop` and one-step predictions of them, (steps, channels), in score units.

    Args:
        predictors: Linear predictors by name, fitted on values in units of the training standard deviation.
        series: The prepared recording.
        start: First step, with as many before it as the predictors look back.
        stop: End.
    """
    history = max([0, *(predictor.order for predictor in predictors.values())])
    window = series.in_score_units(series.read(start - history, stop))
    inputs = series.read_inputs(start - history, stop)
    by_name = {name: predict_with(each, window, inputs, history=history) for name, each in predictors.items()}
    return window[history:], by_name

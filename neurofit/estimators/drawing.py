"""The figures of a prediction and of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neurofit import figures
from neurofit.estimators.evaluation import AUTOREGRESSIONS
from neurofit.estimators.pictures import Figures
from neurofit.estimators.prediction import Prediction
from neurofit.metrics import ErrorSums, channel_skill, mean_squared_error, residual_spectrum
from neurofit_io import RecordingError

TRACE_STEPS = 6000
"""Steps shown in the figure of traces: more would be a smear."""
TRACE_CHANNELS = 4
SPECTRUM_STEPS = 2**18


def prediction_figures(prediction: Prediction, name: str, shown: Sequence[int] | None = None) -> Figures:
    """Summary, traces, per-channel skill and residual spectrum of the network, the baselines beside it.

    Args:
        prediction: The prediction.
        name: What the network is called.
        shown: Channels to show as traces, as positions among the predicted; None for lively and quiet ones.
    """
    against = prediction.baseline_name
    return [
        ("scores", f"Mean squared error of one-step prediction: {name} beside the trivial answers",
         _summary(prediction.evaluation.sums, name)),
        ("traces", f"{name} and {against} beside the truth, one step ahead, close up, and what each misses",
         traces_figure(prediction, name, shown)),
        ("channel_skill", f"Skill of the {name} in each channel over persistence and the best autoregression",
         _skill(prediction)),
        ("residual_spectrum", f"What {name} and {against} leave unexplained, by frequency",
         _spectrum(prediction)),
    ]  # fmt: skip


def loss_figure(
    history: Sequence[Mapping[str, Any]], validation_loss: Mapping[str, float], best: int | None, *, poisson: bool
) -> Figure:
    """Losses by epoch with the baselines as lines."""
    lines = {predictor: loss for predictor, loss in validation_loss.items() if predictor != "network"}
    epochs, train, validation = ([row[key] for row in history] for key in ("epoch", "train", "validation"))
    said = {"loss": "negative log likelihood", "unit": "nats a bin and unit"} if poisson else {}
    return figures.loss_curves(epochs, train, validation, lines, best_epoch=best, **said)


def channel_positions(prediction: Prediction, columns: Sequence[int]) -> list[int]:
    """Positions among the predicted channels of columns of the recording's signal.

    Raises:
        RecordingError: A column was not predicted.
    """
    place = {int(column): i for i, column in enumerate(prediction.columns)}
    missing = [str(column) for column in columns if column not in place]
    if missing:
        raise RecordingError(
            "", f"--channels {', '.join(missing)}", place=prediction.signal,
            expected=f"columns among the {len(place)} that are predicted",
        )  # fmt: skip
    return [place[column] for column in columns]


def _summary(sums: Mapping[str, ErrorSums], name: str) -> Figure:
    scores = {name if each == "network" else each: mean_squared_error(errors) for each, errors in sums.items()}
    return figures.score_summary({k: v.pooled for k, v in scores.items()}, {k: v.ci95 for k, v in scores.items()})


def traces_figure(prediction: Prediction, name: str, shown: Sequence[int] | None = None) -> Figure:
    """The network and the better autoregression beside the truth; arguments as for `prediction_figures`."""
    rows = slice(0, min(TRACE_STEPS, prediction.segments[0].stop))
    truth, network, baseline = (a[rows] for a in (prediction.truth, prediction.network, prediction.baseline))
    columns = list(shown) if shown else _lively_and_quiet(truth)
    return figures.prediction_traces(
        prediction.time_s[rows],
        truth[:, columns],
        {name: network[:, columns], prediction.baseline_name: baseline[:, columns]},
        [str(prediction.channel_ids[column]) for column in columns],
        prediction.unit,
        signal=prediction.signal,
    )


def _lively_and_quiet(truth: NDArray[np.float32]) -> list[int]:
    """Channels from the largest excursion down to the median one."""
    reach = np.abs(truth - np.median(truth, axis=0)).max(axis=0)
    order = np.argsort(-reach, kind="stable")
    picks = np.linspace(0, (len(order) - 1) // 2, min(TRACE_CHANNELS, len(order))).astype(int)
    return [int(order[i]) for i in dict.fromkeys(picks.tolist())]


def _skill(prediction: Prediction) -> Figure:
    sums = prediction.evaluation.sums
    linear = min((sums[n] for n in AUTOREGRESSIONS if n in sums), key=lambda each: float(each.squared_errors.sum()))
    over_persistence, over_linear = (channel_skill(sums["network"], each) for each in (sums["persistence"], linear))
    return figures.channel_skill(over_persistence, over_linear, [str(label) for label in prediction.channel_ids])


def _spectrum(prediction: Prediction) -> Figure:
    segment = max(prediction.segments, key=lambda each: each.stop - each.start)
    rows = slice(segment.start, min(segment.stop, segment.start + SPECTRUM_STEPS))
    truth, network, baseline = (a[rows] for a in (prediction.truth, prediction.network, prediction.baseline))
    found = residual_spectrum(truth, network, baseline, rate_hz=prediction.rate_hz)
    against = {prediction.baseline_name: found.baseline_residual}
    return figures.residual_spectrum(found.frequency_hz, found.truth, found.residual, against, prediction.unit)

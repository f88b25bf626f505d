"""What the ar output of a network needs: the autoregression it starts from, in model space, and the gate that keeps it.

After each epoch every channel's correction d to the autoregression, which misses r, is scaled to what helps most on
held-out time; no channel is then worse there than the autoregression alone:

    g = <r, d> / <d, d>, kept within 0 and 1:      |r - g d|^2 = |r|^2 - 2 g <r, d> + g^2 <d, d> <= |r|^2
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from neurofit.estimators.evaluation import AUTOREGRESSIONS, linear_predictions, predicted_slabs, slab_bounds
from neurofit.linear import AutoRegression, Baselines, InputAutoRegression, LinearPredictor, VectorAutoRegression
from neurofit.metrics import ErrorSums
from neurofit.models import LinearSkip, NextStepNetwork
from neurofit.preparation import PreparedSeries, Span
from neurofit.preparation.standardising import floored

Fitted = AutoRegression | VectorAutoRegression | InputAutoRegression


def better_autoregression(baselines: Baselines) -> Fitted:
    """The autoregression, or the vector autoregression or that with inputs where its validation error is smaller."""
    fitted = {name: each for name in AUTOREGRESSIONS if (each := getattr(baselines, name)) is not None}
    chosen: Fitted = fitted[min(fitted, key=baselines.validation_mse.__getitem__)]
    return chosen


def in_model_space(predictor: Fitted, series: PreparedSeries) -> LinearSkip:
    """An autoregression of values in units of the training standard deviation as one of values in model space.

    With x = m + z / s for z in those units:  A'_k = diag(1/s) A_k diag(s),  B'_k = diag(1/s) B_k,
    b' = m + b / s - sum_k A'_k m.

    Args:
        predictor: Fitted in units of the training standard deviation.
        series: The prepared recording.
    """
    m, s = series.score_mean, series.score_scale
    if isinstance(predictor, AutoRegression | InputAutoRegression):
        coefficients = predictor.coefficients.T
        of_mean = coefficients.sum(axis=0) * m
    else:
        coefficients = predictor.coefficients * s / s[:, None]
        of_mean = coefficients.sum(axis=0) @ m
    intercept = m + predictor.intercept / s - of_mean
    driving = None
    if isinstance(predictor, InputAutoRegression):
        driving = torch.tensor(predictor.input_coefficients / s[:, None])
    return LinearSkip(torch.tensor(coefficients), torch.tensor(intercept), driving).float()


def innovation_size(predictor: LinearPredictor, series: PreparedSeries) -> NDArray[np.float32]:
    """Root mean square of what a predictor misses of the training span, in model space, (channels,).

    None is below a twentieth of their median: what a channel that all but rests while training does later would
    otherwise reach the network hundreds of times as large as anything it has seen.

    Args:
        predictor: Fitted in units of the training standard deviation.
        series: The prepared recording.
    """
    sums = ErrorSums()
    for stretch in series.spans["train"]:
        for start, stop in slab_bounds(stretch.start + predictor.order, stretch.stop, series):
            truth, by_name = linear_predictions({"linear": predictor}, series, start, stop)
            sums.add(truth, by_name["linear"])
    deviation = floored(np.sqrt(sums.channel_mse) / series.score_scale)
    return np.where(deviation > 0, deviation, 1.0).astype(np.float32)


def set_gate(network: NextStepNetwork, linear: LinearPredictor, series: PreparedSeries, span: Span) -> float:
    """Sets the gate of every channel by its least squares over a span.

    Args:
        network: A network with the ar output, on the device it computes on.
        linear: The autoregression it starts from, on values in units of the training standard deviation.
        series: The prepared recording.
        span: The span to choose on.

    Returns:
        The gated network's pooled mean squared error over the span, in units of the training standard deviation.
    """
    network.gate.fill_(1.0)
    n_steps, missed, shared, corrected = 0, *np.zeros((3, series.n_channels))
    for piece in series.scored(span):
        for slab in predicted_slabs(network, {"linear": linear}, series, piece):
            r = slab.truth - slab.predictions["linear"]
            d = slab.predictions["network"] - slab.predictions["linear"]
            n_steps += len(r)
            missed, shared, corrected = missed + (r * r).sum(0), shared + (r * d).sum(0), corrected + (d * d).sum(0)
    gate = np.clip(shared / np.where(corrected > 0, corrected, 1.0), 0.0, 1.0)
    network.gate.copy_(torch.from_numpy(gate.astype(np.float32)))
    return float(np.mean(missed - 2 * gate * shared + gate**2 * corrected)) / n_steps

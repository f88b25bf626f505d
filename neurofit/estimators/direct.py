"""Forecasts further than one step that a network makes directly, from its state, instead of on its own predictions.

A network's own predictions leave the recording's ground within a few steps: trained on the truth only, it answers its
own errors as if they were events. What its state says about later samples is therefore read out by regression, on top
of the autoregression of each channel (`neurofit.linear.direct`), which knows the measured inputs, if there are any.
Features of the present are the last layer's h_t and the innovations e_t of the autoregression.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurofit.estimators.free_run import ChannelAutoRegression
from neurofit.linear import AheadCoefficients, AutoRegression, DirectForecast
from neurofit.linear.direct import KNOTS, DirectMoments, choose_direct
from neurofit.models import NextStepNetwork
from neurofit.models.rollout import linear_forecast
from neurofit.preparation import PreparedSeries, Scored

WINDOW_STEPS = 512
WINDOWS = 64
"""Most windows of a span that are looked at, spread evenly: 32,768 steps."""
WINDOW_BATCH = 16
EVERY = 4
"""Steps from one row of the regression to the next: neighbours say the same."""
MOST_WEIGHTS = 2**25
"""Entries of the regression's weights above which the innovations are left out of the features."""


class Present(NamedTuple):
    """What is known at some steps, in units of the training standard deviation.

    Attributes:
        features: (row, feature).
        next: (row, channel), the network's prediction of the next sample.
        history: (row, order, channel), the last samples.
        inputs: (row, order + steps, input), measured inputs at these and at the steps that are forecast.
    """

    features: NDArray[np.float32]
    next: NDArray[np.float32]
    history: NDArray[np.float32]
    inputs: NDArray[np.float32]


def fit_direct(network: NextStepNetwork, ar: ChannelAutoRegression, series: PreparedSeries) -> DirectForecast:
    """Fits the regressions on the training span and chooses penalties and shares on the validation span.

    Args:
        network: The fitted network, on the device it computes on.
        ar: The autoregression of each channel on itself, or on itself and the measured inputs.
        series: The recording it was fitted on.
    """
    spans = series.scored("train"), series.scored("validation")
    longest = min(max(piece.stop - piece.start for piece in pieces) for pieces in spans)
    h = [knot for knot in KNOTS if knot == 1 or 4 * knot <= longest]
    moments: DirectMoments | None = None
    for present, truth in _rows(network, ar, series, spans[0], h):
        if moments is None:
            moments = DirectMoments(knots=len(h), features=present.features.shape[1], channels=series.n_channels)
        missing = truth - sum(_linear_parts(ar, present, h))
        moments.add(present.features, missing.swapaxes(0, 1))
    assert moments is not None, "a series that can be fitted has a training span"
    rows = list(_rows(network, ar, series, spans[1], h))
    known = Present(*(np.concatenate(parts) for parts in zip(*(present for present, _ in rows), strict=True)))
    parts = (*_linear_parts(ar, known, h), np.concatenate([truth for _, truth in rows]))
    return choose_direct(moments, h, known.features, *(part.swapaxes(0, 1) for part in parts))


def forecast_directly(
    direct: DirectForecast, ar: ChannelAutoRegression, present: Present, *, steps: int
) -> NDArray[np.floating[Any]]:
    """Forecasts (start, steps, channel) in units of the training standard deviation, of what is known at starts."""
    return direct.predict(present.features, *_linear_parts(ar, present, range(1, steps + 1)))


def _linear_parts(ar: ChannelAutoRegression, present: Present, h: Sequence[int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The autoregression's forecasts, and what the network's next sample changes in them, (row, h, channel) each."""
    own = AutoRegression(ar.coefficients, ar.intercept)
    ahead = AheadCoefficients.of(own, h[-1]).at(h)
    if isinstance(ar, AutoRegression):
        linear = ahead.linear(present.history)
    else:
        every = linear_forecast(ar, present.history, steps=h[-1], inputs=present.inputs)
        linear = every[:, np.array(h) - 1]
    return linear, ahead.replaced(present.next, linear)


def _rows(
    network: NextStepNetwork,
    ar: ChannelAutoRegression,
    series: PreparedSeries,
    pieces: Sequence[Scored],
    h: Sequence[int],
) -> Iterator[tuple[Present, NDArray[np.float32]]]:
    """What is known at every fourth step of some windows, and the samples (row, knot, channel) h steps later."""
    before, ends = max(series.warmup_steps, ar.order), np.array(h)
    for starts, steps in _windows(pieces, h[-1]):
        spans = [(start - before, start + steps + h[-1]) for start in starts]
        model = np.stack([series.read(*span) for span in spans])
        inputs = np.stack([series.read_inputs(*span) for span in spans])
        cut = before + steps
        hidden, following = _states(network, model[:, :cut], inputs[:, :cut])
        values = series.in_score_units(model).astype(np.float32)
        rows = np.arange(before, cut, EVERY)
        for lane, own in enumerate(values):
            past, driving = (
                np.lib.stride_tricks.sliding_window_view(array, width, axis=0).swapaxes(1, 2)[rows - ar.order]
                for array, width in ((own[:cut], ar.order + 1), (inputs[lane], ar.order + 1 + h[-1]))
            )
            known = present_at(ar, hidden[lane, rows], following[lane, rows], past, driving, series)
            yield known, own[rows[:, None] + ends]


def present_at(
    ar: ChannelAutoRegression,
    hidden: NDArray[Any],
    following: NDArray[Any],
    past: NDArray[Any],
    inputs: NDArray[Any],
    series: PreparedSeries,
) -> Present:
    """What is known at some steps.

    Args:
        ar: The autoregression of each channel.
        hidden: (row, hidden), the last layer's h_t.
        following: (row, channel), the network's prediction of the next sample, in model space.
        past: (row, order + 1, channel), the last samples in units of the training standard deviation; one less where
            no more are known, which leaves the innovation at 0.
        inputs: (row, order + 1 + steps, input), measured inputs from the first of these samples on.
        series: The prepared recording.
    """
    begin = past.shape[1] - ar.order
    innovations = np.zeros_like(following)
    if begin:
        innovations = past[:, -1] - linear_forecast(ar, past[:, :-1], steps=1, inputs=inputs[:, : past.shape[1]])[:, 0]
    wide = len(KNOTS) * (hidden.shape[1] + series.n_channels) * series.n_channels > MOST_WEIGHTS
    features = hidden if wide else np.concatenate([hidden, innovations], axis=1)
    return Present(
        features.astype(np.float32, copy=False),
        series.in_score_units(following).astype(np.float32),
        past[:, begin:],
        inputs[:, begin:],
    )


def _windows(pieces: Sequence[Scored], after: int) -> Iterator[tuple[list[int], int]]:
    """First steps of windows of equal length, a batch at a time, with that length; `after` steps follow each."""
    found = [
        (start, min(WINDOW_STEPS, piece.stop - after - start))
        for piece in pieces
        for start in range(piece.start, piece.stop - after, WINDOW_STEPS)
    ]
    picked = [found[i] for i in np.linspace(0, len(found) - 1, min(WINDOWS, len(found))).round().astype(int)]
    for steps in sorted({steps for _, steps in picked}):
        starts = [start for start, length in picked if length == steps]
        for first in range(0, len(starts), WINDOW_BATCH):
            yield starts[first : first + WINDOW_BATCH], steps


@torch.inference_mode()
def _states(
    network: NextStepNetwork, values: NDArray[np.float32], inputs: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The last layer's h_t (batch, time, hidden) and predictions of x_{t+1} (batch, time, channel), in model space."""
    seen: list[Tensor] = []

    def listen(_: nn.Module, __: Any, outputs: tuple[Tensor, Any]) -> None:
        seen.append(outputs[0])

    handle = network.recurrent.register_forward_hook(listen)
    try:
        x, u = (torch.from_numpy(array).to(network.head.weight) for array in (values, inputs))
        read_out, _ = network(x, network.initial_state(len(x)), u if network.n_inputs else None)
    finally:
        handle.remove()
    return seen[0].cpu().numpy(), network.expected(read_out).cpu().numpy()

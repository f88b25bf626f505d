"""The stretch of time that the paper's figures show: so many steps teacher-forced, then 15 free-running.

In-sample it is the beginning of the training span, from the state zero, as the paper has it. Held out it is the
beginning of the test span, after a warm-up on the truth before. Where time breaks, it is that of the longest stretch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nayebi2015.lab import SPAN, Lab, Where
from nayebi2015.plan import Snapshot
from neurofit.linear import LinearPredictor
from neurofit.models import NextStepNetwork
from neurofit.models.rollout import forecast, linear_forecast
from neurofit.preparation import PreparedSeries
from neurofit_io import RecordingError

FREE = 15
"""Steps that run free: the paper's captions say 1015 steps, its text 1000."""


@dataclass(frozen=True)
class Window:
    """Steps `start:forced` are predicted from the truth before them, `forced:stop` by running on from there.

    Attributes:
        where: In-sample or held out.
        warm: First step fed to the network.
        start: First step shown.
        forced: First step that runs free.
        stop: End.
    """

    where: Where
    warm: int
    start: int
    forced: int
    stop: int


@dataclass(frozen=True, eq=False)
class Traces:
    """One channel over a window, in the signal's unit.

    Attributes:
        where: In-sample or held out.
        time_s: (steps,), s.
        free: First step that runs free.
        lines: (steps,) by name: `truth`, the networks, `persistence`, `ar`; NaN where there is no prediction.
    """

    where: Where
    time_s: NDArray[np.float64]
    free: int
    lines: Mapping[str, NDArray[np.float64]]


def make_windows(series: PreparedSeries, steps: int) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """The two windows, and a note for each that had to be shortened.

    Args:
        series: The prepared recording.
        steps: Teacher-forced steps.

    Raises:
        RecordingError: A span is too short to show anything.
    """
    first = max(series.spans["train"], key=lambda stretch: stretch.n_steps)
    held_out = max(series.scored("test"), key=lambda piece: piece.stop - piece.start)
    spans = {"in-sample": (first.start, first.start, first.stop), "held-out": held_out}
    windows, notes = [], []
    for where in SPAN:
        warm, start, stop = spans[where]
        forced = min(steps, stop - start - FREE)
        if forced < 2:
            raise RecordingError(
                series.place, f"{stop - start} {where} steps", expected=f"at least {FREE + 2}", do="use more time"
            )
        if forced < steps:
            notes.append(f"{where} panels shortened from {steps} to {forced} steps before the free ones")
        windows.append(Window(where, warm, start, start + forced, start + forced + FREE))
    return tuple(windows), tuple(notes)


def window_traces(lab: Lab, snapshots: Mapping[str, Snapshot], window: Window, channel: int) -> Traces:
    """What networks and baselines say about one channel in a window, with seed 0.

    Args:
        lab: The fitted arms.
        snapshots: By the name of the line.
        window: Steps to show.
        channel: Position among the prepared channels.
    """
    series = lab.series
    lines = {"truth": series.read_physical(window.start, window.stop)[:, channel].astype(np.float64)}
    for name, snapshot in snapshots.items():
        model = lab.models[snapshot.arm, 0]
        values = network_window(model.network(lab.plan.epoch(snapshot.stage)), series, window)
        lines[name] = _physical(series, series.in_score_units(values), channel)
    baselines = lab.models[next(iter(snapshots.values())).arm, 0].fitted.baselines
    for name in ("persistence", "ar"):
        lines[name] = _physical(series, linear_window(baselines.predictors()[name], series, window), channel)
    return Traces(window.where, series.time_s(window.start, window.stop), window.forced - window.start, lines)


@torch.inference_mode()
def network_window(network: NextStepNetwork, series: PreparedSeries, window: Window) -> NDArray[Any]:
    """Predictions of a network over a window, (steps, channels), in model space; NaN before the first."""
    history = torch.tensor(series.read(window.warm, window.forced)).to(network.head.weight)[None]
    read_out, _ = network(history[:, :-1], network.initial_state(1))
    free = forecast(network, history, steps=window.stop - window.forced)
    known = torch.cat([network.expected(read_out)[0], free[0]]).cpu().numpy()
    return _last_rows(known, window.stop - window.start)


def linear_window(predictor: LinearPredictor, series: PreparedSeries, window: Window) -> NDArray[Any]:
    """Predictions of a baseline over a window, (steps, channels), in units of the training std; NaN before the first.

    The samples before a window count as history where there are some.
    """
    values = series.in_score_units(series.read(window.warm, window.forced))
    free = linear_forecast(predictor, values[None], steps=window.stop - window.forced)[0]
    return _last_rows(np.concatenate([predictor.predict(values), free]), window.stop - window.start)


def _last_rows(rows: NDArray[Any], steps: int) -> NDArray[Any]:
    """The last `steps` rows, with NaN above where there are fewer."""
    missing = max(0, steps - len(rows))
    return np.concatenate([np.full((missing, rows.shape[1]), np.nan, rows.dtype), rows[len(rows) - steps + missing :]])


def _physical(series: PreparedSeries, values: NDArray[Any], channel: int) -> NDArray[np.float64]:
    std, mean = series.standardiser.train_std[channel], series.standardiser.train_mean[channel]
    return np.asarray(values[:, channel] * std + mean, np.float64)

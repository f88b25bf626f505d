"""Trials that cannot be cut from the data: inverted, empty, without an end, or beyond what was recorded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurofit_io.trials import Trials


def bad_rows(trials: Trials, start_s: float, stop_s: float) -> NDArray[np.bool_]:
    """Which trials are not inside `start_s` to `stop_s` with an end after their begin, (trials,)."""
    return ~((trials.start_s >= start_s) & (trials.stop_s <= stop_s) & (trials.stop_s > trials.start_s))


def dropped(trials: Trials, start_s: float, stop_s: float) -> Trials:
    """The trials without the bad ones."""
    return _rows(trials, ~bad_rows(trials, start_s, stop_s), trials.start_s, trials.stop_s)


def clipped(trials: Trials, start_s: float, stop_s: float) -> Trials:
    """The trials cut to the data; those of which nothing is left are dropped."""
    begin, end = np.maximum(trials.start_s, start_s), np.minimum(trials.stop_s, stop_s)
    return _rows(trials, end > begin, begin, end)


def _rows(trials: Trials, keep: NDArray[np.bool_], start_s: NDArray, stop_s: NDArray) -> Trials:
    columns = {name: values[keep] for name, values in trials.columns.items()}
    return Trials(trials.name, start_s[keep], stop_s[keep], columns)

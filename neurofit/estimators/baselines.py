"""The linear baselines of a prepared series, fitted on its training span and chosen on its validation span."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.linear import Baselines, Persistence, fit_baselines, innovation_moments
from neurofit.linear.var import VAR_ORDERS
from neurofit.preparation import PreparedSeries, Stretch
from neurofit_io import RecordingError

INNER_VALIDATION = 0.1
"""Share of the training span that chooses the orders when the validation span is the test span."""

_SLAB_ENTRIES = 2**22


def fit_series_baselines(series: PreparedSeries) -> Baselines:
    """Fits persistence, mean, AR, VAR and with measured inputs ARX, never on test data.

    Channels are in units of the training standard deviation, inputs standardised.

    Raises:
        RecordingError: The training or validation span is too short for any autoregression.
    """
    train, chosen_on = series.spans["train"], series.spans["validation"]
    if series.validation_is_test:
        train, chosen_on = _carve(train)
    highest = series.max_order
    try:
        return fit_baselines(
            _slabs_beside_inputs(series, train),
            _slabs_beside_inputs(series, chosen_on),
            ar_orders=range(1, highest + 1),
            var_orders=[order for order in VAR_ORDERS if order <= highest],
            n_inputs=series.n_inputs,
        )
    except ValueError as error:
        raise RecordingError(series.place, str(error), do="use more time, or fewer gaps") from error


def training_step_size(series: PreparedSeries) -> NDArray[np.float32]:
    """Standard deviation of x_{t+1} - x_t over the training span, in model space, (channels,); 1 where it is 0."""
    slabs = (
        (series.read(start, stop), first) for start, stop, first in _cuts(series.spans["train"], series.n_channels)
    )
    deviation = np.sqrt(innovation_moments(Persistence(), slabs).variance)
    return np.where(deviation > 0, deviation, 1.0).astype(np.float32)


def _slabs_beside_inputs(series: PreparedSeries, stretches: tuple[Stretch, ...]) -> Iterator[tuple[NDArray[Any], bool]]:
    """Stretches as the linear models read them: pairs (values (time, channel + input), starts_segment)."""
    for start, stop, first in _cuts(stretches, series.n_channels + series.n_inputs):
        values = series.in_score_units(series.read(start, stop))
        yield np.concatenate([values, series.read_inputs(start, stop)], axis=1) if series.n_inputs else values, first


def _cuts(stretches: tuple[Stretch, ...], n_channels: int) -> Iterator[tuple[int, int, bool]]:
    rows = max(1024, _SLAB_ENTRIES // max(1, n_channels))
    for stretch in stretches:
        for start in range(stretch.start, stretch.stop, rows):
            yield start, min(start + rows, stretch.stop), start == stretch.start


def _carve(stretches: tuple[Stretch, ...]) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
    """The stretches before the last tenth of their steps, and the rest."""
    total = sum(stretch.n_steps for stretch in stretches)
    left = total - int(INNER_VALIDATION * total)
    before, after = [], []
    for stretch in stretches:
        edge = stretch.start + min(max(left, 0), stretch.n_steps)
        before += [Stretch(stretch.start, edge)] if edge > stretch.start else []
        after += [Stretch(edge, stretch.stop)] if edge < stretch.stop else []
        left -= stretch.n_steps
    return tuple(before), tuple(after)

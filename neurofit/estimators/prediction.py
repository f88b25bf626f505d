"""One-step predictions of held-out time, in physical units, beside the truth."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.estimators.evaluation import AUTOREGRESSIONS, Evaluation, Tally, predicted_slabs
from neurofit.linear import Baselines
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries, Scored
from neurofit_io import Clock, Provenance, Recording, RecordingError, Segment, Signal
from neurofit_io.sources import array_source

IN_MEMORY_BYTES = 2**30


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a predictor says about each sample, knowing the truth up to the sample before.

    Attributes:
        signal: Name of the signal.
        kind: What it is, such as `vm`.
        unit: Physical unit of `values`, `truth`, `network` and `baseline`.
        predictor: Who predicts: `network`, `persistence`, `mean`, `ar` or `var`.
        time_s: (steps,), s.
        values: Predictions of `predictor`, (steps, channels), float32.
        truth: The recording, (steps, channels), float32.
        network: Predictions of the network, (steps, channels), float32.
        baseline: Predictions of the better autoregression, (steps, channels), float32.
        baseline_name: Which one that is: `ar`, `var` or `arx`.
        channel_ids: (channels,).
        columns: Positions of the channels in the recording's signal, (channels,).
        segments: Stretches of consecutive steps, as positions in `values`.
        rate_hz: Steps per second within a segment.
        evaluation: Errors of all predictors over the same samples.
        provenance: Run, recording and span, JSON-able.
    """

    signal: str
    kind: str
    unit: str
    predictor: str
    time_s: NDArray[np.float64]
    values: NDArray[np.float32]
    truth: NDArray[np.float32]
    network: NDArray[np.float32]
    baseline: NDArray[np.float32]
    baseline_name: str
    channel_ids: NDArray
    columns: NDArray[np.intp]
    segments: tuple[Segment, ...]
    rate_hz: float
    evaluation: Evaluation
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def scores(self, *, seed: int) -> dict[str, Any]:
        """One span of `scores.json`, with `predictor` at the top."""
        return self.evaluation.scores(self.predictor, seed=seed)

    def as_recording(self) -> Recording:
        """The prediction as a recording with one signal, `<signal>_predicted`, to be saved."""
        name = f"{self.signal}_predicted"
        metadata = {"predictor": self.predictor, **self.provenance}
        clock = Clock(len(self.values), self.rate_hz, self.segments[0].start_s, sweeps=self._sweeps())
        signal = Signal(
            name,
            self.kind,
            self.unit,
            array_source(self.values),
            clock,
            channel_ids=self.channel_ids,
            metadata=metadata,
        )
        return Recording(Provenance(Path("prediction"), "neurofit", metadata=metadata), {name: signal})

    def _sweeps(self) -> tuple[Segment, ...] | None:
        return self.segments if len(self.segments) > 1 else None


def predict_pieces(
    network: NextStepNetwork,
    baselines: Baselines,
    series: PreparedSeries,
    pieces: Sequence[Scored],
    *,
    predictor: str,
    provenance: Mapping[str, Any],
) -> Prediction:
    """Predicts the samples of all pieces, streamed; arrays above 1 GB lie in temporary files.

    Args:
        network: The network, on the device it computes on.
        baselines: The fitted baselines.
        series: The prepared recording.
        pieces: What to predict, at least one.
        predictor: Whose predictions are returned as `values`.
        provenance: Where they come from.
    """
    shape = sum(piece.stop - piece.start for piece in pieces), series.n_channels
    truth, linear = new_array(shape), baselines.predictors()
    name = min((n for n in AUTOREGRESSIONS if n in linear), key=baselines.validation_mse.__getitem__)
    arrays = {each: new_array(shape) for each in dict.fromkeys(("network", name, predictor))}
    tally = Tally(network, baselines, series)
    segments, times, row = [], [], 0
    for piece in pieces:
        time_s = series.time_s(piece.start, piece.stop)
        times.append(time_s)
        segments.append(Segment(row, row + len(time_s), float(time_s[0])))
        for slab in predicted_slabs(network, linear, series, piece):
            rows = slice(row, row + len(slab.truth))
            truth[rows] = series.read_physical(slab.start, slab.start + len(slab.truth))
            for each, array in arrays.items():
                array[rows] = _physical(series, slab.predictions[each])
            tally.add(slab)
            row = rows.stop
    return Prediction(
        series.name, series.kind, series.unit, predictor, np.concatenate(times), arrays[predictor], truth,
        arrays["network"], arrays[name], name,
        series.channel_ids, series.columns, tuple(segments), 1000 / series.dt_ms, tally.evaluation(),
        dict(provenance),
    )  # fmt: skip


def pieces_at(series: PreparedSeries, start: int, steps: int | None) -> tuple[Scored, ...]:
    """The steps `start:start + steps` to predict, warmed up on the truth before them; nothing may break within.

    Raises:
        RecordingError: They are not all usable, or too little time lies before them.
    """
    for stretch in series.stretches("all"):
        if stretch.start <= start < stretch.stop:
            stop = stretch.stop if steps is None else start + steps
            first = stretch.start + max(1, series.max_order)
            if first <= start < stop <= stretch.stop:
                return (Scored(max(stretch.start, start - series.warmup_steps), start, stop),)
            raise RecordingError(
                series.place, f"--start {start} --steps {stop - start}", expected=f"steps within {first}:{stretch.stop}"
            )
    first = max(1, series.max_order)
    usable = ", ".join(f"{s.start + first}:{s.stop}" for s in series.stretches("all")[:5] if s.n_steps > first)
    raise RecordingError(series.place, f"--start {start}", expected=f"a usable step ({usable})")


def _physical(series: PreparedSeries, values: NDArray[Any]) -> NDArray[np.float32]:
    """From units of the training standard deviation to the signal's own, computed in float64."""
    return (values * series.standardiser.train_std + series.standardiser.train_mean).astype(np.float32)


def new_array(shape: tuple[int, int]) -> NDArray[np.float32]:
    """An array to fill, in memory, or in a temporary file that goes when it is closed where it exceeds 1 GB."""
    if 4 * shape[0] * shape[1] <= IN_MEMORY_BYTES:
        return np.empty(shape, np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=shape)

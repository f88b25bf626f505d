"""What spike scores are measured on: thresholds from the training span, and stretches of held-out truth within a bound.

Threshold crossings of the truth are the true spikes, so that truth and predictions are read alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.figures import SpikeTraces
from neurofit.metrics import SpikeThresholds, VoltageKind, spike_thresholds, threshold_crossings
from neurofit.preparation import PreparedSeries, Scored, Span
from neurofit_io import RecordingError

DEVIATIONS = 5.0
GUARD_S = 0.003
VOLTAGES: dict[str, VoltageKind] = {"vm": "vm", "extracellular": "extracellular", "lfp": "extracellular"}
"""How the spikes of a kind of signal point."""

THRESHOLD_ENTRIES = 2**24
_BLOCK_STEPS = 4096
_EXAMPLES = 3
_EXAMPLE_S = 0.06


@dataclass(frozen=True, eq=False)
class SpikeScene:
    """Held-out truth with its spikes, in units of the training standard deviation, stretches one after the other.

    Attributes:
        series: The prepared recording.
        thresholds: Where spikes begin.
        stretches: What is scored; the truth before it is known.
        bounded: Whether steps were left out to bound the work.
        starts: Rows at which stretches begin.
        values: (steps, channels).
        time_s: (steps,).
        spikes: For each channel the rows of its spikes; those just before a stretch are there too.
    """

    series: PreparedSeries
    thresholds: SpikeThresholds
    stretches: tuple[Scored, ...]
    bounded: bool
    starts: tuple[int, ...]
    values: NDArray[np.float32]
    time_s: NDArray[np.float64]
    spikes: list[NDArray[np.intp]]

    @property
    def rate_hz(self) -> float:
        """Steps per second."""
        return 1000 / self.series.dt_ms

    def examples(self) -> list[tuple[int, slice]]:
        """Columns and rows to show: channels from the most to the median number of spikes, around a middle spike."""
        counts = np.array([np.count_nonzero(train >= 0) for train in self.spikes])
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        picks = np.linspace(0, len(order) // 2, min(_EXAMPLES, len(order))).astype(int)
        return [(column, self._around_middle(column)) for column in order[picks].tolist()]

    def close_up(self, column: int, rows: slice, traces: Mapping[str, NDArray[np.float32]]) -> SpikeTraces:
        """Traces (time,) of one channel in physical units, with their spikes."""
        here, std = slice(column, column + 1), self.series.standardiser.train_std[column]
        own = SpikeThresholds(self.thresholds.baseline[here], self.thresholds.level[here], self.thresholds.sign)
        time_s = self.time_s[rows]
        found = {name: threshold_crossings(x[:, None], own, rate_hz=self.rate_hz)[0] for name, x in traces.items()}
        return SpikeTraces(
            label=str(self.series.channel_ids[column]),
            time_s=time_s,
            traces={name: x * std + self.series.standardiser.train_mean[column] for name, x in traces.items()},
            spikes_s={name: time_s[steps] for name, steps in found.items()},
        )

    def _around_middle(self, column: int) -> slice:
        spikes, width = self.spikes[column][self.spikes[column] >= 0], round(_EXAMPLE_S * self.rate_hz)
        edges = [*self.starts, len(self.values)]
        middle = int(spikes[len(spikes) // 2])
        stretch = int(np.searchsorted(edges, middle, side="right")) - 1
        low, high = edges[stretch], edges[stretch + 1]
        start = max(low, min(middle - width // 2, high - width))
        return slice(start, min(start + width, high))


def spike_scene(series: PreparedSeries, span: Span, *, ahead: int, most: int, longest_step_ms: float) -> SpikeScene:
    """Reads what is to be scored.

    Args:
        series: The prepared recording.
        span: What is scored.
        ahead: Steps between the last known sample and the first scored one: no forecast starts before the warm-up.
        most: Steps scored at most: the first of each stretch, in equal shares.
        longest_step_ms: Steps longer than this are refused.

    Raises:
        RecordingError: The signal is no voltage or too coarse, there is no training span to set thresholds on, or the
            span is too short.
    """
    kind = _voltage(series, longest_step_ms)
    thresholds, rate_hz = _training_thresholds(series, kind), 1000 / series.dt_ms
    found = series.scored(span)
    pieces = _stretches(series, span, found, ahead, most)
    values: list[NDArray[np.float32]] = []
    times, spikes, starts, row = [], [], [], 0
    for piece in pieces:
        first = piece.start - piece.warm
        read = series.in_score_units(series.read(piece.warm, piece.stop))
        trains = threshold_crossings(read, thresholds, rate_hz=rate_hz)
        spikes.append([train[train >= first - GUARD_S * rate_hz] - first + row for train in trains])
        values.append(read[first:].astype(np.float32))
        times.append(series.time_s(piece.start, piece.stop))
        starts.append(row)
        row += len(values[-1])
    ends = {piece.stop for piece in found}
    return SpikeScene(
        series, thresholds, pieces, any(piece.stop not in ends for piece in pieces), tuple(starts),
        np.concatenate(values), np.concatenate(times), [np.concatenate(each) for each in zip(*spikes, strict=True)],
    )  # fmt: skip


def _voltage(series: PreparedSeries, longest_step_ms: float) -> VoltageKind:
    if series.kind not in VOLTAGES:
        expected = f"a voltage: {', '.join(VOLTAGES)}"
        raise RecordingError(series.place, f"spike scores of a signal of kind {series.kind}", expected=expected)
    if series.dt_ms > longest_step_ms * (1 + 1e-9):
        raise RecordingError(
            series.place, f"spike scores of steps of {series.dt_ms:g} ms",
            expected=f"steps of at most {longest_step_ms:g} ms, the largest tolerance",
            do="fit at the recording's own rate",
        )  # fmt: skip
    return VOLTAGES[series.kind]


def _training_thresholds(series: PreparedSeries, kind: VoltageKind) -> SpikeThresholds:
    """From the training span, or from blocks spread evenly over it where it is large."""
    blocks = [
        (start, min(start + _BLOCK_STEPS, stretch.stop))
        for stretch in series.spans["train"]
        for start in range(stretch.start, stretch.stop, _BLOCK_STEPS)
    ]
    if not blocks:
        raise RecordingError(series.place, "no training span to set spike thresholds on", expected="more time")
    entries = sum(stop - start for start, stop in blocks) * series.n_channels
    training = np.concatenate([series.read(*block) for block in blocks[:: math.ceil(entries / THRESHOLD_ENTRIES)]])
    return spike_thresholds(series.in_score_units(training), kind=kind, deviations=DEVIATIONS)


def _stretches(
    series: PreparedSeries, span: Span, found: Sequence[Scored], ahead: int, most: int
) -> tuple[Scored, ...]:
    """What can be scored `ahead` steps after the warm-up, in equal shares of at most `most` steps."""
    later = [piece._replace(start=piece.start - 1 + ahead) for piece in found if piece.stop - piece.start >= ahead]
    if not later:
        longest = max((piece.stop - piece.start for piece in found), default=0)
        raise RecordingError(
            series.place, f"spike scores in a {span} span whose longest stretch has {longest} steps",
            expected=f"at least {ahead}, the steps that spikes are predicted ahead",
        )  # fmt: skip
    left, shares = most, []
    # What short stretches do not need goes to the longer ones.
    for i, piece in enumerate(sorted(later, key=lambda each: each.stop - each.start)):
        steps = min(piece.stop - piece.start, max(1, left // (len(later) - i)))
        left -= steps
        shares.append(piece._replace(stop=piece.start + steps))
    return tuple(sorted(shares))

"""`Generated`: free runs in physical units with their scores, as a table, as JSON and as a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurofit.estimators.tables import aligned_lines
from neurofit.metrics import FreeRunScores, SpikeThresholds
from neurofit_io import Clock, Provenance, Recording, Segment, Signal
from neurofit_io.sources import array_source

Mode = Literal["sample", "forecast", "orbit"]


@dataclass(frozen=True, eq=False)
class Generated:
    """Free runs in physical units.

    Attributes:
        signal: Name of the signal.
        kind: What it is, such as `vm`.
        unit: Physical unit of `values`, `truth` and `linear`.
        mode: How it was made.
        innovations: What drove it: `gaussian`, `resampled`, `poisson`, or `none`.
        gain: Gain of the closed loop, 1 the network as it is.
        span: Where the runs start.
        values: (run, time, channel), float32; what follows `start_s`.
        linear: (run, time, channel), of the autoregression of each channel on its own innovations, or without any.
        linear_name: `ar`, or `arx` of one that knows the measured inputs.
        truth: (stretch, time, channel), stretches of the span.
        start_s: (run,), times of the first generated steps, s.
        rate_hz: Steps per second.
        channel_ids: (channel,).
        columns: Positions of the channels in the recording's signal, (channel,).
        diverged_at: (run,), first step of an unstable run that is not finite or beyond 10 times the largest true
            excursion, -1 for stable runs.
        scores: `network` and `ar` or `arx` beside the truth, and `truth`: its later beside its earlier half.
        scored_steps: Steps of each run that were scored, the last ones.
        thresholds: Where spikes begin, in physical units; None for what is no voltage.
        provenance: Run and recording, JSON-able.
    """

    signal: str
    kind: str
    unit: str
    mode: Mode
    innovations: str
    gain: float
    span: str
    values: NDArray[np.float32]
    linear: NDArray[np.float32]
    linear_name: str
    truth: NDArray[np.float32]
    start_s: NDArray[np.float64]
    rate_hz: float
    channel_ids: NDArray
    columns: NDArray[np.intp]
    diverged_at: NDArray[np.int64]
    scores: Mapping[str, FreeRunScores]
    scored_steps: int
    thresholds: SpikeThresholds | None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For `generated.json`."""
        runs, steps, _ = self.values.shape
        return {
            "mode": self.mode,
            "innovations": self.innovations,
            "gain": self.gain,
            "span": self.span,
            "runs": runs,
            "steps": steps,
            "scored_steps": self.scored_steps,
            "diverged_at": [None if step < 0 else int(step) for step in self.diverged_at],
            **{name: scores.as_json() for name, scores in self.scores.items()},
            **self.provenance,
        }

    def table(self, name: str) -> str:
        """Scores for the terminal, a row a generator; `name` is what the network is called."""
        header = ["generated", "stable", "std ratio", "spectrum dB", "rate ratio", "interval KS", "correlation rmse"]
        called = {"network": name, "truth": "truth, half against half"}
        rows = [[called.get(each, each), *_shown(scores)] for each, scores in self.scores.items()]
        runs, steps, _ = self.values.shape
        made = (
            f"{runs} runs of {steps} steps from the {self.span} span, mode {self.mode}, innovations {self.innovations}"
        )
        return "\n".join([*aligned_lines(header, rows), f"{made}, gain {self.gain:g}", *self._divergence()])

    def as_recording(self) -> Recording:
        """The runs as a recording with one signal, `<signal>_generated`, a sweep a run."""
        name, (runs, steps, channels) = f"{self.signal}_generated", self.values.shape
        sweeps = tuple(Segment(k * steps, (k + 1) * steps, float(s)) for k, s in enumerate(self.start_s))
        clock = Clock(runs * steps, self.rate_hz, sweeps[0].start_s, sweeps=sweeps if runs > 1 else None)
        metadata = {"mode": self.mode, "innovations": self.innovations, "gain": self.gain, **self.provenance}
        source = array_source(self.values.reshape(runs * steps, channels))
        signal = Signal(name, self.kind, self.unit, source, clock, channel_ids=self.channel_ids, metadata=metadata)
        return Recording(Provenance(Path("generated"), "neurofit", metadata=metadata), {name: signal})

    def _divergence(self) -> list[str]:
        left = self.diverged_at[self.diverged_at >= 0]
        if not len(left):
            return []
        return [f"warning: {len(left)} of {len(self.values)} runs diverged, the first at step {left.min()}"]


def _shown(scores: FreeRunScores) -> list[str]:
    values = scores.std_ratio, scores.lsd_db, scores.rate_ratio, scores.isi_distance, scores.correlation_rmse
    return [f"{scores.runs - scores.unstable_runs} of {scores.runs}", *(f"{value:.3f}" for value in values)]

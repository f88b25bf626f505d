"""The arms, fitted one after the other into folders of their own, and what each of their snapshots predicts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nayebi2015.plan import Arm, Plan, Snapshot
from neurofit import NextStep
from neurofit.metrics import (
    ErrorSums,
    SpikeThresholds,
    VoltageKind,
    fair_horizon,
    spike_thresholds,
    threshold_crossings,
)
from neurofit.models.ahead import forecast_ahead, linear_forecast_ahead
from neurofit.preparation import PreparedSeries
from neurofit_io import Recording, RecordingError

Where = Literal["in-sample", "held-out"]
WHERE: tuple[Where, ...] = ("in-sample", "held-out")
SPAN: dict[Where, Literal["train", "test"]] = {"in-sample": "train", "held-out": "test"}

VOLTAGES: dict[str, VoltageKind] = {"vm": "vm", "extracellular": "extracellular", "lfp": "extracellular"}
"""How the spikes of a kind of signal point; other kinds have none."""
TOLERANCE_S = 0.0005
"""Largest distance of a predicted from a true spike, s."""
AHEAD_ENTRIES = 2**24
"""Samples of a span that are predicted from afar, all channels together: the first of its longest stretch."""
KEPT_BYTES = 2**31
"""Memory for predictions that more than one claim asks for."""


@dataclass(frozen=True, eq=False)
class OneStep:
    """One-step predictions of one span, in units of the training standard deviation.

    Attributes:
        sums: Errors over the whole span by predictor: `network`, `persistence`, `mean`, `ar`, or also `var`.
        truth: The longest stretch of the span, (steps, channels).
        network: What the network predicts of it, (steps, channels).
        persistence: The same of persistence, (steps, channels).
    """

    sums: Mapping[str, ErrorSums]
    truth: NDArray[np.float32]
    network: NDArray[np.float32]
    persistence: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ahead:
    """Predictions of every sample of a stretch from the truth h steps before it and earlier, in the same units.

    Attributes:
        h: Steps ahead.
        truth: (steps, channels).
        predictions: By predictor, (steps, channels) each.
    """

    h: int
    truth: NDArray[np.float32]
    predictions: Mapping[str, NDArray[np.float32]]


class Lab:
    """All arms on one recording.

    Args:
        recording: The recording.
        series: The same, prepared as the paper did.
        plan: What is fitted.
        folder: Holds a run an arm and seed; finished ones are read back, others go on where they stopped.
        seeds: Runs of every arm, with seeds 0, 1, ...
        options: What all arms share, as `NextStep` takes it.
    """

    def __init__(
        self, recording: Recording, series: PreparedSeries, plan: Plan, folder: Path, *, seeds: int, **options: Any
    ) -> None:
        self.recording, self.series, self.plan, self.folder = recording, series, plan, folder
        self.seeds, self.options = range(seeds), options
        self.models: dict[tuple[Arm, int], NextStep] = {}
        self.rate_hz = 1000 / series.dt_ms
        self.thresholds = _thresholds(series)
        held = KEPT_BYTES // (16 * series.n_steps * series.n_channels)
        self.one_step = lru_cache(maxsize=max(2, min(16, held)))(self._one_step)
        self.ahead = lru_cache(maxsize=4)(self._ahead)

    def fit(self) -> None:
        """Fits every arm with every seed."""
        for arm, stage in self.plan.arms.items():
            for seed in self.seeds:
                print(f"{arm.name}, seed {seed}: {self.plan.epoch(stage)} epochs", file=sys.stderr, flush=True)
                snapshots = sorted({self.plan.epoch(each) for each in self.plan.stages(arm)})
                model = NextStep(
                    arm.model, preset="nayebi2015", chunk=arm.chunk, seed=seed, epochs=self.plan.epoch(stage),
                    snapshot_epochs=tuple(snapshots), **self.options,
                )  # fmt: skip
                out = self.folder / f"{arm.name}-s{seed}"
                self.models[arm, seed] = model.fit(self.recording, out=out, resume="auto", show=sys.stderr.isatty())

    def history(self, arm: Arm, seed: int) -> list[dict[str, Any]]:
        """The rows of an arm's `metrics.jsonl`."""
        run = self.models[arm, seed].run
        assert run is not None
        return run.metrics()

    def _one_step(self, snapshot: Snapshot, seed: int, where: Where) -> OneStep:
        model, epoch = self.models[snapshot.arm, seed], self.plan.epoch(snapshot.stage)
        found = model.predict(self.recording, span=SPAN[where], epoch=epoch, predictor="persistence")
        longest = max(found.segments, key=lambda segment: segment.stop - segment.start)
        rows, standardiser = slice(longest.start, longest.stop), self.series.standardiser
        truth, network, persistence = (
            ((each[rows] - standardiser.train_mean) / standardiser.train_std).astype(np.float32)
            for each in (found.truth, found.network, found.values)
        )
        return OneStep(found.evaluation.sums, truth, network, persistence)

    def _ahead(self, snapshot: Snapshot, seed: int, where: Where) -> Ahead:
        model, series = self.models[snapshot.arm, seed], self.series
        h = fair_horizon(TOLERANCE_S, rate_hz=self.rate_hz)
        piece = max(series.scored(SPAN[where]), key=lambda each: each.stop - each.start)
        stop = min(piece.stop, piece.start + h + AHEAD_ENTRIES // series.n_channels)
        first = piece.start - 1 + h - piece.warm
        if stop - piece.warm <= first:
            raise RecordingError(series.place, f"{stop - piece.start} {where} steps", expected=f"at least {h}")
        values = series.read(piece.warm, stop)
        network = model.network(self.plan.epoch(snapshot.stage))
        ahead = forecast_ahead(network, torch.tensor(values), first=first, horizons=[h])[0].cpu().numpy()
        window = series.in_score_units(values)
        linear = {
            name: linear_forecast_ahead(predictor, window, first=first, horizons=[h])[0].astype(np.float32)
            for name, predictor in model.fitted.baselines.predictors().items()
        }
        network_ahead = series.in_score_units(ahead).astype(np.float32)
        return Ahead(h, window[first:].astype(np.float32), {"network": network_ahead, **linear})

    def spikes(self, values: NDArray[Any]) -> list[NDArray[np.intp]]:
        """Spikes of (steps, channels) in units of the training standard deviation, a train a channel.

        Raises:
            ValueError: The signal has no spikes.
        """
        if self.thresholds is None:
            raise ValueError(f"a signal of kind {self.series.kind} has no spikes")
        return threshold_crossings(values, self.thresholds, rate_hz=self.rate_hz)


def _thresholds(series: PreparedSeries) -> SpikeThresholds | None:
    if series.kind not in VOLTAGES:
        return None
    longest = max(series.spans["train"], key=lambda stretch: stretch.n_steps)
    return spike_thresholds(series.in_score_units(series.read(*longest)), kind=VOLTAGES[series.kind])

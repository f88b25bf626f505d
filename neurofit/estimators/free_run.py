"""Parts of a free run: where it starts, how one step follows another, and the truth it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neurofit.estimators.spike_scene import VOLTAGES
from neurofit.linear import AutoRegression, InputAutoRegression, LinearPredictor, Sampler
from neurofit.metrics import SpikeThresholds, spike_thresholds
from neurofit.models import NextStepNetwork
from neurofit.models.rollout import Follow, FreeRun
from neurofit.preparation import PreparedSeries, Scored, Span

ChannelAutoRegression = AutoRegression | InputAutoRegression

TRUTH_ENTRIES = 2**22
"""Samples of truth that are read, all channels together."""
MOST_COUNTS = 1e9
"""Expected counts of a bin above which a run of counts has diverged."""


def channel_autoregression(predictors: Mapping[str, LinearPredictor]) -> ChannelAutoRegression:
    """The autoregression of each channel on itself and the measured inputs where there is one, else on itself."""
    found = predictors.get("arx", predictors["ar"])
    assert isinstance(found, ChannelAutoRegression)
    return found


class DrivenStep:
    """One step of a free run in model space: the network's prediction at a gain, and an innovation.

    Args:
        ar: The autoregression of each channel.
        gain: k.
        sampler: Innovations; None for none.
        history: (run, time, channel), the last samples, in units of the training standard deviation.
        inputs: (run, time + later, input), measured inputs from the first of these samples on.
        series: The prepared recording.
    """

    def __init__(
        self,
        ar: ChannelAutoRegression,
        gain: float,
        sampler: Sampler | None,
        history: NDArray[np.floating[Any]],
        inputs: NDArray[np.floating[Any]],
        series: PreparedSeries,
    ) -> None:
        self.ar, self.gain, self.sampler, self.step = ar, gain, sampler, 0
        self.inputs = inputs[:, history.shape[1] - ar.order :].swapaxes(0, 1)
        self.mean, self.scale = series.score_mean, series.score_scale
        self.window = np.zeros((ar.order + 1, *history[:, 0].shape), np.float32)
        self.window[:-1] = history[:, -ar.order :].swapaxes(0, 1)

    def __call__(self, last: NDArray[Any], expected: NDArray[Any]) -> NDArray[Any]:
        """The next sample (run, channel)."""
        value = (expected - self.mean) * self.scale
        if self.gain < 1:
            linear = self._linear()
            value = linear + self.gain * (value - linear)
        if self.sampler is not None:
            value = value + self.sampler.next()
        self.window[-1] = value
        self.window[:-1] = self.window[1:]
        self.step += 1
        return value / self.scale + self.mean

    def _linear(self) -> NDArray[np.float32]:
        if isinstance(self.ar, AutoRegression):
            return self.ar.predict(self.window)[0]
        return self.ar.predict(self.window, self.inputs[self.step : self.step + len(self.window)])[0]


class LinearStep:
    """One step of a linear predictor's free run: what is expected, and an innovation.

    Args:
        sampler: Innovations.
    """

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler

    def __call__(self, last: NDArray[Any], expected: NDArray[Any]) -> NDArray[Any]:
        """The next sample (run, channel)."""
        return expected + self.sampler.next()


class PoissonStep:
    """One step of a free run of counts: Poisson counts of the expected number, in model space.

    Args:
        network: A network that predicts counts.
        seed: Seed.
    """

    def __init__(self, network: NextStepNetwork, seed: int) -> None:
        assert network.counts is not None
        self.mean, self.std = network.counts.mean.cpu().numpy(), network.counts.std.cpu().numpy()
        self.rng = np.random.default_rng(seed)

    def __call__(self, last: NDArray[Any], expected: NDArray[Any]) -> NDArray[Any]:
        """The next sample (run, channel); NaN where more than `MOST_COUNTS` are expected, or nothing finite."""
        rate = np.maximum(expected.astype(np.float64) * self.std + self.mean, 0.0)
        known = rate <= MOST_COUNTS
        counts = np.where(known, self.rng.poisson(np.where(known, rate, 0.0)), np.nan)
        return (counts - self.mean) / self.std


def begin(
    network: NextStepNetwork, values: NDArray[np.float32], inputs: NDArray[np.float32], follow: Follow | None = None
) -> FreeRun:
    """A free run after histories (run, time, channel) in model space, with known inputs of these and later steps."""
    u = torch.from_numpy(inputs) if network.n_inputs else None
    return FreeRun(network, torch.from_numpy(values), inputs=u, follow=follow)


def histories(
    series: PreparedSeries, starts: NDArray[np.int64], steps: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Model space (start, warm-up, channel) up to each last known step, and inputs of these and `steps` more steps."""
    warmup = max(series.warmup_steps, 1)
    values = np.stack([series.read(s - warmup + 1, s + 1) for s in starts.tolist()])
    return values, np.stack([series.read_inputs(s - warmup + 1, s + 1 + steps) for s in starts.tolist()])


def spread_starts(pieces: tuple[Scored, ...], runs: int, steps: int) -> NDArray[np.int64]:
    """Last known steps, evenly spread over those with `steps` steps of truth after them."""
    possible = [np.arange(piece.start - 1, piece.stop - steps) for piece in pieces if piece.stop - piece.start >= steps]
    every = np.concatenate(possible)
    return every[np.linspace(0, len(every) - 1, runs).round().astype(np.int64)]


def thresholds_of(series: PreparedSeries) -> SpikeThresholds | None:
    """Spike thresholds of a voltage on its training span, in units of the training standard deviation; else None."""
    kind = VOLTAGES.get(series.kind)
    if kind is None or not series.scored("train"):
        return None
    return spike_thresholds(np.concatenate(stretches(series, "train")), kind=kind)


def stretches(
    series: PreparedSeries, span: Span, steps: int | None = None, *, entries: int = TRUTH_ENTRIES
) -> NDArray[np.float32]:
    """Truth to compare free runs with.

    Args:
        series: The prepared recording.
        span: Where it lies.
        steps: Length of a stretch; by default, and where fewer than two fit into the longest, that of the longest.
        entries: Most samples read, all channels together.

    Returns:
        (stretch, steps, channel), in units of the training standard deviation; stretches do not overlap and are spread
        evenly over the span.
    """
    pieces = series.scored(span)
    longest = max(piece.stop - piece.start for piece in pieces)
    steps = min(longest if steps is None or 2 * steps > longest else steps, max(2, entries // series.n_channels))
    starts = [s for piece in pieces for s in range(piece.start, piece.stop - steps + 1, steps)]
    most = max(1, entries // (steps * series.n_channels))
    picked = [starts[i] for i in np.unique(np.linspace(0, len(starts) - 1, min(most, len(starts))).astype(int))]
    read = np.stack([series.read(start, start + steps) for start in picked])
    return series.in_score_units(read).astype(np.float32)

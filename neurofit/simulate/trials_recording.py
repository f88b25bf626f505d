"""Trials as a recording: laid one after the other on one clock, with a gap between them.

Trial k takes the bins k (T + G) to k (T + G) + T - 1 for trials of T bins and gaps of G. In the gaps signals are NaN
and no neuron counts as observed, so that nothing is fitted to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.simulate.poisson_spikes import draw_counts, place_spikes
from neurofit_io import Clock, Connectivity, Provenance, Recording, Signal, Spikes, Trials
from neurofit_io.spikes import sorted_spikes

GAP_BINS = 5
TRIALS_AT_ONCE = 64
"""For which spikes are drawn; another number would draw others."""


@dataclass(frozen=True, eq=False)
class TrialValues:
    """A quantity over the time of a trial.

    Attributes:
        values: (cases, time, channel); trials may share a case.
        kind: As of `Signal`.
        unit: Unit of the values.
        channel_ids: A label per channel; 0, 1, ... when empty.
    """

    values: NDArray[np.floating]
    kind: str = "other"
    unit: str = ""
    channel_ids: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class TrialsSource:
    """Cases laid out in time as the trials come, NaN in the gaps.

    Attributes:
        values: (cases, time, channel).
        cases: Case of each trial, (trials,).
        place: For messages.
    """

    values: NDArray[np.floating]
    cases: NDArray[np.integer]
    place: str = "simulation"

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.cases) * (self.values.shape[1] + GAP_BINS) - GAP_BINS, self.values.shape[2]

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        wanted = slice(None) if channels is None else channels
        bins = self.values.shape[1]
        trial, step = np.divmod(np.arange(start, stop), bins + GAP_BINS)
        inside = step < bins
        width = self.shape[1] if channels is None else len(channels)
        out = np.full((stop - start, width), np.nan, np.float32)
        out[inside] = self.values[self.cases[trial[inside]], step[inside]][:, wanted]
        return out


@dataclass(frozen=True, eq=False)
class SimulatedTrials:
    """What a system did in each trial.

    Attributes:
        rates: True rates, Hz, (cases, time, neuron).
        signals: Further quantities by name, of the same cases.
        cases: Case of each trial, in the order in which they come, (trials,).
        columns: Of the table of trials, (trials,) each.
        bin_ms: Width of a bin, ms.
        about: What the simulation says about itself, JSON-able.
        connectivity: Weights among the neurons, where there are any.
        times: Columns with times within the trial, s, made times of the recording; NaN stays.
    """

    rates: NDArray[np.floating]
    signals: Mapping[str, TrialValues]
    cases: NDArray[np.integer]
    columns: Mapping[str, NDArray]
    bin_ms: float
    about: Mapping[str, Any]
    connectivity: Connectivity | None = None
    times: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


def trials_recording(name: str, trials: SimulatedTrials, rng: np.random.Generator) -> Recording:
    """The recording of simulated trials, with Poisson spikes drawn from the rates.

    Args:
        name: Name of the system.
        trials: What it did.
        rng: Source of the spikes.

    Returns:
        A recording with `spikes`, the signals `true_rates` and what else there is, and `trials`.
    """
    width_s = trials.bin_ms / 1000
    n_bins = trials.rates.shape[1]
    start_s = np.arange(len(trials.cases)) * (n_bins + GAP_BINS) * width_s
    quantities = {"true_rates": TrialValues(trials.rates, "true_rates", "Hz"), **trials.signals}
    signals = {each: _signal(each, values, trials) for each, values in quantities.items()}
    columns = {**trials.columns, **{each: start_s + within_s for each, within_s in trials.times.items()}}
    table = Trials("trials", start_s, start_s + n_bins * width_s, columns)
    return Recording(
        Provenance(Path(name), "simulation", metadata={"simulation": {"kind": name, **trials.about}}),
        signals,
        {"spikes": _spikes(trials, table, rng)},
        {} if trials.connectivity is None else {"connectivity": trials.connectivity},
        {"trials": table},
    )


def _signal(name: str, quantity: TrialValues, trials: SimulatedTrials) -> Signal:
    source = TrialsSource(quantity.values, trials.cases, f"simulation: {name}")
    ids = np.array(quantity.channel_ids) if quantity.channel_ids else np.arange(source.shape[1])
    clock = Clock(source.shape[0], 1000 / trials.bin_ms)
    return Signal(name, quantity.kind, quantity.unit, source, clock, channel_ids=ids)


def _spikes(trials: SimulatedTrials, table: Trials, rng: np.random.Generator) -> Spikes:
    _, n_bins, n_neurons = trials.rates.shape
    times, units = [np.empty(0)], [np.empty(0, np.int32)]
    for first in range(0, len(trials.cases), TRIALS_AT_ONCE):
        cases = trials.cases[first : first + TRIALS_AT_ONCE]
        counts = draw_counts(trials.rates[cases], bin_ms=trials.bin_ms, rng=rng).reshape(-1, n_neurons)
        bins = (first + np.arange(len(cases)))[:, None] * (n_bins + GAP_BINS) + np.arange(n_bins)
        times_s, neurons = place_spikes(counts, bins.reshape(-1), bin_ms=trials.bin_ms, rng=rng)
        times.append(times_s)
        units.append(neurons)
    observed = np.column_stack([table.start_s, table.stop_s])
    return sorted_spikes(
        np.concatenate(times), np.concatenate(units), name="spikes", unit_ids=np.arange(n_neurons), start_s=0.0,
        stop_s=float(table.stop_s[-1]), observed_s=(observed,) * n_neurons,
    )  # fmt: skip

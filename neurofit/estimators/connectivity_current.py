"""LIF current and weighted input of a recording: figures 14 to 16 of the founding paper, and numbers for every cell.

The paper shows one neuron, as it is. Here its own spikes are blanked beside that, its constant C is taken in both units
it can have, and every correlation stands beside the one that chance gives: the input moved round the end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.blanking import blank_mask, interpolate_blanks
from neurofit.connectivity.cell_voltages import CellVoltages, cell_voltages
from neurofit.connectivity.cells import voltage_of
from neurofit.connectivity.input_correlation import InputCorrelation, input_correlation
from neurofit.connectivity.lif_current import lif_current
from neurofit.connectivity.synaptic_input import SynapticKernel, moving_average, synaptic_input
from neurofit.connectivity.truth import unique_places
from neurofit.estimators.connectivity_current_options import CurrentOptions
from neurofit_io import Connectivity, Recording, RecordingError, Signal, Spikes

CORRELATED_MS = 1.0
"""Input and voltage are correlated as means over this time: both are smoother than that."""
HELD_BYTES = 48 * 2**20
SCATTERED = 4000
"""Points of a scatter: more would be a blot."""


@dataclass(frozen=True, eq=False)
class InputScore:
    """Correlation of the weighted input with what it should drive, over all cells that have some.

    Attributes:
        what: `input` or `averaged input`.
        tau_ms: Time constant of the current that it is correlated with, ms; None for the voltage itself.
        blanked: Whether own spikes are blanked.
        found: Of each cell.
    """

    what: str
    tau_ms: float | None
    blanked: bool
    found: InputCorrelation

    def as_row(self) -> dict[str, Any]:
        """A row of `scores.json`: the middle over cells beside chance, and every cell's own."""
        known = np.isfinite(self.found.r)
        each = {field.name: getattr(self.found, field.name) for field in dataclasses.fields(self.found)}
        middle = {name: float(np.median(values[known])) if known.any() else None for name, values in each.items()}
        r = self.found.r[known]
        return {
            "what": self.what, "of": "vm" if self.tau_ms is None else "current", "tau_ms": self.tau_ms,
            "blanked": self.blanked, "n_cells": int(known.sum()), **middle,
            "r_quartiles": np.quantile(r, [0.25, 0.75]).tolist() if len(r) else None,
            "cells_above_chance": float(np.mean(np.abs(r) > self.found.chance_r[known])) if len(r) else None,
            "cells": {name: values.tolist() for name, values in each.items()},
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class CellView:
    """One cell in a stretch of time.

    Attributes:
        cell: Its column.
        time_s: (time,), s.
        vm: mV, (time,).
        vm_blanked: Own spikes blanked, mV, (time,); `vm` where spikes are not known.
        currents: By time constant in ms: R I of the voltage as it is and blanked, mV, (time,) each.
        excitation: Input through positive weights, in the unit of the weights, (time,); None without the truth.
        inhibition: Input through negative weights, (time,).
        averaged: Moving average of the input, (time,).
        scatter: Averaged input and blanked voltage of the whole recording, means of 1 ms, thinned.
    """

    cell: int
    time_s: NDArray[np.float64]
    vm: NDArray[np.float32]
    vm_blanked: NDArray[np.float32]
    currents: dict[float, tuple[NDArray[np.floating], NDArray[np.floating]]]
    excitation: NDArray[np.float32] | None = None
    inhibition: NDArray[np.float32] | None = None
    averaged: NDArray[np.float32] | None = None
    scatter: tuple[NDArray, NDArray] | None = None


@dataclass(frozen=True, eq=False)
class CurrentAnalysis:
    """What the current and the input of a recording look like.

    Attributes:
        signal: The voltage.
        view: The cell shown.
        scores: Correlations; empty without the truth or spikes.
        weight_unit: Unit of the true weights.
        notes: What was missing or left out, a sentence each.
    """

    signal: Signal
    view: CellView
    scores: tuple[InputScore, ...]
    weight_unit: str
    notes: tuple[str, ...]


def analyse_current(recording: Recording, options: CurrentOptions) -> CurrentAnalysis:
    """Current of one cell, and correlation of weighted input with voltage and current of all.

    Args:
        recording: Needs a voltage; spikes to blank, and the truth to weight them.
        options: What to do.

    Raises:
        RecordingError: No voltage, a cell that is not there, values that are not finite, a recording too short, or an
            option that makes no sense.
    """
    options.require_sound()
    vm, place = voltage_of(recording, options.signal), str(recording.provenance.path)
    notes = []
    spikes, truth = recording.spikes, recording.connectivity
    if spikes is None:
        notes.append("no spikes in the recording: nothing is blanked, and no input can be weighted")
        spikes = Spikes("spikes", np.empty(0), np.empty(0, np.int32), vm.channel_ids, vm.start_s, _end_s(vm))
        truth = None
    elif truth is None:
        notes.append("no true weights in the recording: weighted input (figures 15 and 16) is left out")
    voltages = dataclasses.replace(
        cell_voltages(spikes, vm), before_ms=options.blank_before_ms, after_ms=options.blank_after_ms
    )
    source = None if truth is None else _InputSource(voltages, truth, _kernel(options), options.window_ms, place)
    if source is not None:
        notes += source.notes()
    cell = _chosen_cell(voltages, source, options.cell, place)
    scores = () if source is None else _scores(voltages, source, options.tau_ms)
    view = _view(voltages, source, cell, options.tau_ms, options.show_s)
    return CurrentAnalysis(vm, view, scores, "" if truth is None else truth.unit, tuple(notes))


def _end_s(vm: Signal) -> float:
    return vm.start_s + vm.duration_s


def _kernel(options: CurrentOptions) -> SynapticKernel:
    return SynapticKernel(options.kernel, options.kernel_tau_ms, options.kernel_rise_ms, options.delay_ms)


class _InputSource:
    """Weighted input of ranges of recorded cells."""

    def __init__(
        self, voltages: CellVoltages, truth: Connectivity, kernel: SynapticKernel, window_ms: float, place: str
    ) -> None:
        self.voltages, self.truth, self.kernel = voltages, truth, kernel
        self.window = max(1, round(window_ms / voltages.dt_ms))
        where = unique_places(truth.post_ids, "the postsynaptic cells of the truth", place)
        self.post = np.array([where.get(str(label), -1) for label in voltages.vm.channel_ids], dtype=np.int64)
        if (self.post < 0).all():
            raise RecordingError(place, "true weights of other cells than those recorded", expected="the same ids")

    def notes(self) -> list[str]:
        spiking = {str(label) for label in self.voltages.spikes.unit_ids}
        unseen = sum(str(label) not in spiking for label in self.truth.pre_ids)
        untested = int(np.isnan(self.truth.weights).sum())
        return [
            *([f"{(self.post < 0).sum()} recorded cells are not in the truth"] if (self.post < 0).any() else []),
            *(
                [f"{unseen} presynaptic cells of the truth have no spikes here: their input is missing"]
                if unseen
                else []
            ),
            *([f"{untested} weights are not known and left out"] if untested else []),
        ]

    def input(self, cells: slice, sign: int = 0) -> NDArray[np.float32]:
        """Input of recorded cells over all time, (time, cells), through weights of one sign or of both."""
        truth, voltages = self.truth, self.voltages
        if sign:
            truth = dataclasses.replace(truth, weights=np.where(sign * truth.weights > 0, truth.weights, 0.0))
        post = self.post[cells]
        out = np.zeros((voltages.n_steps, len(post)), np.float32)
        out[:, post >= 0] = synaptic_input(
            voltages.spikes, truth, kernel=self.kernel, rate_hz=1000 / voltages.dt_ms, start_s=voltages.vm.start_s,
            n_steps=voltages.n_steps, cells=post[post >= 0],
        )  # fmt: skip
        return out


def _chosen_cell(voltages: CellVoltages, source: _InputSource | None, cell: int | None, place: str) -> int:
    """The cell asked for, or the one whose number of spikes is the median of those that spike and have an input."""
    if cell is not None:
        if not 0 <= cell < voltages.n_cells:
            raise RecordingError(place, f"--cell {cell}", expected=f"0 to {voltages.n_cells - 1}")
        return cell
    spikes = voltages.spikes.per_unit()
    usable = spikes > 0
    if source is not None:
        fed = np.unique(source.truth.post[source.truth.weights != 0])
        usable &= np.isin(source.post, fed)
    candidates = np.flatnonzero(usable)
    if not len(candidates):
        return 0
    return int(candidates[np.argsort(spikes[candidates], kind="stable")[len(candidates) // 2]])


def _scores(voltages: CellVoltages, source: _InputSource, taus_ms: Sequence[float]) -> tuple[InputScore, ...]:
    """Every correlation, a range of cells at a time."""
    steps = max(1, round(CORRELATED_MS / voltages.dt_ms))
    parts: dict[tuple[str, float | None, bool], list[InputCorrelation]] = {}
    for cells in _ranges(voltages):
        driven = source.input(cells)
        inputs = {"input": driven, "averaged input": moving_average(driven, source.window)}
        inputs = {what: _means(values, steps) for what, values in inputs.items()}
        vm, blank = _read(voltages, cells, 0, voltages.n_steps)
        for what, tau_ms, blanked in _asked(taus_ms):
            response = _response(vm, blank if blanked else None, tau_ms, voltages.dt_ms)
            found = input_correlation(inputs[what], _means(response, steps), dt_ms=steps * voltages.dt_ms)
            parts.setdefault((what, tau_ms, blanked), []).append(found)
    return tuple(InputScore(*asked, found=_joined(each)) for asked, each in parts.items())


def _asked(taus_ms: Sequence[float]) -> Iterator[tuple[str, float | None, bool]]:
    pairs = [("input", None), ("averaged input", None), *(("input", tau_ms) for tau_ms in taus_ms)]
    for what, tau_ms in pairs:
        for blanked in (False, True):
            yield what, tau_ms, blanked


def _response(
    vm: NDArray[np.float32], blank: NDArray[np.bool_] | None, tau_ms: float | None, dt_ms: float
) -> NDArray[np.floating]:
    """The voltage, or its current."""
    if tau_ms is not None:
        return lif_current(vm, tau_ms, dt_ms=dt_ms, blank=blank)
    return vm if blank is None else interpolate_blanks(vm, blank)


def _ranges(voltages: CellVoltages) -> Iterator[slice]:
    width = max(1, HELD_BYTES // (4 * voltages.n_steps))
    for first in range(0, voltages.n_cells, width):
        yield slice(first, min(first + width, voltages.n_cells))


def _read(voltages: CellVoltages, cells: slice, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Voltage of some cells, and where their own spikes are, (time, cells) each."""
    part = voltages.of(cells)
    values = part.vm.read(start, stop)
    if not np.isfinite(values).all():
        bad = part.vm.channel_ids[~np.isfinite(values).all(axis=0)][0]
        raise RecordingError(
            voltages.vm.source.place, f"values of cell {bad} that are not finite", expected="a number for every step",
            do="leave that cell or that time out",
        )  # fmt: skip
    blank = blank_mask(part.spikes, part.vm, start, stop, before_ms=voltages.before_ms, after_ms=voltages.after_ms)
    # Each cell's time in a row of memory: lines across blanks are drawn cell by cell.
    return np.asfortranarray(values), np.asfortranarray(blank)


def _means(values: NDArray[np.floating], steps: int) -> NDArray[np.float64]:
    """Means of `steps` successive steps, (time // steps, cells)."""
    whole = len(values) // steps
    return values[: whole * steps].reshape(whole, steps, -1).mean(axis=1, dtype=np.float64)


def _joined(parts: Sequence[InputCorrelation]) -> InputCorrelation:
    names = [field.name for field in dataclasses.fields(InputCorrelation)]
    return InputCorrelation(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _view(
    voltages: CellVoltages, source: _InputSource | None, cell: int, taus_ms: Sequence[float], show_s: float
) -> CellView:
    """The cell's middle own spike, with the time around it; the middle of the recording for a cell without spikes."""
    one, dt = slice(cell, cell + 1), voltages.dt_ms
    vm, blank = _read(voltages, one, 0, voltages.n_steps)
    own = voltages.trains(0, voltages.n_steps)[cell]
    middle = int(own[len(own) // 2]) if len(own) else voltages.n_steps // 2
    length = min(voltages.n_steps, max(2, round(1000 * show_s / dt)))
    start = min(max(0, middle - length // 2), voltages.n_steps - length)
    shown = slice(start, start + length)

    def drawn(tau_ms: float | None, mask: NDArray[np.bool_] | None) -> NDArray[np.floating]:
        return _response(vm, mask, tau_ms, dt)[shown, 0]

    view = CellView(
        cell, voltages.vm.time_s(start, start + length), drawn(None, None), drawn(None, blank),
        {tau_ms: (drawn(tau_ms, None), drawn(tau_ms, blank)) for tau_ms in taus_ms},
    )  # fmt: skip
    if source is None or source.post[cell] < 0:
        return view
    excitation, inhibition = source.input(one, 1), source.input(one, -1)
    averaged = moving_average(excitation + inhibition, source.window)
    steps = max(1, round(CORRELATED_MS / dt))
    thin = slice(None, None, 1 + len(averaged) // (steps * SCATTERED))
    scatter = _means(averaged, steps)[thin, 0], _means(interpolate_blanks(vm, blank), steps)[thin, 0]
    return dataclasses.replace(
        view, excitation=excitation[shown, 0], inhibition=inhibition[shown, 0], averaged=averaged[shown, 0],
        scatter=scatter,
    )  # fmt: skip

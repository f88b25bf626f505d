"""Vm of some cells over some time, raw or with each cell's own spikes blanked, and what of it fits into memory.

Memory: no more than `HELD_BYTES` of voltage is held at a time. Groups of cells are read over all time where that fits,
since layouts on disk favour long reads; otherwise in blocks of time that overlap by what a window needs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.blanking import AFTER_MS, BEFORE_MS, spike_steps
from neurofit.connectivity.bridging import bridge_spikes
from neurofit.connectivity.cells import same_cells
from neurofit_io import RecordingError, Signal, Spikes, signal_from_array

HELD_BYTES = 96 * 2**20

MARGIN_MS = 50.0
"""Read on both sides of a block before its blanks are crossed by lines, so that blocks leave no trace: stretches of
spikes closer than a blank is wide would have to last this long to be cut."""


@dataclass(frozen=True, eq=False)
class CellVoltages:
    """Voltages and spikes of the same cells on one clock.

    Args:
        vm: A signal of constant rate, without gaps.
        spikes: Spikes; unit i is channel i of `vm`.
        blanked: Whether each cell's own spikes are taken out of its voltage.
        before_ms: Time before a spike that is blank, ms.
        after_ms: Time after it, ms.
    """

    vm: Signal
    spikes: Spikes
    blanked: bool = False
    before_ms: float = BEFORE_MS
    after_ms: float = AFTER_MS

    @property
    def n_steps(self) -> int:
        """Steps of the voltage."""
        return self.vm.shape[0]

    @property
    def n_cells(self) -> int:
        """Cells, each with a voltage."""
        return self.vm.shape[1]

    @property
    def dt_ms(self) -> float:
        """Length of a step, ms."""
        return 1000 / float(self.vm.rate_hz or np.nan)

    def trains(self, first: int, last: int) -> list[NDArray[np.int64]]:
        """Steps of the spikes of each cell that lie in `first:last`, ascending, (cells) of (spikes,)."""
        steps = spike_steps(self.spikes, rate_hz=1000 / self.dt_ms, start_s=self.vm.start_s)
        inside = (steps >= first) & (steps < last)
        units = self.spikes.units[inside]
        order = np.argsort(units, kind="stable")
        ends = np.cumsum(np.bincount(units, minlength=self.n_cells))
        return np.split(steps[inside][order], ends[:-1])

    def of(self, cells: slice) -> CellVoltages:
        """The same of a range of cells; all others, and their spikes, are left out."""
        first, last, _ = cells.indices(self.n_cells)
        inside = (self.spikes.units >= first) & (self.spikes.units < last)
        ids = self.vm.channel_ids[first:last]
        spikes = dataclasses.replace(
            self.spikes, times_s=self.spikes.times_s[inside], units=self.spikes.units[inside] - np.int32(first),
            unit_ids=ids, observed_s=None, columns={}, positions_um=None,
        )  # fmt: skip
        held = _Columns(self.vm, first, last)
        vm = Signal(self.vm.name, self.vm.kind, self.vm.unit, held, self.vm.clock, channel_ids=ids)
        return dataclasses.replace(self, vm=vm, spikes=spikes)

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Steps `start:stop` in the signal's unit, blanked if so asked, (steps, cells)."""
        if not self.blanked:
            return self.vm.read(start, stop)
        margin = round(MARGIN_MS / self.dt_ms)
        first, last = max(0, start - margin), min(self.n_steps, stop + margin)
        values = self.vm.read(first, last)
        before, after = round(self.before_ms / self.dt_ms), round(self.after_ms / self.dt_ms)
        steps = spike_steps(self.spikes, rate_hz=1000 / self.dt_ms, start_s=self.vm.start_s)
        bridge_spikes(values, steps - first, self.spikes.units, before=before, after=after)
        return values[start - first : stop - first]

    def held(self) -> CellVoltages:
        """The same with its voltage read, and blanked, once and for all."""
        values = self.read(0, self.n_steps)
        vm = signal_from_array(values, name=self.vm.name, rate_hz=self.vm.rate_hz, unit=self.vm.unit, kind=self.vm.kind,
                               start_s=self.vm.start_s, channel_ids=self.vm.channel_ids)  # fmt: skip
        return dataclasses.replace(self, vm=vm, blanked=False)

    def blocks(self, before: int, after: int, *, bytes_held: int = HELD_BYTES // 2) -> Iterator[VoltageBlock]:
        """All steps in order, each block with `before` steps ahead of it and `after` behind where there are any."""
        rows = max(4 * (before + after), bytes_held // (4 * self.n_cells), 1)
        for start in range(0, self.n_steps, rows):
            stop = min(start + rows, self.n_steps)
            first = max(0, start - before)
            yield VoltageBlock(start, stop, first, self.read(first, min(self.n_steps, stop + after)))


@dataclass(frozen=True, eq=False)
class VoltageBlock:
    """Steps `start:stop` of the voltage, with neighbours.

    Attributes:
        start: First step.
        stop: One past the last step.
        first: Step of the first row of `values`.
        values: (rows, cells).
    """

    start: int
    stop: int
    first: int
    values: NDArray[np.float32]

    @property
    def own(self) -> NDArray[np.float32]:
        """Rows without the neighbours, (stop - start, cells)."""
        return self.values[self.start - self.first : self.stop - self.first]


def cell_voltages(
    spikes: Spikes, vm: Signal | NDArray[np.floating], *, blanked: bool = False, rate_hz: float | None = None
) -> CellVoltages:
    """Voltages and spikes matched cell by cell.

    Args:
        spikes: Spikes; units are matched to channels by their ids.
        vm: A signal, or an array (steps, cells) in mV that begins at `spikes.start_s`; its columns are the units.
        blanked: Whether each cell's own spikes are taken out of its voltage.
        rate_hz: Steps per second, for an array.

    Raises:
        RecordingError: Ids that do not match, a signal without a constant rate, or an array without `rate_hz`.
    """
    if not isinstance(vm, Signal):
        if rate_hz is None:
            raise RecordingError("", "a voltage array without its rate", do="give rate_hz")
        if np.shape(vm)[1] != spikes.n_units:
            raise RecordingError("", f"voltages of {np.shape(vm)[1]} cells, spikes of {spikes.n_units}",
                                 expected="the same cells")  # fmt: skip
        vm = signal_from_array(
            vm, name="vm", rate_hz=rate_hz, unit="mV", start_s=spikes.start_s, channel_ids=spikes.unit_ids
        )
    return CellVoltages(vm, same_cells(vm, spikes, place=vm.source.place), blanked)


@dataclass(frozen=True, eq=False)
class _Columns:
    """Some neighbouring channels of a signal, already in its unit."""

    vm: Signal
    first: int
    last: int

    @property
    def place(self) -> str:
        return self.vm.source.place

    @property
    def shape(self) -> tuple[int, int]:
        return self.vm.shape[0], self.last - self.first

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        chosen = np.arange(self.first, self.last)
        return self.vm.read(start, stop, chosen if channels is None else chosen[channels])

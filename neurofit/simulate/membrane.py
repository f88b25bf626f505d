"""The integrator: conductance-based leaky integrate-and-fire cells that all take a step at once.

    C dV/dt = g_L (E_L - V) + (g_E + G_E)(E_E - V) + (g_I + G_I)(E_I - V) + I
    dg/dt   = -g / tau_syn + sum over arriving spikes of their weight
    G       = max(0, mean + x),   dx = -x dt / tau + sd sqrt(2 dt / tau) noise

Within a step the background G is held, g counts with its mean (which is exact, g decays exponentially), x and g are
updated exactly, and V by the implicit midpoint rule, of order two: with u = V - E_L and conductances in units of
2 C / dt,

    u_mid = (u + G_E E_E + G_I E_I) / (1 + g_L + G_E + G_I),   u_next = 2 u_mid - u

Where V reaches the threshold the cell spikes at that step, its voltage is held at the reset voltage for the refractory
time, and its shape is pasted on what is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurofit.simulate.background import Background, BackgroundNoise
from neurofit.simulate.cell import Cell
from neurofit.simulate.delivery import Delivery
from neurofit.simulate.spike_shape import pasted_voltage
from neurofit.simulate.wiring import Wiring

BLOCK = 128
"""Steps for which noise is drawn, and that are handed out, at a time."""


@dataclass(frozen=True, eq=False)
class Block:
    """What happened in `BLOCK` steps.

    Attributes:
        first: Number of the first step.
        vm: (steps, cells), mV, with the shapes of spikes.
        current: Synaptic current into each cell over the step that led here, (steps, cells), pA; None when not asked
            for. While a cell is held, that at the reset voltage.
        steps: Step of each spike, ascending, (spikes,).
        cells: Cell of each spike, (spikes,).
    """

    first: int
    vm: NDArray[np.float32]
    current: NDArray[np.float32] | None
    steps: NDArray[np.int64]
    cells: NDArray[np.int64]


class Integrator:
    """Where all cells stand; `advance` moves them on.

    Args:
        wiring: The connections.
        background: The conductances from outside.
        cell: Constants of the cells.
        dt_ms: Step, ms.
        rng: Source of the background and of where the cells begin.
        first: Number of the first step; negative for steps before the recording.
        current: Whether blocks hold the synaptic current.
        injected_pa: Constant current I into each cell, pA, a number or (cells,).
        initial_mv: Voltages to begin with, mV, a number or (cells,); between rest and threshold at random when None.
    """

    def __init__(
        self,
        wiring: Wiring,
        background: Background,
        cell: Cell | None = None,
        *,
        dt_ms: float,
        rng: np.random.Generator,
        first: int = 0,
        current: bool = True,
        injected_pa: ArrayLike | None = None,
        initial_mv: ArrayLike | None = None,
    ) -> None:
        cell = cell or Cell()
        n = wiring.n_cells
        self.cell, self.n, self.step, self._with_current = cell, n, first, current
        self._unit_ns = 2 * cell.capacitance_pf / dt_ms  # pF / ms = nS
        self._delivery = Delivery(wiring, cell, dt_ms=dt_ms, unit_ns=self._unit_ns, width=4 * n)
        taus_ms = np.repeat([cell.tau_e_ms, cell.tau_i_ms, background.tau_e_ms, background.tau_i_ms], n)
        self._decay = np.exp(-dt_ms / taus_ms).astype(np.float32)
        self._reversal = np.repeat([cell.reversal_e_mv - cell.rest_mv, cell.reversal_i_mv - cell.rest_mv], n)
        self._reversal = self._reversal.astype(np.float32)
        self._denominator = np.float32(1 + cell.leak_ns / self._unit_ns)
        self._injected = None
        if injected_pa is not None:
            self._injected = (np.broadcast_to(injected_pa, n) / self._unit_ns).astype(np.float32)
        self._noise = BackgroundNoise(background, n, self._unit_ns, dt_ms, rng)
        # Conductances of synapses (E, I), then deviations of the background (E, I).
        self._state = np.zeros(4 * n, np.float32)
        self._state[2 * n :] = self._noise.stationary()
        self._input = np.zeros((BLOCK + self._delivery.longest, 4 * n), np.float32)
        if initial_mv is None:
            initial_mv = cell.rest_mv + (cell.threshold_mv - cell.rest_mv) * rng.random(n)
        self._u = (np.broadcast_to(np.asarray(initial_mv, np.float64), n) - cell.rest_mv).astype(np.float32)
        self._shape = pasted_voltage(
            threshold_mv=cell.threshold_mv, reset_mv=cell.reset_mv, refractory_ms=cell.refractory_ms, dt_ms=dt_ms
        )
        self._held = np.zeros(n, bool)
        # Held at the step of the spike, and up to the one that ends the refractory time.
        self._held_since: list[NDArray[np.intp] | None] = [None] * (len(self._shape) + 1)
        self._recent: tuple[NDArray[np.int64], NDArray[np.int64]] = (np.empty(0, np.int64), np.empty(0, np.int64))

    def advance(self) -> Block:
        """Takes `BLOCK` steps."""
        n, cell = self.n, self.cell
        first = self.step
        self._noise.fill(self._input[:BLOCK, 2 * n :])
        vm = np.empty((BLOCK, n), np.float32)
        current = np.empty((BLOCK, n), np.float32) if self._with_current else None
        when, who = self._walk(vm, current)
        self.step += BLOCK
        # What arrives after this block, to the front.
        later = self._input[BLOCK:].copy()
        self._input[:, : 2 * n] = 0.0
        self._input[: len(later)] = later
        if current is not None:
            current *= np.float32(self._unit_ns)
        vm += np.float32(cell.rest_mv)
        steps = np.repeat(np.asarray(when, np.int64) + first, [len(cells) for cells in who])
        cells = np.concatenate(who).astype(np.int64) if who else np.empty(0, np.int64)
        self._paste(vm, first, steps, cells)
        return Block(first, vm, current, steps, cells)

    def _walk(
        self, vm: NDArray[np.float32], current: NDArray[np.float32] | None
    ) -> tuple[list[int], list[NDArray[np.intp]]]:
        """Fills u = V - E_L and the current of a block, in its units; the steps with spikes and their cells."""
        n, cell, state, decay = self.n, self.cell, self._state, self._decay
        synaptic, fluctuation, mean = state[: 2 * n], state[2 * n :], self._noise.mean
        reversal, denominator, injected = self._reversal, self._denominator, self._injected
        zero, threshold, reset = (
            np.float32(value) for value in (0.0, cell.threshold_mv - cell.rest_mv, cell.reset_mv - cell.rest_mv)
        )
        total, driven = np.empty((2, 2 * n), np.float32)
        conductance, drive, middle = np.empty((3, n), np.float32)
        above, held, held_since = np.empty(n, bool), self._held, self._held_since
        add, multiply, subtract, divide, maximum, at_least = (
            np.add, np.multiply, np.subtract, np.divide, np.maximum, np.greater_equal
        )  # fmt: skip
        when: list[int] = []
        who: list[NDArray[np.intp]] = []
        u, slot = self._u, self.step % len(held_since)
        for k, (row, incoming) in enumerate(zip(vm, self._input, strict=False)):
            add(fluctuation, mean, total)
            maximum(total, zero, out=total)
            add(total, synaptic, total)
            multiply(total, reversal, driven)
            add(driven[:n], driven[n:], drive)
            add(total[:n], total[n:], conductance)
            if injected is None:
                add(u, drive, middle)
            else:
                add(u, injected, middle)
                add(middle, drive, middle)
            if current is None:
                add(conductance, denominator, conductance)
                divide(middle, conductance, middle)
            else:
                add(conductance, denominator, row)
                divide(middle, row, middle)
                multiply(conductance, middle, conductance)
                subtract(drive, conductance, current[k])
            subtract(middle, u, row)
            add(row, middle, row)
            released = held_since[slot]
            if released is not None:
                held[released] = False
                held_since[slot] = None
            np.copyto(row, reset, where=held)
            at_least(row, threshold, above)
            fired = above.nonzero()[0]
            if len(fired):
                when.append(k)
                who.append(fired)
                row[fired] = reset
                held[fired] = True
                held_since[slot] = fired
                self._delivery.send(self._input, k, fired)
            multiply(state, decay, state)
            add(state, incoming, state)
            u = row
            slot = slot + 1 if slot + 1 < len(held_since) else 0
        self._u = u.copy()
        return when, who

    def _paste(self, vm: NDArray[np.float32], first: int, steps: NDArray[np.int64], cells: NDArray[np.int64]) -> None:
        """Lays the shape of every spike, those of the blocks before that reach into this one too, on `vm`."""
        steps, cells = (np.concatenate(pair) for pair in zip(self._recent, (steps, cells), strict=True))
        rows = steps[:, None] + np.arange(len(self._shape)) - first
        spike, phase = np.nonzero((rows >= 0) & (rows < len(vm)))
        vm[rows[spike, phase], cells[spike]] = self._shape[phase]
        recent = steps > first + len(vm) - len(self._shape)
        self._recent = steps[recent], cells[recent]

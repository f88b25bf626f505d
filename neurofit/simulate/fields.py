"""Voltages outside the cells, computed when they are read: every cell is a dipole, one matrix product a block of steps.

    phi_e(t) = sum_j I_j(t) (1 / r_ej - 1 / r'_ej) / (4 pi sigma)
    I_j(t)   = -(synaptic current into j) + sum over spikes of j of the action current

I_j is the current that leaves cell j at its soma, at distance r from electrode e, and that returns 150 um above it, at
distance r'. No distance counts as less than 12 um; sigma = 0.3 S/m. pA over S/m and um are uV.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.simulate.spike_shape import action_current
from neurofit.simulate.wiring import distances
from neurofit_io.sources import Source

CONDUCTIVITY_S_PER_M = 0.3
NEAREST_UM = 12.0
RETURN_UM = 150.0
BESIDE_UM = 10.0

BLOCK_STEPS = 256
BLOCK_ELECTRODES = 256
"""Blocks of a matrix product, which begin at multiples of these whatever is read, so that bytes do not depend on it."""


def beside(positions_um: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places of electrodes 10 um beside the somata, (cells, 3), um."""
    return positions_um + np.array([BESIDE_UM, 0.0, 0.0])


def depth_probe(contacts: int, height_um: float) -> NDArray[np.float64]:
    """Places of contacts along the axis of a column, from its bottom to its top, (contacts, 3), um."""
    depth = np.linspace(0.0, height_um, contacts)
    return np.stack([np.zeros(contacts), np.zeros(contacts), depth], axis=1)


def lead_field(electrodes_um: NDArray[np.float64], positions_um: NDArray[np.float64]) -> NDArray[np.float64]:
    """Voltage at each electrode by 1 pA that leaves each cell, (electrodes, cells), uV / pA."""
    apical = positions_um + np.array([0.0, 0.0, RETURN_UM])
    near, far = (np.maximum(distances(electrodes_um, places), NEAREST_UM) for places in (positions_um, apical))
    return (1 / near - 1 / far) / (4 * np.pi * CONDUCTIVITY_S_PER_M)


@dataclass(frozen=True, eq=False)
class FieldSource:
    """Voltage at electrodes, uV, float32.

    Args:
        current: Synaptic current into every cell, (steps, cells), pA.
        steps: Step of each spike, ascending; negative for those before the recording, (spikes,).
        cells: Cell of each spike, (spikes,).
        lead: `lead_field`, (electrodes, cells).
        dt_ms: Step, ms.
        place: What is read, for messages.
    """

    current: Source
    steps: NDArray[np.int64]
    cells: NDArray[np.int64]
    lead: NDArray[np.float32]
    dt_ms: float
    place: str = "simulated field"

    @property
    def shape(self) -> tuple[int, int]:
        return self.current.shape[0], len(self.lead)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        chosen = np.arange(len(self.lead)) if channels is None else np.asarray(channels, dtype=np.intp)
        out = np.empty((max(0, stop - start), len(chosen)), np.float32)
        if not out.size:
            return out
        group = chosen // BLOCK_ELECTRODES
        for first in range(start - start % BLOCK_STEPS, stop, BLOCK_STEPS):
            low, high = max(start, first), min(stop, first + BLOCK_STEPS)
            outward = self.outward_current(first, min(first + BLOCK_STEPS, self.shape[0]))
            for number in np.unique(group).tolist():
                block = slice(number * BLOCK_ELECTRODES, (number + 1) * BLOCK_ELECTRODES)
                volts = outward @ self.lead[block].T
                mine = np.flatnonzero(group == number)
                inside = chosen[mine] - block.start
                out[low - start : high - start, mine] = volts[low - first : high - first, inside]
        return out

    def outward_current(self, start: int, stop: int) -> NDArray[np.float32]:
        """I_j of steps `start:stop`, (steps, cells), pA."""
        out = -np.asarray(self.current.read(start, stop), np.float32)
        template = action_current(self.dt_ms)
        near = slice(*np.searchsorted(self.steps, [start - len(template) + 1, stop]))
        rows = self.steps[near, None] - start + np.arange(len(template))
        spike, phase = np.nonzero((rows >= 0) & (rows < len(out)))
        np.add.at(out, (rows[spike, phase], self.cells[near][spike]), template[phase])
        return out

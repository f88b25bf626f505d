"""From a spike to the conductances it raises, each after its delay.

A weight counts with the mean of an exponential decay over a step, (1 - exp(-dt / tau)) tau / dt, relative to where the
step begins: the conductance then passes exactly what it should in every step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurofit.simulate.cell import Cell
from neurofit.simulate.wiring import Wiring


class Delivery:
    """Adds what spikes cause to the rows of the steps at which it arrives.

    Args:
        wiring: The connections.
        cell: Constants of the synapses.
        dt_ms: Step, ms.
        unit_ns: Conductance that counts as 1, nS.
        width: Values of a row, of which the first are the excitatory conductance of every cell and then the inhibitory.
    """

    def __init__(self, wiring: Wiring, cell: Cell, *, dt_ms: float, unit_ns: float, width: int) -> None:
        n = wiring.n_cells
        inhibits = ~wiring.excitatory[wiring.pre]
        self.longest = int(wiring.delay_steps.max(initial=1)) + 1
        self._bounds = wiring.first.tolist()
        self._place = wiring.delay_steps * width + inhibits * n + wiring.post
        ratio = dt_ms / np.where(inhibits, cell.tau_i_ms, cell.tau_e_ms)
        # The mean of an exponential decay over a step, relative to where it begins.
        self._weight = (wiring.weights_ns / unit_ns * -np.expm1(-ratio) / ratio).astype(np.float32)

    def send(self, arriving: NDArray[np.float32], row: int, fired: NDArray[np.intp]) -> None:
        """Adds to the rows after `row` of `arriving` (steps, width) what the cells that fired in it cause."""
        flat, bounds = arriving[row:].reshape(-1), self._bounds
        for cell in fired.tolist():
            some = slice(bounds[cell], bounds[cell + 1])
            np.add.at(flat, self._place[some], self._weight[some])

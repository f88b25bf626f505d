"""Current that a leaky integrate-and-fire cell would need to have the voltage it has.

    R I(t) = V(t) + tau dV/dt                       (Nayebi, Cable and Wedeen 2015, section 6.2; there tau is "C = 35")

in mV, up to the resting potential, which is a constant part of it. With x = dt / tau the derivative is the difference

    centred     tau dV/dt = (V[t+1] - V[t-1]) / (2 sinh x)
    backward    tau dV/dt = (V[t] - V[t-1]) / (exp x - 1)
    forward     tau dV/dt = (V[t+1] - V[t]) / (1 - exp -x)

which are the ordinary differences for x -> 0, and exact at any x where V relaxes with tau towards a constant: the
current is then that constant. The first and the last step take the neighbour they have.

A spike and its reset are no relaxation: the current there is a burst of thousands of mV that says nothing about inputs.
With `blank` it is computed on a voltage with a straight line in place of each spike, and is itself a straight line
there and wherever the difference reaches into it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter1d

from neurofit.connectivity.blanking import interpolate_blanks
from neurofit_io import RecordingError

Difference = Literal["centred", "backward", "forward"]

PAPER_TAUS_MS = (3.5, 35.0)
"""The paper's C = 35, whose unit it does not give: in steps of 0.1 ms, and in ms."""


def lif_current(
    vm: NDArray[np.floating],
    tau_ms: float,
    *,
    dt_ms: float,
    difference: Difference = "centred",
    smooth_ms: float | None = None,
    blank: NDArray[np.bool_] | None = None,
) -> NDArray[np.floating]:
    """The current times the membrane resistance, mV.

    Args:
        vm: Membrane potential, mV, (time, cell) with at least 2 steps.
        tau_ms: Membrane time constant, ms.
        dt_ms: Length of a step, ms.
        difference: How the derivative is taken; `backward` looks at no later sample, `forward` gives the current that
            acts between a sample and the next, and the centred one is half a step late by neither.
        smooth_ms: Standard deviation of a Gaussian that smooths the derivative (not the voltage beside it), ms; it
            looks ahead, and scales a derivative that decays with tau by exp((smooth / tau)^2 / 2). None for none.
        blank: Samples that lie beside an own spike, (time, cell); None to take the voltage as it is.

    Returns:
        (time, cell), in the type of `vm`; with `blank`, computed in float32.

    Raises:
        RecordingError: A time constant or step that is not positive, or fewer than 2 steps.
    """
    for option, value in (("tau_ms", tau_ms), ("dt_ms", dt_ms), ("smooth_ms", 1.0 if smooth_ms is None else smooth_ms)):
        if not (np.isfinite(value) and value > 0):
            raise RecordingError("", f"{option} {value:g}", expected="a time above 0 ms")
    if len(vm) < 2:
        raise RecordingError("", f"a voltage of {len(vm)} steps", expected="2 or more, to take a derivative")
    values = np.asarray(vm if blank is None else interpolate_blanks(vm, blank))
    slope = _tau_times_derivative(values, dt_ms / tau_ms, difference)
    if smooth_ms is not None:
        slope = gaussian_filter1d(slope, smooth_ms / dt_ms, axis=0, mode="nearest")
    current = (values + slope).astype(vm.dtype, copy=False)
    if blank is None:
        return current
    reach = 1 + (0 if smooth_ms is None else int(np.ceil(smooth_ms / dt_ms)))
    touched = binary_dilation(blank, structure=np.ones((2 * reach + 1, 1), dtype=bool))
    return interpolate_blanks(current, touched).astype(vm.dtype, copy=False)


def _tau_times_derivative(values: NDArray[np.floating], x: float, difference: Difference) -> NDArray[np.floating]:
    steps = np.diff(values, axis=0)
    slope = np.empty_like(values)
    if difference == "centred":
        slope[1:-1] = (steps[1:] + steps[:-1]) / (2 * np.sinh(x))
    elif difference == "backward":
        slope[1:-1] = steps[:-1] / np.expm1(x)
    else:
        slope[1:-1] = steps[1:] / -np.expm1(-x)
    slope[0], slope[-1] = steps[0] / -np.expm1(-x), steps[-1] / np.expm1(x)
    return slope

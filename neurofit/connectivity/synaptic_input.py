"""Weighted synaptic input of each cell over time, from true weights and spike times.

    x_i(t) = sum_j sum_f w_ij alpha(t - t_j^f - d_ij)        (Nayebi, Cable and Wedeen 2015, figure 15)

with kernels of peak 1, 0 before t = 0, so that the input is in the unit of the weights:

    exponential    alpha(t) = exp(-t / tau)
    alpha          alpha(t) = t / tau  exp(1 - t / tau)
    difference     alpha(t) ~ exp(-t / tau) - exp(-t / rise)

Each is a sum of exponentials, thus a recursion over steps. A spike enters at the first step at or after its arrival
with the value that the kernel has by then, so the recursion is the sum above, also for spikes between steps and for
delays of each connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from neurofit_io import Connectivity, RecordingError, Spikes
from neurofit_io.spikes import EDGE

Shape = Literal["exponential", "alpha", "difference"]


@dataclass(frozen=True)
class SynapticKernel:
    """What one spike adds to the input of a cell.

    Args:
        shape: Which of the three.
        tau_ms: Time constant of the decay, ms.
        rise_ms: Time constant of the rise of `difference`, ms, shorter than `tau_ms`; without meaning otherwise.
        delay_ms: Delay of connections whose own is not known, ms.

    Raises:
        RecordingError: A time constant that is not positive, a rise not shorter than the decay, a negative delay.
    """

    shape: Shape = "exponential"
    tau_ms: float = 4.0
    rise_ms: float = 1.0
    delay_ms: float = 1.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.tau_ms) and self.tau_ms > 0):
            raise RecordingError("", f"a kernel of {self.tau_ms:g} ms", expected="a time constant above 0 ms")
        if self.shape == "difference" and not 0 < self.rise_ms < self.tau_ms:
            raise RecordingError(
                "", f"a kernel that rises in {self.rise_ms:g} ms and decays in {self.tau_ms:g} ms",
                expected="a rise above 0 ms and shorter than the decay",
            )  # fmt: skip
        if not (np.isfinite(self.delay_ms) and self.delay_ms >= 0):
            raise RecordingError("", f"a delay of {self.delay_ms:g} ms", expected="0 ms or more")

    def at(self, time_ms: NDArray[np.floating]) -> NDArray[np.float64]:
        """The kernel at times after the arrival, ms; 0 before it."""
        t = np.maximum(np.asarray(time_ms, dtype=np.float64), 0.0)
        if self.shape == "exponential":
            value = np.exp(-t / self.tau_ms)
        elif self.shape == "alpha":
            value = t / self.tau_ms * np.exp(1 - t / self.tau_ms)
        else:
            value = (np.exp(-t / self.tau_ms) - np.exp(-t / self.rise_ms)) / self._peak
        return np.where(np.asarray(time_ms) >= 0, value, 0.0)

    @property
    def _peak(self) -> float:
        """Height of the difference of the two exponentials where it is highest."""
        tau, rise = self.tau_ms, self.rise_ms
        at = np.log(tau / rise) * tau * rise / (tau - rise)
        return float(np.exp(-at / tau) - np.exp(-at / rise))

    def run(
        self,
        first: NDArray[np.int64],
        late_ms: NDArray[np.float64],
        size: NDArray[np.float64],
        n_steps: int,
        dt_ms: float,
    ) -> NDArray[np.float64]:
        """Sum of the kernels of all arrivals at each step, (n_steps,).

        Args:
            first: Step at or after each arrival, within 0 to `n_steps` - 1.
            late_ms: By how much that step is later than the arrival, ms, 0 to `dt_ms`.
            size: Weight of each arrival.
            n_steps: Number of steps.
            dt_ms: Length of a step, ms.
        """

        def arrivals(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.bincount(first, values, minlength=n_steps).astype(np.float64, copy=False)

        decay = np.exp(-dt_ms / self.tau_ms)
        now = size * np.exp(-late_ms / self.tau_ms)
        if self.shape == "exponential":
            return lfilter([1.0], [1.0, -decay], arrivals(now))
        if self.shape == "alpha":
            begun = lfilter([1.0], [1.0, -decay], arrivals(np.e * now * late_ms / self.tau_ms))
            grown = lfilter([0.0, decay], [1.0, -2 * decay, decay**2], arrivals(np.e * now * dt_ms / self.tau_ms))
            return begun + grown
        fast = lfilter([1.0], [1.0, -np.exp(-dt_ms / self.rise_ms)], arrivals(size * np.exp(-late_ms / self.rise_ms)))
        return (lfilter([1.0], [1.0, -decay], arrivals(now)) - fast) / self._peak


def synaptic_input(
    spikes: Spikes,
    connectivity: Connectivity,
    *,
    kernel: SynapticKernel,
    rate_hz: float,
    start_s: float,
    n_steps: int,
    cells: NDArray[np.intp] | None = None,
) -> NDArray[np.float32]:
    """Weighted input of cells at the steps of a signal, (n_steps, cells), in the unit of the weights.

    Args:
        spikes: Spikes of presynaptic cells, matched with `connectivity.pre_ids` by their labels; spikes before the
            first step count as far as their kernels last.
        connectivity: Signed weights; rows of a pair add up, each with its own delay; rows of weight NaN are left out.
        kernel: What one spike adds.
        rate_hz: Rate of the signal.
        start_s: Time of its first step, s.
        n_steps: Number of steps.
        cells: Postsynaptic cells, as indices into `connectivity.post_ids`; None for all.

    Returns:
        (n_steps, cells), float32.
    """
    dt_ms = 1000 / rate_hz
    unit = {str(label): position for position, label in enumerate(spikes.unit_ids)}
    units = np.array([unit.get(str(label), -1) for label in connectivity.pre_ids], dtype=np.int64)
    order = np.argsort(spikes.units, kind="stable")
    times_ms = (spikes.times_s[order] - start_s) * 1000
    bounds = np.searchsorted(spikes.units[order], np.arange(spikes.n_units + 1))
    chosen = np.arange(connectivity.shape[0]) if cells is None else np.asarray(cells)
    usable = np.isfinite(connectivity.weights) & (connectivity.weights != 0) & (units[connectivity.pre] >= 0)
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(connectivity.post[rows], kind="stable")]
    begin = np.searchsorted(connectivity.post[rows], np.arange(connectivity.shape[0] + 1))
    delays = connectivity.delays_ms
    out = np.zeros((n_steps, len(chosen)), dtype=np.float32)
    for column, cell in enumerate(chosen):
        own = rows[begin[cell] : begin[cell + 1]]
        pre = units[connectivity.pre[own]]
        n = bounds[pre + 1] - bounds[pre]
        if not n.sum():
            continue
        which = np.repeat(np.arange(len(own)), n)
        spike = np.arange(len(which)) - np.repeat(np.cumsum(n) - n, n) + np.repeat(bounds[pre], n)
        delay = np.full(len(own), kernel.delay_ms) if delays is None else delays[own]
        delay = np.where(np.isfinite(delay), delay, kernel.delay_ms)
        arrival = times_ms[spike] + delay[which]
        # EDGE: a spike that float arithmetic puts a hair after its step still arrives at it.
        first = np.maximum(np.ceil(arrival / dt_ms - EDGE).astype(np.int64), 0)
        kept = first < n_steps
        out[:, column] = _run(
            kernel, first[kept], arrival[kept], connectivity.weights[own][which[kept]], n_steps, dt_ms
        )
    return out


def _run(
    kernel: SynapticKernel,
    first: NDArray[np.int64],
    arrival_ms: NDArray[np.float64],
    size: NDArray[np.float64],
    n_steps: int,
    dt_ms: float,
) -> NDArray[np.float64]:
    late = np.maximum(first * dt_ms - arrival_ms, 0.0)
    return kernel.run(first, late, size, n_steps, dt_ms)


def moving_average(values: NDArray[np.floating], steps: int) -> NDArray[np.floating]:
    """Mean of the last `steps` values up to and with each, (time, cell); of those there are at the beginning.

    Args:
        values: (time, cell).
        steps: Length of the window, 1 or more.
    """
    total = np.cumsum(values, axis=0, dtype=np.float64)
    total[steps:] -= total[:-steps].copy()
    length = np.minimum(np.arange(1, len(values) + 1), steps)
    return (total / length[:, None]).astype(values.dtype, copy=False)

"""What an action potential looks like: the voltage pasted on Vm, and the current that the fields see.

An integrate-and-fire cell has no action potential of its own; both shapes are functions of the time since the voltage
reached its threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PEAK_MV = 25.0
RISE_MS = 0.4
FALL_MS = 0.35
SINK_MS, SOURCE_MS = 0.6, 2.4
SINK_PA = 3000.0
"""Deepest inward current of an action potential, pA: about -65 uV at 12 um."""


def pasted_voltage(*, threshold_mv: float, reset_mv: float, refractory_ms: float, dt_ms: float) -> NDArray[np.float32]:
    """Vm of the steps from a spike to the end of its refractoriness, (steps,), mV.

    A raised cosine from the threshold to 25 mV in 0.4 ms, then a fall to the reset voltage, (1 + t / tau) exp(-t / tau)
    with tau = 0.35 ms, less the straight line by which it would miss it at the end.
    """
    steps = max(1, round(refractory_ms / dt_ms))
    t_ms = np.arange(steps) * dt_ms
    up = threshold_mv + (PEAK_MV - threshold_mv) * (1 - np.cos(np.pi * np.minimum(t_ms / RISE_MS, 1))) / 2
    fallen, last = (np.maximum(t - RISE_MS, 0) / FALL_MS for t in (t_ms, np.float64(refractory_ms)))
    left = (1 + fallen) * np.exp(-fallen)
    if last > 0:
        left -= (1 + last) * np.exp(-last) * fallen / last
    down = reset_mv + (PEAK_MV - reset_mv) * left
    return np.where(t_ms <= RISE_MS, up, down).astype(np.float32)


def action_current(dt_ms: float) -> NDArray[np.float32]:
    """Outward membrane current of an action potential from the step of the spike on, (steps,), pA, of sum 0.

    Half a sine of 0.6 ms inward, as deep as 3 nA, and half a sine of 2.4 ms outward that returns the charge.
    """
    t_ms = (np.arange(round((SINK_MS + SOURCE_MS) / dt_ms)) + 0.5) * dt_ms
    sink = np.where(t_ms < SINK_MS, -np.sin(np.pi * t_ms / SINK_MS), 0.0)
    source = np.where(t_ms >= SINK_MS, np.sin(np.pi * (t_ms - SINK_MS) / SOURCE_MS), 0.0)
    return (SINK_PA * (sink - source * (sink.sum() / source.sum()))).astype(np.float32)

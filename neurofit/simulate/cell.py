"""Constants of a conductance-based leaky integrate-and-fire cell and of the synapses onto it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """Constants of all cells and of their synapses.

    Attributes:
        capacitance_pf: C, pF.
        leak_ns: g_L, nS.
        rest_mv: E_L, mV.
        threshold_mv: Voltage at which a cell spikes, mV.
        reset_mv: Voltage after a spike, mV.
        refractory_ms: Time for which it is held there, ms.
        reversal_e_mv: E_E, mV.
        reversal_i_mv: E_I, mV.
        tau_e_ms: Decay of an excitatory conductance, ms.
        tau_i_ms: Decay of an inhibitory one, ms.
    """

    capacitance_pf: float = 200.0
    leak_ns: float = 10.0
    rest_mv: float = -70.0
    threshold_mv: float = -50.0
    reset_mv: float = -60.0
    refractory_ms: float = 2.0
    reversal_e_mv: float = 0.0
    reversal_i_mv: float = -80.0
    tau_e_ms: float = 3.0
    tau_i_ms: float = 6.0

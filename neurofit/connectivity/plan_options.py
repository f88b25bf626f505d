"""What a planned recording is assumed to be. No numpy here: the help of `connectivity plan` is made from this."""

from __future__ import annotations

from dataclasses import dataclass

from neurofit_io.errors import RecordingError


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Cells, synapses and noise of a recording of Vm of all cells, before it is made.

    The defaults are 300 cells of cortex-like conductance-based synapses under strong background input.
    """

    neurons: int = 300
    """Cells whose Vm and spikes are recorded."""
    density: float = 0.1
    """Share of ordered pairs that are connected: the chance level of AP."""
    rate_hz: float = 9.8
    """Mean rate of the presynaptic cells."""
    rate_spread: float = 0.35
    """Standard deviation of the logarithm of the rate over cells."""
    excitatory_share: float = 0.8
    """Share of the presynaptic cells that excite."""
    epsp_mv: float = 0.39
    """Mean peak of an excitatory postsynaptic potential over connected pairs, mV."""
    ipsp_mv: float = 1.4
    """Mean peak of an inhibitory one, mV, without its sign."""
    weight_spread: float = 0.8
    """Standard deviation of the logarithm of the peak over connected pairs (log-normal weights)."""
    noise_mv: float = 5.0
    """Standard deviation of Vm, away from spikes, that the spikes of the recorded cells do not explain, mV: background
    and unrecorded input."""
    noise_tau_ms: float = 3.0
    """Time constant of the input that makes that noise, ms."""
    membrane_tau_ms: float = 8.0
    """Effective time constant of the membrane, shunted by its synapses, ms."""
    epsp_tau_ms: float = 3.0
    """Time constant of excitatory synaptic currents, ms."""
    ipsp_tau_ms: float = 6.0
    """Time constant of inhibitory synaptic currents, ms."""
    measurement_noise_mv: float = 0.0
    """Standard deviation of white noise on each sample of Vm, mV."""
    sample_ms: float = 0.1
    """Time between samples of Vm, ms."""
    bin_ms: float = 0.5
    """Bins of the regression, ms; samples where these are longer."""
    highest_hz: float = 500.0
    """Frequencies of Vm above this one, Hz, tell nothing, as neither kernels nor delays are known so exactly. With 500
    the plan agrees with what gls reached on simulated networks of 300 cells, and promises a little much for 2022."""

    def check(self) -> None:
        """Raises a `RecordingError` for a value that no recording can have, named as the option is."""
        positive = (
            "rate_hz", "epsp_mv", "ipsp_mv", "noise_mv", "noise_tau_ms", "membrane_tau_ms", "epsp_tau_ms",
            "ipsp_tau_ms", "sample_ms", "bin_ms", "highest_hz",
        )  # fmt: skip
        if not 0 < self.density < 1:
            raise _refused("density", self.density, "above 0 and below 1")
        if not 0 <= self.excitatory_share <= 1:
            raise _refused("excitatory_share", self.excitatory_share, "0 to 1")
        for name in positive:
            if not 0 < getattr(self, name) < float("inf"):
                raise _refused(name, getattr(self, name), "above 0")
        for name in ("rate_spread", "weight_spread", "measurement_noise_mv"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise _refused(name, getattr(self, name), "at least 0")
        if self.neurons < 2:
            raise _refused("neurons", self.neurons, "at least 2")


def _refused(name: str, value: float, expected: str) -> RecordingError:
    return RecordingError("", f"--{name.replace('_', '-')} {value:g}", expected=expected)

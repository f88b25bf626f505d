"""What to simulate. No numpy here: the command's help is made from this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from neurofit.simulate.option_checks import require, steps_in

Regime = Literal["irregular", "sparse", "synchronous"]

LONGEST_STEP_MS = 0.5
"""The shortest delay: a spike may not arrive before it is sent."""


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Options of `simulate_network`."""

    neurons: int = 2022
    """Cells, of which the first 80 % excite and the others inhibit."""
    duration_s: float = 6.0
    """Time that is recorded, s."""
    dt_ms: float = 0.1
    """Step of the simulation and of all signals, ms."""
    regime: Regime = "irregular"
    """Irregular firing at 5 to 12 Hz; sparse firing, at about half that rate; or weak background of which a tenth is
    common to all cells, which then fire in volleys, some of them never."""
    seed: int = 0
    """Seed of places, connections, weights and background."""
    shared_input: float | None = None
    """Share of the variance of the excitatory background that is common to all cells; 0.02 unless the regime is
    synchronous, where it is 0.1."""
    density: float | None = None
    """Share of the ordered pairs that are connected; 0.10 at 300 cells, 0.08 at 2022, in between and beyond by a power
    of the number of cells."""
    weight_e_ns: float | None = None
    """Mean peak conductance of an excitatory connection, nS; 0.8 at 300 cells, 0.4 at 2022, a power of the
    connections that a cell receives."""
    weight_i_ns: float | None = None
    """Mean peak conductance of an inhibitory connection, nS; 5 at 300 cells, 3 at 2022, likewise."""
    background_e_ns: float | None = None
    """Mean of the excitatory background over time and cells, nS; 5.5 at 300 cells, 5.8 at 2022, and 0.5 more
    in the synchronous regime."""
    background_i_ns: float = 8.0
    """Mean of the inhibitory background, nS."""

    def __post_init__(self) -> None:
        share, conductance = "a share from 0 to 1", "a conductance, 0 nS or more"
        require(
            self,
            neurons=(self.neurons >= 2, "2 cells or more"),
            duration_s=(steps_in(self.duration_s, self.dt_ms) >= 1, f"at least a step of {self.dt_ms:g} ms"),
            dt_ms=(0 < self.dt_ms <= LONGEST_STEP_MS, f"above 0, at most the shortest delay, {LONGEST_STEP_MS:g} ms"),
            regime=(self.regime in get_args(Regime), f"one of {', '.join(get_args(Regime))}"),
            seed=(self.seed >= 0, "0 or more"),
            shared_input=(0 <= _known(self.shared_input) <= 1, share),
            density=(self.density is None or 0 < self.density <= 1, "a share above 0, at most 1"),
            weight_e_ns=(_known(self.weight_e_ns) >= 0, conductance),
            weight_i_ns=(_known(self.weight_i_ns) >= 0, conductance),
            background_e_ns=(_known(self.background_e_ns) >= 0, conductance),
            background_i_ns=(self.background_i_ns >= 0, conductance),
        )

    @property
    def n_steps(self) -> int:
        """Steps that are recorded."""
        return steps_in(self.duration_s, self.dt_ms)


def _known(value: float | None) -> float:
    return 0.0 if value is None else value

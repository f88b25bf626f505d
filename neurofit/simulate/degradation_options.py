"""What makes a simulated recording as poor as a real one. No numpy here: every help is made from this."""

from __future__ import annotations

from dataclasses import dataclass

from neurofit.simulate.option_checks import require


@dataclass(frozen=True, kw_only=True)
class DegradationOptions:
    """What is taken away or spoiled after the simulation; nothing by default."""

    hidden_cells: float = 0.0
    """Share of the cells that nobody records: their signals and spikes, and the truth about them, are left out."""
    frame_rate_hz: float | None = None
    """Rate to bring all faster signals down to, Hz, by the mean over each frame, as a camera does."""
    measurement_noise_mv: float = 0.0
    """Standard deviation of white noise added to every recorded sample of vm, after frames are made, mV."""
    missed_spikes: float = 0.0
    """Share of the spikes that are lost, at random."""
    misattributed_spikes: float = 0.0
    """Share of the spikes that are taken for spikes of another cell: the nearest one, where positions are known."""

    def __post_init__(self) -> None:
        shares = ("hidden_cells", "missed_spikes", "misattributed_spikes")
        require(
            self,
            frame_rate_hz=(self.frame_rate_hz is None or self.frame_rate_hz > 0, "a rate above 0 Hz"),
            measurement_noise_mv=(self.measurement_noise_mv >= 0, "0 mV or more"),
            **{name: (0 <= getattr(self, name) < 1, "a share from 0 to below 1") for name in shares},
        )

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return self != DegradationOptions()

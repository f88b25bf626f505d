"""Options of `neurofit connectivity current`. No numpy here: the command's help is made from this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neurofit_io.errors import RecordingError


@dataclass(frozen=True, kw_only=True)
class CurrentOptions:
    """What current to estimate, and what input to set beside it."""

    signal: str | None = None
    """Voltage to use, as neurofit info lists it; needed when there are several."""
    cell: int | None = None
    """Column of the cell to draw, counted from 0; by default one of those with a middling number of spikes."""
    tau_ms: tuple[float, ...] = (3.5, 35.0)
    """Membrane time constants, ms. The default is what the paper's C = 35 can mean: steps of 0.1 ms, or ms."""
    kernel: Literal["exponential", "alpha", "difference"] = "exponential"
    """Course of the input that one spike makes, with a peak of 1."""
    kernel_tau_ms: float = 4.0
    """Time constant of its decay, ms."""
    kernel_rise_ms: float = 1.0
    """Time constant of the rise of the difference of two exponentials, ms."""
    delay_ms: float = 1.0
    """Delay of connections whose own is not known, ms."""
    window_ms: float = 50.0
    """Window of the moving average of the input, ms; it looks back."""
    blank_before_ms: float = 2.0
    """Time before each own spike that is blanked, ms: the upstroke of a spike is no input either."""
    blank_after_ms: float = 5.0
    """Time after each own spike that is blanked, ms."""
    show_s: float = 0.5
    """Time to draw, s, around an own spike of the cell."""

    def require_sound(self) -> None:
        """Raises RecordingError where a number makes no sense."""
        for name, values in (
            ("--tau-ms", self.tau_ms), ("--window-ms", (self.window_ms,)), ("--show-s", (self.show_s,)),
        ):  # fmt: skip
            if not values or not all(0 < value < float("inf") for value in values):
                raise RecordingError("", f"{name} {','.join(map(str, values))}", expected="times above 0")
        if len(set(self.tau_ms)) < len(self.tau_ms):
            raise RecordingError("", f"--tau-ms {','.join(map(str, self.tau_ms))}", expected="each time constant once")
        for name, value in (("before", self.blank_before_ms), ("after", self.blank_after_ms)):
            if not 0 <= value < float("inf"):
                raise RecordingError("", f"--blank-{name}-ms {value}", expected="0 ms or more")

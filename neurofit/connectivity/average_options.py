"""Which lags, and which windows of them, a spike-triggered average looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neurofit_io import RecordingError

Summary = Literal["peak", "latency", "area", "windows", "baseline_z", "jitter_z"]

OF_THE_AVERAGE: tuple[Summary, ...] = ("peak", "latency", "area")
"""Summaries that need the average at every lag."""

OF_WINDOWS: tuple[Summary, ...] = ("windows", "baseline_z", "jitter_z")
"""Summaries that running sums give, at a hundredth of the cost."""

LAGS = (1, 300)
"""Steps; the paper's."""

LAGS_MS = (0.1, 30.0)
"""The same, ms."""


@dataclass(frozen=True, kw_only=True)
class AverageWindows:
    """Windows of lags, ms after a spike, and how far a spike is moved where its exact time is not to matter.

    Args:
        baseline_ms: Before a synapse can have done anything.
        early_ms: Delay and rise of a synaptic potential.
        late_ms: After it.
        jitter_ms: Spikes are moved by up to as much, evenly, either way.
    """

    baseline_ms: tuple[float, float] = (-5.0, 0.0)
    early_ms: tuple[float, float] = (1.0, 15.0)
    late_ms: tuple[float, float] = (15.0, 30.0)
    jitter_ms: float = 20.0

    def steps(self, dt_ms: float) -> WindowSteps:
        """The same in steps of `dt_ms`.

        Raises:
            RecordingError: A window that ends before it begins, or no jitter.
        """
        if not round(self.jitter_ms / dt_ms) > 0:
            raise RecordingError("", f"a jitter of {self.jitter_ms:g} ms", expected=f"at least a step of {dt_ms:g} ms")
        named = {"baseline": self.baseline_ms, "early": self.early_ms, "late": self.late_ms}
        for name, (first, last) in named.items():
            if not first <= last:
                raise RecordingError("", f"the {name} window from {first:g} to {last:g} ms", expected="ascending lags")
        return WindowSteps(
            {name: (round(first / dt_ms), round(last / dt_ms)) for name, (first, last) in named.items()},
            round(self.jitter_ms / dt_ms),
        )


@dataclass(frozen=True)
class WindowSteps:
    """Windows in steps.

    Attributes:
        windows: First and last lag by name: baseline, early, late.
        jitter: Steps by which a spike is moved at most.
    """

    windows: dict[str, tuple[int, int]]
    jitter: int

    @property
    def early_only(self) -> WindowSteps:
        """The early window and the jitter alone."""
        return WindowSteps({"early": self.windows["early"]}, self.jitter)

    @property
    def span(self) -> tuple[int, int]:
        """Lowest and highest lag that any of them looks at."""
        first, last = self.windows["early"]
        return (
            min(first - self.jitter, *(low for low, _ in self.windows.values())),
            max(last + self.jitter, *(high for _, high in self.windows.values())),
        )


def lags_of_ms(lags_ms: tuple[float, float], dt_ms: float) -> tuple[int, int]:
    """First and last lag in steps; a lag above 0 is at least one step."""
    first, last = (round(lag / dt_ms) if lag <= 0 else max(1, round(lag / dt_ms)) for lag in lags_ms)
    return checked_lags((first, last))


def checked_lags(lags: tuple[int, int] | range) -> tuple[int, int]:
    """First and last lag, steps.

    Args:
        lags: First and last lag, or a range of lags.

    Raises:
        RecordingError: No lag, or a range that leaves lags out.
    """
    if isinstance(lags, range):
        if lags.step != 1 or not len(lags):
            raise RecordingError("", f"lags {lags}", expected="lags without gaps")
        return lags[0], lags[-1]
    first, last = lags
    if first > last:
        raise RecordingError("", f"lags from {first} to {last} steps", expected="a first lag below the last")
    return int(first), int(last)

"""Options of `neurofit connectivity average`. No numpy here: the command's help is made from this."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from neurofit_io.errors import RecordingError

_LAGS = re.compile(r"([-+]?[\d.]+):([-+]?[\d.]+)")
_PAIR = re.compile(r"([^:]+):([^:]+)")


@dataclass(frozen=True, kw_only=True)
class AverageOptions:
    """What to average, and what to keep of it."""

    signal: str | None = None
    """Voltage to use, as neurofit info lists it; needed when there are several."""
    lags_ms: str = "0.1:30"
    """First and last lag after a spike, ms; they may be negative (--lags-ms=-5:30)."""
    voltage: Literal["raw", "blanked"] = "raw"
    """Voltage as it is, as in the paper, or with each cell's own spikes taken out."""
    reduce: tuple[Literal["peak", "latency", "area", "windows", "baseline_z", "jitter_z"], ...] = (
        "peak", "latency", "area", "windows", "baseline_z", "jitter_z",
    )  # fmt: skip
    """What to keep of each pair's average. The last three need no average at every lag and cost little alone."""
    early_ms: str = "1:15"
    """Window in which a synapse is looked for, ms after a spike."""
    jitter_ms: float = 20.0
    """By how much spikes are moved, either way, for what an average would be if exact times did not matter."""
    pairs: tuple[str, ...] = ()
    """Pairs to draw, PRE:POST by the ids of the cells; by default some of the strongest and of the unconnected."""
    cube: bool = False
    """Also write the average of every pair at every lag into cube.h5: 4 bytes for each."""

    def __post_init__(self) -> None:
        self.lag_span_ms, self.early_span_ms, self.id_pairs  # noqa: B018
        if not self.jitter_ms > 0:
            raise RecordingError("", f"--jitter-ms {self.jitter_ms:g}", expected="a time above 0")
        if not self.reduce:
            raise RecordingError("", "--reduce without anything", expected="something to keep of the averages")

    @property
    def lag_span_ms(self) -> tuple[float, float]:
        """First and last lag, ms."""
        return _span(self.lags_ms, "--lags-ms")

    @property
    def early_span_ms(self) -> tuple[float, float]:
        """The early window, ms."""
        return _span(self.early_ms, "--early-ms")

    @property
    def id_pairs(self) -> tuple[tuple[str, str], ...]:
        """(pre, post) of each pair to draw, by their ids."""
        found = [(pair, _PAIR.fullmatch(pair)) for pair in self.pairs]
        for pair, match in found:
            if match is None:
                raise RecordingError("", f"--pairs {pair}", expected="PRE:POST, the ids of two cells")
        return tuple((match[1], match[2]) for _, match in found if match)


def _span(text: str, option: str) -> tuple[float, float]:
    match = _LAGS.fullmatch(text)
    try:
        first, last = (float(match[1]), float(match[2])) if match else (1.0, 0.0)
    except ValueError:
        first, last = 1.0, 0.0
    if not first <= last:
        raise RecordingError("", f"{option} {text}", expected="FIRST:LAST in ms, such as 0.1:30")
    return first, last

"""From numbers with intervals to a verdict on what was claimed of them.

A claim says that a number lies in a range. It is

    supported           when every 95 % interval of the number lies within the range,
    contradicted        when every one lies outside,
    not supported       when they lie on its edge, or some within and some outside,
    cannot be told      when there is no number, or one has no interval.

There is an interval a seed, and a claim about several networks has one for each of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from neurofit.metrics import Score

Word = Literal["supported", "not supported", "contradicted", "cannot be told"]


class Range(NamedTuple):
    """Where a number lies, exclusive of both ends; None is no end."""

    low: float | None
    high: float | None

    def holds(self, interval: tuple[float, float]) -> bool:
        """Whether all of an interval lies within."""
        above = self.low is None or interval[0] > self.low
        return above and (self.high is None or interval[1] < self.high)

    def misses(self, interval: tuple[float, float]) -> bool:
        """Whether all of an interval lies outside."""
        below = self.low is not None and interval[1] <= self.low
        return below or (self.high is not None and interval[0] >= self.high)

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"below {self.high:g}" if self.low is None else f"above {self.low:g}"
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Evidence:
    """One number with its interval.

    Attributes:
        what: What it is a number of.
        value: The number; None when it is not defined.
        ci95: 95 % interval; None when there is none.
        note: Why there is none, or what else is to be known.
    """

    what: str
    value: float | None
    ci95: tuple[float, float] | None
    note: str = ""

    @classmethod
    def of(cls, what: str, score: Score, *, ratio: bool = False, note: str = "") -> Evidence:
        """A score as evidence.

        Args:
            what: What it is a number of.
            score: The score.
            ratio: Whether the score is a skill, 1 - a / b, and a / b is wanted.
            note: Something else to be known.
        """
        value = None if math.isnan(score.pooled) else 1 - score.pooled if ratio else score.pooled
        interval = score.ci95
        if interval is not None and ratio:
            interval = 1 - interval[1], 1 - interval[0]
        return cls(what, value, interval, "; ".join(filter(None, (score.note, note))))

    @classmethod
    def missing(cls, what: str, why: str) -> Evidence:
        """No number, and the reason."""
        return cls(what, None, None, why)

    def __str__(self) -> str:
        return f"{self.what} {self.number}{f' ({self.note})' if self.note else ''}"

    @property
    def number(self) -> str:
        """The number with its interval."""
        value = "no number" if self.value is None else f"{self.value:.4g}"
        return value if self.ci95 is None else f"{value} [{self.ci95[0]:.4g}, {self.ci95[1]:.4g}]"

    def as_json(self) -> dict[str, Any]:
        """For `verdicts.json`."""
        interval = None if self.ci95 is None else list(self.ci95)
        return {"what": self.what, "value": self.value, "ci95": interval, "note": self.note}


def decide(evidence: Sequence[Evidence], claimed: Range) -> Word:
    """The verdict on a claim.

    Args:
        evidence: All numbers the claim is about.
        claimed: Where the claim says they lie.
    """
    intervals = [each.ci95 for each in evidence if each.ci95 is not None]
    if not evidence or len(intervals) < len(evidence):
        return "cannot be told"
    if all(claimed.holds(interval) for interval in intervals):
        return "supported"
    return "contradicted" if all(claimed.misses(interval) for interval in intervals) else "not supported"

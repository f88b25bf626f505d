"""One line of a check: how bad, which kind of trouble, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Finding:
    """Something `check` found.

    Args:
        severity: `error` when a fit would be wrong or impossible, `warning` when it should be known.
        case: Number of the kind of trouble (1 to 60, see the documentation of `check`); 0 when it has none.
        place: Signal, spikes, trials or connectivity concerned; empty for the whole file.
        message: What was found, what was expected, what to do.
    """

    severity: Literal["error", "warning"]
    case: int
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.place}: {self.message}" if self.place else f"{self.severity}: {self.message}"


def named(labels: Iterable[Any], total: int, what: str = "channels", limit: int = 8) -> str:
    """`3 of 60 channels (4, 7, 9)`; long lists are cut."""
    chosen = [str(label) for label in labels]
    more = ", ..." if len(chosen) > limit else ""
    return f"{len(chosen)} of {total} {what} ({', '.join(chosen[:limit])}{more})"

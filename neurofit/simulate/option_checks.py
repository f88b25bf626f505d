"""Options that make no sense end in one line. No numpy here: the classes of options use it."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from neurofit_io.errors import RecordingError

FEWEST_TRIALS = 3
"""Trials of a condition: one each to train, to validate and to test."""


def require(options: Any, **expected: tuple[bool, str]) -> None:
    """Refuses what is not fine, or not finite.

    Args:
        options: A dataclass of options.
        **expected: By field: whether it is fine, and what would be; the first that is not is named.

    Raises:
        RecordingError: Something is not; the line names its option.
    """
    finite = {each.name: (_is_finite(getattr(options, each.name)), "a finite number") for each in fields(options)}
    for name, (fine, words) in (*finite.items(), *expected.items()):
        if not fine:
            raise RecordingError("", f"--{name.replace('_', '-')} {getattr(options, name)}", expected=words)


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def steps_in(duration_s: float, step_ms: float) -> int:
    """Steps of a duration, the nearest whole number; 0 where there is none."""
    return round(1000 * duration_s / step_ms) if step_ms > 0 and math.isfinite(1000 * duration_s / step_ms) else 0


def is_whole(duration_s: float, step_ms: float) -> bool:
    """Whether a duration is a whole number of steps, two at least."""
    steps = steps_in(duration_s, step_ms)
    return steps >= 2 and abs(1000 * duration_s / step_ms - steps) < 1e-6 * steps

"""What one signal's values, unit and clock give away. Case numbers are those of `checking`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from neurofit_io.errors import RecordingError
from neurofit_io.findings import Finding, named
from neurofit_io.moments import Moments, moments
from neurofit_io.signals import Signal

SENTINELS = (1e30, -1e30, -999.0, -9999.0, 9999.0)
FLOAT16_MAX = 65504.0
NEARLY_CONSTANT = 1e-3
RAIL_SHARE = 1e-4

PLAUSIBLE = {
    "vm": (1.0, 200.0),
    "extracellular": (0.01, 1e4),
    "lfp": (0.01, 1e4),
    "calcium": (1e-6, 0.1),
    "dff": (0, 50.0),
}
"""Largest absolute value that is still believable, from and to: mV, uV, uV, mM and dF/F."""

SLOWEST_HZ = {"vm": 200.0, "extracellular": 200.0, "lfp": 50.0}
"""Below these rates a signal of this kind cannot be what it is called."""


def check_signal(signal: Signal) -> Iterator[Finding]:
    """Everything about one signal, its values read once."""
    name, (n_steps, n_channels) = signal.name, signal.shape
    if n_steps == 0 or n_channels == 0:
        yield Finding("error", 58, name, f"shape {signal.shape}: nothing recorded")
        return
    if n_steps < n_channels:
        yield Finding(
            "warning", 23, name,
            f"{n_steps} steps of {n_channels} channels: time is shorter than channels, so the axes may be swapped; "
            "if so give --time-axis 1",
        )  # fmt: skip
    yield from check_clock(signal)
    looked_for = _looked_for(signal)
    try:
        seen = moments(signal, looked_for)
    except RecordingError as error:
        yield Finding("error", 9, name, str(error))
        return
    yield from _bad_values(signal, seen)
    yield from _marked_values(signal, seen, looked_for)
    yield from _poor_channels(signal, seen)
    yield from _range(signal, seen)


def check_clock(signal: Signal) -> Iterator[Finding]:
    """Timestamps, gaps and rate."""
    name, clock = signal.name, signal.clock
    try:
        segments, rate = clock.segments, clock.step_rate_hz
    except RecordingError as error:
        yield Finding("error", 34 if "not finite" in str(error) else 33, name, str(error))
        return
    if rate is None:
        irregular = clock.timestamps is not None
        what = "irregular timestamps; give --resample-hz" if irregular else "no sampling rate; give --rate-hz"
        yield Finding("error", 35 if irregular else 36, name, what)
        return
    if clock.timestamps is not None and len(segments) > 1:
        ends = np.array([s.start_s + (s.stop - s.start - 1) / rate for s in segments[:-1]])
        gaps = np.array([s.start_s for s in segments[1:]]) - ends
        yield Finding(
            "warning", 35, name, f"gaps in time: {len(gaps)}, the longest {gaps.max():.4g} s; chunks do not cross them"
        )
    if clock.timestamps is not None and clock.rate_hz and abs(rate / clock.rate_hz - 1) > 0.01:
        yield Finding(
            "error", 37, name, f"the rate says {clock.rate_hz:.6g} Hz, the timestamps {rate:.6g} Hz; repair the file"
        )
    if rate < SLOWEST_HZ.get(signal.kind, 0.2):
        yield Finding(
            "warning", 38, name,
            f"{rate:g} Hz is slow for {signal.kind}: kHz ({1000 * rate:g} Hz) or a step in ms ({1000 / rate:g} Hz)? "
            "give --rate-hz",
        )  # fmt: skip


def _looked_for(signal: Signal) -> NDArray[np.float32]:
    """Values that stand for "missing" or "out of range", per channel in the signal's unit, (values, channels)."""
    dtype = signal.source.dtype
    if dtype.kind in "iu":
        rails = [np.iinfo(dtype).min, np.iinfo(dtype).max] if dtype.kind == "i" else [np.iinfo(dtype).max]
        stored = [float(rail) for rail in rails] if dtype.itemsize in (2, 4) else []
    else:
        stored = list(SENTINELS)
    values = np.array(stored)[:, None] * np.ones(signal.shape[1])
    physical = values * signal.gain + signal.offset
    return np.where(np.abs(physical) < np.finfo(np.float32).max, physical, np.nan).astype(np.float32)


def _bad_values(signal: Signal, seen: Moments) -> Iterator[Finding]:
    ids, n = signal.channel_ids, signal.shape[1]
    empty = (seen.finite == 0) & (seen.nan > 0)
    if empty.any():
        yield Finding("warning", 30, signal.name, f"{named(ids[empty], n)} hold nothing but NaN; leave them out")
    some = (seen.nan > 0) & ~empty
    if some.any():
        worst = int(np.argmax(np.where(some, seen.nan, 0)))
        share = seen.nan / signal.shape[0]
        yield Finding(
            "warning", 29, signal.name,
            f"NaN in {named(ids[some], n)}, {share[some].mean():.3%} of their samples, most in {ids[worst]} "
            f"({share[worst]:.3%}), the first at step {seen.first_bad[some].min()}; these spans are cut",
        )  # fmt: skip
    if seen.inf.any():
        half = signal.source.dtype == np.float16
        why = "overflowed float16; store them as float32" if half else "these spans are cut"
        yield Finding(
            "error" if half else "warning", 27 if half else 29, signal.name,
            f"infinite values: {seen.inf.sum()} in {named(ids[seen.inf > 0], n)}; {why}",
        )  # fmt: skip


def _marked_values(signal: Signal, seen: Moments, looked_for: NDArray[np.float32]) -> Iterator[Finding]:
    """A value that stands for missing lies far from all others; a rail is where many samples end."""
    for row, values in enumerate(looked_for):
        count, away = seen.marked[row], np.abs(values - seen.mean) > 10 * seen.std
        odd = (count >= 2) & away if signal.source.dtype.kind == "f" else count > RAIL_SHARE * signal.shape[0]
        if odd.any():
            what = (
                "looks like a mark for missing values" if signal.source.dtype.kind == "f" else "is the converter's rail"
            )
            yield Finding(
                "warning", 28, signal.name,
                f"{values[odd][0]:g} stands in {count[odd].sum()} samples of "
                f"{named(signal.channel_ids[odd], signal.shape[1])}; it {what}",
            )  # fmt: skip


def _poor_channels(signal: Signal, seen: Moments) -> Iterator[Finding]:
    ids, n = signal.channel_ids, signal.shape[1]
    constant = seen.constant
    if constant.any():
        yield Finding("warning", 31, signal.name, f"{named(ids[constant], n)} never change; they are not scored")
    moving = ~constant & (seen.finite > 1)
    if moving.any():
        quiet = moving & (seen.std < NEARLY_CONSTANT * np.median(seen.std[moving]))
        if quiet.any():
            yield Finding(
                "warning", 31, signal.name,
                f"{named(ids[quiet], n)} hardly change (std under {NEARLY_CONSTANT:g} of the median channel)",
            )  # fmt: skip
    copies = seen.copies()
    if copies:
        groups = "; ".join(" = ".join(str(ids[c]) for c in group[:4]) for group in copies[:4])
        yield Finding(
            "warning", 32, signal.name,
            f"{sum(len(g) - 1 for g in copies)} of {n} channels are copies of others ({groups}); they inflate scores "
            "and connectivity",
        )  # fmt: skip


def _range(signal: Signal, seen: Moments) -> Iterator[Finding]:
    """Cases 20, 24 and 25: the size of the values against what the kind can be."""
    used = seen.finite > 0
    if not used.any():
        return
    peak = float(np.abs([seen.low[used], seen.high[used]]).max())
    if signal.source.dtype.kind == "f" and not 1e-30 < peak < 1e30 and peak > 0:
        yield Finding(
            "error", 20, signal.name, f"values of up to {peak:.3g}: these look like bytes in the wrong order or of "
            "another type; give --byte-order or --dtype",
        )  # fmt: skip
        return
    least, most = PLAUSIBLE.get(signal.kind, (0.0, np.inf))
    if (signal.kind == "calcium" and signal.unit != "mM") or peak == 0 or least <= peak <= most:
        return
    text = f"values of up to {peak:.4g} {signal.unit} are no {signal.kind}"
    if signal.source.dtype.kind in "iu" and peak > most:
        yield Finding("error", 24, signal.name, f"{text}: unscaled integers? give --scale and --unit")
        return
    factors = [f for f in (1e3, 1e-3, 1e6, 1e-6) if least <= peak * f <= most]
    hint = f"; they would be with {factors[0]:g} times the scale" if factors else ""
    yield Finding("warning", 25, signal.name, f"{text}{hint}; if the unit is wrong give --unit or --scale")

"""Physical units: from the spelling in a file to the units of the design, `factor = 10 ** (from - to)`.

Vm is read in mV, extracellular potentials and LFP in uV, currents in pA, times in s; every other kind keeps the unit
of its file.
"""

from __future__ import annotations

import itertools

from neurofit_io.errors import RecordingError
from neurofit_io.signals import DESIGN_UNITS

_SYMBOL_PREFIXES = {"": 0, "k": 3, "m": -3, "u": -6, "\u00b5": -6, "\u03bc": -6, "n": -9, "p": -12}
_WORD_PREFIXES = {"": 0, "kilo": 3, "milli": -3, "micro": -6, "nano": -9, "pico": -12}
_SYMBOLS = {"V": ("V", "v"), "A": ("A",), "s": ("s", "sec", "secs"), "M": ("M", "mol/L", "mol/l")}
_WORDS = {
    "V": ("volt", "volts"),
    "A": ("ampere", "amperes", "amp", "amps"),
    "s": ("second", "seconds"),
    "M": ("molar",),
}

_TARGETS = {**DESIGN_UNITS, "current": "pA"}


def _spellings() -> dict[str, tuple[str, int]]:
    known = {}
    for prefixes, names in ((_SYMBOL_PREFIXES, _SYMBOLS), (_WORD_PREFIXES, _WORDS)):
        for (prefix, power), (base, spelled) in itertools.product(prefixes.items(), names.items()):
            known.update({prefix + name: (base, power) for name in spelled})
    return known


_KNOWN = _spellings()


def parse_unit(unit: str) -> tuple[str, int] | None:
    """What a unit measures (`V`, `A`, `s` or `M`) and its power of ten; None when the spelling is not known."""
    text = unit.strip()
    return _KNOWN.get(text) or _KNOWN.get(text.lower() if len(text) > 4 else text)


def to_design(kind: str, unit: str, *, place: str = "") -> tuple[float, str]:
    """Factor from a file's unit to the unit the signal is read in, and that unit.

    Args:
        kind: What the signal is, as in `Signal.kind`.
        unit: Unit of the values in the file, after its own conversion: `V`, `volts`, `millivolt`, ...
        place: File and path inside it, for the message.

    Returns:
        The factor and the design unit: mV for `vm`, uV for `extracellular` and `lfp`, pA for `current`; 1 and the
        file's own unit for any other kind.

    Raises:
        RecordingError: The kind has a design unit and `unit` is not a known spelling of that quantity.
    """
    target = _TARGETS.get(kind)
    if target is None:
        return 1.0, unit
    base, power = _KNOWN[target]
    found = parse_unit(unit)
    if found is None or found[0] != base:
        known = ", ".join(prefix + base for prefix in ("", "m", "u", "n", "p"))
        raise RecordingError(
            place, f"unit {unit!r} of a {kind} signal", expected=f"one of {known}",
            do="say the unit with --unit, or what the values are with --kind",
        )  # fmt: skip
    return _ratio(found[1] - power), target


def to_seconds(unit: str, *, place: str = "") -> float:
    """Factor from a unit of time to s.

    Raises:
        RecordingError: Not a known unit of time.
    """
    found = parse_unit(unit)
    if found is None or found[0] != "s":
        raise RecordingError(place, f"time in {unit!r}", expected="s, ms or us", do="repair the attribute units")
    return _ratio(found[1])


def _ratio(power: int) -> float:
    return float(f"1e{power}")

"""Spellings of units against plain arithmetic."""

from __future__ import annotations

import pytest

from neurofit_io.errors import RecordingError
from neurofit_io.units import parse_unit, to_design, to_seconds


@pytest.mark.parametrize(
    ("kind", "unit", "factor", "design"),
    [
        ("vm", "V", 1e3, "mV"),
        ("vm", "volts", 1e3, "mV"),
        ("vm", "Volts", 1e3, "mV"),
        ("vm", "mV", 1.0, "mV"),
        ("vm", "millivolts", 1.0, "mV"),
        ("vm", "uV", 1e-3, "mV"),
        ("extracellular", "volt", 1e6, "uV"),
        ("extracellular", "mV", 1e3, "uV"),
        ("lfp", "\u00b5V", 1.0, "uV"),
        ("lfp", "\u03bcV", 1.0, "uV"),
        ("lfp", "nV", 1e-3, "uV"),
        ("current", "amperes", 1e12, "pA"),
        ("current", "nA", 1e3, "pA"),
        ("dff", "a.u.", 1.0, "a.u."),
        ("calcium", "mM", 1.0, "mM"),
        ("fluorescence", "", 1.0, ""),
    ],
)
def test_to_design(kind: str, unit: str, factor: float, design: str) -> None:
    assert to_design(kind, unit) == (factor, design)


@pytest.mark.parametrize(
    ("kind", "unit"), [("vm", "pA"), ("vm", "lumens"), ("lfp", ""), ("current", "mV"), ("vm", "MV")]
)
def test_a_unit_that_does_not_fit_is_named(kind: str, unit: str) -> None:
    with pytest.raises(RecordingError, match=f"a.nwb: unit '{unit}' of a {kind} signal.*--unit"):
        to_design(kind, unit, place="a.nwb")


@pytest.mark.parametrize(("unit", "factor"), [("s", 1.0), ("ms", 1e-3), ("milliseconds", 1e-3), ("us", 1e-6)])
def test_to_seconds(unit: str, factor: float) -> None:
    assert to_seconds(unit) == factor


@pytest.mark.parametrize("unit", ["mR", "mV", "hours", ""])
def test_no_unit_of_time(unit: str) -> None:
    with pytest.raises(RecordingError, match=f"time in '{unit}'"):
        to_seconds(unit)


def test_parse_unit_keeps_case_where_it_matters() -> None:
    assert parse_unit("mM") == ("M", -3)
    assert parse_unit("mm") is None
    assert parse_unit("MilliVolt") == ("V", -3)

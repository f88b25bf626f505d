"""What `check` says of recordings made in memory and of real ones; the file cases are in test_bad_inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurofit_io import Clock, Finding, Recording, Segment, Signal, Trials, check, signal_from_array, spikes_from_lists
from neurofit_io.recording import Provenance
from neurofit_io.sources import array_source

RNG = np.random.default_rng(11)


def recording(*signals: Signal, **more: object) -> Recording:
    return Recording(Provenance(Path("x"), "memory"), {s.name: s for s in signals}, **more)  # type: ignore[arg-type]


def vm(steps: int = 400, channels: int = 4, **more: object) -> Signal:
    values = -65 + 5 * RNG.standard_normal((steps, channels))
    given = {"name": "vm", "rate_hz": 1000.0, "unit": "mV", **more}
    return signal_from_array(values, **given)  # type: ignore[arg-type]


def test_nothing_to_say_of_a_good_recording() -> None:
    spikes = spikes_from_lists([[0.1, 0.2], [0.05]], stop_s=0.4)
    trials = Trials("trials", np.array([0.0, 0.2]), np.array([0.1, 0.3]))
    good = recording(vm(), spike_trains={"spikes": spikes}, intervals={"trials": trials})
    assert [f for f in check(good) if f.place != "connectivity"] == []


def test_errors_come_first() -> None:
    bad = recording(vm(3, 4), vm(name="lfp", kind="lfp", unit="uV", rate_hz=None))
    assert [f.severity for f in check(bad)] == ["error", "warning"]
    assert [f.case for f in check(bad)] == [36, 23]
    assert str(check(bad)[0]) == "error: lfp: no sampling rate; give --rate-hz"


def test_sweeps_are_no_gaps_and_give_the_span() -> None:
    sweeps = (Segment(0, 200, 0.0), Segment(200, 400, 10.0))
    signal = Signal(
        "vm", "vm", "mV", array_source(-65 + RNG.standard_normal((400, 1))), Clock(400, 1000.0, sweeps=sweeps)
    )
    trials = Trials("sweeps", np.array([0.0, 10.0]), np.array([0.2, 10.2]))
    assert check(recording(signal, intervals={"sweeps": trials})) == []


def test_spikes_outside_the_signals() -> None:
    spikes = spikes_from_lists([[0.1, 0.2, 0.5]], stop_s=0.6)
    (found,) = check(recording(vm(channels=1), spike_trains={"spikes": spikes}))
    assert (found.case, found.severity) == (42, "warning")
    assert "1 of 3 spikes lie outside the signals (0 to 0.4 s), the last at 0.5 s" in found.message


def test_counts_and_unknown_kinds_have_no_range() -> None:
    counts = signal_from_array(RNG.poisson(3, (300, 3)), name="counts", rate_hz=50.0)
    other = signal_from_array(1e6 * RNG.standard_normal((300, 3)), name="pupil", rate_hz=50.0)
    assert check(recording(counts, other)) == []


def test_nearly_constant_channels_are_named() -> None:
    values = 1e-3 * np.abs(RNG.standard_normal((400, 5))) * [1, 1, 1e-5, 1, 1]
    (found,) = check(recording(signal_from_array(values, name="calcium", unit="mM", rate_hz=1000.0)))
    assert found.case == 31
    assert "1 of 5 channels (2) hardly change" in found.message


def test_misread_floats() -> None:
    swapped = np.frombuffer((-65 + RNG.standard_normal((400, 2))).astype(">f4").tobytes(), "<f4").reshape(400, 2)
    assert 20 in [f.case for f in check(recording(signal_from_array(swapped.copy(), name="vm", rate_hz=1000.0)))]


def test_long_lists_are_cut() -> None:
    values = -65 + RNG.standard_normal((400, 30))
    values[:, 5:] = np.nan
    (found,) = check(recording(signal_from_array(values, name="vm", rate_hz=1000.0)))
    assert "25 of 30 channels (5, 6, 7, 8, 9, 10, 11, 12, ...)" in found.message


@pytest.mark.parametrize("name", ["bionet_60cells", "sonata_300_intfire", "nwb_units_phy/A8604-211122.nwb"])
def test_real_recordings_have_no_errors(shared_data: Path, name: str) -> None:
    findings = check(shared_data / name)
    assert [f for f in findings if f.severity == "error"] == []
    assert all(isinstance(f, Finding) and "\n" not in f.message for f in findings)


def test_silent_cells_of_a_real_recording_are_named(shared_data: Path) -> None:
    findings = check(shared_data / "bionet_60cells")
    assert any(f.case == 45 and "10 of 60 units" in f.message for f in findings)
    assert any(f.case == 31 and f.place == "calcium" for f in findings)


def test_sweeps_that_all_begin_at_once_have_no_order() -> None:
    sweeps = Trials("sweeps", np.zeros(3), np.full(3, 0.1))
    (said,) = (f.message for f in check(recording(vm(), intervals={"sweeps": sweeps})) if f.place == "sweeps")
    assert said == "all 3 begin at 0 s: no time says which came first"

"""Choosing a signal by name, and what is said when that cannot be done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurofit_io.errors import RecordingError
from neurofit_io.recording import Provenance, Recording, unique_names
from neurofit_io.signals import signal_from_array
from neurofit_io.spikes import spikes_from_lists

VM = signal_from_array(np.zeros((10, 2)), name="vm", rate_hz=10.0, unit="mV")
SPIKES = spikes_from_lists([[0.1, 0.2], []], stop_s=1.0)
BOTH = Recording(Provenance(Path("cells"), "sonata"), {"vm": VM}, {"spikes": SPIKES})


def test_the_only_signal_needs_no_name() -> None:
    assert Recording(Provenance(Path("a"), "raw"), {"vm": VM}).signal() is VM


def test_several_signals_are_listed() -> None:
    with pytest.raises(
        RecordingError, match=r"cells: 2 signals: --signal vm, --signal spikes; .* choose with --signal"
    ):
        BOTH.signal()


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(RecordingError, match="no signal 'lfp'; expected one of vm, spikes"):
        BOTH.signal("lfp")


def test_spikes_need_a_bin() -> None:
    with pytest.raises(RecordingError, match="spikes are spikes; give a bin width with --bin-ms"):
        BOTH.signal("spikes")
    assert BOTH.signal("spikes", bin_ms=500.0).read().tolist() == [[2, 0], [0, 0]]


def test_what_is_absent_is_none() -> None:
    assert BOTH.spikes is SPIKES
    assert BOTH.connectivity is None
    assert BOTH.trials is None


def test_unique_names() -> None:
    assert unique_names(["a", "b", "a", "a"]) == ["a", "b", "a_2", "a_3"]


def test_spikes_and_names_with_spaces_in_messages() -> None:
    named = Recording(
        Provenance(Path("a.nwb"), "memory"),
        {"my position (cm)": signal_from_array(np.zeros((3, 1)), name="my position (cm)", rate_hz=1.0)},
        {"spikes": spikes_from_lists([[0.1]], stop_s=1.0)},
    )
    with pytest.raises(RecordingError, match=r"--signal 'my position \(cm\)', --signal spikes"):
        named.signal()
    with pytest.raises(RecordingError, match=r"a\.nwb: --bin-ms 0 on 1 s of spikes; expected a bin above 0 ms"):
        named.signal("spikes", bin_ms=0)
    assert named.signal("spikes", bin_ms=20).source.place == "a.nwb: spikes"

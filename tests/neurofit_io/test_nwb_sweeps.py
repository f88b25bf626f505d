"""Patch clamp in NWB: which sweeps belong together, and their order."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from nwb_files import clamp, file_with, new_file, written
from pynwb import NWBHDF5IO
from pynwb.icephys import CurrentClampStimulusSeries, VoltageClampSeries

from neurofit_io.errors import RecordingError
from neurofit_io.loading import load
from neurofit_io.nwb_sweeps import natural_key
from neurofit_io.recording import Recording


def values_of(recording: Recording, name: str = "vm") -> list[float]:
    """The first value of each sweep, in mV."""
    signal = recording.signals[name]
    return [float(signal.read(s.start, s.start + 1)[0, 0]) for s in signal.segments]


def test_starting_times_go_before_names(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", clamp("s_1", 4.0, 3.0), clamp("s_2", 0.0, 1.0), clamp("s_10", 2.0, 2.0, n=10))
    recording = load(path)
    assert values_of(recording) == [1000, 2000, 3000]
    assert [(s.start, s.stop, s.start_s) for s in recording.signals["vm"].segments] == [
        (0, 30, 0.0), (30, 40, 2.0), (40, 70, 4.0),
    ]  # fmt: skip
    sweeps = recording.intervals["sweeps"]
    np.testing.assert_allclose(sweeps.stop_s, [0.3, 2.1, 4.3])
    assert sweeps.columns["name"].tolist() == ["s_2", "s_10", "s_1"]
    assert "vm: 3 sweeps in the order of their starting time" in recording.provenance.notes


def test_sweep_numbers_order_equal_starts(tmp_path: Path) -> None:
    sweeps = [clamp(f"s{i}", 0.0, float(number), sweep_number=number) for i, number in enumerate((3, 1, 2))]
    stimuli = [clamp(f"i{n}", 0.0, n * 1e-12, kind=CurrentClampStimulusSeries, sweep_number=n) for n in (1, 2, 3)]
    recording = load(file_with(tmp_path / "a.nwb", *sweeps, *stimuli))
    assert values_of(recording) == [1000, 2000, 3000]
    table = recording.intervals["sweeps"]
    assert table.columns["sweep_number"].tolist() == [1, 2, 3]
    assert table.columns["stimulus"].tolist() == ["i1", "i2", "i3"]
    assert recording.signals["stimulus"].unit == "pA"
    assert values_of(recording, "stimulus") == pytest.approx([1, 2, 3])


def test_the_table_of_recordings_orders_equal_starts(tmp_path: Path) -> None:
    file = new_file()
    for i, name in enumerate(("b", "c", "a")):
        clamp(name, 0.0, float(i))(file)
        clamp(f"stimulus_{name}", kind=CurrentClampStimulusSeries)(file)
    for name in ("c", "a", "b"):
        response = file.acquisition[name]
        file.add_intracellular_recording(
            electrode=response.electrode, response=response, stimulus=file.stimulus[f"stimulus_{name}"]
        )
    recording = load(written(tmp_path / "a.nwb", file))
    table = recording.intervals["sweeps"]
    assert table.columns["name"].tolist() == ["c", "a", "b"]
    assert table.columns["stimulus"].tolist() == ["stimulus_c", "stimulus_a", "stimulus_b"]
    assert "vm: 3 sweeps in the order of their table of intracellular recordings" in recording.provenance.notes


def test_names_are_the_last_resort(tmp_path: Path) -> None:
    recording = load(file_with(tmp_path / "a.nwb", *[clamp(f"s_{i}", 0.0, float(i)) for i in (10, 2, 1)]))
    assert values_of(recording) == [1000, 2000, 10000]
    assert "vm: 3 sweeps in the order of their name, as no time or table orders them" in recording.provenance.notes
    assert sorted(["s_10", "s_2", "s"], key=natural_key) == ["s", "s_2", "s_10"]


def test_electrodes_and_rates_are_kept_apart(tmp_path: Path) -> None:
    path = file_with(
        tmp_path / "a.nwb", clamp("a1", 0.0), clamp("a2", 1.0), clamp("b1", 0.0, electrode="Electrode 2"),
        clamp("b2", 1.0, electrode="Electrode 2"), clamp("a3", 2.0, rate=200.0), clamp("a4", 3.0, rate=200.0000001),
    )  # fmt: skip
    recording = load(path)
    steps = {name: signal.shape[0] for name, signal in recording.signals.items()}
    assert steps == {"vm_e1_100Hz": 60, "vm_e1_200Hz": 60, "vm_electrode_2": 60}
    assert sorted(recording.intervals) == ["sweeps", "sweeps_vm_e1_200Hz", "sweeps_vm_electrode_2"]


def test_voltage_clamp_is_never_vm(tmp_path: Path) -> None:
    sweeps = [clamp(f"s{i}", float(i), 2e-12, kind=VoltageClampSeries) for i in range(2)]
    recording = load(file_with(tmp_path / "a.nwb", *sweeps))
    assert [(s.name, s.kind, s.unit) for s in recording.signals.values()] == [("current", "current", "pA")]
    np.testing.assert_allclose(recording.signals["current"].read(0, 2), 2.0)


def test_one_sweep_can_be_taken(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", clamp("s1", 4.0, 2.0), clamp("s2", 1.0, 1.0))
    one = load(path, sweep=1)
    assert (one.signals["vm"].start_s, one.signals["vm"].clock.sweeps, len(one.intervals["sweeps"])) == (4.0, None, 1)
    assert values_of(one) == [2000]
    with pytest.raises(RecordingError, match="--sweep 2; expected 0 to 1"):
        load(path, sweep=2)


def test_sweeps_with_different_conversions(tmp_path: Path) -> None:
    path = file_with(
        tmp_path / "a.nwb", clamp("s1", 0.0, 7.0, conversion=1e-3), clamp("s2", 1.0, 0.007),
        clamp("s3", 2.0, 6.0, conversion=1e-3, offset=1e-3),
    )  # fmt: skip
    assert values_of(load(path)) == pytest.approx([7, 7, 7])
    np.testing.assert_allclose(load(path).signals["vm"].read(25, 35), 7.0, rtol=1e-6)


def test_hippocampus(shared_data: Path, recwarn: pytest.WarningsRecorder) -> None:
    """Stored values are mV (conversion 0.001 V); names sort as 1, 10, 11, ..., times as 1, 2, 3."""
    path = shared_data / "nwb_icephys_hippocampus/99111002.nwb"
    recording = load(path)
    vm, sweeps = recording.signals["vm"], recording.intervals["sweeps"]
    assert (vm.shape, vm.unit, vm.rate_hz) == ((16 * 7168, 1), "mV", 10000.0)
    np.testing.assert_array_equal(sweeps.start_s, np.arange(16) * 2.0)
    assert sweeps.columns["name"].tolist() == [f"ic__Step__{i}" for i in range(1, 17)]
    with h5py.File(path, "r") as file:
        stored = np.concatenate([file[f"acquisition/ic__Step__{i}/data"][:] for i in range(1, 17)])
    np.testing.assert_array_equal(vm.read()[:, 0], stored)
    with NWBHDF5IO(str(path), "r", load_namespaces=True) as io:
        file = io.read()
        response = file.acquisition["ic__Step__3"].get_data_in_units() * 1e3
        stimulus = file.stimulus["ics__Step__3"].get_data_in_units() * 1e12
    np.testing.assert_allclose(vm.read(2 * 7168, 3 * 7168)[:, 0], response, rtol=1e-6)
    np.testing.assert_allclose(recording.signals["stimulus"].read(2 * 7168, 3 * 7168)[:, 0], stimulus, rtol=1e-6)


def test_ferguson(shared_data: Path) -> None:
    recording = load(shared_data / "nwb_icephys_ferguson/FergusonEtAl2015_PYR2.nwb")
    vm, sweeps = recording.signals["vm"], recording.intervals["sweeps"]
    assert (vm.shape, len(sweeps), vm.clock.sweeps[-1].start_s) == ((260000, 1), 13, 0.0)
    assert sweeps.columns["sweep_number"].tolist() == list(range(1, 14))
    assert sweeps.columns["stimulus"][4] == "CurrentClampStimulusSeries_05"
    with h5py.File(vm.source.parts[0].path, "r") as file:
        fifth = file["acquisition/CurrentClampSeries_05/data"][:].astype(float) * 1e3
    np.testing.assert_allclose(vm.read(80000, 100000)[:, 0], fifth, rtol=1e-6)
    assert -90 < vm.read(0, 100).mean() < -50

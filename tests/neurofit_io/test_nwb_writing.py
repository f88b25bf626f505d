"""Recordings written as NWB: valid by pynwb and nwbinspector, read back equal, streamed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pynwb
import pytest
from every_field import every_field_recording

from neurofit_io.clock import Clock
from neurofit_io.comparing import differences
from neurofit_io.errors import RecordingError
from neurofit_io.loading import load
from neurofit_io.recording import Provenance, Recording
from neurofit_io.saving import save
from neurofit_io.signals import Signal, signal_from_array
from neurofit_io.sources import array_source


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(every_field_recording(), tmp_path_factory.mktemp("nwb") / "a.nwb")


def test_read_back_equal(path: Path) -> None:
    again = load(path)
    assert differences(every_field_recording(), again) == []
    assert [*again.signals] == [*every_field_recording().signals]
    assert again.provenance.notes[0] == "nothing was skipped"


def test_pynwb_finds_it_valid(path: Path) -> None:
    assert pynwb.validate(path=str(path)) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_nwbinspector_finds_nothing_critical(path: Path) -> None:
    from nwbinspector import Importance, inspect_nwbfile

    found = list(inspect_nwbfile(nwbfile_path=str(path)))
    assert found
    assert [m.message for m in found if m.importance in (Importance.CRITICAL, Importance.PYNWB_VALIDATION)] == []


def test_other_readers_see_physical_values(path: Path) -> None:
    """In volts and in NWB's own types, without anything of ours."""
    recording = every_field_recording()
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        vm = file.acquisition["vm"]
        np.testing.assert_allclose(vm.get_data_in_units() * 1e3, recording.signals["vm"].read(), rtol=1e-6)
        assert (vm.unit, vm.rate, vm.starting_time) == ("volts", 10000.0, 0.25)
        lfp = file.processing["ecephys"]["LFP"]["lfp"]
        np.testing.assert_allclose(lfp.get_data_in_units() * 1e6, recording.signals["lfp"].read(), rtol=1e-5)
        assert lfp.electrodes["label"].data[:].tolist() == ["Cz", "Fz"]
        sweeps = [file.acquisition[f"vm_cell2_sweep_{i:03d}"] for i in range(3)]
        assert [(type(s).__name__, len(s.data), s.starting_time) for s in sweeps] == [
            ("CurrentClampSeries", 100, 0.0), ("CurrentClampSeries", 250, 0.0), ("CurrentClampSeries", 250, 2.0),
        ]  # fmt: skip
        spikes = recording.spikes
        assert spikes is not None
        np.testing.assert_array_equal(file.units["spike_times"][2], spikes.times_of(2))
        np.testing.assert_array_equal(file.units["obs_intervals"][1], [[0.0, 0.2], [0.3, 0.5]])
        table = file.processing["connectivity"]["connectivity"].to_dataframe(index=True)
        assert table[["source", "target", "weight"]].to_numpy().tolist() == [[1, 0, 0.5], [1, 0, 0.25], [0, 2, -1.0]]
        assert file.trials["choice"][:].tolist() == ["left", "right"]
        assert str(file.session_start_time) == "1970-01-01 00:00:00+00:00"
        assert "session_start_time is not known" in file.session_description


def test_without_our_description_the_rules_still_name_it(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "a.nwb"
    copy.write_bytes(path.read_bytes())
    with h5py.File(copy, "r+") as file:
        del file["scratch/neurofit"]
    again = load(copy)
    assert {"vm", "calcium", "lfp"} <= {*again.signals}
    np.testing.assert_array_equal(again.signals["vm"].read(), every_field_recording().signals["vm"].read())
    assert again.connectivity is not None
    np.testing.assert_array_equal(again.connectivity.weight, [[0, 0.75, 0], [0, 0, 0], [-1, 0, 0]])
    assert again.connectivity.post_ids.tolist() == [7, 11, 300]


@pytest.mark.parametrize("kind", ["fluorescence", "dff", "deconvolved"])
def test_optical_signals_go_to_roi_series(tmp_path: Path, kind: str) -> None:
    values = np.random.default_rng(0).random((60, 5))
    signals = {
        name: signal_from_array(values, name=name, kind=kind, unit="a.u.", rate_hz=30.0, channel_ids=np.arange(5) * 3)
        for name in (kind, f"{kind}_plane2")
    }
    recording = Recording(Provenance(Path("x"), "test"), signals)
    path = save(recording, tmp_path / "a.nwb")
    assert differences(recording, load(path)) == []
    assert pynwb.validate(path=str(path)) == []
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        container = io.read().processing["ophys"]["DfOverF" if kind == "dff" else "Fluorescence"]
        assert sorted(container.roi_response_series) == [kind, f"{kind}_plane2"]


def test_the_identifier_depends_on_the_content_alone(tmp_path: Path) -> None:
    found = []
    for name, n in (("a.nwb", 9), ("b.nwb", 9), ("c.nwb", 10)):
        signal = signal_from_array(np.zeros(n), name="speed", rate_hz=10.0)
        save(Recording(Provenance(Path("x"), "test"), {"speed": signal}), tmp_path / name)
        with h5py.File(tmp_path / name, "r") as file:
            found.append(file["identifier"].asstr()[()])
    assert found[0] == found[1] != found[2]


def test_a_signal_without_a_rate_is_refused(tmp_path: Path) -> None:
    signal = signal_from_array(np.zeros(9), name="speed", rate_hz=None)
    with pytest.raises(RecordingError, match=r"speed has no rate; expected a rate or timestamps.*--rate-hz"):
        save(Recording(Provenance(Path("x"), "test"), {"speed": signal}), tmp_path / "a.nwb")
    assert not list(tmp_path.iterdir())


def test_one_slab_at_a_time_is_read(tmp_path: Path) -> None:
    asked: list[int] = []

    class Counted:
        shape, dtype, place = (200_000, 64), np.dtype(np.float32), "memory"

        def read(self, start: int, stop: int, channels: object = None) -> np.ndarray:
            asked.append(stop - start)
            return np.full((stop - start, 64), start, np.float32)

    wide = Signal("speed", "other", "m", Counted(), Clock(200_000, 1000.0))
    path = save(Recording(Provenance(Path("x"), "test"), {"speed": wide}), tmp_path / "a.nwb")
    assert max(asked) * 64 * 4 <= 16 * 2**20
    assert sum(asked) == 200_000
    assert load(path).signals["speed"].read(199_999)[0, 0] == 196_608


@pytest.mark.filterwarnings("ignore::neurofit_io.errors.RecordingWarning")
@pytest.mark.parametrize(
    "file", ["icephys_ferguson/FergusonEtAl2015_PYR2", "icephys_hippocampus/99111002", "units_phy/A8604-211122"]
)
def test_a_real_recording_survives(tmp_path: Path, shared_data: Path, file: str) -> None:
    recording = load(shared_data / f"nwb_{file}.nwb")
    for name in ("a.nwb", "a.h5"):
        assert differences(recording, load(save(recording, tmp_path / name))) == []


@pytest.mark.filterwarnings("ignore::neurofit_io.errors.RecordingWarning")
def test_bionet_survives(tmp_path: Path, shared_data: Path) -> None:
    """Vm, [Ca], ecp, spikes and connectivity of 60 cells in one file."""
    recording = load(shared_data / "bionet_60cells")
    path = save(recording, tmp_path / "a.nwb", compress=False)
    again = load(path)
    assert differences(recording, again) == []
    assert again.connectivity is not None
    assert again.connectivity.n_connected_pairs == 414
    assert pynwb.validate(path=str(path)) == []


def test_irregular_times_survive(tmp_path: Path) -> None:
    times = np.sort(np.random.default_rng(1).random(50))
    signal = Signal("x", "other", "V", array_source(np.arange(50.0)), Clock(50, None, timestamps=array_source(times)))
    recording = Recording(
        Provenance(Path("x"), "test"), {"x": dataclasses.replace(signal, channel_ids=np.array(["µ"]))}
    )
    assert differences(recording, load(save(recording, tmp_path / "a.nwb"))) == []

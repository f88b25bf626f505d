"""NWB series: names, units, conversions, clocks and positions, against pynwb's own values."""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
from nwb_files import behaviour, clamp, file_with, imaging, probe, series, trials, units
from pynwb import NWBHDF5IO

from neurofit_io import nwb
from neurofit_io.errors import RecordingError, RecordingWarning
from neurofit_io.loading import load


def test_names_say_what_a_series_is(tmp_path: Path) -> None:
    recording = load(file_with(tmp_path / "a.nwb", probe, imaging, behaviour, units, trials))
    kinds = {name: (signal.kind, signal.unit, signal.shape) for name, signal in recording.signals.items()}
    assert kinds == {
        "extracellular_probe0": ("extracellular", "uV", (50, 2)),
        "extracellular_probe1": ("extracellular", "uV", (50, 2)),
        "lfp": ("lfp", "uV", (200, 3)),
        "fluorescence_f_plane0": ("fluorescence", "n.a.", (40, 2)),
        "fluorescence_f_plane1": ("fluorescence", "n.a.", (40, 2)),
        "deconvolved_plane0": ("deconvolved", "n.a.", (40, 2)),
        "deconvolved_plane1": ("deconvolved", "n.a.", (40, 2)),
        "dff_0": ("dff", "n.a.", (40, 2)),
        "dff_1": ("dff", "n.a.", (40, 2)),
        "SpatialSeries": ("other", "cm", (10, 2)),
        "wheel": ("other", "cm/s", (8, 1)),
        "diameter": ("other", "mm", (10, 1)),
    }
    assert any("/acquisition/film (images)" in note for note in recording.provenance.notes)


def test_values_are_those_of_pynwb(tmp_path: Path) -> None:
    """physical = data * conversion * channel_conversion + offset, in V, here in uV."""
    path = file_with(tmp_path / "a.nwb", probe, imaging, behaviour)
    recording = load(path)
    with NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        lfp = file.processing["ecephys"]["LFP"]["lfp_data"]
        np.testing.assert_allclose(recording.signals["lfp"].read(), lfp.get_data_in_units() * 1e6, rtol=1e-6)
        position = file.processing["behavior"]["Position"]["SpatialSeries"]
        np.testing.assert_allclose(recording.signals["SpatialSeries"].read(), position.get_data_in_units(), rtol=1e-6)
        raw = file.acquisition["ElectricalSeriesProbe1"].get_data_in_units() * 1e6
        np.testing.assert_allclose(
            recording.signals["extracellular_probe1"].read(10, 20, [1]), raw[10:20, 1:], rtol=1e-6
        )


def test_clocks_ids_and_positions(tmp_path: Path) -> None:
    recording = load(file_with(tmp_path / "a.nwb", probe, imaging))
    lfp = recording.signals["lfp"]
    assert lfp.rate_hz == pytest.approx(50000, rel=1e-12)
    assert lfp.time_s(0, 1)[0] == 0.5
    np.testing.assert_array_equal(lfp.channel_ids, [3, 0, 2])
    np.testing.assert_array_equal(lfp.positions_um, [[3, 60, np.nan], [0, 0, np.nan], [2, 40, np.nan]])
    dff = recording.signals["dff_1"]
    np.testing.assert_array_equal(dff.channel_ids, [102, 100])
    assert dff.rate_hz == pytest.approx(15)
    np.testing.assert_allclose(dff.time_s(), np.arange(40) / 15 + 1 / 30)


def test_nothing_but_metadata_is_read_on_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_with(tmp_path / "a.nwb", probe, behaviour, clamp("s1"), clamp("s2", 1.0))
    with h5py.File(path, "r") as file:
        data = []
        file.visititems(lambda name, thing: data.append(f"/{name}") if name.endswith("/data") else None)
    assert len(data) == 8
    touched = []
    original = h5py.Dataset.__getitem__
    monkeypatch.setattr(
        h5py.Dataset, "__getitem__", lambda d, key, **k: touched.append(d.name) or original(d, key, **k)
    )
    recording = load(path)
    assert touched
    assert not set(touched) & set(data)
    recording.signals["lfp"].read(0, 1)
    assert any(name.endswith("lfp_data/data") for name in touched)


def test_an_option_takes_one_series_by_its_path(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", probe, units, trials)
    one = load(path, dataset="/processing/ecephys/LFP/lfp_data")
    assert ([*one.signals], [*one.spike_trains], [*one.intervals]) == (["lfp"], [], ["epochs", "trials"])
    assert [*load(path, dataset="acquisition/ElectricalSeriesProbe0/data").signals] == ["extracellular"]
    assert [*load(path, dataset="/units").spike_trains] == ["spikes"]
    with pytest.raises(RecordingError, match=r"no series or units /nowhere; expected one of .*/LFP/lfp_data, /units"):
        load(path, dataset="nowhere")


def test_kind_and_unit_can_be_said_of_one_series(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", series("membrane", "unknown"))
    signal = load(path, kind="vm", unit="V").signal()
    assert (signal.name, signal.unit) == ("vm", "mV")
    np.testing.assert_array_equal(signal.read(1, 3)[:, 0], [1000, 2000])


def test_scale_goes_before_the_conversion_of_one_series(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", clamp("s1", value=-65.0), clamp("s2", 1.0, value=-64.0))
    np.testing.assert_allclose(load(path, scale=1e-3).signal().read()[[0, 30], 0], [-65, -64])
    other = file_with(tmp_path / "b.nwb", clamp("s1", value=-65.0), series("speed"))
    with pytest.raises(RecordingError, match=r"--kind or --scale for 2 series.*--dataset, such as /acquisition/s1"):
        load(other, scale=1e-3)
    np.testing.assert_allclose(load(other, scale=1e-3, dataset="acquisition/s1").signal().read(), -65)


def test_several_candidates_are_listed(tmp_path: Path) -> None:
    recording = load(file_with(tmp_path / "a.nwb", series("speed"), probe))
    with pytest.raises(
        RecordingError, match=r"4 signals: --signal extracellular_probe0, .*--signal speed, --signal lfp; expected one"
    ):
        recording.signal()


def test_series_of_one_name_are_told_apart_by_their_containers(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", behaviour, lambda f: f.processing["behavior"].add(_eye()))
    assert {"SpatialSeries_position", "SpatialSeries_eye", "diameter", "wheel"} == {*load(path).signals}


def _eye() -> object:
    import pynwb

    eye = pynwb.behavior.EyeTracking(name="Eye")
    eye.create_spatial_series(name="SpatialSeries", data=np.zeros((4, 2)), reference_frame="eye", unit="deg", rate=30.0)
    return eye


def broken(path: Path, *, timestamps: bool = False, **attributes: float | None) -> Path:
    """Two series, the attributes or timestamps of the first of which are spoilt."""
    times = {"timestamps": np.arange(20) / 10} if timestamps else {}
    file_with(path, series("first", **times), series("second"))
    with h5py.File(path, "r+") as file:
        data = file["acquisition/first/data"]
        for name, value in attributes.items():
            if value is None:
                del data.attrs[name]
            else:
                data.attrs[name] = value
        if timestamps:
            del file["acquisition/first/timestamps"]
            file["acquisition/first/timestamps"] = np.arange(19) / 10
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"conversion": 0.0}, r"conversion is 0\.0; expected a finite number, not 0"),
        ({"conversion": np.nan}, "conversion is nan"),
        ({"unit": None}, r"/acquisition/first: a TimeSeries without a unit; expected data\.unit; say it with --unit"),
        ({"timestamps": True}, "20 samples but 19 timestamps; expected one for each"),
    ],
)
def test_a_broken_series_stops_no_other(tmp_path: Path, change: dict, said: str) -> None:
    path = broken(tmp_path / "a.nwb", **change)
    with pytest.warns(RecordingWarning, match=f"{said}.*left out"):
        recording = load(path)
    assert [*recording.signals] == ["second"]
    assert any(note.startswith("left out: ") for note in recording.provenance.notes)
    with pytest.raises(RecordingError, match=said):
        load(path, dataset="acquisition/first")


@pytest.mark.parametrize("rate", [0.0, np.nan, -5.0])
def test_rates_that_are_none(tmp_path: Path, rate: float) -> None:
    path = file_with(tmp_path / "a.nwb", series("only"))
    with h5py.File(path, "r+") as file:
        file["acquisition/only/starting_time"].attrs["rate"] = rate
    with pytest.raises(RecordingError, match=r"only/starting_time: rate .* Hz; expected a positive number"):
        load(path)


def test_a_missing_time_base_is_asked_for(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", series("only"))
    with h5py.File(path, "r+") as file:
        del file["acquisition/only/starting_time"]
    with pytest.raises(RecordingError, match="neither timestamps nor a rate; expected one of them; give --rate-hz"):
        load(path)
    assert load(path, rate_hz=4.0).signal().duration_s == 5.0


def test_links_are_followed_and_dead_ones_told(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", series("speed"))
    with h5py.File(path, "r+") as file:
        file["analysis/again"] = h5py.SoftLink("/acquisition/speed")
        file["analysis/dead"] = h5py.SoftLink("/acquisition/nothing")
    with pytest.warns(RecordingWarning, match="1 links lead nowhere: /analysis/dead"):
        assert [*load(path).signals] == ["speed"]


def test_newer_files_and_extensions_are_read_as_far_as_known(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", series("speed"), series("odd"))
    with h5py.File(path, "r+") as file:
        file.attrs["nwb_version"] = "2.99.0"
        file["acquisition/odd"].attrs.update({"neurodata_type": "LickSeries", "namespace": "ndx-lick"})
    with pytest.warns(RecordingWarning) as seen:
        assert [*load(path).signals] == ["odd", "speed"]
    said = " ".join(str(warning.message) for warning in seen)
    assert "NWB 2.99 is newer than 2.11" in said
    assert "extensions not known here: ndx-lick" in said
    assert "1 series of unknown types, read as plain time series: /acquisition/odd" in said


def test_external_links_need_permission(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    other = file_with(outside / "b.nwb", series("speed"))
    path = file_with(inside / "a.nwb", series("own"))
    with h5py.File(path, "r+") as file:
        file["acquisition/linked"] = h5py.ExternalLink(str(other), "/acquisition/speed")
    with pytest.raises(RecordingError, match="an external link to"):
        load(path)
    recording = load(path, allow_external=True)
    np.testing.assert_array_equal(recording.signals["linked"].read()[:, 0], np.arange(20))


def test_recognised_by_content(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.dat")
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file["x"] = 1
    (tmp_path / "text.nwb").write_text("nwb_version")
    assert [nwb.recognises(p) for p in (path, tmp_path / "plain.h5", tmp_path / "text.nwb")] == [True, False, False]


def test_sixteen_sweeps_open_quickly(shared_data: Path) -> None:
    path = shared_data / "nwb_icephys_hippocampus/99111002.nwb"
    begin = time.process_time()
    with pytest.warns(RecordingWarning, match="extensions not known here: ndx-lnmc-icephys-hierarchy"):
        recording = load(path)
    assert time.process_time() - begin < 0.5
    assert len(recording.intervals["sweeps"]) == 16


def test_old_files(shared_data: Path) -> None:
    folder = shared_data / "nwb_old_versions"
    for name in ("1.0.2_nwbfile.nwb", "1.1.2_nwbfile.nwb"):
        empty = load(folder / name)
        assert (dict(empty.signals), dict(empty.spike_trains)) == ({}, {})
    with pytest.raises(RecordingError, match=r"test_timeseries: a TimeSeries with no data; expected samples over time"):
        load(folder / "1.5.1_timeseries_no_data.nwb")
    with pytest.raises(RecordingError, match=r"test_timeseries: a TimeSeries without a unit.*--unit"):
        load(folder / "1.5.1_timeseries_no_unit.nwb")
    assert load(folder / "1.5.1_timeseries_no_unit.nwb", unit="V").signal().unit == "V"
    with pytest.raises(RecordingError, match=r"written before NWB 2 \(no nwb_version\); expected NWB 2; convert it"):
        load(shared_data / "sonata_spike_variants/spikes.onepop.v1.0.nwb")


def test_loading_warns_of_nothing_in_a_sound_file(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", probe, imaging, behaviour, units, trials, clamp("s"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recording = load(path)
    assert "vm" in recording.signals
    assert recording.spikes is not None


def test_a_series_is_found_by_its_last_name(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", probe, series("lfp_data"))
    assert [*load(path, dataset="ElectricalSeriesProbe1").signals] == ["extracellular"]
    assert [*load(path, dataset="LFP/lfp_data").signals] == ["lfp"]
    found = "2 series or units called lfp_data; expected one of /acquisition/lfp_data, /processing/ecephys/LFP/lfp_data"
    with pytest.raises(RecordingError, match=found):
        load(path, dataset="lfp_data")


def test_many_series_are_not_all_listed(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", *(series(f"s{k:02}") for k in range(15)))
    with pytest.raises(RecordingError, match="/acquisition/s11 and 3 more; choose with --dataset"):
        load(path, dataset="nowhere")


def test_columns_of_electrodes_and_rois_select_channels(tmp_path: Path) -> None:
    recording = load(file_with(tmp_path / "a.nwb", probe, imaging))
    columns = recording.signals["lfp"].metadata["channel_columns"]
    assert columns["group_name"] == ["shank1", "shank0", "shank1"]
    assert columns["x"] == [3.0, 0.0, 2.0]
    # Pixel masks are ragged, so the ROIs of this file have no column.
    assert "channel_columns" not in recording.signals["dff_0"].metadata

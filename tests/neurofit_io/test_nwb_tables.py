"""NWB tables: units as spikes, intervals as trials, connectivity, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from nwb_files import file_with, probe, series, trials, units
from pynwb import NWBHDF5IO, NWBFile

from neurofit_io.errors import RecordingError, RecordingWarning
from neurofit_io.loading import load


def unobserved(file: NWBFile) -> None:
    units(file, observed=False)


def test_units(tmp_path: Path) -> None:
    recording = load(file_with(tmp_path / "a.nwb", units))
    spikes = recording.spikes
    assert spikes is not None
    assert [spikes.times_of(i).tolist() for i in range(3)] == [[0.1, 0.15, 0.9], [], [0.2, 0.2]]
    assert spikes.unit_ids.tolist() == [0, 10, 20]
    assert {k: v.tolist() for k, v in spikes.columns.items()} == {"quality": ["q0", "q1", "q2"]}
    assert (spikes.start_s, spikes.stop_s) == (0.0, 1.0)
    assert spikes.observed_s is not None
    np.testing.assert_array_equal(spikes.observed_s[2], [[0.0, 0.5], [0.6, 1.0]])
    np.testing.assert_array_equal(np.isnan(spikes.binned(100).read()[:, 0]), [0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
    assert any("columns left out: peaks (ragged)" in note for note in recording.provenance.notes)


@pytest.mark.parametrize(
    ("fill", "span", "said"),
    [
        ((trials,), (0.0, 2.0), "0 to 2 s, as its epochs say"),
        ((series("speed", rate=4.0, starting_time=-1.0),), (-1.0, 4.0), "-1 to 4 s, as its signals last"),
        ((series("speed", rate=40.0),), (0.0, 0.9), "as its signals last, widened to its first and last spike"),
        ((), (0.1, 0.9), "0.1 to 0.9 s, its first and last spike, as nothing else tells"),
    ],
)
def test_the_span_of_spikes(tmp_path: Path, fill: tuple[Callable, ...], span: tuple[float, float], said: str) -> None:
    recording = load(file_with(tmp_path / "a.nwb", unobserved, *fill))
    assert recording.spikes is not None
    assert (recording.spikes.start_s, recording.spikes.stop_s) == pytest.approx(span)
    assert recording.spikes.stop_s > 0.9
    assert any(said in note for note in recording.provenance.notes)


def spoil(path: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    with h5py.File(file_with(path, unobserved), "r+") as file:
        changed, attributes = change(file["units"][name][:]), dict(file["units"][name].attrs)
        del file["units"][name]
        file["units"][name] = changed
        file["units"][name].attrs.update(attributes)
    return path


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("spike_times", lambda t: t[[1, 0, 2, 3, 4]], "go back at 1 places, first in unit 0 at index 1 by 0.05 s"),
        ("spike_times", lambda t: np.where(t == 0.9, np.nan, t), "1 spike times are not finite, the first at index 2"),
        ("spike_times_index", lambda i: i[[2, 0, 1]], "the index goes back at row 1, from 5 to 3"),
        ("spike_times_index", lambda i: i + np.array([0, 0, 1], i.dtype), "the index ends at 6; expected 5"),
        ("spike_times_index", lambda i: i[1:], "2 ends for 3 units"),
    ],
)
def test_broken_units(tmp_path: Path, name: str, change: Callable, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        load(spoil(tmp_path / "a.nwb", name, change))


def test_broken_units_stop_no_signal(tmp_path: Path) -> None:
    path = file_with(tmp_path / "a.nwb", unobserved, series("speed"))
    with h5py.File(path, "r+") as file:
        file["units/spike_times"][:2] = [0.5, 0.1]
    with pytest.warns(RecordingWarning, match="go back at 1 places.*left out"):
        recording = load(path)
    assert ([*recording.signals], recording.spikes) == (["speed"], None)


def test_times_can_be_said_to_be_ms(tmp_path: Path) -> None:
    spikes = load(file_with(tmp_path / "a.nwb", unobserved), spike_unit="ms").spikes
    assert spikes is not None
    np.testing.assert_allclose(spikes.times_of(0), [1e-4, 1.5e-4, 9e-4])


def test_intervals_are_kept_as_they_are(tmp_path: Path) -> None:
    recording = load(file_with(tmp_path / "a.nwb", series("speed"), trials))
    table = recording.trials
    assert table is not None
    np.testing.assert_array_equal(table.start_s, [0.1, 0.9, 1.0, 1.5])
    np.testing.assert_array_equal(table.stop_s, [0.5, 0.6, np.nan, 9.0])
    assert table.columns["choice"].tolist() == ["left", "right", "left", "right"]
    assert recording.intervals["epochs"].columns["tags"].tolist() == ["wake, maze"]


@pytest.mark.parametrize(("how", "kept"), [("drop", [[0.1, 0.5]]), ("clip", [[0.1, 0.5], [1.5, 2.0]])])
def test_bad_trials_are_mended_when_asked(tmp_path: Path, how: str, kept: list) -> None:
    table = load(file_with(tmp_path / "a.nwb", series("speed"), trials), bad_trials=how).trials
    assert table is not None
    np.testing.assert_allclose(np.stack([table.start_s, table.stop_s], 1), kept)
    assert len(table.columns["choice"]) == len(kept)


def test_references_are_named(tmp_path: Path) -> None:
    def put(file: NWBFile) -> None:
        probe(file)
        file.add_unit(spike_times=[0.1], electrode_group=file.electrode_groups["shank1"], electrodes=[2, 3])

    spikes = load(file_with(tmp_path / "a.nwb", put)).spikes
    assert spikes is not None
    assert {k: v.tolist() for k, v in spikes.columns.items()} == {"electrode_group": ["shank1"]}


@pytest.mark.filterwarnings("ignore:The 'manufacturer' field:DeprecationWarning")
def test_phy(shared_data: Path) -> None:
    path = shared_data / "nwb_units_phy/A8604-211122.nwb"
    recording = load(path)
    spikes = recording.spikes
    assert spikes is not None
    assert spikes.per_unit().tolist() == [11020, 4690, 5644]
    assert (spikes.start_s, spikes.stop_s) == (0.0, 1087.5289)
    assert recording.intervals["epochs"].columns["tags"].tolist() == ["wake"]
    with NWBHDF5IO(str(path), "r") as io:
        theirs = io.read().units
        for i in range(3):
            np.testing.assert_array_equal(spikes.times_of(i), theirs["spike_times"][i])
            assert spikes.unit_ids[i] == theirs.id[i]

"""The shared SONATA folders against what plain h5py and csv say about them."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from neurofit_io import sonata
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Recording

pytestmark = pytest.mark.filterwarnings("ignore:.*without a units attribute:neurofit_io.errors.RecordingWarning")


def _read(path: Path, **options: object) -> Recording:
    assert sonata.recognises(path)
    return sonata.read(path, LoadOptions(**options))  # type: ignore[arg-type]


def _values(path: Path, dataset: str) -> NDArray:
    with h5py.File(path, "r") as file:
        return file[dataset][()]


def _column(path: Path, key: str, name: str) -> dict[int, str]:
    with open(path, newline="") as lines:
        return {int(row[key]): row[name] for row in csv.DictReader(lines, delimiter=" ")}


@pytest.fixture(scope="module")
def bionet(shared_data: Path) -> Recording:
    return _read(shared_data / "bionet_60cells")


@pytest.mark.parametrize(
    ("signal", "file", "dataset", "factor", "unit"),
    [
        ("vm", "v_report.h5", "report/internal/data", 1.0, "mV"),
        ("calcium", "cai_report.h5", "report/internal/data", 1.0, "mM"),
        ("extracellular", "ecp.h5", "ecp/data", 1000.0, "uV"),
    ],
)
def test_bionet_signals(
    bionet: Recording, shared_data: Path, signal: str, file: str, dataset: str, factor: float, unit: str
) -> None:
    stored = _values(shared_data / "bionet_60cells" / file, dataset)
    found = bionet.signals[signal]
    assert (found.shape, found.kind, found.unit) == ((20000, 60), signal, unit)
    assert (found.rate_hz, found.start_s, found.duration_s) == (10000.0, 0.0, 2.0)
    assert_array_equal(found.read(), (stored.astype(np.float64) * factor).astype(np.float32))
    assert_array_equal(found.channel_ids, np.arange(60))


def test_bionet_spikes_are_the_upward_crossings_of_vm(bionet: Recording) -> None:
    spikes, vm = bionet.spikes, bionet.signals["vm"].read()
    assert spikes is not None
    assert spikes.n_spikes == 1603
    assert_array_equal(spikes.per_unit(), ((vm[:-1] < -15) & (vm[1:] >= -15)).sum(axis=0))
    assert (spikes.per_unit() == 0).sum() == 10
    assert (np.diff(spikes.times_s) >= 0).all()
    assert spikes.stop_s == 2.0


def test_bionet_spike_times(bionet: Recording, shared_data: Path) -> None:
    folder = shared_data / "bionet_60cells"
    for name, file, group in (
        ("spikes", "spikes.h5", "spikes/internal"),
        ("spikes_external", "inputs/external_spikes.h5", "spikes/external"),
    ):
        ids, times = (_values(folder / file, f"{group}/{part}") for part in ("node_ids", "timestamps"))
        for unit in (0, 49):
            found = bionet.spike_trains[name].times_of(unit)
            assert_allclose(found, np.sort(times[ids == unit]) / 1000, rtol=1e-15)


def test_bionet_connectivity(bionet: Recording, shared_data: Path) -> None:
    network = shared_data / "bionet_60cells" / "network"
    group = "edges/internal_to_internal"
    source, target, weight = (
        _values(network / "internal_internal_edges.h5", f"{group}/{part}")
        for part in ("source_node_id", "target_node_id", "0/syn_weight")
    )
    cell_type = _values(network / "internal_nodes.h5", "nodes/internal/node_type_id")
    expected = np.zeros((60, 60))
    for pre, post, size in zip(source.tolist(), target.tolist(), weight.tolist(), strict=True):
        expected[post, pre] += -size if cell_type[pre] >= 103 else size
    found = bionet.connectivity
    assert found is not None
    assert_allclose(found.weight, expected, rtol=1e-12)
    assert (len(found.weights), found.n_connected_pairs, found.n_possible_pairs) == (1072, 414, 3540)
    assert found.unit == "uS"
    assert found.delays_ms is not None
    assert set(found.delays_ms.tolist()) == {2.0}
    assert found.pre_types is not None
    assert_array_equal(found.pre_types, np.where(cell_type >= 103, "i", "e"))
    assert (found.weights[found.pre_types[found.pre] == "i"] < 0).all()
    assert (found.weights[found.pre_types[found.pre] == "e"] > 0).all()


def test_bionet_drive_is_rectangular(bionet: Recording) -> None:
    drive = bionet.connectivities["connectivity_external_internal"]
    assert (drive.shape, len(drive.weights), drive.recurrent) == ((60, 100), 2098, False)
    assert (drive.weights > 0).all()


def test_bionet_positions(bionet: Recording, shared_data: Path) -> None:
    nodes = shared_data / "bionet_60cells" / "network" / "internal_nodes.h5"
    somata = np.column_stack([_values(nodes, f"nodes/internal/0/{axis}") for axis in "xyz"])
    electrodes = np.loadtxt(shared_data / "bionet_60cells" / "electrodes.csv", skiprows=1)[:, 1:]
    spikes, connectivity = bionet.spikes, bionet.connectivity
    assert spikes is not None
    assert connectivity is not None
    for found in (bionet.signals["vm"].positions_um, spikes.positions_um, connectivity.post_positions_um):
        assert found is not None
        assert_array_equal(found, somata)
    places = bionet.signals["extracellular"].positions_um
    assert places is not None
    assert_array_equal(places, electrodes)
    assert_allclose(np.linalg.norm(places - somata, axis=1), 15, atol=0.01)


def test_bionet_warns_once_of_missing_units(shared_data: Path) -> None:
    with pytest.warns(Warning, match="4 datasets without a units attribute") as caught:
        recording = sonata.read(shared_data / "bionet_60cells", LoadOptions())
    assert len(caught) == 1
    assert "mV for v_report.h5/report/internal/data" in recording.provenance.notes[-1]


def test_bionet_minute(shared_data: Path) -> None:
    recording = _read(shared_data / "bionet_60cells_60s")
    vm, spikes, connectivity = recording.signals["vm"], recording.spikes, recording.connectivity
    assert (vm.shape, vm.rate_hz, vm.duration_s) == ((120000, 60), 2000.0, 60.0)
    assert spikes is not None
    assert (spikes.n_spikes, int((spikes.per_unit() == 0).sum()), spikes.stop_s) == (46021, 3, 60.0)
    assert connectivity is not None
    assert (len(connectivity.weights), connectivity.n_connected_pairs) == (933, 366)


def test_nine_cells_have_no_recurrent_edges_and_none_are_invented(shared_data: Path) -> None:
    recording = _read(shared_data / "sonata_9cells")
    assert recording.connectivity is None
    assert any("no file has edges among the cells of 'cortex'" in note for note in recording.provenance.notes)
    excitatory, inhibitory = (recording.connectivities[f"connectivity_{p}_cortex"] for p in ("excvirt", "inhvirt"))
    assert (len(excitatory.weights), len(inhibitory.weights)) == (659, 630)
    assert (excitatory.weights > 0).all()
    assert (inhibitory.weights < 0).all()
    stored = _values(shared_data / "sonata_9cells" / "membrane_potential.h5", "report/cortex/data")
    assert_array_equal(recording.signals["vm"].read(100, 200), stored[100:200].astype(np.float32))
    assert recording.spikes is not None
    assert (recording.spikes.n_spikes, recording.spikes.n_units) == (78, 9)


def test_300_intfire_weights_are_signed_products(shared_data: Path) -> None:
    folder = shared_data / "sonata_300_intfire"
    recording = _read(folder)
    file, group = folder / "network" / "v1_v1_edges.h5", "edges/v1_to_v1"
    source, target, kind, n = (
        _values(file, f"{group}/{part}") for part in ("source_node_id", "target_node_id", "edge_type_id", "0/nsyns")
    )
    sizes = _column(folder / "network" / "v1_v1_edge_types.csv", "edge_type_id", "syn_weight")
    cells = _column(folder / "network" / "v1_node_types.csv", "node_type_id", "ei")
    node_types = _values(folder / "network" / "v1_nodes.h5", "nodes/v1/node_type_id")
    expected = np.zeros((300, 300))
    for post, pre, k, count in zip(target.tolist(), source.tolist(), kind.tolist(), n.tolist(), strict=True):
        expected[post, pre] = float(sizes[k]) * count * (-1 if cells[int(node_types[pre])] == "i" else 1)
    assert recording.connectivity is not None
    assert_allclose(recording.connectivity.weight, expected, rtol=1e-12)
    assert len(recording.connectivity.weights) == 61560
    assert recording.spikes is not None
    assert (recording.spikes.n_spikes, recording.spikes.n_units, recording.spikes.stop_s) == (4322, 300, 2.99)
    assert recording.spikes.per_unit().min() == 0
    assert recording.spike_trains["spikes_lgn"].n_units == 90
    notes = " ".join(recording.provenance.notes)
    assert "2.99 s, the last spike rounded up to the next 10 ms" in notes
    assert "spikes_lgn: 12 of 2738 spikes lie outside" in notes


def test_somata_of_a_compartment_report(shared_data: Path) -> None:
    folder = shared_data / "sonata_nwb_tutorial"
    stored = _values(folder / "membrane_potential.h5", "report/cortical/data")
    recording = _read(folder)
    vm = recording.signals["vm"]
    assert_array_equal(vm.read(), stored[:, [0, 10, 60, 160, 161]].astype(np.float32))
    assert "356 of the 361 elements" in recording.provenance.notes[0]
    assert recording.spikes is not None
    assert recording.spikes.n_spikes == 24
    assert recording.signals["extracellular"].shape == (1000, 15)
    every = _read(folder, dataset="report/cortical/data").signals["vm"]
    assert_array_equal(every.read(5, 9), stored[5:9].astype(np.float32))
    assert every.channel_ids[[0, 9, 10, 360]].tolist() == ["0:0", "0:9", "1:0", "4:199"]


def test_every_layout_of_the_same_spikes(shared_data: Path) -> None:
    folder = shared_data / "sonata_spike_variants"
    files = ["spikes.one_pop.h5", "spikes.old.h5", "spikes.one_pop.csv", "spikes.noheader.nopop.csv"]
    expected = np.loadtxt(folder / "spikes.noheader.nopop.csv")
    for name in files:
        spikes = _read(folder / name).spikes
        assert spikes is not None
        assert spikes.n_spikes == 124
        assert_allclose(spikes.times_s, np.sort(expected[:, 0]) / 1000, rtol=1e-12)
        assert_array_equal(spikes.per_unit(), np.bincount(expected[:, 1].astype(int)))


def test_several_files_with_the_same_spikes_are_refused(shared_data: Path) -> None:
    with pytest.raises(RecordingError, match=r"'v1' in 2 files: spikes.old.h5, spikes.one_pop.h5; .*give one file"):
        _read(shared_data / "sonata_spike_variants")


@pytest.mark.parametrize(
    "path", ["nwb_units_phy/A8604-211122.nwb", "calcium_suite2p", "mat_kramer", "calcium_spikefinder", "nowhere"]
)
def test_other_recordings_are_left_to_others(shared_data: Path, path: str) -> None:
    assert not sonata.recognises(shared_data / path)


def test_single_files(shared_data: Path) -> None:
    folder = shared_data / "bionet_60cells"
    assert list(_read(folder / "v_report.h5").signals) == ["vm"]
    edges = _read(folder / "network" / "internal_internal_edges.h5").connectivity
    assert edges is not None
    assert (edges.n_connected_pairs, int((edges.weights < 0).sum())) == (414, 133)
    with pytest.raises(RecordingError, match="nodes only"):
        _read(folder / "network" / "internal_nodes.h5")


@pytest.mark.parametrize("damage", ["cut", "header"])
def test_a_damaged_member_is_named_and_never_dropped(shared_data: Path, tmp_path: Path, damage: str) -> None:
    """A killed run leaves a v_report.h5 with a bad object header."""
    for name in ("v_report.h5", "spikes.h5"):
        shutil.copyfile(shared_data / "bionet_60cells" / name, tmp_path / name)
    report = tmp_path / "v_report.h5"
    content = bytearray(report.read_bytes())
    if damage == "cut":
        content = content[:100000]
    else:
        content[96:136] = bytes(40)
    report.write_bytes(content)
    with pytest.raises(RecordingError, match=r"v_report\.h5"):
        _read(tmp_path)

"""Both dialects of SONATA, written here: names, types, units, orientations, groups, and what contradicts itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurofit_io import sonata
from neurofit_io.checking import check
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Recording

DATA = np.random.default_rng(0).normal(-60, 5, (50, 6)).astype(np.float32)


def _write_report(
    file: Path, *, population: str = "cells", data: Any = DATA, nodes: Sequence[int] = (4, 7, 9),
    pointer: Sequence[int] | None = (0, 1, 4, 6), pointer_name: str = "index_pointers", unit: Any = "mV",
    variable: str = "", time: Sequence[float] = (0, 5, 0.1), time_unit: str = "ms", id_type: str = "u8",
) -> None:  # fmt: skip
    with h5py.File(file, "a") as handle:
        group = handle.create_group(f"report/{population}")
        group["data"] = data
        group["mapping/node_ids"] = np.array(nodes, id_type)
        group["mapping/time"] = np.array(time, float)
        if pointer is not None:
            group[f"mapping/{pointer_name}"] = np.array(pointer, id_type)
        for item, name, value in (("data", "units", unit), ("data", "variable", variable)):
            if value:
                group[item].attrs[name] = value
        if time_unit:
            group["mapping/time"].attrs["units"] = time_unit


def _write_spikes(file: Path, ids: Any, times: Any, *, group: str = "spikes/cells", unit: str = "ms") -> None:
    with h5py.File(file, "a") as handle:
        handle[f"{group}/{'gids' if group == 'spikes' else 'node_ids'}"] = ids
        handle[f"{group}/timestamps"] = np.asarray(times, float)
        if unit:
            handle[f"{group}/timestamps"].attrs["units"] = unit


def _write_nodes(file: Path, population: str, type_ids: Sequence[int], **columns: Any) -> None:
    with h5py.File(file, "a") as handle:
        group = handle.create_group(f"nodes/{population}")
        group["node_type_id"] = type_ids
        for name, values in columns.items():
            group[f"0/{name}"] = values


def _write_edges(
    file: Path, source: Any, target: Any, types: Any, groups: dict[str, dict[str, Any]], **more: Any
) -> None:
    with h5py.File(file, "a") as handle:
        group = handle.create_group("edges/cells_to_cells")
        group["source_node_id"], group["target_node_id"] = np.array(source, "u8"), np.array(target, "u8")
        group["edge_type_id"] = types
        for side in ("source", "target"):
            group[f"{side}_node_id"].attrs["node_population"] = "cells"
        for name, columns in groups.items():
            group.create_group(name)
            for column, values in columns.items():
                group[f"{name}/{column}"] = values
        for name, values in more.items():
            group[name] = values


def _read(path: Path, **options: Any) -> Recording:
    assert sonata.recognises(path)
    return sonata.read(path, LoadOptions(**options))


@pytest.mark.parametrize("id_type", ["u8", "i8", "u4"])
@pytest.mark.parametrize("pointer_name", ["index_pointer", "index_pointers"])
@pytest.mark.parametrize("pointer", [(0, 1, 4, 6), (0, 1, 4)])
def test_pointers_of_both_names_and_lengths(
    tmp_path: Path, pointer: tuple[int, ...], pointer_name: str, id_type: str
) -> None:
    _write_report(tmp_path / "soma.h5", pointer=pointer, pointer_name=pointer_name, id_type=id_type)
    vm = _read(tmp_path).signals["vm"]
    assert vm.channel_ids.tolist() == [4, 7, 9]
    assert_array_equal(vm.read(), DATA[:, [0, 1, 4]])


@pytest.mark.parametrize(
    ("unit", "variable", "name", "file", "expected"),
    [
        ("V", "", "report", "vm", 1000.0),
        ("uV", "v", "report", "vm", 0.001),
        (b"millivolts", "membrane_potential", "report", "vm", 1.0),
        (np.array(["mV"], dtype="S2"), "", "x", "vm", 1.0),
        ("mM", "", "x", "calcium", 1.0),
        ("uM", "cai", "x", "calcium", 1.0),
        ("nA", "i_membrane", "x", "i_membrane", 1000.0),
        ("", "m_gate", "x", "m_gate", 1.0),
    ],
)
def test_kinds_and_units(tmp_path: Path, unit: Any, variable: str, name: str, file: str, expected: float) -> None:
    _write_report(tmp_path / f"{name}.h5", unit=unit, variable=variable, nodes=range(6), pointer=range(7))
    signal = _read(tmp_path).signals[file]
    assert_allclose(signal.read(), DATA * expected, rtol=1e-6)


@pytest.mark.parametrize(("name", "kind", "unit"), [("cai_report", "calcium", "mM"), ("v_report", "vm", "mV")])
def test_without_attributes_the_name_of_the_file_says(tmp_path: Path, name: str, kind: str, unit: str) -> None:
    _write_report(tmp_path / f"{name}.h5", unit="", time_unit="")
    with pytest.warns(Warning, match="2 datasets without a units attribute"):
        recording = _read(tmp_path)
    assert recording.signals[kind].unit == unit


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"unit": "lumens", "variable": "v"}, "unit 'lumens' of a vm signal"),
        ({"unit": "mV", "variable": "cai"}, "unit 'mV' of a calcium concentration"),
        ({"time_unit": "mR"}, "time in 'mR'"),
        ({"time": (0, 5, 0)}, "time is"),
        ({"time": (0, 9, 0.1)}, "50 steps of data, but .* make 90"),
        ({"pointer": (0, 1)}, "2 index pointers for 3 nodes"),
        ({"pointer": (0, 1, 4, 7)}, "index pointers from 0 to 7 over 6 columns"),
        ({"pointer": (0, 1, 1, 6)}, "at least one column a node"),
        ({"data": DATA[0]}, r"data of shape \(6,\)"),
    ],
)
def test_a_report_that_contradicts_itself(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    _write_report(tmp_path / "soma.h5", **more)
    with pytest.raises(RecordingError, match=f"soma.h5.*{words}"):
        _read(tmp_path)


def test_an_unknown_unit_can_be_said(tmp_path: Path) -> None:
    _write_report(tmp_path / "soma.h5", unit="arbitrary", variable="v")
    assert _read(tmp_path, unit="V").signals["vm"].gain == 1000.0


def test_one_step_more_than_time_says_is_trusted(tmp_path: Path) -> None:
    _write_report(tmp_path / "soma.h5", time=(0, 4.9, 0.1))
    assert _read(tmp_path).signals["vm"].shape == (50, 3)


def test_a_run_that_starts_late(tmp_path: Path) -> None:
    _write_report(tmp_path / "soma.h5", time=(100, 105, 0.1))
    vm = _read(tmp_path).signals["vm"]
    assert (vm.start_s, vm.rate_hz) == (0.1, 10000.0)


def test_two_populations_in_one_report_get_suffixes(tmp_path: Path) -> None:
    _write_report(tmp_path / "soma.h5")
    _write_report(tmp_path / "soma.h5", population="others")
    assert sorted(_read(tmp_path).signals) == ["vm_cells", "vm_others"]


def test_two_files_of_one_kind_get_suffixes_and_can_be_chosen(tmp_path: Path) -> None:
    _write_report(tmp_path / "soma.h5")
    _write_report(tmp_path / "axon.h5")
    assert sorted(_read(tmp_path).signals) == ["vm_axon", "vm_soma"]
    assert _read(tmp_path, dataset="axon.h5:/report/cells/data").signals["vm"].shape == (50, 6)
    with pytest.raises(RecordingError, match=r"expected one of axon.h5:/report/cells/data, soma.h5:"):
        _read(tmp_path, dataset="report/nobody")


def _write_ecp(file: Path, data: Any, channels: Sequence[int] | None, time: Sequence[float] = (0, 5, 0.1)) -> None:
    with h5py.File(file, "w") as handle:
        handle["ecp/data"], handle["ecp/time"] = data, np.array(time, float)
        handle["ecp/data"].attrs["units"] = "mV"
        handle["ecp/time"].attrs["units"] = "ms"
        if channels is not None:
            handle["ecp/channel_id"] = np.array(channels)


@pytest.mark.parametrize("turned", [False, True])
def test_ecp_in_either_orientation(tmp_path: Path, turned: bool) -> None:
    _write_ecp(tmp_path / "ecp.h5", DATA.T if turned else DATA, [3, 1, 2, 0, 5, 4])
    (tmp_path / "electrodes.csv").write_text(
        "channel x_pos y_pos z_pos\n" + "\n".join(f"{i} {i}.5 0 1" for i in range(5))
    )
    ecp = _read(tmp_path).signals["extracellular"]
    assert_allclose(ecp.read(), DATA * 1000, rtol=1e-6)
    assert ecp.positions_um is not None
    assert_array_equal(ecp.positions_um[:, 0], [3.5, 1.5, 2.5, 0.5, np.nan, 4.5])


def test_square_ecp_is_refused_until_the_axis_is_said(tmp_path: Path) -> None:
    square = np.arange(36.0).reshape(6, 6)
    _write_ecp(tmp_path / "ecp.h5", square, range(6), (0, 0.6, 0.1))
    with pytest.raises(RecordingError, match=r"fits both ways; .* --time-axis 0 or 1"):
        _read(tmp_path)
    assert_array_equal(_read(tmp_path, time_axis=1).signals["extracellular"].read(), square.T * 1000)


def test_ecp_that_fits_neither_way(tmp_path: Path) -> None:
    _write_ecp(tmp_path / "ecp.h5", DATA, range(7))
    with pytest.raises(RecordingError, match="fits neither way"):
        _read(tmp_path)


@pytest.mark.parametrize(
    ("sorting", "unit", "factor"),
    [("by_time", "ms", 1e-3), (np.int8(2), "milliseconds", 1e-3), (None, "s", 1.0), ("none", "us", 1e-6)],
)
def test_spike_attributes_of_both_dialects(tmp_path: Path, sorting: Any, unit: str, factor: float) -> None:
    _write_spikes(tmp_path / "spikes.h5", np.array([2, 0, 2], "u4"), [30.0, 10.0, 20.0], unit=unit)
    with h5py.File(tmp_path / "spikes.h5", "a") as handle:
        if sorting is not None:
            kinds = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="i1")
            handle["spikes/cells"].attrs.create("sorting", sorting, dtype=None if isinstance(sorting, str) else kinds)
    spikes = _read(tmp_path, n_channels=5).spikes
    assert spikes is not None
    assert spikes.n_units == 5
    assert_allclose(spikes.times_of(2), np.array([20, 30]) * factor, rtol=1e-12)


@pytest.mark.parametrize(
    ("ids", "times", "unit", "words"),
    [
        ([0, 1], [1.0, np.nan], "ms", "1 spike times are not finite"),
        ([0, -1], [1.0, 2.0], "ms", "node id -1"),
        ([0, 1, 2], [1.0, 2.0], "ms", "3 node ids for 2 spike times"),
        ([0, 1], [1.0, 2.0], "ticks", "time in 'ticks'"),
    ],
)
def test_spikes_that_cannot_be(tmp_path: Path, ids: list[int], times: list[float], unit: str, words: str) -> None:
    _write_spikes(tmp_path / "spikes.h5", np.array(ids), times, unit=unit)
    with pytest.raises(RecordingError, match=f"spikes.h5.*{words}"):
        _read(tmp_path)


def test_several_populations_of_spikes(tmp_path: Path) -> None:
    for population in ("a", "b"):
        _write_spikes(tmp_path / "spikes.h5", np.array([0, 1]), [1.0, 2.0], group=f"spikes/{population}")
    assert sorted(_read(tmp_path).spike_trains) == ["spikes_a", "spikes_b"]


def test_a_csv_beside_the_same_spikes_is_left_out(tmp_path: Path) -> None:
    _write_spikes(tmp_path / "spikes.h5", np.array([0, 1]), [1.0, 2.0])
    (tmp_path / "spikes.csv").write_text("timestamps population node_ids\n1.0 cells 0\n2.0 cells 1\n")
    recording = _read(tmp_path)
    assert recording.spikes is not None
    assert recording.spikes.n_spikes == 2
    assert any("the csv is left out" in note for note in recording.provenance.notes)


def test_spikes_beyond_the_simulation_are_counted(tmp_path: Path) -> None:
    _write_report(tmp_path / "soma.h5")
    _write_spikes(tmp_path / "spikes.h5", np.array([4, 9]), [4.9, 5.0])
    recording = _read(tmp_path)
    assert recording.spikes is not None
    assert (recording.spikes.stop_s, recording.spikes.n_units) == (0.005, 10)
    assert any("1 of 2 spikes lie outside of 0 to 0.005 s" in note for note in recording.provenance.notes)


def test_a_spike_of_a_cell_that_is_not_there(tmp_path: Path) -> None:
    _write_nodes(tmp_path / "cells_nodes.h5", "cells", [100, 100])
    _write_spikes(tmp_path / "spikes.h5", np.array([0, 2]), [1.0, 2.0])
    with pytest.raises(
        RecordingError, match=r"spikes.h5: 1 entries name cells .* first 2; expected one of its 2 nodes"
    ):
        _read(tmp_path)


def test_nodes_in_any_order_with_positions_and_types(tmp_path: Path) -> None:
    places = np.arange(9.0).reshape(3, 3)
    _write_nodes(tmp_path / "cells_nodes.h5", "cells", [1, 1, 1], positions=places, synapse_class=["EXC", "INH", "EXC"])
    with h5py.File(tmp_path / "cells_nodes.h5", "a") as handle:
        handle["nodes/cells/node_id"] = [9, 4, 7]
    _write_report(tmp_path / "soma.h5")
    _write_spikes(tmp_path / "spikes.h5", np.array([7, 4, 7]), [1.0, 2.0, 3.0])
    recording = _read(tmp_path)
    vm, spikes = recording.signals["vm"], recording.spikes
    assert vm.positions_um is not None
    assert_array_equal(vm.positions_um, places[[1, 2, 0]])
    assert spikes is not None
    assert spikes.unit_ids.tolist() == [9, 4, 7]
    assert spikes.per_unit().tolist() == [0, 1, 2]
    assert spikes.columns["ei"].tolist() == ["e", "i", "e"]


def test_two_groups_multi_edges_and_types_with_null(tmp_path: Path) -> None:
    """Group 0 has its own weights and delays, group 1 only nsyns; its weight is in the csv of types."""
    _write_edges(
        tmp_path / "cells_cells_edges.h5", [0, 0, 1, 1, 2], [1, 1, 0, 2, 0], [10, 10, 11, 11, 12],
        {"0": {"syn_weight": [0.5, 0.25], "delay": [1.5, 1.0]}, "1": {"nsyns": [3, 4, 5]}},
        edge_group_id=[0, 0, 1, 1, 1], edge_group_index=[1, 0, 2, 0, 1],
    )  # fmt: skip
    (tmp_path / "cells_cells_edge_types.csv").write_text(
        "edge_type_id syn_weight delay dynamics_params model_template\n"
        "10 NULL 9.0 AMPA_ExcToInh.json Exp2Syn\n11 0.1 2.0 GABA_InhToExc.json Exp2Syn\n12 0.2 NULL NULL Exp2Syn\n"
    )
    recording = _read(tmp_path)
    found = recording.connectivity
    assert found is not None
    assert_allclose(found.weights, [0.25, 0.5, -0.1 * 5, -0.1 * 3, 0.2 * 4], rtol=1e-12)
    assert_allclose(found.weight, [[0, -0.5, 0.8], [0.75, 0, 0], [0, -0.3, 0]], rtol=1e-12)
    assert found.delays_ms is not None
    assert_array_equal(found.delays_ms, [1.0, 1.5, 2.0, 2.0, np.nan])
    assert found.pre_types is not None
    assert found.pre_types.tolist() == ["e", "i", ""]
    assert any("1 of 5 edges excite or inhibit" in note for note in recording.provenance.notes)


def test_the_source_decides_before_the_dynamics(tmp_path: Path) -> None:
    _write_nodes(tmp_path / "cells_nodes.h5", "cells", [1, 2])
    (tmp_path / "cells_node_types.csv").write_text("node_type_id ei model_type\n1 e point_neuron\n2 i point_neuron\n")
    _write_edges(tmp_path / "cells_cells_edges.h5", [0, 1], [1, 0], [7, 7], {"0": {"syn_weight": [0.5, 0.5]}})
    (tmp_path / "cells_cells_edge_types.csv").write_text("edge_type_id dynamics_params\n7 whateverExc.json\n")
    found = _read(tmp_path).connectivity
    assert found is not None
    assert_array_equal(found.weight, [[0, -0.5], [0.5, 0]])


def test_weights_of_several_mechanisms_are_told_apart(tmp_path: Path) -> None:
    _write_edges(tmp_path / "cells_cells_edges.h5", [0, 1, 2], [1, 2, 0], [7, 8, 9], {"0": {"syn_weight": [1, 2, 3]}})
    types = tmp_path / "cells_cells_edge_types.csv"
    types.write_text("edge_type_id model_template\n7 Exp2Syn\n8 expsyn\n9 Exp2Syn\n")
    alike = _read(tmp_path).connectivity
    assert alike is not None
    assert alike.unit == "uS"
    assert "weight_units" not in alike.metadata
    types.write_text("edge_type_id model_template\n7 Exp2Syn\n8 static_synapse\n9 Exp2Syn\n")
    (finding,) = (f for f in check(tmp_path) if f.case == 55)
    assert "weights are in the unit of static_synapse and uS" in finding.message
    mixed = _read(tmp_path).connectivity
    assert mixed is not None
    assert mixed.unit == ""


def test_without_weights_every_synapse_counts_one(tmp_path: Path) -> None:
    _write_edges(tmp_path / "edges.h5", [0, 0], [1, 1], [7, 7], {"0": {}})
    recording = _read(tmp_path)
    assert recording.connectivity is not None
    assert recording.connectivity.weight[1, 0] == 2.0
    assert any("no syn_weight" in note for note in recording.provenance.notes)


def test_weights_stored_negative_stay_negative(tmp_path: Path) -> None:
    _write_nodes(tmp_path / "cells_nodes.h5", "cells", [1, 1], ei=["i", "e"])
    _write_edges(tmp_path / "edges.h5", [0], [1], [7], {"0": {"syn_weight": [-0.5]}})
    found = _read(tmp_path).connectivity
    assert found is not None
    assert found.weight[1, 0] == -0.5


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda f: _write_edges(f, [0], [1, 0], [7, 7], {"0": {}}), "1 sources, 2 targets and 2 types"),
        (lambda f: _write_edges(f, [0, 1], [1, 0], [7], {"0": {}}), "2 sources, 2 targets and 1 types"),
        (
            lambda f: _write_edges(f, [0], [1], [7], {"0": {"nsyns": [1]}}, edge_group_id=[0], edge_group_index=[3]),
            "edge_group_index 3 of 1 rows",
        ),
    ],
)
def test_edges_that_contradict_themselves(tmp_path: Path, write: Callable[[Path], None], words: str) -> None:
    write(tmp_path / "edges.h5")
    with pytest.raises(RecordingError, match=f"edges.h5: .*{words}"):
        _read(tmp_path)


def test_a_ragged_table_names_its_row(tmp_path: Path) -> None:
    _write_edges(tmp_path / "cells_edges.h5", [0], [1], [7], {"0": {}})
    (tmp_path / "cells_edge_types.csv").write_text("edge_type_id syn_weight\n7 0.5\n8\n")
    with pytest.raises(RecordingError, match=r"cells_edge_types.csv: row 3: 1 values for 2 columns"):
        _read(tmp_path)


def test_an_external_link_is_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "run", tmp_path / "secret.h5"
    inside.mkdir()
    _write_report(outside)
    _write_report(inside / "soma.h5")
    with h5py.File(inside / "soma.h5", "a") as handle:
        handle["report/linked"] = h5py.ExternalLink(str(outside), "report/cells")
    with pytest.raises(RecordingError, match=r"soma.h5: report/linked: an external link"):
        _read(inside)


def test_an_external_link_is_not_followed_to_recognise(tmp_path: Path) -> None:
    _write_report(tmp_path / "secret.h5")
    with h5py.File(tmp_path / "linked.dat", "w") as handle:
        handle["report"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "report")
    assert not sonata.recognises(tmp_path / "linked.dat")


def test_what_is_not_sonata_is_said(tmp_path: Path) -> None:
    _write_report(tmp_path / "soma.h5")
    with h5py.File(tmp_path / "other.h5", "w") as handle:
        handle["x"] = [1, 2]
    (tmp_path / "notes.npy").write_bytes(b"x")
    recording = _read(tmp_path)
    assert "not SONATA, not read: notes.npy, other.h5" in recording.provenance.notes
    assert recording.provenance.files == (tmp_path / "soma.h5",)

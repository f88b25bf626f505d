"""Raw files and folders against numpy's own bytes, and what cannot be right refused with what would be."""

from __future__ import annotations

import dataclasses
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurofit_io import (
    Connectivity,
    Recording,
    RecordingError,
    RecordingWarning,
    Trials,
    connectivity_from_matrix,
    load,
    signal_from_array,
    spikes_from_lists,
)
from neurofit_io.raw_bytes import fits, refuse_misread
from neurofit_io.raw_writing import write_raw
from neurofit_io.recording import Provenance
from neurofit_io.sweeps import sweeps_clock

RNG = np.random.default_rng(0)
VM = RNG.normal(-65, 5, (500, 7)).astype("<f4")
GIVEN: dict[str, Any] = {
    "dtype": "float32", "n_channels": 7, "rate_hz": 1e4, "time_axis": 0, "kind": "vm", "unit": "mV",
}  # fmt: skip


def write(path: Path, values: np.ndarray | bytes) -> Path:
    path.write_bytes(values if isinstance(values, bytes) else values.tobytes())
    return path


@pytest.mark.parametrize("time_axis", [0, 1])
@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("name", ["float32", "float64", "int16"])
def test_both_orders_of_everything(tmp_path: Path, time_axis: int, order: str, name: str) -> None:
    stored = VM.astype(np.dtype(name).newbyteorder(order))
    path = write(tmp_path / "x.bin", stored if time_axis == 0 else stored.T.copy())
    options = {**GIVEN, "dtype": name, "byte_order": order, "time_axis": time_axis, "scale": 0.5, "offset": 3.0}
    signal = pickle.loads(pickle.dumps(load(path, **options))).signal("vm")
    np.testing.assert_allclose(signal.read(), stored * 0.5 + 3, rtol=1e-6)
    np.testing.assert_allclose(signal.read(11, 60, [6, 2]), stored[11:60, [6, 2]] * 0.5 + 3, rtol=1e-6)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("dtype", "give --dtype"),
        ("n_channels", "3500 float32 values; give --n-channels"),
        ("time_axis", r"500 steps of 7 channels; .* give --time-axis 0"),
        ("rate_hz", "--rate-hz"),
        ("unit", "--unit"),
    ],
)
def test_what_is_not_said_is_asked_for(tmp_path: Path, missing: str, words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        load(write(tmp_path / "x.bin", VM), **{**GIVEN, missing: None})


@pytest.mark.parametrize("name", ["object", "complex64", "U4", "nonsense"])
def test_number_types(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingError, match="expected float32, float64, int16"):
        load(write(tmp_path / "x.bin", VM), **{**GIVEN, "dtype": name})


def test_size_has_to_fit(tmp_path: Path) -> None:
    with pytest.raises(
        RecordingError, match=r"14000 bytes are 437 steps x 8 channels x 4 bytes and 16 more; .*500 x 7 fl"
    ):
        load(write(tmp_path / "x.bin", VM), **{**GIVEN, "n_channels": 8})
    with pytest.raises(RecordingError, match=r"13997 bytes .an odd number of bytes: cut short\?. are 499 steps"):
        load(write(tmp_path / "x.bin", VM.tobytes()[:-3]), **GIVEN)


@pytest.mark.parametrize(
    ("size", "n", "expected"), [(4 * 60 * 10, 7, "400 x 6 int8"), (4 * 60 * 10, 10, "60 x 10 float32")]
)
def test_shapes_that_would_fit(size: int, n: int, expected: str) -> None:
    words = fits(size, np.dtype("int8" if "int8" in expected else "float32"), n)
    assert expected in words
    for part in words.removeprefix("; ").removesuffix(" would fit").split(", "):
        steps, _, rest = part.partition(" x ")
        channels, name = rest.split()
        assert int(steps) * int(channels) * np.dtype(name).itemsize == size


ORDERS = ("<f4", ">f4", "<f8", ">f8")
MISREAD = [
    (values, source, given)
    for values in (VM, VM / 1000, 1e-4 * np.abs(VM), np.round(VM), np.cumsum(VM - VM.mean(0), 0))
    for source in ORDERS
    for given in ORDERS
    # Two small float32 make one ordinary float64: nothing tells them apart.
    if source != given and (values is VM or given != source.replace("4", "8"))
]


@pytest.mark.parametrize(("values", "source", "given"), MISREAD)
def test_misread_numbers(tmp_path: Path, values: np.ndarray, source: str, given: str) -> None:
    words = f"looks like {'big' if source[0] == '>' else 'little'}-endian {np.dtype(source).name}"
    path = write(tmp_path / "x.bin", values.astype(source))
    refuse_misread(path, np.dtype(source))
    with pytest.raises(RecordingError, match=words):
        refuse_misread(path, np.dtype(given))


def test_ordinary_numbers_are_not_doubted(tmp_path: Path) -> None:
    """Zeros, dead channels and a sentinel here and there are not another type."""
    dead = VM.copy()
    dead[:, ::2] = 0
    marked = VM.copy()
    marked[::50] = 1e30
    for values in (np.zeros_like(VM), dead[:, :2], dead, marked):
        path = write(tmp_path / "x.bin", np.ascontiguousarray(values))
        refuse_misread(path, np.dtype("<f4"))
        assert path.stat().st_size == values.nbytes


def test_other_formats_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VM)
    path = write(tmp_path / "x.bin", (tmp_path / "x.npy").read_bytes())
    with pytest.raises(RecordingError, match=r"a .npy file, not raw numbers; read it with --format numpy"):
        load(path, format="raw", **GIVEN)


DESCRIBED = """
[[signals]]
file = "v.bin"
kind = "vm"
dtype = "int16"
byte_order = "big"
channels = 7
steps = 500
layout = "channel_first"
rate_hz = 10000
unit = "mV"
scale = 0.1
offset = -70.0
start_s = 2.5
channel_ids = ["a", "b", "c", "d", "e", "f", "g"]

[[signals]]
file = "ca.bin"
kind = "calcium"
dtype = "float64"
channels = 2
layout = "time_first"
rate_hz = 100.0
unit = "mM"

[spikes]
file = "spikes.csv"
time_unit = "ms"
cells = 7
stop_s = 0.05

[connectivity]
file = "w.bin"
dtype = "float32"
orientation = "pre_post"
cells = 7
unit = "uS"

[cells]
file = "cells.csv"
"""


@pytest.fixture
def described(tmp_path: Path) -> Path:
    write(tmp_path / "v.bin", np.arange(3500, dtype=">i2").reshape(7, 500))
    write(tmp_path / "ca.bin", np.abs(VM[:50, :2]).astype("<f8"))
    write(tmp_path / "w.bin", np.arange(49, dtype="<f4"))
    (tmp_path / "spikes.csv").write_text("time,unit\n30.5,6\n10,0\n")
    (tmp_path / "cells.csv").write_text(
        "type,x_um,y_um,z_um\n" + "".join(f"{'ei'[i > 4]},{i},0,1.5\n" for i in range(7))
    )
    (tmp_path / "recording.toml").write_text(DESCRIBED)
    return tmp_path


def test_folder(described: Path) -> None:
    got = load(described)
    vm, calcium = got.signals["vm"], got.signals["calcium"]
    np.testing.assert_allclose(vm.read(), np.arange(3500).reshape(7, 500).T * 0.1 - 70, rtol=1e-6)
    assert (vm.start_s, vm.rate_hz, vm.channel_ids[6], calcium.unit, calcium.shape) == (2.5, 1e4, "g", "mM", (50, 2))
    assert got.spikes is not None
    assert (got.spikes.times_s.tolist(), got.spikes.units.tolist()) == ([0.01, 0.0305], [0, 6])
    assert (got.spikes.n_units, got.spikes.stop_s) == (7, 0.05)
    assert got.connectivity is not None
    np.testing.assert_array_equal(got.connectivity.weight, np.arange(49.0).reshape(7, 7).T)
    assert got.connectivity.pre_types is not None
    assert got.connectivity.pre_types.tolist() == list("eeeeeii")
    assert got.connectivity.post_positions_um is not None
    assert got.connectivity.post_positions_um[3].tolist() == [3, 0, 1.5]
    names = {"recording.toml", "v.bin", "ca.bin", "w.bin", "spikes.csv", "cells.csv"}
    assert {p.name for p in got.provenance.files} == names
    assert load(described / "recording.toml", format="raw").signals.keys() == got.signals.keys()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps = 500", "steps = 499", "are 500 steps of 7 .* channels; expected 499 steps"),
        ('layout = "channel_first"', "", r"signals\[0\]: no 'layout'"),
        ('layout = "channel_first"', 'layout = "fast"', "expected time_first or channel_first"),
        ("channels = 7", 'channels = "7"', "channels = '7'; expected a int"),
        ("channels = 7", "chanels = 7", "unknown key 'chanels'"),
        ('file = "v.bin"', 'file = "../v.bin"', "leads out of the folder"),
        ('file = "v.bin"', 'file = "nix.bin"', "no such file in the folder"),
        ('time_unit = "ms"', 'time_unit = "min"', "expected s, ms or samples"),
        ('orientation = "pre_post"', "", r"connectivity\[0\]: no 'orientation'"),
        ("[cells]", "[sells]", r"\[sells\]; expected tables named signals"),
        ("[cells]", "[cells", "not readable as TOML"),
        ("scale = 0.1", "", "give --scale"),
    ],
)
def test_description_that_does_not_fit(described: Path, old: str, new: str, words: str) -> None:
    path = described / "recording.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(RecordingError, match=words):
        load(described)


def full() -> Recording:
    clock = sweeps_clock(5, 100, 1000.0, start_s=1.0)
    trains = [RNG.random(5) * 0.05 for _ in range(6)] + [[]]
    weights = RNG.normal(size=(7, 7)) * (RNG.random((7, 7)) < 0.4)
    types = np.array(list("eeeeeii"))
    positions = RNG.normal(size=(7, 3))
    connectivity = connectivity_from_matrix(
        weights, orientation="post_pre", unit="uS", pre_types=types, post_types=types, pre_positions_um=positions,
        post_positions_um=positions, delays_ms=RNG.random(np.count_nonzero(weights)),
    )  # fmt: skip
    vm = signal_from_array(VM, name="vm", rate_hz=1e4, unit="mV", channel_ids=types, positions_um=positions)
    lfp = dataclasses.replace(signal_from_array(VM, name="lfp_a/b", kind="lfp", rate_hz=1.0, unit="uV"), clock=clock)
    table = Trials("trials", np.arange(3.0), np.arange(3.0) + 0.5, {"choice": np.array(["left", "right", "left"])})
    return Recording(
        Provenance(Path("memory"), "memory"), {"vm": vm, "lfp_a/b": lfp},
        {"spikes": spikes_from_lists(trains, stop_s=0.05, unit_ids=np.array(list("abcdefg")))},
        {"connectivity": connectivity}, {"trials": table},
    )  # fmt: skip


def test_written_and_read_back(tmp_path: Path) -> None:
    first = full()
    second = load(write_raw(first, tmp_path / "out"))
    for name, signal in first.signals.items():
        np.testing.assert_array_equal(second.signals[name].read(), signal.read())
        np.testing.assert_array_equal(second.signals[name].channel_ids, signal.channel_ids)
        assert second.signals[name].segments == signal.segments
        assert (second.signals[name].unit, second.signals[name].kind) == (signal.unit, signal.kind)
    assert first.spikes is not None
    assert second.spikes is not None
    for attribute in ("times_s", "units", "unit_ids", "start_s", "stop_s"):
        np.testing.assert_array_equal(getattr(second.spikes, attribute), getattr(first.spikes, attribute))
    for attribute in ("weight", "delays_ms", "pre_types", "post_positions_um", "unit", "post_ids"):
        np.testing.assert_array_equal(getattr(second.connectivity, attribute), getattr(first.connectivity, attribute))
    assert second.trials is not None
    assert second.trials.columns["choice"].tolist() == ["left", "right", "left"]
    assert not list((tmp_path / "out").glob(".*"))


def test_timestamps_with_a_gap_come_back(tmp_path: Path) -> None:
    from neurofit_io import Clock
    from neurofit_io.sources import array_source

    times = np.arange(500) / 1e4 + (np.arange(500) >= 200)
    signal = dataclasses.replace(
        signal_from_array(VM, name="vm", rate_hz=1, unit="mV"),
        clock=Clock(500, None, timestamps=array_source(times)),
    )
    got = load(write_raw(Recording(Provenance(Path("x"), "memory"), {"vm": signal}), tmp_path / "out")).signals["vm"]
    assert [(s.start, s.stop) for s in got.segments] == [(0, 200), (200, 500)]
    np.testing.assert_array_equal(got.time_s(), times)


def test_what_has_no_place_is_named(tmp_path: Path) -> None:
    spikes = spikes_from_lists([[0.1]], stop_s=1.0, columns={"quality": np.array([1])})
    with pytest.warns(RecordingWarning, match="left out, raw files have no place for it: columns of spikes"):
        write_raw(Recording(Provenance(Path("x"), "memory"), spike_trains={"spikes": spikes}), tmp_path / "out")


def test_a_folder_in_use_and_two_groups_of_cells(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(RecordingError, match="exists already"):
        write_raw(full(), tmp_path)
    ids = np.arange(2), np.arange(3)
    between = Connectivity("c", np.array([0]), np.array([2]), np.array([1.0]), *ids)
    with pytest.raises(RecordingError, match="connects two groups of cells"):
        write_raw(Recording(Provenance(Path("x"), "memory"), connectivities={"c": between}), tmp_path / "y")


def test_two_terabytes_open_at_once(tmp_path: Path) -> None:
    with open(tmp_path / "x.bin", "wb") as file:
        file.write(struct.pack("<7f", *VM[0]))
        file.truncate(7 * 4 * 10**10)
    assert load(tmp_path / "x.bin", **GIVEN).signal().read(0, 1).tolist() == VM[:1].tolist()

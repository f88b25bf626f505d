"""Nothing outside the file's folder is followed, and memory is not taken on trust."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurofit_io import filters, safe_hdf5
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.safe_hdf5 import available_memory, open_checked, read_numbers, refuse_not_numeric, refuse_too_large


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a harmless neighbour, and a secret beside the folder; the working directory is the folder."""
    inside = tmp_path / "inside"
    inside.mkdir()
    for path in (inside / "ok.h5", tmp_path / "secret.h5"):
        with h5py.File(path, "w") as file:
            file["x"] = np.arange(10.0)
    monkeypatch.chdir(inside)
    return inside


def external_link(file: h5py.File, target: str) -> None:
    file["g/link"] = h5py.ExternalLink(target, "/x")


def behind_soft_link(file: h5py.File, target: str) -> None:
    file["g/link"] = h5py.ExternalLink(target, "/")
    file["soft"] = h5py.SoftLink("/g/link/x")


def external_storage(file: h5py.File, target: str) -> None:
    file.create_dataset("raw", (3,), "i4", external=[(target, 0, 12)])


def virtual(file: h5py.File, target: str) -> None:
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource(target, "x", shape=(10,))
    file.create_virtual_dataset("v", layout)


@pytest.mark.parametrize("make", [external_link, behind_soft_link, external_storage, virtual])
@pytest.mark.parametrize(("target", "refused"), [("../secret.h5", True), ("ok.h5", False), ("not_there.h5", True)])
def test_only_the_folder_is_open(folder: Path, make: Callable, target: str, refused: bool) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        make(file, target)
    assert open_checked(folder / "x.h5", LoadOptions(allow_external=True))
    if refused:
        with pytest.raises(RecordingError, match="allow-external"):
            open_checked(folder / "x.h5", LoadOptions())
    else:
        assert open_checked(folder / "x.h5", LoadOptions())


def test_absolute_path_and_symlink_out_are_refused(folder: Path) -> None:
    (folder / "alias.h5").symlink_to("../secret.h5")
    for target in (str(folder.parent / "secret.h5"), "alias.h5"):
        with h5py.File(folder / "x.h5", "w") as file:
            external_link(file, target)
        with pytest.raises(RecordingError, match="leads out of the folder"):
            open_checked(folder / "x.h5", LoadOptions())


def test_neighbour_that_leads_out_is_refused(folder: Path) -> None:
    with h5py.File(folder / "middle.h5", "w") as file:
        external_link(file, "../secret.h5")
    with h5py.File(folder / "x.h5", "w") as file:
        external_link(file, "middle.h5")
    with pytest.raises(RecordingError, match=r"middle\.h5: g/link"):
        open_checked(folder / "x.h5", LoadOptions())


def test_circles_end(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        file["a/b"] = 1
        file["a/root"] = file["/"]
        file["a/self"] = h5py.SoftLink("/a")
        file["a/x"] = h5py.ExternalLink("x.h5", "/a")
    assert open_checked(folder / "x.h5", LoadOptions())["a/root/a/b"][()] == 1


def test_only_plain_numbers(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["f"], file["text"] = np.arange(6.0).reshape(3, 2), "hello"
        file.create_dataset("refs", (2,), h5py.ref_dtype)
        file.create_dataset("ragged", (2,), h5py.vlen_dtype(np.float64))
        file["compound"] = np.zeros(3, [("a", "f4"), ("b", "i4")])
        file["complex"] = np.zeros(3, complex)
        np.testing.assert_array_equal(read_numbers(file["f"]), [[0, 1], [2, 3], [4, 5]])
        for name in ("text", "refs", "ragged", "compound", "complex"):
            with pytest.raises(RecordingError, match=f"/{name}: it holds .* expected plain numbers"):
                refuse_not_numeric(file[name])


def test_size_is_checked_before_memory_is_taken(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        endless = file.create_dataset("x", (2**44,), "f8", chunks=(1024,))
        with pytest.raises(RecordingError, match=r"x\.h5: /x: needs 140737.5 GB of memory"):
            read_numbers(endless)
    refuse_too_large(10**6, "here")


def test_memory_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 2**26 < available_memory() < 2**50
    monkeypatch.setattr(safe_hdf5, "Path", lambda name: Path("/nowhere"))
    assert 2**26 < available_memory() < 2**50


def test_compression_plugin_is_brought_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4,))
        plist.set_filter(32099, h5py.h5z.FLAG_OPTIONAL)
        h5py.h5d.create(file.id, b"v", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((4,)), plist)
    asked: list[str] = []
    monkeypatch.setattr(filters.importlib, "import_module", asked.append)
    open_checked(tmp_path / "x.h5", LoadOptions())
    assert asked == ["hdf5plugin"]
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    open_checked(tmp_path / "x.h5", LoadOptions())
    assert asked == ["hdf5plugin"]
    assert filters.filters_of(str(tmp_path / "x.h5"), "v") == ["filter (32099)"]
    assert filters.filters_of(str(tmp_path / "x.h5"), "w") == []

"""Matrices of connections out of files: orientation never guessed, ids taken where they stand, damage in one line."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from neurofit.connectivity.matrices import read_matrices, read_positions
from neurofit_io import RecordingError

MATRIX = np.array([[0, 2, 0], [-1, 0, 0.5], [0, 0, 0]])


def write_weights(path, ids=(7, 8, 9), **attributes):
    """A `weights.h5` of two methods."""
    with h5py.File(path, "w") as file:
        file.attrs["neurofit_connectivity"] = 1
        file["cell_ids"] = list(ids)
        for factor, method in enumerate(("gls", "sta"), 1):
            group = file.create_group(method)
            group["weight"], group["z"] = factor * MATRIX, 2 * factor * MATRIX
            group["se"] = np.where(np.eye(3), np.nan, 0.5)
            group.attrs.update({"unit": "mV", "notes": '["reduced form"]', **attributes})
    return path


def test_ours_says_everything(tmp_path) -> None:
    gls, sta = read_matrices(write_weights(tmp_path / "weights.h5"))
    assert (gls.name, sta.name, gls.value.unit, gls.value.notes) == ("gls", "sta", "mV", ("reduced form",))
    np.testing.assert_array_equal(sta.value.z, 4 * MATRIX)
    np.testing.assert_array_equal(gls.cell_ids, [7, 8, 9])
    named = read_matrices(write_weights(tmp_path / "named.h5", ids=("a", "b", "c")))[0]
    assert list(named.cell_ids) == ["a", "b", "c"]
    one = read_matrices(tmp_path / "weights.h5", dataset="/sta/z")[0]
    np.testing.assert_array_equal(one.value, 4 * MATRIX)
    assert list(one.cell_ids) == [7, 8, 9]


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".h5"])
def test_any_other_needs_its_orientation(tmp_path, suffix) -> None:
    path = tmp_path / f"w{suffix}"
    if suffix == ".npy":
        np.save(path, MATRIX)
    elif suffix == ".csv":
        np.savetxt(path, MATRIX, delimiter=",")
    else:
        with h5py.File(path, "w") as file:
            file["deep/w"], file["deep/other"] = MATRIX, np.zeros((3, 4))
    np.testing.assert_array_equal(read_matrices(path, orientation="post_pre")[0].value, MATRIX)
    np.testing.assert_array_equal(read_matrices(path, orientation="pre_post")[0].value, MATRIX.T)
    with pytest.raises(RecordingError, match=r"does not say what its rows are; .*; say --truth-orientation"):
        read_matrices(path, option="--truth-orientation")
    with pytest.raises(RecordingError, match="--orientation rows; expected post_pre"):
        read_matrices(path, orientation="rows")


def test_rows_of_matlab_are_rows(tmp_path) -> None:
    """MATLAB's HDF5 holds its matrices turned over."""
    with h5py.File(tmp_path / "w.mat", "w") as file:
        file["w"] = MATRIX.T
        file["w"].attrs["MATLAB_class"] = np.bytes_("double")
    np.testing.assert_array_equal(read_matrices(tmp_path / "w.mat", orientation="post_pre")[0].value, MATRIX)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("a,b,c\n0,2,0\n-1,0,.5\n0,0,0\n", ["a", "b", "c"]),
        (",a,b,c\na,0,2,0\nb,-1,0,.5\nc,0,0,0\n", ["a", "b", "c"]),
        (",70,80,90\n70,0,2,0\n80,-1,0,.5\n90,0,0,0\n", ["70", "80", "90"]),
        (",0,1,2\n0,0,2,0\n1,-1,0,.5\n2,0,0,0\n", None),
        ("0 2 0\n-1 0 .5\n0 0 0\n", None),
    ],
)
def test_ids_of_a_table(tmp_path, text, ids) -> None:
    path = tmp_path / "w.csv"
    path.write_text(text)
    found = read_matrices(path, orientation="post_pre")[0]
    np.testing.assert_array_equal(found.value, MATRIX)
    assert (None if found.cell_ids is None else list(found.cell_ids)) == ids


def test_empty_fields_are_unknown_pairs(tmp_path) -> None:
    (tmp_path / "w.csv").write_text("0,2,nan\n-1,0,\n0,0,0\n")
    found = read_matrices(tmp_path / "w.csv", orientation="post_pre")[0].value
    assert np.isnan(found[[0, 1], 2]).all()


def assert_refused(path, found, **more):
    with pytest.raises(RecordingError, match=found) as error:
        read_matrices(path, orientation="post_pre", **more)
    assert "\n" not in str(error.value)


def test_what_is_refused(tmp_path) -> None:
    np.save(tmp_path / "w.npy", MATRIX[:2])
    assert_refused(tmp_path / "w.npy", r"an array of shape \(2, 3\); expected a square matrix")
    np.save(tmp_path / "c.npy", MATRIX.astype(complex))
    assert_refused(tmp_path / "c.npy", "a matrix of complex128; expected real numbers")
    np.save(tmp_path / "o.npy", np.array([{}]), allow_pickle=True)
    assert_refused(tmp_path / "o.npy", "expected plain numbers")
    (tmp_path / "t.csv").write_text(",a,b\nb,0,1\na,2,0\n")
    assert_refused(tmp_path / "t.csv", "row labels that are not those of the columns")
    (tmp_path / "x.csv").write_text("0.5,1\nx,0\n")
    assert_refused(tmp_path / "x.csv", "text such as")
    assert_refused(tmp_path / "none.npy", "no such file")
    assert_refused(tmp_path, "a folder; expected a .npy, .csv or HDF5")
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["a"], file["b"] = MATRIX, MATRIX
    assert_refused(tmp_path / "two.h5", "2 square datasets: /a, /b; expected one; choose with --dataset")
    assert_refused(tmp_path / "two.h5", "no dataset /c; expected one of /a, /b", dataset="/c")


def test_a_damaged_file_of_ours(tmp_path) -> None:
    path = write_weights(tmp_path / "weights.h5", ids=(1, 2))
    assert_refused(path, r"gls: weight, se and z of shapes \(3, 3\), .*; expected \(2, 2\)")
    with h5py.File(path, "a") as file:
        del file["cell_ids"]
    assert_refused(path, "no dataset cell_ids")
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file.attrs["neurofit_connectivity"], file["cell_ids"] = 1, [1]
    assert_refused(tmp_path / "empty.h5", "no estimate in it")


def test_positions(tmp_path) -> None:
    where = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "p.npy", where)
    (tmp_path / "p.csv").write_text("x,y,z\n0,1,2\n3,4,5\n")
    for name in ("p.npy", "p.csv"):
        np.testing.assert_array_equal(read_positions(tmp_path / name), where)
    np.save(tmp_path / "q.npy", np.zeros((2, 7)))
    with pytest.raises(RecordingError, match=r"positions of shape \(2, 7\)"):
        read_positions(tmp_path / "q.npy")

"""Matrices of connections in files: .npy, delimited text, HDF5, and the `weights.h5` that `connectivity infer` writes.

A matrix of ours is [post, pre] and says so. Any other one needs its orientation: nothing in a square of numbers tells
rows from columns.

    weights.h5   attribute neurofit_connectivity = 1;  cell_ids (cells,);  METHOD/{weight, se, z} (post, pre)
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.estimate import Estimate
from neurofit_io import LoadOptions, RecordingError
from neurofit_io.damage import HDF5_SIGNATURE, in_words, refuse_damaged
from neurofit_io.delimited import read_table
from neurofit_io.numpy_files import NPY_MAGIC, map_npy
from neurofit_io.safe_hdf5 import open_checked, read_numbers

ATTRIBUTE = "neurofit_connectivity"


@dataclass(frozen=True, eq=False)
class NamedMatrix:
    """One matrix of connections out of a file.

    Attributes:
        name: Method, dataset or file it is named by.
        value: An `Estimate`, or a bare matrix (post, pre).
        cell_ids: Ids of the cells, (cells,); None where the file has none.
    """

    name: str
    value: Estimate | NDArray[np.float64]
    cell_ids: NDArray | None


def read_matrices(
    path: str | os.PathLike[str],
    *,
    orientation: str | None = None,
    dataset: str | None = None,
    option: str = "--orientation",
    dataset_option: str = "--dataset",
) -> list[NamedMatrix]:
    """All estimates of a `weights.h5`, or the one matrix of any other file.

    Args:
        path: A .npy, .csv, .tsv, .txt or HDF5 file.
        orientation: `post_pre` or `pre_post`: what rows and columns are; not needed for a `weights.h5`.
        dataset: Path of the matrix in an HDF5 file; needed where several are square.
        option: What the orientation is called on the command line, for messages.
        dataset_option: What the dataset is called there.

    Raises:
        RecordingError: No such file or matrix, not square, no numbers, or the orientation is not known.
    """
    file = Path(path)
    refuse_damaged(file)
    if file.is_dir():
        raise RecordingError(file, "a folder", expected="a .npy, .csv or HDF5 file with a square matrix")
    with open(file, "rb") as stream:
        head = stream.read(8)
    if head == HDF5_SIGNATURE:
        with open_checked(file, LoadOptions()) as opened:
            if ATTRIBUTE in opened.attrs and dataset is None:
                return _our_estimates(opened)
            name, matrix = _hdf5_matrix(opened, dataset, dataset_option)
            ours = ATTRIBUTE in opened.attrs
            orientation, ids = ("post_pre", _our_ids(opened)) if ours else (orientation, None)
    elif head.startswith(NPY_MAGIC):
        name, matrix, ids = file.stem, np.array(map_npy(file)), None
    else:
        name, (matrix, ids) = file.stem, _text_matrix(file)
    return [NamedMatrix(name, _oriented(file, matrix, orientation, option), ids)]


def read_positions(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """Positions of cells, um, (cells, 2 or 3), from a .npy or a delimited text file.

    Raises:
        RecordingError: No such file, or another shape.
    """
    file = Path(path)
    refuse_damaged(file)
    if file.suffix == ".npy":
        positions = np.array(map_npy(file))
    else:
        table = read_table(file)
        positions = table.numbers(range(len(table.columns)))
    if positions.ndim != 2 or positions.shape[1] not in (2, 3) or positions.dtype.kind not in "iuf":
        raise RecordingError(file, f"positions of shape {positions.shape}", expected="(cells, 3), um")
    return positions.astype(np.float64)


def _our_estimates(file: h5py.File) -> list[NamedMatrix]:
    found, ids = [], _our_ids(file)
    for method in file:
        group = file[method]
        if not isinstance(group, h5py.Group) or not {"weight", "se", "z"} <= set(group):
            continue
        weight, se, z = (read_numbers(group[part]).astype(np.float64) for part in ("weight", "se", "z"))
        if not weight.shape == se.shape == z.shape == (len(ids), len(ids)):
            raise RecordingError(
                file.filename, f"weight, se and z of shapes {weight.shape}, {se.shape} and {z.shape}", place=method,
                expected=f"{(len(ids), len(ids))}, as there are cell_ids",
            )  # fmt: skip
        with in_words(file.filename):
            unit, notes = str(group.attrs.get("unit", "")), tuple(json.loads(group.attrs.get("notes", "[]")))
        found.append(NamedMatrix(method, Estimate(method, weight, se, z, unit, notes), ids))
    if not found:
        raise RecordingError(file.filename, "no estimate in it", expected="groups with weight, se and z")
    return found


def _our_ids(file: h5py.File) -> NDArray:
    if "cell_ids" not in file:
        raise RecordingError(file.filename, "no dataset cell_ids", expected="the ids of the cells of every matrix")
    labels = file["cell_ids"]
    return labels.asstr()[()] if h5py.check_string_dtype(labels.dtype) else read_numbers(labels)


def _hdf5_matrix(file: h5py.File, dataset: str | None, option: str) -> tuple[str, NDArray]:
    square = [path for path in _datasets(file) if file[path].ndim == 2 and len(set(file[path].shape)) == 1]
    if dataset is None:
        if len(square) != 1:
            listed = ", ".join(square[:8]) + (" ..." if len(square) > 8 else "") or "none"
            raise RecordingError(
                file.filename, f"{len(square)} square datasets: {listed}", expected="one", do=f"choose with {option}"
            )
        dataset = square[0]
    if dataset not in file or not isinstance(file[dataset], h5py.Dataset):
        listed = ", ".join(square[:8]) or "none is square"
        raise RecordingError(file.filename, f"no dataset {dataset}", expected=f"one of {listed}", do=f"see {option}")
    values = read_numbers(file[dataset])
    # MATLAB writes its columns as the rows of HDF5.
    return dataset.strip("/"), values.T if "MATLAB_class" in file[dataset].attrs else values


def _datasets(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visititems(lambda name, item: found.append(f"/{name}") if isinstance(item, h5py.Dataset) else None)
    return found


def _text_matrix(file: Path) -> tuple[NDArray[np.float64], NDArray | None]:
    """A table of numbers; a header, and a first column that repeats it, are ids of cells unless they only count."""
    table = read_table(file)
    columns = list(range(len(table.columns)))
    header = table.header
    if header is not None and len(columns) == len(table.columns[0]) + 1:
        # Row labels; they stand in the first column.
        labels = [f"{label:g}" if isinstance(label, float) else str(label) for label in table.columns[0]]
        columns, header = columns[1:], header[1:]
        if labels != list(header):
            raise RecordingError(
                file, "row labels that are not those of the columns", expected="the same cells in the same order"
            )
    matrix = table.numbers(columns)
    if header is None and _labelled_by_numbers(matrix):
        header = tuple(f"{label:g}" for label in matrix[0, 1:])
        matrix = matrix[1:, 1:]
    if header is None or list(header) in (
        [str(i) for i in range(len(header))],
        [str(i + 1) for i in range(len(header))],
    ):
        return matrix, None
    return matrix, np.asarray(header)


def _labelled_by_numbers(matrix: NDArray[np.float64]) -> bool:
    """Whether first row and first column are the same whole numbers around an empty corner: ids, and no weights."""
    if matrix.shape[0] != matrix.shape[1] or len(matrix) < 3 or not np.isnan(matrix[0, 0]):
        return False
    labels = matrix[0, 1:]
    return (
        np.array_equal(labels, matrix[1:, 0]) and len(set(labels % 1) | {0.0}) == 1 and len(set(labels)) == len(labels)
    )


def _oriented(file: Path, matrix: NDArray, orientation: str | None, option: str) -> NDArray[np.float64]:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise RecordingError(file, f"an array of shape {matrix.shape}", expected="a square matrix")
    if matrix.dtype.kind not in "biuf":
        raise RecordingError(file, f"a matrix of {matrix.dtype}", expected="real numbers")
    if orientation not in ("post_pre", "pre_post"):
        raise RecordingError(
            file, "a matrix that does not say what its rows are" if orientation is None else f"{option} {orientation}",
            expected="post_pre (a row is a postsynaptic cell) or pre_post", do=f"say {option}",
        )  # fmt: skip
    return np.array(matrix.T if orientation == "pre_post" else matrix, dtype=np.float64)

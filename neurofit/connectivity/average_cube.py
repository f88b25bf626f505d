"""The averages of all pairs in an HDF5 file: `average[post, pre, lag]`, float32, with ids and lags.

/average     (post, pre, lag), mV, relative to the postsynaptic cell's mean; NaN for a silent presynaptic cell
/lags_ms     (lag,), the scale of the last axis
/post_ids, /pre_ids     (cells,), the scales of the first two
/mean        (post,), mV: add it for the voltage itself
/n_spikes    (pre,), spikes that count
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.average_blocks import average_blocks
from neurofit.connectivity.average_options import LAGS, checked_lags
from neurofit.connectivity.cell_voltages import CellVoltages
from neurofit.connectivity.spike_triggered_average import counted_spikes
from neurofit_io.files import atomic_path
from neurofit_io.hdf5_output import hdf5_output


def write_average_cube(path: str | os.PathLike[str], cells: CellVoltages, lags: tuple[int, int] | range = LAGS) -> Path:
    """Streams the averages of all pairs to a file.

    Args:
        path: File to write, replaced if it is there.
        cells: Voltages and spikes, from `cell_voltages`.
        lags: First and last lag, steps, or a range.

    Raises:
        OSError: The disk is full; nothing is left of the file.
    """
    span = checked_lags(lags)
    trains = counted_spikes(cells, span)
    n = cells.n_cells
    with atomic_path(path) as beside, hdf5_output(beside) as (file, stop_if_full):
        scales = {
            "post_ids": stored_ids(cells.vm.channel_ids),
            "pre_ids": stored_ids(cells.vm.channel_ids),
            "lags_ms": np.arange(span[0], span[1] + 1) * cells.dt_ms,
        }
        cube = file.create_dataset("average", (n, n, span[1] - span[0] + 1), np.float32)
        cube.attrs["unit"] = cells.vm.unit
        for axis, (name, values) in enumerate(scales.items()):
            file.create_dataset(name, data=values).make_scale(name)
            cube.dims[axis].attach_scale(file[name])
            cube.dims[axis].label = name.split("_")[0].removesuffix("s")
        file.create_dataset("n_spikes", data=[len(train) for train in trains])
        mean = np.empty(n)
        for block in average_blocks(cells, trains, span):
            mean[block.post] = block.mean
            cube[block.post] = np.ascontiguousarray(block.values)
            stop_if_full()
        file.create_dataset("mean", data=mean).attrs["unit"] = cells.vm.unit
    return Path(path)


def stored_ids(ids: NDArray) -> NDArray:
    """Labels as HDF5 has them: numbers as they are, text as UTF-8."""
    values = np.asarray(ids)
    return values if values.dtype.kind in "iu" else np.array([str(value).encode() for value in values], dtype="S")

"""Raw binary: one .bin without a header, or a folder of such files that a `recording.toml` describes.

One file needs `--dtype`, `--n-channels` and `--rate-hz`, and `--time-axis` with several channels: 0 when all channels
of a step lie together, 1 when all steps of a channel do. A folder says it all in its `recording.toml`:

    [[signals]]
    file = "vm.bin"
    kind = "vm"                # vm, calcium, extracellular, lfp, ...
    name = "vm"                # optional; the kind
    dtype = "float32"
    byte_order = "little"      # optional
    channels = 2022
    steps = 60000              # optional; checked
    layout = "time_first"      # or "channel_first": all steps of a channel together; needed with several channels
    rate_hz = 10000.0          # or timestamps = "times.bin" (float64, s)
    unit = "mV"
    scale = 1.0                # optional; stored to `unit`
    offset = 0.0               # optional; added after scale, in `unit`
    start_s = 0.0              # optional
    channel_ids = ["a", "b"]   # optional
    positions = "xyz.bin"      # optional; float64 (channels, 3), um
    sweeps = "sweeps.csv"      # optional; separate stretches: columns start, stop (steps), start_s

    [[spikes]]                 # a csv of (time, unit), or two .bin
    file = "spikes.csv"
    times = "spike_times.bin"  # float64
    units = "spike_units.bin"  # int32, from 0
    time_unit = "s"            # s, ms, or samples (with rate_hz)
    cells = 2022               # optional; silent ones count too
    name, start_s, stop_s, unit_ids                        # optional

    [[connectivity]]           # a dense square .bin, or one row a synapse in three .bin
    file = "weights.bin"
    dtype = "float64"
    orientation = "post_pre"   # or "pre_post"
    post = "post.bin"          # int64, from 0
    pre = "pre.bin"            # int64, from 0
    weights = "weights.bin"    # float64
    delays = "delays_ms.bin"   # optional; float64, ms
    cells = 2022
    unit = "uS"                # optional; name, cell_ids too

    [cells]                    # optional; e or i and a place for each cell of the connectivity, in order
    file = "cells.csv"         # columns type, x_um, y_um, z_um

    [[intervals]]              # trials, epochs
    name = "trials"
    file = "trials.csv"        # columns start_s, stop_s and any others
"""

from __future__ import annotations

from pathlib import Path

from neurofit_io.arrays import NamedArray, recording_of_arrays
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.raw_bytes import header_of, map_raw, raw_dtype, refuse_header, steps_in
from neurofit_io.raw_folder import DESCRIPTION, read_folder
from neurofit_io.recording import Recording

_SUFFIXES = (".bin", ".dat", ".raw")


def recognises(path: Path) -> bool:
    """Whether `path` is a folder with a `recording.toml`, or a file named as raw that begins with no known header."""
    try:
        if path.is_dir():
            return (path / DESCRIPTION).is_file()
        return path.suffix.lower() in _SUFFIXES and header_of(path) is None
    except OSError:
        return False


def read(path: Path, options: LoadOptions) -> Recording:
    """A raw file by its options, or a folder by its `recording.toml`.

    Raises:
        RecordingError: Something needed is not said, or the bytes do not fit it.
    """
    if path.is_dir():
        return read_folder(path, options)
    if path.name == DESCRIPTION:
        return read_folder(path.parent, options)
    refuse_header(path)
    dtype = raw_dtype(options.dtype, options.byte_order, path)
    if options.n_channels is None:
        raise RecordingError(
            path, f"{path.stat().st_size // dtype.itemsize} {dtype.name} values", do="give --n-channels"
        )
    steps = steps_in(path, dtype, options.n_channels)
    if options.time_axis is None and options.n_channels > 1:
        raise RecordingError(
            path, f"{steps} steps of {options.n_channels} channels", expected="to know how they lie",
            do="give --time-axis 0 (all channels of a step together) or 1 (all steps of a channel together)",
        )  # fmt: skip
    time_axis = options.time_axis or 0
    array = NamedArray(path.stem, map_raw(path, dtype, options.n_channels, time_axis), path, time_axis=time_axis)
    return recording_of_arrays([array], path, options, format="raw")

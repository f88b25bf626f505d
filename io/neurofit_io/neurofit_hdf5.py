"""neurofit's own HDF5 layout, version 1: a `Recording` field by field, read back equal.

    /                             attribute neurofit_format = 1
    /provenance                   JSON text: name and format of the source, its metadata and notes
    /signals/NAME                 attributes kind, unit, start_s and, when known, rate_hz
        values                    (steps, channels) float32 in `unit`, chunks of 1024 x 64
        timestamps_s              (steps,) when time is not a constant rate
        sweeps                    (sweeps, 3): first step, one past the last, time of the first, s; when there are any
        channel_ids               (channels,) integers or UTF-8 text
        positions_um              (channels, 3) when known
        metadata                  JSON text
    /spikes/NAME                  attributes start_s, stop_s
        times_s, units            (spikes,) ascending times, s, and the index of each one's unit
        unit_ids                  (units,)
        columns/COLUMN            (units,)
        observed_s, observed_index  (k, 2) intervals, s, and where those of each unit end; when given
        positions_um, metadata    as above
    /connectivity/NAME            attribute unit
        post, pre, weights        (rows,) indices into the ids, and signed weights
        post_ids, pre_ids         one label per cell
        delays_ms, post_types, pre_types, post_positions_um, pre_positions_um   when known
        metadata                  JSON text
    /intervals/NAME
        start_s, stop_s           (rows,), s
        columns/COLUMN            (rows, ...)

A `/` in a name is written `%2F`, a `%` as `%25`. Groups keep the order in which they were made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.clock import Clock, Segment
from neurofit_io.connectivity import Connectivity
from neurofit_io.damage import in_words
from neurofit_io.errors import RecordingError
from neurofit_io.hdf5_output import hdf5_output
from neurofit_io.json_text import from_json, to_json
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Provenance, Recording
from neurofit_io.safe_hdf5 import open_checked, read_numbers
from neurofit_io.signals import SLAB_BYTES, Signal
from neurofit_io.sources import Hdf5Source
from neurofit_io.spikes import Spikes
from neurofit_io.trials import Trials

FORMAT = 1
CHUNK = (1024, 64)
"""Steps and channels of a chunk: 256 KB, which serves windows of all channels and single channels alike."""

_TABLE_PARTS = ("delays_ms", "post_types", "pre_types", "post_positions_um", "pre_positions_um")


def recognises(path: Path) -> bool:
    """Whether `path` is an HDF5 file with the attribute `neurofit_format`."""
    try:
        with h5py.File(path, "r") as file:
            return "neurofit_format" in file.attrs
    except (OSError, RuntimeError, ValueError):
        return False


def read(path: Path, options: LoadOptions) -> Recording:
    """Opens a file of this layout; the values of signals are read when asked for.

    Raises:
        RecordingError: A later version of the layout, or a part that is missing or damaged.
    """
    file = open_checked(path, options)
    with in_words(path):
        version = int(file.attrs["neurofit_format"])
        if version > FORMAT:
            raise RecordingError(
                path, f"neurofit_format {version}", expected=f"{FORMAT} or lower", do="update neurofit to read it"
            )
        return Recording(
            _provenance(path, file),
            {name: _signal(path, name, group) for name, group in _groups(file, "signals")},
            {name: _spikes(name, group) for name, group in _groups(file, "spikes")},
            {name: _connectivity(name, group) for name, group in _groups(file, "connectivity")},
            {name: _trials(name, group) for name, group in _groups(file, "intervals")},
        )


def write(recording: Recording, path: Path, *, compress: bool = True) -> None:
    """Writes `recording` to `path`, one slab of a signal in memory at a time."""
    with hdf5_output(path) as (file, stop_if_full):
        file.attrs["neurofit_format"] = FORMAT
        file["provenance"] = _origin(recording.provenance)
        for name, signal in recording.signals.items():
            _write_signal(_new(file, "signals", name), signal, compress, stop_if_full)
        for name, spikes in recording.spike_trains.items():
            _write_spikes(_new(file, "spikes", name), spikes)
        for name, connectivity in recording.connectivities.items():
            _write_connectivity(_new(file, "connectivity", name), connectivity)
        for name, trials in recording.intervals.items():
            group = _new(file, "intervals", name)
            _put(group, "start_s", trials.start_s)
            _put(group, "stop_s", trials.stop_s)
            _put_columns(group, trials.columns)


def quoted(name: str) -> str:
    """`name` without the characters that HDF5 paths give a meaning to."""
    return name.replace("%", "%25").replace("/", "%2F")


def _new(file: h5py.File, room: str, name: str) -> h5py.Group:
    parent = file[room] if room in file else file.create_group(room, track_order=True)
    return parent.create_group(quoted(name), track_order=True)


def _groups(file: h5py.File, room: str) -> list[tuple[str, h5py.Group]]:
    return [(unquote(name), group) for name, group in file[room].items()] if room in file else []


def _origin(provenance: Provenance) -> str:
    origin = {"name": provenance.path.name, "format": provenance.format}
    return to_json({"metadata": {"origin": origin, **provenance.metadata}, "notes": provenance.notes})


def _provenance(path: Path, file: h5py.File) -> Provenance:
    said = from_json(file["provenance"].asstr()[()])
    return Provenance(path, "neurofit", (path,), said["metadata"], tuple(said["notes"]))


def _put(group: h5py.Group, name: str, values: Any) -> None:
    """Writes an array, or nothing for None; text as UTF-8 of variable length."""
    if values is None:
        return
    array = np.asarray(values)
    if array.dtype.kind in "OUS":
        group.create_dataset(name, data=array.astype(str).astype(object), dtype=h5py.string_dtype())
    else:
        group.create_dataset(name, data=array)


def _get(group: h5py.Group, name: str) -> Any:
    if name not in group:
        return None
    stored = group[name]
    return stored.asstr()[()].astype(str) if h5py.check_string_dtype(stored.dtype) else read_numbers(stored)


def _put_columns(group: h5py.Group, columns: Mapping[str, NDArray]) -> None:
    inside = group.create_group("columns", track_order=True)
    for name, values in columns.items():
        _put(inside, quoted(name), values)


def _get_columns(group: h5py.Group) -> dict[str, NDArray]:
    return {unquote(name): _get(group["columns"], name) for name in group["columns"]}


def _get_metadata(group: h5py.Group) -> dict[str, Any]:
    return from_json(group["metadata"].asstr()[()])


def _write_signal(group: h5py.Group, signal: Signal, compress: bool, stop_if_full: Callable[[], None]) -> None:
    clock, (n_steps, n_channels) = signal.clock, signal.shape
    group.attrs.update({"kind": signal.kind, "unit": signal.unit, "start_s": clock.start_s})
    if clock.rate_hz is not None:
        group.attrs["rate_hz"] = clock.rate_hz
    if clock.sweeps is not None:
        _put(group, "sweeps", np.array([(s.start, s.stop, s.start_s) for s in clock.sweeps], float).reshape(-1, 3))
    _put(group, "channel_ids", signal.channel_ids)
    _put(group, "positions_um", signal.positions_um)
    group["metadata"] = to_json(signal.metadata)
    chunks = (min(CHUNK[0], max(n_steps, 1)), min(CHUNK[1], max(n_channels, 1)))
    packing = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if compress else {}
    values = group.create_dataset("values", (n_steps, n_channels), np.float32, chunks=chunks, **packing)
    times = None if clock.timestamps is None else group.create_dataset("timestamps_s", (n_steps,), np.float64)
    for start, stop in _whole_chunks(n_steps, n_channels):
        values[start:stop] = signal.read(start, stop)
        if times is not None:
            times[start:stop] = clock.time_s(start, stop)
        stop_if_full()


def _whole_chunks(n_steps: int, n_channels: int) -> list[tuple[int, int]]:
    """Spans of steps of about 16 MB that end where chunks end, so that no chunk is compressed twice."""
    rows = max(1, SLAB_BYTES // (4 * max(n_channels, 1)) // CHUNK[0]) * CHUNK[0]
    return [(start, min(start + rows, n_steps)) for start in range(0, n_steps, rows)]


def _signal(path: Path, name: str, group: h5py.Group) -> Signal:
    source, rate = Hdf5Source(path, f"{group.name}/values"), group.attrs.get("rate_hz")
    times = Hdf5Source(path, f"{group.name}/timestamps_s") if "timestamps_s" in group else None
    sweeps = _get(group, "sweeps")
    clock = Clock(
        source.shape[0] if times is None else times.shape[0], None if rate is None else float(rate),
        float(group.attrs["start_s"]), times,
        None if sweeps is None else tuple(Segment(int(a), int(b), float(start_s)) for a, b, start_s in sweeps),
    )  # fmt: skip
    return Signal(
        name, group.attrs["kind"], group.attrs["unit"], source, clock, channel_ids=_get(group, "channel_ids"),
        positions_um=_get(group, "positions_um"), metadata=_get_metadata(group),
    )  # fmt: skip


def _write_spikes(group: h5py.Group, spikes: Spikes) -> None:
    group.attrs.update({"start_s": spikes.start_s, "stop_s": spikes.stop_s})
    for name in ("times_s", "units", "unit_ids", "positions_um"):
        _put(group, name, getattr(spikes, name))
    if spikes.observed_s is not None:
        _put(
            group,
            "observed_s",
            np.concatenate([np.empty((0, 2)), *(np.reshape(o, (-1, 2)) for o in spikes.observed_s)]),
        )
        _put(group, "observed_index", np.cumsum([len(o) for o in spikes.observed_s], dtype=np.int64))
    _put_columns(group, spikes.columns)
    group["metadata"] = to_json(spikes.metadata)


def _spikes(name: str, group: h5py.Group) -> Spikes:
    observed = None
    if "observed_s" in group:
        observed = tuple(np.split(_get(group, "observed_s"), _get(group, "observed_index"))[:-1])
    return Spikes(
        name, _get(group, "times_s"), _get(group, "units"), _get(group, "unit_ids"), float(group.attrs["start_s"]),
        float(group.attrs["stop_s"]), observed, _get_columns(group), _get(group, "positions_um"), _get_metadata(group),
    )  # fmt: skip


def _write_connectivity(group: h5py.Group, connectivity: Connectivity) -> None:
    group.attrs["unit"] = connectivity.unit
    for name in ("post", "pre", "weights", "post_ids", "pre_ids", *_TABLE_PARTS):
        _put(group, name, getattr(connectivity, name))
    group["metadata"] = to_json(connectivity.metadata)


def _connectivity(name: str, group: h5py.Group) -> Connectivity:
    post, pre, weights, post_ids, pre_ids = (_get(group, n) for n in ("post", "pre", "weights", "post_ids", "pre_ids"))
    return Connectivity(
        name, post, pre, weights, post_ids, pre_ids, group.attrs["unit"], metadata=_get_metadata(group),
        **{part: _get(group, part) for part in _TABLE_PARTS},
    )  # fmt: skip


def _trials(name: str, group: h5py.Group) -> Trials:
    return Trials(name, _get(group, "start_s"), _get(group, "stop_s"), _get_columns(group))

"""Writes a `Recording` as a folder of raw files with its `recording.toml`, signals streamed in float32."""

from __future__ import annotations

import csv
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit_io.connectivity import Connectivity
from neurofit_io.errors import RecordingError, RecordingWarning
from neurofit_io.files import atomic_path, write_bytes, write_text
from neurofit_io.raw_folder import DESCRIPTION
from neurofit_io.recording import Recording
from neurofit_io.signals import Signal
from neurofit_io.spikes import Spikes
from neurofit_io.trials import Trials


def write_raw(recording: Recording, folder: str | os.PathLike[str]) -> Path:
    """Writes `recording` to `folder`, which `load` reads back.

    Signals are written time first, float32, in design units; their metadata, and the observation intervals and
    columns of spikes, have no place in this layout and are named in a warning.

    Args:
        recording: What to write.
        folder: A new or empty folder; `recording.toml` is written last.

    Returns:
        The folder.

    Raises:
        RecordingError: The folder holds something already.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RecordingError(target, "exists already", expected="a new or empty folder", do="remove it first")
    target.mkdir(parents=True, exist_ok=True)
    blocks = [_block("signals", _write_signal(signal, target)) for signal in recording.signals.values()]
    blocks += [_block("spikes", _write_spikes(spikes, target)) for spikes in recording.spike_trains.values()]
    blocks += [_block("connectivity", _write_connectivity(c, target)) for c in recording.connectivities.values()]
    blocks += _cells_block(recording, target)
    blocks += [_block("intervals", _write_intervals(table, target)) for table in recording.intervals.values()]
    _warn_left_out(recording, target)
    write_text(target / DESCRIPTION, "\n".join(blocks))
    return target


def _block(name: str, values: Mapping[str, Any]) -> str:
    """One table of TOML; its strings, numbers and lists are spelled as in JSON."""
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items() if value is not None]
    return "\n".join([f"[[{name}]]", *lines, ""])


def _write_signal(signal: Signal, folder: Path) -> dict[str, Any]:
    stem = _stem(signal.name)
    with atomic_path(folder / f"{stem}.bin") as beside, open(beside, "wb") as file:
        for _, values in signal.slabs():
            file.write(np.ascontiguousarray(values, "<f4").tobytes())
    n_steps, n_channels = signal.shape
    entry = {
        "file": f"{stem}.bin", "kind": signal.kind, "name": signal.name, "dtype": "float32", "byte_order": "little",
        "channels": n_channels, "steps": n_steps, "layout": "time_first", "unit": signal.unit,
        "channel_ids": _ids(signal.channel_ids),
    }  # fmt: skip
    if signal.positions_um is not None:
        entry["positions"] = _write_column(folder, f"{stem}_positions.bin", signal.positions_um, "<f8")
    return entry | _write_clock(signal, folder, stem)


def _write_clock(signal: Signal, folder: Path, stem: str) -> dict[str, Any]:
    clock = signal.clock
    if clock.timestamps is not None:
        name = _write_column(folder, f"{stem}_times.bin", clock.time_s(0, clock.n_steps), "<f8")
        return {"timestamps": name}
    entry: dict[str, Any] = {"rate_hz": clock.rate_hz, "start_s": float(clock.start_s)}
    if clock.sweeps is not None:
        rows = [(s.start, s.stop, s.start_s) for s in clock.sweeps]
        entry["sweeps"] = _write_csv(folder, f"{stem}_sweeps.csv", ("start", "stop", "start_s"), rows)
    return entry


def _write_spikes(spikes: Spikes, folder: Path) -> dict[str, Any]:
    stem = _stem(spikes.name)
    return {
        "times": _write_column(folder, f"{stem}_times.bin", spikes.times_s, "<f8"),
        "units": _write_column(folder, f"{stem}_units.bin", spikes.units, "<i4"),
        "time_unit": "s", "cells": spikes.n_units, "name": spikes.name, "start_s": spikes.start_s,
        "stop_s": spikes.stop_s, "unit_ids": _ids(spikes.unit_ids),
    }  # fmt: skip


def _write_connectivity(matrix: Connectivity, folder: Path) -> dict[str, Any]:
    if not matrix.recurrent:
        raise RecordingError(
            folder, f"{matrix.name} connects two groups of cells", expected="one group in raw files",
            do="save it as neurofit HDF5 (.h5)",
        )  # fmt: skip
    stem = _stem(matrix.name)
    columns = {"post": ("<i8", matrix.post), "pre": ("<i8", matrix.pre), "weights": ("<f8", matrix.weights)}
    if matrix.delays_ms is not None:
        columns["delays"] = ("<f8", matrix.delays_ms)
    entry: dict[str, Any] = {
        key: _write_column(folder, f"{stem}_{key}.bin", values, dtype) for key, (dtype, values) in columns.items()
    }
    return entry | {
        "cells": len(matrix.post_ids), "unit": matrix.unit, "name": matrix.name, "cell_ids": _ids(matrix.post_ids),
    }  # fmt: skip


def _cells_block(recording: Recording, folder: Path) -> list[str]:
    """Types and positions, when the one connectivity of the recorded cells has them."""
    matrix = recording.connectivity
    if matrix is None or (matrix.post_types is None and matrix.post_positions_um is None):
        return []
    columns: dict[str, Sequence] = {}
    if matrix.post_types is not None:
        columns["type"] = matrix.post_types.tolist()
    if matrix.post_positions_um is not None:
        columns |= dict(zip(("x_um", "y_um", "z_um"), matrix.post_positions_um.T.tolist(), strict=True))
    _write_csv(folder, "cells.csv", tuple(columns), list(zip(*columns.values(), strict=True)))
    return [_block("cells", {"file": "cells.csv"})]


def _write_intervals(table: Trials, folder: Path) -> dict[str, Any]:
    columns = {"start_s": table.start_s, "stop_s": table.stop_s}
    columns |= {name: values for name, values in table.columns.items() if np.ndim(values) == 1}
    rows = list(zip(*(values.tolist() for values in columns.values()), strict=True))
    return {"name": table.name, "file": _write_csv(folder, f"{_stem(table.name)}.csv", tuple(columns), rows)}


def _warn_left_out(recording: Recording, folder: Path) -> None:
    left = [f"metadata of {s.name}" for s in recording.signals.values() if s.metadata]
    left += [f"columns of {s.name}" for s in recording.spike_trains.values() if s.columns]
    left += [f"observed intervals of {s.name}" for s in recording.spike_trains.values() if s.observed_s is not None]
    left += [f"cells of {name}" for name in recording.connectivities if name != "connectivity"]
    if left:
        text = f"{folder}: left out, raw files have no place for it: {', '.join(left)}"
        warnings.warn(text, RecordingWarning, stacklevel=3)


def _write_column(folder: Path, name: str, values: NDArray, dtype: str) -> str:
    write_bytes(folder / name, np.ascontiguousarray(values, dtype).tobytes())
    return name


def _write_csv(folder: Path, name: str, header: Sequence[str], rows: Sequence[Sequence]) -> str:
    with atomic_path(folder / name) as beside, open(beside, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return name


def _ids(ids: NDArray) -> list | None:
    return None if np.array_equal(ids, np.arange(len(ids))) else ids.tolist()


def _stem(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)

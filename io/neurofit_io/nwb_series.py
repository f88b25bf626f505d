"""One NWB time series as a lazily read `Signal`: physical = data * conversion * channel_conversion + offset.

`unit` is the unit after conversion, so the change to design units comes on top of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neurofit_io.clock import Clock
from neurofit_io.damage import in_words
from neurofit_io.errors import RecordingError
from neurofit_io.nwb_objects import Found
from neurofit_io.nwb_tables import columns_of, positions_of, rows_of, text
from neurofit_io.options import LoadOptions
from neurofit_io.recording import unique_names
from neurofit_io.safe_hdf5 import read_numbers, refuse_not_numeric
from neurofit_io.signals import Signal
from neurofit_io.sources import Hdf5Source
from neurofit_io.units import to_design

NOT_SIGNALS = {
    "ImageSeries": "images", "OnePhotonSeries": "images", "TwoPhotonSeries": "images", "OpticalSeries": "images",
    "ImageMaskSeries": "images", "IndexSeries": "images", "AnnotationSeries": "text", "IntervalSeries": "events",
    "SpikeEventSeries": "waveforms of single spikes", "DecompositionSeries": "spectra",
}  # fmt: skip
FIXED_UNITS = {
    "CurrentClampSeries": "volts", "IZeroClampSeries": "volts", "VoltageClampStimulusSeries": "volts",
    "VoltageClampSeries": "amperes", "CurrentClampStimulusSeries": "amperes", "ElectricalSeries": "volts",
}  # fmt: skip
PATCH_CLAMP = {
    "CurrentClampSeries": ("vm", "vm"), "IZeroClampSeries": ("vm", "vm"), "VoltageClampSeries": ("current", "current"),
    "CurrentClampStimulusSeries": ("stimulus", "current"), "VoltageClampStimulusSeries": ("stimulus_voltage", "other"),
}  # fmt: skip
KINDS = (
    "vm", "calcium", "extracellular", "lfp", "fluorescence", "neuropil", "dff", "deconvolved", "true_rates", "current",
)  # fmt: skip
PLAIN = ("TimeSeries", "SpatialSeries", "AbstractFeatureSeries", "OptogeneticSeries", "PatchClampSeries")
KNOWN = {*FIXED_UNITS, *NOT_SIGNALS, *PLAIN, "RoiResponseSeries"}

_TYPE_WORDS = re.compile(r"electrical|roi|response|series|fluorescence|dfoverf|deconvolved|lfp|dff", re.IGNORECASE)


@dataclass(frozen=True)
class Series:
    """A series of the file, read as a signal whose name is what it is, without a suffix yet.

    Args:
        found: Where it lies.
        signal: Its values.
        electrode: Path of the intracellular electrode; empty for other series.
        probe: Names of the electrode groups; empty for other series.
    """

    found: Found
    signal: Signal
    electrode: str = ""
    probe: str = ""


def why_no_signal(found: Found) -> str:
    """Why a series cannot be a signal, in a word; empty when it can."""
    data = found.group.get("data")
    if found.type in NOT_SIGNALS:
        return NOT_SIGNALS[found.type]
    return f"{data.ndim} dimensions" if isinstance(data, h5py.Dataset) and data.ndim > 2 else ""


def role(found: Found) -> tuple[str, str]:
    """The name, without a suffix, and the kind of a series."""
    if found.type in PATCH_CLAMP:
        return PATCH_CLAMP[found.type]
    name, container = found.name.lower(), found.container.lower()
    if found.type == "ElectricalSeries":
        kind = "lfp" if "lfp" in container or "lfp" in name else "extracellular"
    elif found.type == "RoiResponseSeries" and "neuropil" not in name:
        marks = (("deconv", "deconvolved"), ("dfoverf", "dff"), ("dff", "dff"))
        kind = next((k for mark, k in marks if mark in name), "dff" if "dfoverf" in container else "fluorescence")
    else:
        return found.name, found.name if found.name in KINDS else "other"
    return kind, kind


def series_of(path: Path, found: Found, options: LoadOptions, *, chosen: bool = False) -> Series:
    """Opens a series without reading its values.

    Args:
        path: The file.
        found: The series.
        options: Unit, rate and start where the file does not say.
        chosen: Whether `options.kind`, `unit` and `scale` speak of this series alone, and go before the file.

    Raises:
        RecordingError: No data, no unit, no time base, or parts that contradict each other.
    """
    place = f"{path}: {found.path}"
    with in_words(place):
        data = _data(found, place)
        name, kind = (options.kind, options.kind) if chosen and options.kind else role(found)
        unit = _unit(found, data, options, place, chosen)
        factor, design_unit = to_design(kind, unit, place=place)
        ids, positions, columns = _channels(found.group, 1 if data.ndim == 1 else data.shape[1], place)
        said = _said(found) | ({"channel_columns": columns} if columns else {})
        signal = Signal(
            name, kind, design_unit, Hdf5Source(path, f"{found.path}/data"), _clock(path, found, len(data), options),
            _gain(found.group, data, options.scale if chosen else None) * factor,
            float(data.attrs.get("offset", 0.0)) * factor,
            np.empty(0, np.int64) if ids is None else ids, positions, said,
        )  # fmt: skip
        return Series(found, signal, _electrode(found.group), "_".join(dict.fromkeys(columns.get("group_name", ()))))


def _data(found: Found, place: str) -> h5py.Dataset:
    data = found.group.get("data")
    if not isinstance(data, h5py.Dataset) or data.ndim == 0 or data.shape[0] == 0:
        has = "no data" if not isinstance(data, h5py.Dataset) else "no samples"
        raise RecordingError(place, f"a {found.type} with {has}", expected="samples over time", do="repair the file")
    refuse_not_numeric(data)
    return data


def _unit(found: Found, data: h5py.Dataset, options: LoadOptions, place: str, chosen: bool) -> str:
    if chosen and options.unit:
        return options.unit
    stored = text(data.attrs["unit"]) if "unit" in data.attrs else FIXED_UNITS.get(found.type) or options.unit
    if stored is None:
        raise RecordingError(place, f"a {found.type} without a unit", expected="data.unit", do="say it with --unit")
    return stored


def _gain(group: h5py.Group, data: h5py.Dataset, scale: float | None) -> float | NDArray[np.float64]:
    gain = float(data.attrs.get("conversion", 1.0)) if scale is None else scale
    if "channel_conversion" not in group:
        return gain
    return gain * read_numbers(group["channel_conversion"]).astype(np.float64)


def _clock(path: Path, found: Found, n_steps: int, options: LoadOptions) -> Clock:
    group, place = found.group, f"{path}: {found.path}"
    if "timestamps" in group:
        times = Hdf5Source(path, f"{found.path}/timestamps")
        return Clock(times.shape[0], None, timestamps=times)
    begin = group.get("starting_time")
    rate = options.rate_hz if begin is None else begin.attrs.get("rate", options.rate_hz)
    if rate is None:
        raise RecordingError(place, "neither timestamps nor a rate", expected="one of them", do="give --rate-hz")
    if not (np.isfinite(rate) and rate > 0):
        raise RecordingError(f"{place}/starting_time", f"rate {rate} Hz", expected="a positive number")
    return Clock(n_steps, float(rate), float(options.start_s or 0.0) if begin is None else float(begin[()]))


def _channels(
    group: h5py.Group, n_channels: int, place: str
) -> tuple[NDArray | None, NDArray[np.float64] | None, dict[str, list]]:
    """Ids, positions and columns of the table by the region into the electrodes or the ROIs."""
    region = group.get("electrodes", group.get("rois"))
    if not isinstance(region, h5py.Dataset):
        return None, None, {}
    table, rows = rows_of(region)
    table = group.file.get("general/extracellular_ephys/electrodes") if table is None else table
    if len(rows) != n_channels:
        raise RecordingError(
            place, f"{len(rows)} rows in {region.name.rsplit('/', 1)[-1]} for {n_channels} channels",
            expected="one for each channel (is the time axis first?)",
        )  # fmt: skip
    if table is None or "id" not in table:
        return rows, None, {}
    ids = read_numbers(table["id"])
    if len(rows) and not (rows.min() >= 0 and rows.max() < len(ids)):
        raise RecordingError(place, f"row {rows.max()} of {table.name}", expected=f"0 to {len(ids) - 1}")
    columns = columns_of(table, len(ids), max_dims=1).values
    return ids[rows], positions_of(table, rows), {name: column[rows].tolist() for name, column in columns.items()}


def _electrode(group: h5py.Group) -> str:
    link = group.get("electrode", getlink=True)
    return link.path if isinstance(link, h5py.SoftLink) else ("electrode" if link is not None else "")


def _said(found: Found) -> dict[str, Any]:
    words = {key: text(found.group.attrs.get(key, "")) for key in ("description", "comments", "stimulus_description")}
    dull = ("", "no description", "no comments", "NA")
    return {"path": found.path, "type": found.type} | {k: v for k, v in words.items() if v not in dull}


def named(series: Sequence[Series]) -> dict[str, Signal]:
    """Signals by name; several of one name get a suffix from the file, numbers where the file has none.

    The suffix is what tells them apart first: the rest of the series' name, the container, the probe.
    """
    shared = Counter(s.signal.name for s in series)
    names = []
    for one in series:
        base = one.signal.name
        rivals = [other for other in series if other.signal.name == base]
        tells = next((tell for tell in _TELLS if len({tell(other) for other in rivals}) == len(rivals)), _own_suffix)
        suffix = tells(one) if shared[base] > 1 else ""
        names.append(f"{base}_{suffix}" if suffix and suffix != base else base)
    unique = unique_names(names)
    return {name: replace(one.signal, name=name) for name, one in zip(unique, series, strict=True)}


def _own_suffix(one: Series) -> str:
    own = one.found.name
    return "" if own == one.signal.name else _TYPE_WORDS.sub("", own).strip(" _-").lower()


def _container_suffix(one: Series) -> str:
    return one.found.container.lower()


def _probe_suffix(one: Series) -> str:
    return one.probe.lower()


_TELLS: tuple[Callable[[Series], str], ...] = (_own_suffix, _container_suffix, _probe_suffix)

"""A recording as valid NWB 2, by pynwb, streamed.

    vm of one cell            CurrentClampSeries, one a sweep      volts, conversion 1e-3
    extracellular, lfp        ElectricalSeries with electrodes     volts, conversion 1e-6
    fluorescence, dff, ...    RoiResponseSeries                    unit as it is
    anything else             TimeSeries in acquisition            volts, amperes, or the unit as it is
    spikes                    Units, with observation intervals
    trials, epochs, ...       TimeIntervals
    connectivity              DynamicTable (see nwb_connectivity)
Values are float32 in the design unit with the conversion beside them. What NWB has no place for goes to
/scratch/neurofit (see nwb_own).
"""

from __future__ import annotations

import contextlib
import re
import uuid
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pynwb
from hdmf.backends.hdf5 import H5DataIO
from hdmf.common import VectorData
from hdmf.data_utils import GenericDataChunkIterator

from neurofit_io.clock import Segment
from neurofit_io.errors import RecordingError
from neurofit_io.hdf5_output import hdf5_output
from neurofit_io.json_text import to_json
from neurofit_io.nwb_own import NO_UNIT
from neurofit_io.nwb_writing_tables import add_connectivity, add_intervals, add_spikes, ragged
from neurofit_io.recording import Provenance, Recording
from neurofit_io.signals import Signal

CONVERSIONS = {"mV": ("volts", 1e-3), "uV": ("volts", 1e-6), "pA": ("amperes", 1e-12)}
OPTICAL = {"fluorescence": "Fluorescence", "deconvolved": "Fluorescence", "dff": "DfOverF"}
CHUNK = (1024, 64)

_SLAB = 16 * 2**20
_SESSION = ("experimenter", "institution", "lab", "keywords", "experiment_description", "session_id", "protocol")


def write(recording: Recording, path: Path, *, compress: bool = True) -> None:
    """Writes `recording` to `path`, one slab of a signal in memory at a time.

    Raises:
        RecordingError: A signal without a rate or timestamps.
        OSError: The disk is full.
    """
    with warnings.catch_warnings():
        # pynwb comments on names and orientations; what concerns the recording is said by `check`.
        warnings.simplefilter("ignore")
        file = _session(recording.provenance, recording)
        with hdf5_output(path) as (output, stop_if_full):
            said: dict[str, Any] = {"provenance": _said(recording.provenance), "signals": {}}
            for name, signal in recording.signals.items():
                said["signals"][name] = _Writer(file, signal, compress, stop_if_full).add(name)
            said["spikes"] = add_spikes(file, recording.spike_trains)
            said["connectivity"] = add_connectivity(file, recording.connectivities)
            said["intervals"] = add_intervals(file, recording.intervals)
            file.add_scratch(to_json(said), name="neurofit", description="what neurofit reads back (JSON)")
            with pynwb.NWBHDF5IO(file=output, mode="w") as writer:
                writer.write(file)


def nwb_name(name: str, taken: Mapping[str, Any]) -> str:
    """A name that NWB allows and that is not taken."""
    plain = re.sub(r"[/:]", "_", name) or "unnamed"
    return next(n for n in (plain, *(f"{plain}_{i}" for i in range(2, 10_000))) if n not in taken)


def _said(provenance: Provenance) -> dict[str, Any]:
    origin = {"name": provenance.path.name, "format": provenance.format}
    return {"metadata": {"origin": origin, **provenance.metadata}, "notes": provenance.notes}


def _session(provenance: Provenance, recording: Recording) -> pynwb.NWBFile:
    said = provenance.metadata
    start, how = _start_time(provenance)
    content = to_json({**_said(provenance), "shapes": {n: s.shape for n, s in recording.signals.items()}})
    description = said.get("session_description") or f"written by neurofit from {provenance.path.name}"
    subject = said.get("subject")
    words = {key: value for key, value in (subject or {}).items() if isinstance(value, str) and value}
    return pynwb.NWBFile(
        session_description=description + how, identifier=str(uuid.uuid5(uuid.NAMESPACE_URL, content)),
        session_start_time=start, subject=pynwb.file.Subject(**_subject(words)) if words else None,
        **{key: said[key] for key in _SESSION if said.get(key)},
    )  # fmt: skip


def _subject(words: Mapping[str, str]) -> dict[str, str]:
    """What was said about the subject; NWB's own words for unknown where it asks for more."""
    known = ("subject_id", "species", "strain", "genotype", "sex", "age", "description", "weight")
    return {"subject_id": "unknown", "sex": "U"} | {key: words[key] for key in known if key in words}


def _start_time(provenance: Provenance) -> tuple[datetime, str]:
    """When the session began, and a sentence for the description when that had to be taken from a file's date."""
    with contextlib.suppress(ValueError):
        start = datetime.fromisoformat(str(provenance.metadata.get("session_start_time")))
        return (start if start.tzinfo else start.replace(tzinfo=UTC)), ""
    dated = provenance.files[0] if provenance.files else provenance.path
    if dated.exists():
        date = datetime.fromtimestamp(dated.stat().st_mtime, UTC)
        return date, " (session_start_time is the date of the source file)"
    return datetime(1970, 1, 1, tzinfo=UTC), " (session_start_time is not known)"


class _Slabs(GenericDataChunkIterator):
    """Rows of a signal, or of its timestamps, read as pynwb asks for them."""

    def __init__(self, shape: tuple[int, ...], read: Callable[[int, int], Any], dtype: type, stop: Callable[[], None]):
        self._rows, self._read, self._stored, self._stop = shape, read, np.dtype(dtype), stop
        chunk = tuple(min(c, max(n, 1)) for c, n in zip(CHUNK, shape, strict=False))
        width = int(np.prod(shape[1:], dtype=np.int64)) * self._stored.itemsize
        rows = min(max(1, _SLAB // max(width, 1) // chunk[0]) * chunk[0], shape[0])
        super().__init__(buffer_shape=(rows, *shape[1:]), chunk_shape=chunk)

    def _get_data(self, selection: tuple[slice, ...]) -> Any:
        self._stop()
        return self._read(selection[0].start, selection[0].stop)

    def _get_maxshape(self) -> tuple[int, ...]:
        return self._rows

    def _get_dtype(self) -> np.dtype:
        return self._stored


class _Writer:
    """Adds one signal to a file.

    Args:
        file: The file in memory, written later.
        signal: The signal.
        compress: gzip level 1 with shuffle.
        stop: Called before each slab; raises when the disk is full.
    """

    def __init__(self, file: pynwb.NWBFile, signal: Signal, compress: bool, stop: Callable[[], None]) -> None:
        self.file, self.signal, self.stop = file, signal, stop
        self.packing = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if compress else {}

    def add(self, name: str) -> dict[str, Any]:
        """Adds the signal under `name`; returns what NWB has no place for."""
        signal, clock = self.signal, self.signal.clock
        if clock.rate_hz is None and clock.timestamps is None:
            raise RecordingError(
                signal.source.place, f"{name} has no rate", expected="a rate or timestamps, as NWB needs one",
                do="give --rate-hz",
            )  # fmt: skip
        parts = clock.sweeps or (Segment(0, signal.shape[0], clock.start_s),)
        names = [name if clock.sweeps is None else f"{name}_sweep_{i:03d}" for i in range(len(parts))]
        add = self._how()
        return {
            "series": [add(own, part, i) for i, (own, part) in enumerate(zip(names, parts, strict=True))],
            "kind": signal.kind, "unit": signal.unit, "sweeps": clock.sweeps is not None, "rate_hz": clock.rate_hz,
            "start_s": clock.start_s, "channel_ids": signal.channel_ids, "positions_um": signal.positions_um,
            "metadata": signal.metadata,
        }  # fmt: skip

    def _how(self) -> Callable[[str, Segment, int], str]:
        kind, unit, n_channels = self.signal.kind, self.signal.unit, self.signal.shape[1]
        if kind == "vm" and unit == "mV" and n_channels == 1 and self.signal.clock.timestamps is None:
            return self._add_current_clamp
        if kind in ("extracellular", "lfp") and unit == "uV":
            return self._add_electrical
        return self._add_rois if kind in OPTICAL else self._add_plain

    def _common(self, part: Segment, *, flat: bool = False) -> dict[str, Any]:
        clock, read, n_channels = self.signal.clock, self.signal.read, self.signal.shape[1]

        def values(start: int, stop: int) -> Any:
            rows = read(part.start + start, part.start + stop)
            return rows[:, 0] if flat else rows

        n_steps = part.stop - part.start
        slabs = _Slabs((n_steps,) if flat else (n_steps, n_channels), values, np.float32, self.stop)
        common: dict[str, Any] = {"data": H5DataIO(slabs, **self.packing)}
        if clock.timestamps is None:
            return common | {"rate": float(clock.rate_hz or 0.0), "starting_time": float(part.start_s)}
        return common | {"timestamps": H5DataIO(_Slabs((n_steps,), clock.time_s, np.float64, self.stop))}

    def _add_plain(self, name: str, part: Segment, number: int) -> str:
        unit, conversion = CONVERSIONS.get(self.signal.unit, (self.signal.unit or NO_UNIT, 1.0))
        name = nwb_name(name, self.file.acquisition)
        series = pynwb.TimeSeries(
            name=name,
            unit=unit,
            conversion=conversion,
            description=f"{self.signal.kind} by channel",
            **self._common(part),
        )
        self.file.add_acquisition(series)
        return f"/acquisition/{name}"

    def _add_current_clamp(self, name: str, part: Segment, number: int) -> str:
        label = nwb_name(f"electrode_{self.signal.name}_{self.signal.channel_ids[0]}", {})
        electrode = self.file.icephys_electrodes.get(label) or self.file.create_icephys_electrode(
            name=label, description="one cell", cell_id=str(self.signal.channel_ids[0]), device=self._device()
        )
        name = nwb_name(name, self.file.acquisition)
        series = pynwb.icephys.CurrentClampSeries(
            name=name, electrode=electrode, gain=float("nan"), conversion=1e-3, sweep_number=number,
            description="membrane potential", **self._common(part, flat=True),
        )  # fmt: skip
        self.file.add_acquisition(series)
        return f"/acquisition/{name}"

    def _add_electrical(self, name: str, part: Segment, number: int) -> str:
        name = nwb_name(name, self.file.acquisition)
        group = self.file.create_electrode_group(
            name, description=f"electrodes of {name}", location="unknown", device=self._device()
        )
        if self.file.electrodes is None:
            self.file.add_electrode_column("label", "label of the channel")
        first = 0 if self.file.electrodes is None else len(self.file.electrodes)
        places = self.signal.positions_um
        for i, label in enumerate(self.signal.channel_ids):
            x, y, z = (float("nan"),) * 3 if places is None else (float(p) for p in places[i])
            self.file.add_electrode(x=x, y=y, z=z, location="unknown", group=group, label=str(label))
        region = self.file.create_electrode_table_region(
            list(range(first, first + self.signal.shape[1])), f"channels of {name}"
        )
        series = pynwb.ecephys.ElectricalSeries(
            name=name, electrodes=region, conversion=1e-6, description=self.signal.kind, **self._common(part)
        )
        if self.signal.kind != "lfp":
            self.file.add_acquisition(series)
            return f"/acquisition/{name}"
        return self._add_processed("ecephys", pynwb.ecephys.LFP, "LFP", series)

    def _add_rois(self, name: str, part: Segment, number: int) -> str:
        container = OPTICAL[self.signal.kind]
        kind = pynwb.ophys.DfOverF if container == "DfOverF" else pynwb.ophys.Fluorescence
        taken = self._module("ophys").data_interfaces
        name = nwb_name(name, taken[container].roi_response_series if container in taken else {})
        plane = self._plane(name)
        rois = plane.create_roi_table_region(f"ROIs of {name}", region=list(range(self.signal.shape[1])))
        series = pynwb.ophys.RoiResponseSeries(
            name=name, rois=rois, unit=self.signal.unit or NO_UNIT, description=self.signal.kind, **self._common(part)
        )
        return self._add_processed("ophys", kind, container, series)

    def _plane(self, name: str) -> pynwb.ophys.PlaneSegmentation:
        """ROIs with empty masks: a recording knows which there are, not their pixels."""
        unknown = pynwb.ophys.OpticalChannel(name="channel", description="unknown", emission_lambda=float("nan"))
        imaging = self.file.create_imaging_plane(
            name=f"{name}_plane", optical_channel=unknown, description="unknown", device=self._device(),
            excitation_lambda=float("nan"), indicator="unknown", location="unknown",
        )  # fmt: skip
        labels = [str(label) for label in self.signal.channel_ids]
        pixels = np.empty(0, dtype=[("x", "<u4"), ("y", "<u4"), ("weight", "<f4")])
        columns = [
            *ragged("pixel_mask", "not known", pixels, np.zeros(len(labels))),
            VectorData(name="label", description="label of the ROI", data=labels),
        ]
        plane = pynwb.ophys.PlaneSegmentation(
            name=f"{name}_rois", description="ROIs", imaging_plane=imaging, id=list(range(len(labels))), columns=columns
        )
        module = self._module("ophys")
        if "ImageSegmentation" not in module.data_interfaces:
            module.add(pynwb.ophys.ImageSegmentation())
        module["ImageSegmentation"].add_plane_segmentation(plane)
        return plane

    def _add_processed(self, module: str, kind: type, container: str, series: pynwb.TimeSeries) -> str:
        room = self._module(module)
        if container not in room.data_interfaces:
            room.add(kind(name=container))
        add = room[container].add_electrical_series if container == "LFP" else room[container].add_roi_response_series
        add(series)
        return f"/processing/{module}/{container}/{series.name}"

    def _module(self, name: str) -> pynwb.ProcessingModule:
        if name in self.file.processing:
            return self.file.processing[name]
        return self.file.create_processing_module(name, f"{name} data")

    def _device(self) -> Any:
        return self.file.devices.get("unknown") or self.file.create_device("unknown", description="not known")

"""NWB files written by pynwb for the tests: one with everything a lab might put in, and bits of damage."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pynwb
from pynwb import NWBHDF5IO, NWBFile, TimeSeries


def new_file() -> NWBFile:
    return NWBFile("a session", "an identifier", datetime(2024, 5, 6, tzinfo=UTC), lab="ours")


def written(path: Path, file: NWBFile) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with NWBHDF5IO(str(path), "w") as io:
            io.write(file, cache_spec=False)
    return path


def file_with(path: Path, *fill: Callable[[NWBFile], Any]) -> Path:
    """A file at `path` that each of `fill` has put something in."""
    file = new_file()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for put in fill:
            put(file)
    return written(path, file)


def series(name: str, unit: str = "m", **more: Any) -> Callable[[NWBFile], None]:
    given = {"data": np.arange(20.0), "rate": 10.0, **more}
    if "timestamps" in given:
        given.pop("rate")
    return lambda file: file.add_acquisition(TimeSeries(name=name, unit=unit, **given))


def clamp(
    name: str,
    start_s: float = 0.0,
    value: float = 1.0,
    electrode: str = "e1",
    n: int = 30,
    rate: float = 100.0,
    **more: Any,
) -> Callable[[NWBFile], None]:
    """A sweep of `n` samples of `value` volts."""

    def put(file: NWBFile) -> None:
        device = file.devices.get("amplifier") or file.create_device("amplifier")
        held = file.icephys_electrodes.get(electrode) or file.create_icephys_electrode(
            name=electrode, description="glass", device=device
        )
        kind = more.pop("kind", pynwb.icephys.CurrentClampSeries)
        stimulus = kind in (pynwb.icephys.CurrentClampStimulusSeries, pynwb.icephys.VoltageClampStimulusSeries)
        add = file.add_stimulus if stimulus else file.add_acquisition
        given = {"data": np.full(n, value), **more}
        add(kind(name=name, electrode=held, gain=1.0, rate=rate, starting_time=start_s, **given))

    return put


def probe(file: NWBFile) -> None:
    """Four electrodes in two groups; an int16 LFP with a gain per channel and an offset; two raw streams."""
    device = file.create_device("probe")
    groups = [file.create_electrode_group(f"shank{i}", "", "CA1", device) for i in range(2)]
    for i in range(4):
        file.add_electrode(x=1.0 * i, y=20.0 * i, z=np.nan, location="CA1", group=groups[i // 2])
    rng = np.random.default_rng(3)
    lfp = pynwb.ecephys.ElectricalSeries(
        "lfp_data", rng.integers(-3000, 3000, (200, 3)).astype(np.int16),
        file.create_electrode_table_region([3, 0, 2], "three"), channel_conversion=[1.0, 2.0, 0.5], conversion=1.95e-7,
        offset=1e-5, rate=49999.99999999999, starting_time=0.5,
    )  # fmt: skip
    module = file.create_processing_module("ecephys", "processed")
    module.add(pynwb.ecephys.LFP(lfp, name="LFP"))
    for i in range(2):
        region = file.create_electrode_table_region([2 * i, 2 * i + 1], "a shank")
        file.add_acquisition(
            pynwb.ecephys.ElectricalSeries(
                f"ElectricalSeriesProbe{i}", rng.normal(size=(50, 2)), region, conversion=1e-3, rate=30000.0
            )
        )


def imaging(file: NWBFile) -> None:
    """Fluorescence, dF/F and deconvolved traces of two planes with their own timestamps, and a film."""
    device = file.create_device("microscope")
    channel = pynwb.ophys.OpticalChannel("green", "green", 520.0)
    module = file.create_processing_module("ophys", "imaging")
    containers = {"Fluorescence": pynwb.ophys.Fluorescence(), "DfOverF": pynwb.ophys.DfOverF()}
    segmentation = pynwb.ophys.ImageSegmentation()
    for container in (*containers.values(), segmentation):
        module.add(container)
    rng = np.random.default_rng(4)
    for plane in range(2):
        place = file.create_imaging_plane(
            name=f"plane{plane}", optical_channel=channel, description="", device=device, excitation_lambda=920.0,
            indicator="GCaMP", location="V1",
        )  # fmt: skip
        table = segmentation.create_plane_segmentation("rois", place, name=f"PlaneSegmentation{plane}")
        for roi in range(3):
            table.add_roi(pixel_mask=[[roi, plane, 1.0]], id=100 * plane + roi)
        rois = table.create_roi_table_region("two", region=[2, 0])
        times = np.arange(40) / 15.0 + plane / 30.0
        for container, name in (("Fluorescence", "F_plane"), ("Fluorescence", "Deconvolved_plane"), ("DfOverF", "dff")):
            containers[container].add_roi_response_series(
                pynwb.ophys.RoiResponseSeries(f"{name}{plane}", rng.random((40, 2)), "n.a.", rois, timestamps=times)
            )
    file.add_acquisition(
        pynwb.image.ImageSeries(name="film", data=np.zeros((5, 4, 4), np.uint8), unit="n.a.", rate=5.0)
    )


def behaviour(file: NWBFile) -> None:
    module = file.create_processing_module("behavior", "behaviour")
    position = pynwb.behavior.Position(name="Position")
    position.create_spatial_series(
        name="SpatialSeries", data=np.arange(20.0).reshape(10, 2), reference_frame="corner", unit="cm", conversion=0.01,
        timestamps=np.arange(10) / 50.0,
    )  # fmt: skip
    pupil = pynwb.behavior.PupilTracking(TimeSeries(name="diameter", data=np.ones(10), unit="mm", rate=50.0))
    wheel = pynwb.behavior.BehavioralTimeSeries(TimeSeries(name="wheel", data=np.ones(8), unit="cm/s", rate=20.0))
    for container in (position, pupil, wheel):
        module.add(container)


def units(file: NWBFile, *, observed: bool = True) -> None:
    """Three units, the second silent, with text, number and ragged columns."""
    file.add_unit_column("quality", "good or not")
    file.add_unit_column("peaks", "ragged", index=True)
    trains = [np.array([0.1, 0.15, 0.9]), np.empty(0), np.array([0.2, 0.2])]
    for i, train in enumerate(trains):
        more = {"obs_intervals": np.array([[0.0, 0.5], [0.6, 1.0]])} if observed else {}
        file.add_unit(id=10 * i, spike_times=train, quality=f"q{i}", peaks=[1.0] * (i + 1), **more)


def trials(file: NWBFile) -> None:
    """Four trials: a good one, an inverted one, one without an end, and one beyond 2 s."""
    file.add_trial_column("choice", "left or right")
    rows = [(0.1, 0.5, "left"), (0.9, 0.6, "right"), (1.0, np.nan, "left"), (1.5, 9.0, "right")]
    for start, stop, choice in rows:
        file.add_trial(start_time=start, stop_time=stop, choice=choice)
    file.add_epoch(0.0, 2.0, ["wake", "maze"])

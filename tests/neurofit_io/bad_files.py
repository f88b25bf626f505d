"""Writers of bad files: each makes one in an empty folder and returns the path to load and the options for it."""

from __future__ import annotations

import fcntl
import gzip
import os
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurofit_io import Clock, Connectivity, Recording, Signal, Spikes, Trials, save, signal_from_array
from neurofit_io.recording import Provenance
from neurofit_io.sources import array_source
from neurofit_io.spikes import spikes_from_lists

Written = tuple[Path, dict[str, Any]]

VM = {"kind": "vm", "unit": "mV", "rate_hz": 1000.0}
RNG = np.random.default_rng(7)


def vm(steps: int = 400, channels: int = 4) -> np.ndarray:
    """Membrane potentials as they should be, mV."""
    return -65 + 5 * RNG.standard_normal((steps, channels))


def signal(values: np.ndarray, name: str = "vm", rate_hz: float = 1000.0, unit: str = "mV", **more: Any) -> Signal:
    return signal_from_array(values, name=name, kind=name.partition("_")[0], rate_hz=rate_hz, unit=unit, **more)


def timed(times_s: np.ndarray, rate_hz: float | None = None) -> Signal:
    """Vm with a timestamp per sample."""
    clock = Clock(len(times_s), rate_hz, float(times_s[0]), array_source(times_s))
    return Signal("vm", "vm", "mV", array_source(vm(len(times_s))), clock)


def saved(
    folder: Path, *signals: Signal, spikes: Spikes | None = None, trials: Trials | None = None,
    connectivity: Connectivity | None = None, **options: Any,
) -> Written:  # fmt: skip
    recording = Recording(
        Provenance(Path("memory"), "memory"), {s.name: s for s in signals},
        {} if spikes is None else {"spikes": spikes}, {} if connectivity is None else {"connectivity": connectivity},
        {} if trials is None else {"trials": trials},
    )  # fmt: skip
    return save(recording, folder / "session.h5"), options


def array(folder: Path, values: np.ndarray, **options: Any) -> Written:
    np.save(folder / "x.npy", values, allow_pickle=True)
    return folder / "x.npy", {"time_axis": 0, **VM, **options} if values.ndim == 2 else {**VM, **options}


def text(folder: Path, name: str, content: str | bytes, **options: Any) -> Written:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name, options


def good_hdf5(folder: Path) -> Path:
    return saved(folder, signal(vm()))[0]


# 1 to 15: what lies at the path


def near_name(folder: Path) -> Written:
    good_hdf5(folder)
    return folder / "sesion.h5", {}


def folder_of_files(folder: Path) -> Written:
    good_hdf5(folder)
    return folder, {}


def broken_link(folder: Path) -> Written:
    (folder / "x.nwb").symlink_to("../.git/annex/objects/ab/SHA256E-s99")
    return folder / "x.nwb", {}


def lfs_pointer(folder: Path) -> Written:
    return text(
        folder, "x.nwb", f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 1700000\n"
    )  # fmt: skip


def zipped(folder: Path) -> Written:
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.write(good_hdf5(folder), "session.h5")
    return folder / "x.zip", {}


def gzipped(folder: Path) -> Written:
    (folder / "session.h5.gz").write_bytes(gzip.compress(good_hdf5(folder).read_bytes()))
    return folder / "session.h5.gz", {}


def tarred(folder: Path) -> Written:
    with tarfile.open(folder / "x.tar.gz", "w:gz") as archive:
        archive.add(good_hdf5(folder), "session.h5")
    return folder / "x.tar.gz", {}


def cut_short(folder: Path) -> Written:
    path = good_hdf5(folder)
    return text(folder, "cut.h5", path.read_bytes()[: path.stat().st_size // 2])


def broken_tree(folder: Path) -> Written:
    path = good_hdf5(folder)
    with h5py.File(path, "r+") as file:
        at = file["signals/vm/values"].id.get_chunk_info(0).byte_offset
        size = file["signals/vm/values"].id.get_chunk_info(0).size
    content = bytearray(path.read_bytes())
    content[at : at + size] = bytes(size)
    return text(folder, "session.h5", bytes(content))


def plain_hdf5(folder: Path) -> Written:
    with h5py.File(folder / "x.h5", "w") as file:
        file["a/voltage"], file["b"] = vm(), vm(50)
    return folder / "x.h5", {}


def old_nwb(folder: Path) -> Written:
    with h5py.File(folder / "x.nwb", "w") as file:
        file["nwb_version"] = "NWB-1.0.6"
        file["acquisition/timeseries/v/data"] = vm()
    return folder / "x.nwb", {}


def nwb_units(folder: Path, index: Sequence[int] = (2, 3), version: str = "2.7.0") -> Written:
    """Two units with three spikes, as NWB 2 lays them out."""
    with h5py.File(folder / "x.nwb", "w") as file:
        file.attrs.update({"nwb_version": version, "neurodata_type": "NWBFile", "namespace": "core"})
        file["session_start_time"] = "2020-01-01T00:00:00+00:00"
        units = file.create_group("units")
        units.attrs.update({"neurodata_type": "Units", "namespace": "core", "colnames": ["spike_times"]})
        units["id"], units["spike_times"], units["spike_times_index"] = [0, 1], [0.1, 0.2, 0.15], list(index)
        units["id"].attrs.update({"neurodata_type": "ElementIdentifiers", "namespace": "hdmf-common"})
        units["spike_times"].attrs.update({"neurodata_type": "VectorData", "namespace": "hdmf-common"})
        units["spike_times_index"].attrs.update(
            {"neurodata_type": "VectorIndex", "namespace": "hdmf-common", "target": units["spike_times"].ref}
        )
    return folder / "x.nwb", {}


def unknown_filter(folder: Path) -> Written:
    """A chunk that claims to have gone through blosc, which HDF5 does not bring along."""
    with h5py.File(folder / "x.h5", "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((100, 4))
        plist.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (2, 2, 4, 1600, 5, 1, 1))
        space = h5py.h5s.create_simple((100, 4))
        dataset = h5py.h5d.create(file.id, b"v", h5py.h5t.NATIVE_FLOAT, space, plist)
        dataset.write_direct_chunk((0, 0), vm(100).astype(np.float32).tobytes())
    return folder / "x.h5", {**VM, "time_axis": 0}


def locked(folder: Path) -> Written:
    path = good_hdf5(folder)
    fcntl.flock(os.open(path, os.O_RDWR), fcntl.LOCK_EX)  # held until the tests end
    return path, {}


def unreadable(folder: Path) -> Written:
    path = good_hdf5(folder)
    path.chmod(0)
    return path, {}


# 16 to 28: format, layout, scale and type


def objects(folder: Path) -> Written:
    with h5py.File(folder / "x.h5", "w") as file:
        file.create_dataset("v", data=["a", "b"], dtype=h5py.string_dtype())
    return folder / "x.h5", {"dataset": "v", **VM}


def linked_outside(folder: Path) -> Written:
    (folder / "inside").mkdir()
    with h5py.File(folder / "inside/x.h5", "w") as file:
        file["v"] = h5py.ExternalLink(good_hdf5(folder), "/signals/vm/values")
    return folder / "inside/x.h5", {"dataset": "v", **VM}


def mat73(folder: Path) -> Written:
    path = folder / "x.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["v"] = vm(300, 4).T
        file["v"].attrs["MATLAB_class"] = np.bytes_("double")
    content = bytearray(path.read_bytes())
    content[:128] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    path.write_bytes(content)
    return path, {**VM, "time_axis": 0}


def mat_cells(folder: Path) -> Written:
    import scipy.io

    cells = np.empty(3, dtype=object)
    cells[:] = [np.arange(5.0), np.arange(7.0), np.arange(9.0)]
    scipy.io.savemat(folder / "x.mat", {"trials": cells, "lfp": vm()})
    return folder / "x.mat", {}


def raw(values: np.ndarray | bytes, **options: Any) -> Callable[[Path], Written]:
    content = values if isinstance(values, bytes) else values.tobytes()
    given = {"dtype": "float32", "n_channels": 4, "time_axis": 0, **VM, **options}
    return lambda folder: text(folder, "x.bin", content, **given)


def npy_as_bin(folder: Path, **given: Any) -> Written:
    given = {"dtype": "float32", "n_channels": 4, "time_axis": 0, **VM, **given}
    np.save(folder / "x.npy", vm().astype(np.float32))
    return text(folder, "x.bin", (folder / "x.npy").read_bytes(), **given)


def with_values(change: Callable[[np.ndarray], Any], **options: Any) -> Callable[[Path], Written]:
    def write(folder: Path) -> Written:
        values = vm().astype(np.float32)
        change(values)
        return array(folder, values, **options)

    return write


def put(index: Any, value: Any) -> Callable[[np.ndarray], None]:
    return lambda values: values.__setitem__(index, value)


# 33 to 41: clocks


def steps_ms(*changes: tuple[Any, float]) -> np.ndarray:
    """Timestamps 1 ms apart, s, with some changed."""
    times = np.arange(400) / 1000
    for index, value in changes:
        times[index] = value
    return times


def unequal_times(folder: Path) -> Written:
    path, options = saved(folder, timed(steps_ms()))
    with h5py.File(path, "r+") as file:
        del file["signals/vm/timestamps_s"]
        file["signals/vm/timestamps_s"] = np.arange(399) / 1000
    return path, options


# 42 to 50: spikes


def trains(*lists: Sequence[float], stop_s: float = 0.4, **more: Any) -> Spikes:
    return spikes_from_lists(lists, stop_s=stop_s, **more)


def observed(folder: Path) -> Written:
    spikes = trains([0.05, 0.3], [0.1], observed_s=(np.array([[0.0, 0.2]]), np.array([[0.0, 0.4]])))
    return saved(folder, spikes=spikes)


def unsorted_spikes(folder: Path) -> Written:
    path, options = saved(folder, spikes=trains([0.1, 0.2, 0.3]))
    with h5py.File(path, "r+") as file:
        file["spikes/spikes/times_s"][...] = [0.3, 0.1, 0.2]
    return path, options


def crowded(folder: Path) -> Written:
    return saved(folder, spikes=trains(np.linspace(0.0, 0.0999, 400)))


# 51 to 57: trials, connectivity, tables


def trials(start_s: Sequence[float], stop_s: Sequence[float]) -> Trials:
    return Trials("trials", np.array(start_s, float), np.array(stop_s, float))


def with_trials(start_s: Sequence[float], stop_s: Sequence[float]) -> Callable[[Path], Written]:
    return lambda folder: saved(folder, signal(vm()), trials=trials(start_s, stop_s))


def connections(
    post: Sequence[int] = (0, 1), pre: Sequence[int] = (1, 2), weights: Sequence[float] = (1.0, -1.0), n: int = 4,
    **more: Any,
) -> Connectivity:  # fmt: skip
    ids = np.arange(n)
    return Connectivity("connectivity", np.array(post), np.array(pre), np.array(weights, float), ids, ids, **more)


def with_connections(**what: Any) -> Callable[[Path], Written]:
    return lambda folder: saved(folder, signal(vm()), connectivity=connections(**what))


def bad_ids(folder: Path) -> Written:
    path, options = saved(folder, connectivity=connections())
    with h5py.File(path, "r+") as file:
        file["connectivity/connectivity/post"][0] = 99
    return path, options


def matrix(values: np.ndarray, **options: Any) -> Callable[[Path], Written]:
    return lambda folder: array(folder, values, **{"kind": "connectivity", **options})


def csv_of(content: str | bytes, **options: Any) -> Callable[[Path], Written]:
    return lambda folder: text(folder, "x.csv", content, **{"time_axis": 0, **VM, **options})


def rows(separator: str, point: str, n: int = 50) -> str:
    lines = [separator.join(f"{x:.3f}".replace(".", point) for x in row) for row in vm(n, 3)]
    return separator.join("abc") + "\n" + "\n".join(lines) + "\n"


# 60: size


def huge(folder: Path) -> Written:
    """A sparse file of 2 TB that takes no room on the disk."""
    with open(folder / "x.bin", "wb") as file:
        file.truncate(2 * 10**12)
    return folder / "x.bin", {"dtype": "float32", "n_channels": 1000, "time_axis": 0, **VM}

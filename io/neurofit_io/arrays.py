"""From arrays that say little about themselves to a `Recording`; what they do not say is asked for, never guessed.

Raw, HDF5, MATLAB, numpy and csv files all end here. A one-dimensional array is one channel. A table needs its time
axis from `--time-axis`, from a time vector of that length in the same file, or from the format. The rate comes from
`--rate-hz`, the file or the time vector; a voltage needs a unit.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurofit_io.clock import Clock
from neurofit_io.connectivity import Connectivity, connectivity_from_matrix
from neurofit_io.errors import RecordingError
from neurofit_io.options import LoadOptions
from neurofit_io.recording import Provenance, Recording
from neurofit_io.safe_hdf5 import refuse_too_large
from neurofit_io.signals import Signal
from neurofit_io.sources import ArraySource, Hdf5Source, MemmapSource, Source
from neurofit_io.spike_times import by_unit, spikes_of_vectors, units_beside
from neurofit_io.sweeps import Hdf5Array, SweepSource, sweeps_clock, trials_of_clock
from neurofit_io.timing import TimeVector, clock_of, is_time_vector, rate_beside, rate_of, time_vector
from neurofit_io.trials import Trials
from neurofit_io.units import to_design

SAMPLED_KINDS = (
    "vm", "calcium", "extracellular", "lfp", "fluorescence", "neuropil", "dff", "deconvolved", "counts", "true_rates",
    "current",
)  # fmt: skip
VOLTAGES = ("vm", "extracellular", "lfp", "current")
COUNTS = {"counts": "count", "true_rates": "Hz"}
OBJECTS = "pickled Python objects, which are never unpickled here: save it again as numbers"
_LISTED = 12
_SPIKE_TIMES = re.compile(r"(.*[./_])?spike_?times?(_?m?s)?(\[\d+\])*", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class NamedArray:
    """A numeric array in a file.

    Args:
        name: What `--dataset` calls it.
        values: Numbers in memory, mapped, or in HDF5.
        path: The file.
        time_axis: Which axis is time, when the format says so.
        trial_axis: Which axis counts trials, when the format says so.
        rate_hz: Samples per second, when the file says so.
        start_s: Time of the first sample, s, when the file says so.
        unit: Unit of the values, when the file says so.
        kind: What the values are, when the format says so.
        channel_ids: A label per channel, when the file has them.
    """

    name: str
    values: NDArray | Hdf5Array
    path: Path
    time_axis: int | None = None
    trial_axis: int | None = None
    rate_hz: float | None = None
    start_s: float | None = None
    unit: str | None = None
    kind: str | None = None
    channel_ids: NDArray | None = None

    @property
    def place(self) -> str:
        return f"{self.path}: {self.name}"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def is_vector(self) -> bool:
        """Whether all but one axis have length 1."""
        return sum(n != 1 for n in self.shape) <= 1

    def in_memory(self) -> NDArray:
        """All values, axes as told."""
        refuse_too_large(int(np.prod(self.shape)) * self.values.dtype.itemsize, self.place)
        return np.asarray(self.values[(slice(None),) * len(self.shape)])


def recording_of_arrays(
    arrays: Sequence[NamedArray],
    path: Path,
    options: LoadOptions,
    *,
    format: str,
    files: tuple[Path, ...] = (),
    notes: tuple[str, ...] = (),
) -> Recording:
    """The `Recording` of the one array among `arrays` that `options` names, or the only candidate.

    Args:
        arrays: Every numeric array of the file, its time vectors among them.
        path: What was given to `load`.
        options: What the user said about it.
        format: Name of the format, for the provenance.
        files: Files read; `path` when empty.
        notes: What the reader has to tell.

    Raises:
        RecordingError: None or several candidates, or rate, time axis or unit are not known.
    """
    group = chosen(arrays, path, options)
    rest = [a for a in arrays if a not in group]
    kind = options.kind or group[0].kind or ("spikes" if _are_spike_times(group) else None)
    owners = units_beside(group[0], rest) if kind == "spikes" and len(group) == 1 else None
    told = notes + _not_read([a for a in rest if a is not owners])
    if kind == "spikes":
        trains: list[tuple[str | int, NDArray]] = [(a.name, a.in_memory()) for a in group]
        if owners is not None:
            told = (*told, f"the units are those of {owners.name}")
            trains = by_unit(trains[0][1], owners.in_memory(), owners.place)
        spikes, more = spikes_of_vectors(trains, time_vector(rest, of=group[0].name), options, path)
        return Recording(_provenance(path, format, files, told + more), spike_trains={spikes.name: spikes})
    if len(group) > 1:
        raise ambiguous(group, path)
    if kind == "connectivity":
        matrix = connectivity_of(group[0], options)
        return Recording(_provenance(path, format, files, told), connectivities={matrix.name: matrix})
    signal, trials, more = signal_of(group[0], rest, options)
    intervals = {} if trials is None else {"trials": trials}
    return Recording(_provenance(path, format, files, told + more), {signal.name: signal}, intervals=intervals)


def _not_read(rest: Sequence[NamedArray]) -> tuple[str, ...]:
    left = [f"{a.name} {a.shape}" for a in rest if np.prod(a.shape) > 1 and not is_time_vector(a)]
    return (f"not read: {', '.join(left[:_LISTED])}{' ...' if len(left) > _LISTED else ''}",) if left else ()


def chosen(arrays: Sequence[NamedArray], path: Path, options: LoadOptions) -> list[NamedArray]:
    """The array that `--dataset` names (all elements `name[i]` of a cell array), or the only candidate."""
    name = options.dataset
    if name is not None:
        wanted = name.strip("/")
        found = [a for a in arrays if a.name.strip("/") == wanted]
        found = found or [a for a in arrays if a.name.startswith(f"{wanted}[")]
        if not found:
            raise RecordingError(path, f"no numeric array {name!r}", expected=f"one of {listed(arrays) or 'none'}")
        return found
    candidates = [a for a in arrays if np.prod(a.shape) > 1]
    candidates = [a for a in candidates if not is_time_vector(a)] or candidates
    if not candidates:
        raise RecordingError(path, "no numeric array in it", expected="a recording")
    if len(candidates) > 1 and not _one_cell_array(candidates, options):
        raise ambiguous(candidates, path)
    return candidates


def _are_spike_times(group: Sequence[NamedArray]) -> bool:
    """Whether vectors are named as times of spikes; read as a signal they would have a rate and make no sense."""
    return all(a.is_vector and _SPIKE_TIMES.fullmatch(a.name) for a in group)


def _one_cell_array(candidates: Sequence[NamedArray], options: LoadOptions) -> bool:
    stems = {a.name.partition("[")[0] for a in candidates}
    return options.kind == "spikes" and len(stems) == 1


def ambiguous(candidates: Sequence[NamedArray], path: Path) -> RecordingError:
    """The error that lists `--dataset NAME` for every candidate."""
    stems = {a.name.rpartition("[")[0] for a in candidates}
    cells = len(stems) == 1 and "" not in stems and all(a.is_vector for a in candidates)
    whole = f", or all as the spikes of units with --dataset '{stems.pop()}' --kind spikes" if cells else ""
    return RecordingError(
        path, f"{len(candidates)} arrays: {listed(candidates)}", expected="one", do=f"choose one{whole}"
    )


def listed(arrays: Sequence[NamedArray]) -> str:
    """`--dataset NAME (shape)` of each, the first dozen."""
    parts = [f"--dataset '{a.name}' {a.shape}" for a in arrays[:_LISTED]]
    return ", ".join(parts) + (f" and {len(arrays) - _LISTED} more" if len(arrays) > _LISTED else "")


def signal_of(
    array: NamedArray, rest: Sequence[NamedArray], options: LoadOptions
) -> tuple[Signal, Trials | None, tuple[str, ...]]:
    """One array as a `Signal`, its trials if it counts any, and what was assumed."""
    refuse_unusable(array)
    trial_axis = options.trial_axis if options.trial_axis is not None else array.trial_axis
    time_axis = _time_axis(array, rest, options, trial_axis)
    n_steps = array.shape[time_axis]
    times = time_vector(rest, n_steps, of=array.name)
    if array.rate_hz is None:
        array = dataclasses.replace(array, rate_hz=rate_beside(array.name, rest))
    notes = () if times is None else times.notes
    if trial_axis is None:
        source = oriented(array, time_axis)
        clock, more = clock_of(n_steps, times, options, array.rate_hz, array.start_s, array.place)
        return _signal(array, source, clock, options), None, notes + more
    source = SweepSource(array.values, trial_axis, time_axis, array.place)
    signal, trials, more = _trials_signal(array, source, times, rest, options)
    return signal, trials, notes + more


def _trials_signal(
    array: NamedArray, source: SweepSource, times: TimeVector | None, rest: Sequence[NamedArray], options: LoadOptions
) -> tuple[Signal, Trials, tuple[str, ...]]:
    rate, more = rate_of(times, options, array.rate_hz, array.place)
    clock = sweeps_clock(source.n_trials, source.trial_steps, rate, options.start_s or 0.0)
    columns = {a.name: a.in_memory().reshape(-1) for a in rest if a.is_vector and np.prod(a.shape) == source.n_trials}
    signal = _signal(array, source, clock, options)
    if times is not None and times.in_seconds(rate):
        first = float(times.times_s(rate)[0])
        signal = dataclasses.replace(signal, metadata={**signal.metadata, "trial_start_s": first})
    note = f"the file does not say when its {source.n_trials} trials took place: they are laid one after the other"
    return signal, trials_of_clock(clock, **columns), (*more, note)


def refuse_unusable(array: NamedArray) -> None:
    """Refuses what is not an array of plain real numbers, or holds none."""
    kind = array.values.dtype.kind
    if kind not in "biuf":
        words = {"O": OBJECTS, "U": "text", "S": "text", "c": "complex numbers", "V": "a compound type"}
        raise RecordingError(
            array.path, f"it holds {words.get(kind, array.values.dtype)}", place=array.name, expected="plain numbers"
        )
    if 0 in array.shape or not array.shape:
        raise RecordingError(array.path, f"shape {array.shape}: no samples", place=array.name)
    if len(array.shape) > 3:
        raise RecordingError(array.path, f"shape {array.shape}", place=array.name, expected="at most 3 dimensions")


def _time_axis(array: NamedArray, rest: Sequence[NamedArray], options: LoadOptions, trial_axis: int | None) -> int:
    shape = array.shape
    if len(shape) == 3 and trial_axis is None:
        raise RecordingError(
            array.path, f"shape {shape}", place=array.name, expected="to know which axis is what",
            do="give --trial-axis and --time-axis, such as --trial-axis 0 --time-axis 1",
        )  # fmt: skip
    if options.time_axis is not None:
        if options.time_axis >= len(shape) or options.time_axis == trial_axis:
            raise RecordingError(array.path, f"--time-axis {options.time_axis} of shape {shape}", place=array.name)
        return options.time_axis
    if array.time_axis is not None:
        return array.time_axis
    free = [axis for axis in range(len(shape)) if axis != trial_axis]
    long = [axis for axis in free if shape[axis] > 1] or free[:1]
    if len(long) == 1:
        return long[0]
    timed = [axis for axis in long if time_vector(rest, shape[axis], of=array.name) is not None]
    if len(timed) == 1:
        return timed[0]
    as_said = ", ".join(f"--time-axis {a} for {shape[a]} steps" for a in long)
    raise RecordingError(array.path, f"shape {shape}", place=array.name, expected="to know which axis is time",
                         do=f"give {as_said}")  # fmt: skip


def oriented(array: NamedArray, time_axis: int) -> Source:
    """The array as a (steps, channels) source, left where it lies."""
    values = array.values
    if isinstance(values, Hdf5Array) and values.ndim <= 2:
        stored_axis = values.ndim - 1 - time_axis if values.reversed_axes else time_axis
        return Hdf5Source(values.path, values.dataset, time_axis=stored_axis)
    if isinstance(values, Hdf5Array):
        raise RecordingError(array.path, f"shape {array.shape}", place=array.name, do="give --trial-axis")
    if values.ndim == 1:
        values, time_axis = values[:, None], 0
    if isinstance(values, np.memmap) and values.filename and (values.flags.c_contiguous or values.flags.f_contiguous):
        turned = values.flags.f_contiguous and not values.flags.c_contiguous
        shape = (values.shape[time_axis], values.shape[1 - time_axis])
        return MemmapSource(Path(values.filename), values.dtype, shape, time_axis ^ int(turned), values.offset)
    return ArraySource(values if time_axis == 0 else values.T, array.place)


def _signal(array: NamedArray, source: Source, clock: Clock, options: LoadOptions) -> Signal:
    stem = array.name.strip("/").rpartition("/")[2]
    leaf = stem.rpartition(".")[2].lower()
    known = leaf if leaf in SAMPLED_KINDS else None
    kind = options.kind or array.kind or known or "other"
    factor, unit = design_unit(kind, options.unit or array.unit, array)
    scale = 1.0 if options.scale is None else options.scale
    if kind in VOLTAGES and source.dtype.kind in "iu" and options.scale is None:
        raise RecordingError(
            array.path, f"{source.dtype} values of a {kind} signal", place=array.name,
            expected="the physical size of one step", do="give --scale (with --unit)",
        )  # fmt: skip
    ids = np.empty(0, np.int64) if array.channel_ids is None else array.channel_ids
    return Signal(
        kind if options.kind or array.kind or known else stem, kind, unit, source, clock, gain=scale * factor,
        offset=(options.offset or 0.0) * factor, channel_ids=ids,
    )  # fmt: skip


def design_unit(kind: str, unit: str | None, array: NamedArray) -> tuple[float, str]:
    """Factor to the design unit and that unit; a voltage or current without one is refused."""
    if unit is None and kind in VOLTAGES:
        raise RecordingError(array.path, f"{kind} values without a unit", place=array.name, do="give --unit")
    return to_design(kind, unit or COUNTS.get(kind, ""), place=array.place)


def connectivity_of(array: NamedArray, options: LoadOptions) -> Connectivity:
    """A square array as `Connectivity`; `--orientation` has to say what its rows are."""
    refuse_unusable(array)
    if options.orientation is None:
        raise RecordingError(
            array.path, f"a matrix of shape {array.shape}", place=array.name,
            expected="to know what its rows are", do="give --orientation post_pre or pre_post",
        )  # fmt: skip
    matrix = array.in_memory() * (1.0 if options.scale is None else options.scale)
    return connectivity_from_matrix(
        matrix, orientation=options.orientation, place=array.place, unit=options.unit or array.unit or ""
    )


def _provenance(path: Path, format: str, files: tuple[Path, ...], notes: tuple[str, ...]) -> Provenance:
    return Provenance(path, format, files or (path,), notes=notes)

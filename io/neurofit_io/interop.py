"""Objects of neo and pynapple as recordings. Neither library is needed for anything else; both are extras."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofit_io.clock import Clock, Segment
from neurofit_io.errors import RecordingError
from neurofit_io.recording import Provenance, Recording, unique_names
from neurofit_io.signals import Signal
from neurofit_io.sources import ConcatenatedSource, array_source
from neurofit_io.spikes import Spikes, spikes_from_lists
from neurofit_io.trials import Trials
from neurofit_io.units import to_design


def from_neo(data: Any, *, kind: str | None = None) -> Recording:
    """A neo `Block` or `Segment` as a `Recording`; the segments of a block become sweeps.

    Args:
        data: The object; proxies are loaded.
        kind: What the analog signals are (vm, lfp, ...); None: other, in their own unit.

    Returns:
        Analog signals as signals, spike trains as `spikes`, epochs as intervals.

    Raises:
        RecordingError: neo is not installed, or `data` is neither.
    """
    neo = _extra("neo")
    if not isinstance(data, (neo.Block, neo.Segment)):
        raise RecordingError("", f"a {type(data).__name__}", expected="a neo Block or Segment")
    segments = list(data.segments) if isinstance(data, neo.Block) else [data]
    columns = list(itertools.zip_longest(*([*s.analogsignals, *s.irregularlysampledsignals] for s in segments)))
    raw = [_neo_signal([s for s in column if s is not None], kind) for column in columns]
    names = unique_names(signal.name for signal in raw)
    signals = {name: signal.renamed(name) for name, signal in zip(names, raw, strict=True)}
    spikes = _neo_spikes([train for s in segments for train in s.spiketrains], len(segments))
    epochs = [_neo_epoch(epoch) for s in segments for epoch in s.epochs if len(epoch)]
    intervals = dict(zip(unique_names(e.name for e in epochs), epochs, strict=True))
    path = Path(getattr(data, "file_origin", None) or "memory")
    return Recording(Provenance(path, "neo"), signals, spikes, intervals=intervals)


def from_pynapple(data: Any, *, kind: str | None = None, unit: str = "") -> Recording:
    """A pynapple object, or a dict of them, as a `Recording`.

    Args:
        data: `Tsd`, `TsdFrame`, `Ts`, `TsGroup`, `IntervalSet`, or a mapping of names to them.
        kind: What the continuous values are (vm, lfp, calcium, ...); None: other.
        unit: Their unit; pynapple keeps none.

    Returns:
        Continuous values as signals with timestamps, `TsGroup` and `Ts` as spikes, intervals as intervals.

    Raises:
        RecordingError: pynapple is not installed, or something in `data` is of another type.
    """
    nap = _extra("pynapple")
    items = dict(data) if isinstance(data, Mapping) and not isinstance(data, nap.TsGroup) else {"": data}
    signals: dict[str, Signal] = {}
    trains: dict[str, Spikes] = {}
    intervals: dict[str, Trials] = {}
    for name, item in items.items():
        if isinstance(item, (nap.Tsd, nap.TsdFrame)):
            signal = _pynapple_signal(item, name or kind or "signal", kind or "other", unit)
            signals[signal.name] = signal
        elif isinstance(item, (nap.Ts, nap.TsGroup)):
            trains[name or "spikes"] = _pynapple_spikes(item, name or "spikes", isinstance(item, nap.Ts))
        elif isinstance(item, nap.IntervalSet):
            columns = {c: np.asarray(item.get_info(c)) for c in item.metadata_columns}
            intervals[name or "epochs"] = Trials(name or "epochs", np.array(item.start), np.array(item.end), columns)
        else:
            raise RecordingError(
                "", f"{name or 'a'} {type(item).__name__}", expected="Tsd, TsdFrame, Ts, TsGroup or IntervalSet"
            )
    return Recording(Provenance(Path("memory"), "pynapple"), signals, trains, intervals=intervals)


def _extra(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise RecordingError("", f"{name} is not installed", do=f"pip install 'neurofit[{name}]'") from error


def _neo_signal(parts: Sequence[Any], kind: str | None) -> Signal:
    """The same signal of every segment, one sweep each; irregular ones keep their timestamps."""
    parts = [part.load() if hasattr(part, "load") else part for part in parts]
    first, chosen = parts[0], kind or "other"
    factor, unit = to_design(chosen, str(first.dimensionality), place=first.name or "signal")
    sources = [array_source(part.rescale(first.units).magnitude, place=first.name or "memory") for part in parts]
    source = sources[0] if len(sources) == 1 else ConcatenatedSource(sources)
    labels = first.array_annotations.get("channel_names")
    ids = np.empty(0, np.int64) if labels is None else np.asarray(labels)
    return Signal(kind or first.name or "signal", chosen, unit, source, _neo_clock(parts), gain=factor, channel_ids=ids)


def _neo_clock(parts: Sequence[Any]) -> Clock:
    lengths = [len(part) for part in parts]
    if not hasattr(parts[0], "sampling_period"):
        times = np.concatenate([part.times.rescale("s").magnitude for part in parts])
        return Clock(len(times), None, timestamps=array_source(times))
    rates = [float(part.sampling_rate.rescale("Hz").magnitude) for part in parts]
    starts = [float(part.t_start.rescale("s").magnitude) for part in parts]
    if not np.allclose(rates, rates[0]):
        raise RecordingError("", f"sweeps at {min(rates):g} to {max(rates):g} Hz", expected="one rate for all")
    edges = np.cumsum([0, *lengths]).tolist()
    sweeps = tuple(Segment(a, b, s) for (a, b), s in zip(itertools.pairwise(edges), starts, strict=True))
    return Clock(edges[-1], rates[0], starts[0], sweeps=sweeps if len(sweeps) > 1 else None)


def _neo_spikes(trains: Sequence[Any], n_segments: int) -> dict[str, Spikes]:
    if not trains:
        return {}
    if n_segments > 1:
        raise RecordingError(
            "", f"spike trains in a Block of {n_segments} segments", expected="one segment", do="convert it alone"
        )
    lists = [train.rescale("s").magnitude for train in trains]
    start = min(float(train.t_start.rescale("s").magnitude) for train in trains)
    stop = max(float(train.t_stop.rescale("s").magnitude) for train in trains)
    names = [train.name for train in trains]
    more: dict[str, Any] = {"unit_ids": np.array(names)} if all(names) and len(set(names)) == len(names) else {}
    return {"spikes": spikes_from_lists(lists, start_s=start, stop_s=stop, **more)}


def _neo_epoch(epoch: Any) -> Trials:
    start = epoch.times.rescale("s").magnitude
    labels: Iterable = epoch.labels
    columns = {"label": np.asarray(labels)} if len(np.asarray(labels)) == len(start) else {}
    return Trials(epoch.name or "epochs", start, start + epoch.durations.rescale("s").magnitude, columns)


def _pynapple_signal(item: Any, name: str, kind: str, unit: str) -> Signal:
    factor, design_unit = to_design(kind, unit, place=name)
    times: NDArray[np.float64] = np.asarray(item.index.values)
    clock = Clock(len(times), None, timestamps=array_source(times, place=name))
    ids = np.asarray(item.columns) if hasattr(item, "columns") else np.empty(0, np.int64)
    return Signal(name, kind, design_unit, array_source(item.values, place=name), clock, gain=factor, channel_ids=ids)


def _pynapple_spikes(item: Any, name: str, single: bool) -> Spikes:
    support = item.time_support
    start, stop = float(support.start[0]), float(support.end[-1])
    if single:
        return spikes_from_lists([item.index.values], name=name, start_s=start, stop_s=stop)
    ids = np.asarray(item.index)
    observed = None
    if len(support) > 1:
        spans = np.column_stack([support.start, support.end])
        observed = tuple(spans for _ in ids)
    columns = {c: np.asarray(item.get_info(c)) for c in item.metadata_columns if c != "rate"}
    trains = [item[i].index.values for i in ids]
    return spikes_from_lists(
        trains, name=name, start_s=start, stop_s=stop, unit_ids=ids, observed_s=observed, columns=columns
    )

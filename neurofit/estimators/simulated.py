"""From a simulation to a file: simulated, spoiled where asked, written and drawn, with what it is in a few lines."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal as signals
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
from numpy.typing import NDArray

from neurofit.estimators.overview import draw_overview
from neurofit.estimators.progress import Progress
from neurofit.estimators.simulated_scene import draw_trials
from neurofit.simulate.degradation import degrade
from neurofit.simulate.degradation_options import DegradationOptions
from neurofit.simulate.framing import samples_in_frame
from neurofit.simulate.spike_statistics import spike_statistics
from neurofit_io import Connectivity, Recording, RecordingError, Spikes, save
from neurofit_io.raw_folder import DESCRIPTION
from neurofit_io.saving import RAW, WRITERS
from neurofit_io.sources import Source

Simulate = Callable[[Path, Callable[[int, int], None]], Recording]
"""Makes a recording; may keep files in the folder, and says how far it is."""


@dataclass(frozen=True)
class Simulated:
    """What was made.

    Attributes:
        path: The file or folder of the recording.
        figure: The overview.
        lines: What it is, for a person.
    """

    path: Path
    figure: Path
    lines: tuple[str, ...]


def write_simulation(
    simulate: Simulate,
    out: str | os.PathLike[str],
    *,
    degradation: DegradationOptions | None = None,
    seed: int = 0,
    rate_hz: float | None = None,
    overwrite: bool = False,
    compress: bool = False,
    show: bool = True,
) -> Simulated:
    """Simulates, spoils, writes and draws; what the simulation keeps meanwhile lies in a folder beside `out`.

    Args:
        simulate: Makes the recording.
        out: File (.h5, .hdf5, .nwb) or folder of raw files (.bin).
        degradation: What is spoiled; nothing when None.
        seed: Seed of what is spoiled.
        rate_hz: Rate of the signals, Hz, so that a frame rate that does not divide it is refused at once.
        overwrite: Whether `out` and the figure beside it may be replaced.
        compress: Write gzip-compressed.
        show: Show progress.

    Raises:
        RecordingError: `out` is there, has another suffix or cannot be written, or does not allow what is to be
            spoiled.
    """
    target = Path(out)
    _refuse(target, overwrite=overwrite, compress=compress)
    if rate_hz is not None and degradation is not None and degradation.frame_rate_hz is not None:
        samples_in_frame(rate_hz, degradation.frame_rate_hz)
    began = time.process_time()
    with _terminated_is_interrupted(), _spool(target) as spool:
        with Progress("simulating", unit="step", show=show) as progress:
            true = simulate(spool, progress)
        made = time.process_time()
        recording = degrade(true, degradation, seed=seed)
        with Progress("writing", unit="B", show=show) as progress:
            _write(_counted(recording, progress), target, overwrite=overwrite, compress=compress)
        written = time.process_time()
        figure = target.with_suffix(".png")
        _draw(recording, figure, target)
    notes = recording.provenance.notes[len(true.provenance.notes) :]
    cost = f"{made - began:.1f} CPU s to simulate, {written - made:.1f} to write"
    lines = (*summary_lines(true), *notes, cost, f"written: {target} and {figure}")
    return Simulated(target, figure, lines)


def summary_lines(recording: Recording) -> list[str]:
    """Size, activity and connections of a simulated recording, or its trials, in words."""
    spikes, trials, truth = recording.spikes, recording.trials, recording.connectivity
    lines = []
    if spikes is not None:
        found = spike_statistics(spikes)
        low, middle, high = np.percentile(found.rates_hz, (5, 50, 95))
        rates = f"{found.rates_hz.mean():.2f} Hz (5/50/95 %: {low:.2f} / {middle:.2f} / {high:.2f})"
        lines += [
            f"{spikes.n_units} cells, {spikes.n_spikes} spikes in {spikes.duration_s:g} s",
            f"mean rate {rates}, {found.silent} silent",
        ]
        if trials is None:
            lines.append(f"CV of intervals {found.cv:.3f}, Fano factor of the 5 ms population count {found.fano:.2f}")
    if truth is not None and truth.n_possible_pairs:
        pairs, possible = truth.n_connected_pairs, truth.n_possible_pairs
        lines.append(f"{pairs} of {possible} pairs connected, density {pairs / possible:.4f}")
    if trials is not None:
        split = trials.columns["split"]
        parts = ", ".join(f"{np.count_nonzero(split == part)} {part}" for part in ("train", "validation", "test"))
        lines.append(f"{len(trials)} trials of {len(np.unique(trials.columns['condition']))} conditions: {parts}")
    peak_mv = recording.provenance.metadata.get("psp_peak_mv")
    if peak_mv is not None:
        peak_ms = recording.provenance.metadata["psp_peak_ms"]
        lines.append(f"postsynaptic potential {peak_mv:.4g} mV, {peak_ms:.4g} ms after a spike")
    return lines


def _refuse(target: Path, *, overwrite: bool, compress: bool) -> None:
    suffix = target.suffix.lower()
    if suffix not in (*WRITERS, RAW):
        raise RecordingError(target, f"suffix {target.suffix!r}", expected=f"one of {', '.join((*WRITERS, RAW))}")
    if suffix == RAW and compress:
        raise RecordingError(target, "--compress", expected="a file, as raw files are never compressed", do="drop it")
    for path in (target, target.with_suffix(".png")):
        if path.exists() and not overwrite:
            raise RecordingError(path, "is there already", do="give another name, or --overwrite")
    if target.is_dir() and (suffix != RAW or not (target / DESCRIPTION).is_file()):
        raise RecordingError(target, "is a folder of something else", do="give another name")
    if suffix == RAW and target.is_file():
        raise RecordingError(target, "is a file", expected="a folder of raw files, or nothing")


@contextlib.contextmanager
def _spool(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        yield Path(folder)


@contextlib.contextmanager
def _terminated_is_interrupted() -> Iterator[None]:
    """SIGTERM as Ctrl-C, so that what was kept meanwhile is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    usual = signals.signal(signals.SIGTERM, interrupt)
    try:
        yield
    finally:
        signals.signal(signals.SIGTERM, usual)


@dataclass(frozen=True, eq=False)
class _CountedSource:
    """A source that says what is read of it."""

    source: Source
    count: Callable[[int], None]

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.shape

    @property
    def dtype(self) -> np.dtype:
        return self.source.dtype

    @property
    def place(self) -> str:
        return self.source.place

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        values = self.source.read(start, stop, channels)
        self.count(4 * values.size)
        return values


def _counted(recording: Recording, progress: Progress) -> Recording:
    """The recording, whose signals report the bytes (float32) that are read."""
    total = sum(4 * each.shape[0] * each.shape[1] for each in recording.signals.values())
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(min(done, total), total)

    counted = {
        name: dataclasses.replace(each, source=_CountedSource(each.source, count))
        for name, each in recording.signals.items()
    }
    return dataclasses.replace(recording, signals=counted)


def _write(recording: Recording, target: Path, *, overwrite: bool, compress: bool) -> None:
    if target.suffix.lower() != RAW:
        save(recording, target, overwrite=overwrite, compress=compress)
        return
    with contextlib.ExitStack() as stack:
        if target.exists():
            stack.enter_context(_set_aside(target))
        try:
            save(recording, target)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise


@contextlib.contextmanager
def _set_aside(folder: Path) -> Iterator[None]:
    """Moves a folder out of the way: back on an error, and removed otherwise."""
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent)) / folder.name
    os.replace(folder, aside)
    try:
        yield
    except BaseException:
        os.replace(aside, folder)
        raise
    finally:
        shutil.rmtree(aside.parent)


def _draw(recording: Recording, figure: Path, target: Path) -> None:
    named = dataclasses.replace(
        recording,
        provenance=dataclasses.replace(recording.provenance, path=target),
        spike_trains={name: _typed(spikes, recording.connectivity) for name, spikes in recording.spike_trains.items()},
    )
    if recording.trials is None:
        draw_overview(named, figure)
    else:
        draw_trials(named, figure)


def _typed(spikes: Spikes, truth: Connectivity | None) -> Spikes:
    """The spikes with a column that says which cells excite, where the truth knows."""
    if truth is None or truth.post_types is None or not np.array_equal(truth.post_ids, spikes.unit_ids):
        return spikes
    return dataclasses.replace(spikes, columns={"ei": truth.post_types, **spikes.columns})

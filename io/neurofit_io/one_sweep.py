"""One sweep of a recording instead of all of them (`--sweep`)."""

from __future__ import annotations

from dataclasses import replace

from neurofit_io.clock import Clock
from neurofit_io.errors import RecordingError
from neurofit_io.recording import Recording
from neurofit_io.signals import Signal
from neurofit_io.sources import SelectedSource
from neurofit_io.trials import Trials


def one_sweep(recording: Recording, number: int) -> Recording:
    """The recording with one sweep, from 0 in the order of the file, of each signal that has several.

    Signals with fewer sweeps are left out; signals without sweeps, spikes and connectivity stay as they are.

    Raises:
        RecordingError: No signal has that sweep.
    """
    counts = {name: len(signal.clock.sweeps or ()) for name, signal in recording.signals.items()}
    most = max(counts.values(), default=0)
    if not 0 <= number < max(most, 1):
        raise RecordingError(
            recording.provenance.path,
            f"--sweep {number}",
            expected=f"0 to {most - 1}" if most else "a recording of sweeps",
        )
    short = [name for name, count in counts.items() if 0 < count <= number]
    signals = {name: _cut(signal, number) for name, signal in recording.signals.items() if name not in short}
    tables = {
        name: _row(table, number) if name.startswith("sweeps") and number < len(table) else table
        for name, table in recording.intervals.items()
    }
    notes = [f"sweep {number} is taken", *(f"{name} has no sweep {number} and is left out" for name in short)]
    provenance = replace(recording.provenance, notes=(*recording.provenance.notes, *notes))
    return replace(recording, provenance=provenance, signals=signals, intervals=tables)


def _cut(signal: Signal, number: int) -> Signal:
    if signal.clock.sweeps is None:
        return signal
    sweep = signal.clock.sweeps[number]
    clock = Clock(sweep.stop - sweep.start, signal.clock.rate_hz, sweep.start_s)
    return replace(signal, source=SelectedSource(signal.source, ((sweep.start, sweep.stop),)), clock=clock)


def _row(table: Trials, number: int) -> Trials:
    columns = {name: values[number : number + 1] for name, values in table.columns.items()}
    return Trials(table.name, table.start_s[number : number + 1], table.stop_s[number : number + 1], columns)

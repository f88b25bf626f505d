"""A recording made as poor as a real one: hidden cells, low frame rate, measurement noise, missed and mistaken spikes.

In that order, each lazily and seeded: signals are spoiled as they are read, the same way however they are read.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from neurofit.simulate.degradation_options import DegradationOptions
from neurofit.simulate.framing import framed
from neurofit.simulate.hiding import cell_ids, keep_cells
from neurofit.simulate.measurement_noise import with_noise
from neurofit.simulate.spike_errors import misattributed, without_missed
from neurofit_io import Recording, RecordingError, Signal

_HIDE, _NOISE, _MISS, _MISTAKE = range(4)
"""Streams of random numbers, so that each kind of damage is the same whatever else is done."""


def degrade(recording: Recording, options: DegradationOptions | None = None, *, seed: int = 0) -> Recording:
    """The recording with what the options take away from it.

    Args:
        recording: Any recording; it is not changed.
        options: What is hidden, averaged, added, missed and mistaken; nothing when None.
        seed: Which cells, which noise and which spikes.

    Returns:
        A recording whose metadata and notes say what was done to it. Cells keep their labels.

    Raises:
        RecordingError: Noise without a `vm`, wrong spikes without spikes, hidden cells without cells, or a frame rate
            that does not divide a signal's.
    """
    options = options or DegradationOptions()
    if not options.any:
        return recording
    notes = [*recording.provenance.notes]
    if options.hidden_cells:
        recording, note = _hide(recording, options.hidden_cells, seed)
        notes.append(note)
    if options.frame_rate_hz is not None:
        signals = {name: framed(signal, options.frame_rate_hz) for name, signal in recording.signals.items()}
        recording = dataclasses.replace(recording, signals=signals)
        notes.append(f"faster signals are means over frames of {1000 / options.frame_rate_hz:g} ms")
    if options.measurement_noise_mv:
        recording = _add_noise(recording, options.measurement_noise_mv, seed)
        notes.append(f"white noise of {options.measurement_noise_mv:g} mV on vm")
    if options.missed_spikes or options.misattributed_spikes:
        recording, note = _spoil_spikes(recording, options, seed)
        notes.append(note)
    source = recording.provenance
    said = {**source.metadata, "degradation": {**dataclasses.asdict(options), "seed": seed}}
    return dataclasses.replace(recording, provenance=dataclasses.replace(source, metadata=said, notes=tuple(notes)))


def _hide(recording: Recording, share: float, seed: int) -> tuple[Recording, str]:
    cells = len(cell_ids(recording))
    hidden = round(share * cells)
    if hidden >= cells:
        raise RecordingError(
            recording.provenance.path, f"{hidden} of {cells} cells hidden", expected="at least one left",
            do="lower --hidden-cells",
        )  # fmt: skip
    kept = np.sort(np.random.default_rng([seed, _HIDE]).permutation(cells)[hidden:])
    return keep_cells(recording, kept), f"{hidden} of {cells} cells are hidden"


def _add_noise(recording: Recording, sd_mv: float, seed: int) -> Recording:
    names = [name for name, signal in recording.signals.items() if signal.kind == "vm"]
    if not names:
        raise RecordingError(
            recording.provenance.path, "no vm", expected="voltages to add noise to", do="drop --measurement-noise-mv"
        )
    noisy: dict[str, Signal] = {
        name: with_noise(recording.signals[name], sd_mv, seed=(seed, _NOISE, k)) for k, name in enumerate(names)
    }
    return dataclasses.replace(recording, signals={**recording.signals, **noisy})


def _spoil_spikes(recording: Recording, options: DegradationOptions, seed: int) -> tuple[Recording, str]:
    spikes = recording.spikes
    if spikes is None:
        raise RecordingError(
            recording.provenance.path, "no spikes", expected="spikes to miss or to mistake",
            do="drop --missed-spikes and --misattributed-spikes",
        )  # fmt: skip
    before = spikes.n_spikes
    spikes = without_missed(spikes, options.missed_spikes, np.random.default_rng([seed, _MISS]))
    note = f"{before - spikes.n_spikes} of {before} spikes are missed"
    if options.misattributed_spikes:
        spikes = misattributed(spikes, options.misattributed_spikes, np.random.default_rng([seed, _MISTAKE]))
        note += f", {options.misattributed_spikes:g} of the others given to another cell"
    return dataclasses.replace(recording, spike_trains={**recording.spike_trains, "spikes": spikes}), note

"""The overview of a simulated recording of trials: the first trial of each of a few conditions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurofit import figures
from neurofit.figures.simulated_trials import TrialScene, simulated_trials
from neurofit_io import Recording
from neurofit_io.files import write_bytes

TRIALS = 3


def draw_trials(recording: Recording, path: Path) -> None:
    """Draws some trials of a recording with `spikes`, `true_rates` and `trials` into a PNG file."""
    trials, spikes, rates = recording.trials, recording.spikes, recording.signals["true_rates"]
    assert trials is not None
    assert spikes is not None
    assert rates.rate_hz
    bins = round(float(trials.stop_s[0] - trials.start_s[0]) * rates.rate_hz)
    lines = {name: signal for name, signal in recording.signals.items() if name != "true_rates"}
    condition = trials.columns["condition"]
    # A trial with a push says more about `pulse` than one without.
    lively = np.abs(trials.columns.get("direction", np.ones(len(trials))))
    order = np.argsort(-lively, kind="stable")
    _, firsts = np.unique(condition[order], return_index=True)
    scenes = []
    for trial in sorted(order[firsts].tolist(), key=lambda k: int(condition[k]))[:TRIALS]:
        start_s, first = float(trials.start_s[trial]), round(float(trials.start_s[trial]) * rates.rate_hz)
        low, high = np.searchsorted(spikes.times_s, [start_s, trials.stop_s[trial]])
        scenes.append(
            TrialScene(
                f"trial {trial}, condition {condition[trial]}, {trials.columns['split'][trial]}",
                spikes.times_s[low:high] - start_s,
                spikes.units[low:high],
                rates.read(first, first + bins),
                {name: signal.read(first, first + bins) for name, signal in lines.items()},
            )
        )
    figure = simulated_trials(
        scenes,
        bin_ms=1000 / rates.rate_hz,
        units={name: signal.unit for name, signal in lines.items()},
        labels={name: [str(label) for label in signal.channel_ids] for name, signal in lines.items()},
        title=recording.provenance.path.name,
    )
    write_bytes(path, figures.figure_png(figure))

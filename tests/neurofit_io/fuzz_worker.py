"""Reads the paths on its standard input, one a line, and answers each with one line: `read`, `refused` or `wrong`.

A file is read when everything in it could be loaded, described and read with shapes that agree; it is refused when
that ended in a `RecordingError`. Anything else is wrong.
"""

from __future__ import annotations

import sys
import traceback
import warnings

import numpy as np

from neurofit_io import Recording, RecordingError, load
from neurofit_io.describing import describe, describe_text


def read_everything(path: str) -> None:
    """Loads a recording and asserts that all its parts agree with each other."""
    recording = load(path)
    describe_text(describe(recording))
    for name in recording.signals:
        read_signal(recording, name)
    for spikes in recording.spike_trains.values():
        assert spikes.times_s.shape == spikes.units.shape
        assert len(spikes.per_unit()) == spikes.n_units
        assert np.all(np.diff(spikes.times_s) >= 0)
    for connectivity in recording.connectivities.values():
        assert connectivity.weights.shape == connectivity.post.shape == connectivity.pre.shape
        assert connectivity.n_connected_pairs <= len(connectivity.weights)
    for trials in recording.intervals.values():
        assert trials.start_s.shape == trials.stop_s.shape == (len(trials),)


def read_signal(recording: Recording, name: str) -> None:
    signal = recording.signals[name]
    n_steps, n_channels = signal.shape
    assert len(signal.channel_ids) == n_channels
    seen = 0
    for start, block in signal.slabs():
        assert start == seen
        assert block.shape[1] == n_channels
        assert block.dtype == np.float32
        seen += len(block)
    assert seen == n_steps
    assert sum(s.stop - s.start for s in signal.segments) == n_steps
    if signal.rate_hz:
        assert len(signal.time_s(0, min(10, n_steps))) == min(10, n_steps)


def answer(path: str) -> str:
    try:
        read_everything(path)
    except RecordingError as error:
        return f"refused {error}"
    except Exception:
        return "wrong " + traceback.format_exc().replace("\n", "\\n")
    return "read"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print("ready", flush=True)
    for line in sys.stdin:
        print(answer(line.rstrip("\n")).replace("\n", " "), flush=True)

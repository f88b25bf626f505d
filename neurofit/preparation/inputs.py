"""Measured inputs: signals beside the one to be predicted, sampled at the same steps.

A model that predicts x_{t+1} is given x_{<=t} and u_{<=t}; u_t is the row of all columns of all inputs at step t.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurofit.preparation.options import PrepareOptions
from neurofit.preparation.selection import at_time, narrowed
from neurofit_io import Recording, RecordingError, Signal
from neurofit_io.clock import same_rate


@dataclass(frozen=True, eq=False)
class BesideSource:
    """Signals of the same steps side by side, in physical units."""

    parts: tuple[Signal, ...]

    @property
    def shape(self) -> tuple[int, int]:
        return self.parts[0].shape[0], sum(part.shape[1] for part in self.parts)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    @property
    def place(self) -> str:
        return self.parts[0].source.place

    def read(self, start: int, stop: int, channels: NDArray[np.intp] | None = None) -> NDArray:
        rows = np.concatenate([part.read(start, stop) for part in self.parts], axis=1)
        return rows if channels is None else rows[:, channels]


def select_inputs(recording: Recording, options: PrepareOptions, signal: Signal) -> Signal:
    """All columns of the signals that `inputs` names, side by side, on the clock of the signal to be predicted.

    Spikes are counted in the steps of that signal. A column is labelled by its signal, and by its channel where the
    signal has several.

    Args:
        recording: Where to look.
        options: `inputs`, `bin_ms`, `time`.
        signal: What is to be predicted, after `time`.

    Raises:
        RecordingError: An input is not there, is named twice, or has other steps than the signal.
    """
    parts = tuple(_one(recording, options, signal, name) for name in options.inputs)
    twice = [name for name, times in Counter(options.inputs).items() if times > 1]
    if twice or signal.name in options.inputs:
        found = f"{twice[0]} twice" if twice else f"{signal.name}, the signal to be predicted,"
        raise RecordingError(signal.source.place, f"{found} among --inputs", expected="other signals, each once")
    labels = [label for part in parts for label in _labels(part)]
    return Signal(
        "+".join(options.inputs), "inputs", "", BesideSource(parts), signal.clock, channel_ids=np.array(labels)
    )


def inputs_like(inputs: Signal, labels: Sequence[str]) -> Signal:
    """The columns of `select_inputs` that a fitted model was given, in its order.

    Raises:
        RecordingError: One of them is not there.
    """
    there = inputs.channel_ids.tolist()
    absent = [label for label in labels if label not in there]
    if absent:
        raise RecordingError(
            inputs.source.place, f"{len(absent)} of the model's {len(labels)} inputs are not there: "
            f"{', '.join(absent[:5])}", expected="the --inputs the model was fitted with",
        )  # fmt: skip
    return narrowed(inputs, np.array([there.index(label) for label in labels], dtype=np.intp))


def as_laid(options: PrepareOptions) -> PrepareOptions:
    """The options that change the steps of a signal, without those that change its values."""
    return dataclasses.replace(
        options, detrend="none", highpass_hz=None, lowpass_hz=None, notch_hz=None, reference="none"
    )


def _one(recording: Recording, options: PrepareOptions, signal: Signal, name: str) -> Signal:
    bin_ms = options.bin_ms or (1000 / signal.rate_hz if signal.rate_hz else None)
    one = at_time(recording.signal(name, bin_ms=bin_ms), options.time)
    _check_steps(one, signal)
    return one


def _labels(part: Signal) -> list[str]:
    return [part.name] if part.shape[1] == 1 else [f"{part.name}.{label}" for label in part.channel_ids.tolist()]


def _check_steps(one: Signal, signal: Signal) -> None:
    """Checks rate, number of steps and breaks in time; a shift of less than a step keeps u_t before x_{t+1}."""
    own, wanted = one.rate_hz, signal.rate_hz
    same = same_rate(own, wanted) if own and wanted else own is wanted is None
    do = f"choose a --time that both cover, or bring {one.name} to the steps of {signal.name} first"
    if not same or one.shape[0] != signal.shape[0]:
        raise RecordingError(
            one.source.place, f"input {one.name} has {_steps(one)}", expected=f"{_steps(signal)}, as {signal.name} has",
            do=do,
        )  # fmt: skip
    steps = [(part.start, part.stop) for part in one.segments], [(part.start, part.stop) for part in signal.segments]
    if steps[0] != steps[1]:
        raise RecordingError(
            one.source.place, f"input {one.name} has {_breaks(one)}",
            expected=f"{_breaks(signal)}, as {signal.name} has", do=do,
        )  # fmt: skip
    late = _shift_steps(one, signal)
    if late >= 1:
        raise RecordingError(
            one.source.place, f"input {one.name} and {signal.name} are up to {late:.3g} steps apart in time",
            expected="less than one", do=do,
        )  # fmt: skip


def _shift_steps(one: Signal, signal: Signal) -> float:
    """Largest distance in time between the same steps of two signals, in steps."""
    if signal.rate_hz is None:
        times = signal.time_s()
        return float(np.abs(one.time_s() - times).max() / np.median(np.diff(times)))
    pairs = zip(one.segments, signal.segments, strict=True)
    return signal.rate_hz * max(abs(a.start_s - b.start_s) for a, b in pairs)


def _steps(signal: Signal) -> str:
    return f"{signal.shape[0]} steps at {f'{signal.rate_hz:.10g} Hz' if signal.rate_hz else 'irregular times'}"


def _breaks(signal: Signal) -> str:
    starts = [part.start for part in signal.segments[1:]]
    shown = ", ".join(map(str, starts[:3])) + (" ..." if len(starts) > 3 else "")
    return f"breaks in time at steps {shown}" if starts else "no break in time"

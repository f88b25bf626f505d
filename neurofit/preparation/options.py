"""What to take from a recording and how to make it ready. No numpy here: every verb's help is made from this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class PrepareOptions:
    """Options of `prepare`."""

    signal: str | None = None
    """Signal to use, as `neurofit info` lists it; needed when there are several."""
    inputs: tuple[str, ...] = ()
    """Signals measured beside it that the model is given, of the same rate and length: stimulus,position."""
    bin_ms: float | None = None
    """Width of the bins in which spikes are counted, ms."""
    time: str | None = None
    """Use only this time, A:B in s; either side may be empty."""
    channels: str | None = None
    """Use only these columns, counted from 0 (not ids): 0,3,10:20."""
    units: str | None = None
    """Use only units or channels whose column of the file's table says so: quality==good, snr>=4."""
    resample_hz: float | None = None
    """Interpolate irregular samples linearly to this rate, never across a gap."""
    detrend: Literal["none", "constant", "linear"] = "none"
    """Subtract each channel's mean or line, fitted on the first train-fraction of the steps."""
    highpass_hz: float | None = None
    """Remove what is slower, with a causal Butterworth filter of order 4."""
    lowpass_hz: float | None = None
    """Remove what is faster, with a causal Butterworth filter of order 4; with --highpass-hz a band-pass."""
    notch_hz: float | None = None
    """Remove this frequency, such as 50 or 60, with a causal notch of quality 30."""
    reference: Literal["none", "mean", "median"] = "none"
    """Subtract the mean or median over all channels from each, step by step, after the filters."""
    decimate: int | None = None
    """Keep every n-th step, after a causal anti-aliasing filter that delays the signal by 10 of the new steps."""
    zscore: Literal["train", "all", "all-global", "none"] = "train"
    """Standardise by the training span; the all forms see the test span too and are for comparison only."""
    train_fraction: float = 0.7
    """Share of the steps, from the beginning, that may be trained on; the rest is the test span."""
    validation_fraction: float = 0.1
    """Share of the training part, at its end, kept for validation; 0 validates on the test span."""
    gap_ms: float = 20.0
    """Time left out before validation and before test, at least the order of the autoregressions; 0 for none."""
    warmup_ms: float | None = None
    """Truth fed to a model before it is scored, ms; as long as the gap when not given."""
    memory_gb: float = 1.0
    """Keep prepared values in memory up to this many GB; larger recordings are streamed from their file."""
    cache: str | None = None
    """Folder for the copy of a streamed recording that is slow to read; by default ~/.cache/neurofit, none for none."""

    def __post_init__(self) -> None:
        # One name alone from Python, and the list that a run's JSON holds.
        object.__setattr__(self, "inputs", (self.inputs,) if isinstance(self.inputs, str) else tuple(self.inputs))

"""How to read a file that does not say everything itself. No numpy here: every verb's help is made from this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LoadOptions:
    """Options of `load`; each is needed only where the file itself is silent."""

    format: str | None = None
    """Read as sonata, nwb, neurofit, raw, hdf5, matlab, numpy, csv, suite2p or lfads instead of recognising it."""
    dataset: str | None = None
    """Path of the dataset, variable or series inside the file."""
    kind: str | None = None
    """What the values are: vm, calcium, extracellular, lfp, fluorescence, dff, deconvolved, counts, spikes, ..."""
    unit: str | None = None
    """Unit of the stored values after --scale, such as mV, V, uV."""
    rate_hz: float | None = None
    """Samples per second."""
    start_s: float | None = None
    """Time of the first sample, s."""
    time_axis: Literal[0, 1, 2] | None = None
    """Which axis of a table is time: 0 for rows, 1 for columns."""
    trial_axis: Literal[0, 1, 2] | None = None
    """Which axis of a table counts trials, where one does."""
    scale: float | None = None
    """Factor from stored to physical values."""
    offset: float | None = None
    """Added after --scale."""
    dtype: str | None = None
    """Number type of a raw file: float32, int16, ..."""
    byte_order: Literal["little", "big"] | None = None
    """Byte order of a raw file."""
    n_channels: int | None = None
    """Number of channels of a raw file, or of cells where silent ones do not appear."""
    sweep: int | None = None
    """Take this sweep (from 0, in order of time) instead of all sweeps as trials."""
    spike_unit: Literal["s", "ms", "samples"] | None = None
    """Unit of spike times where the file does not say."""
    orientation: Literal["post_pre", "pre_post"] | None = None
    """What rows and columns of a connectivity matrix are."""
    bad_trials: Literal["error", "drop", "clip"] = "error"
    """Trials that are inverted, empty or beyond the data: `neurofit check` calls them errors and nothing changes them,
    or they are left out, or cut to the data."""
    allow_external: bool = False
    """Follow HDF5 links and external storage that lead outside the file's folder."""

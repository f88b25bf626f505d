"""The command line on a tiny recording: four channels of noise that forgets slowly."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurofit_io import Provenance, Recording, save, signal_from_array

ROOT = Path(__file__).parent.parent.parent
BIONET = ROOT / "examples" / "data" / "bionet_60cells"

FIT = ("--hidden", "6", "--chunk", "40", "--batch", "8", "--epochs", "2", "--device", "cpu", "--lr", "0.01")


def write_recording(path: Path, seed: int = 0) -> Path:
    """A recording of 4 channels x 1200 steps at 1 kHz in neurofit HDF5."""
    noise = np.random.default_rng(seed).standard_normal((1200, 4))
    values = np.zeros((1200, 4))
    for t in range(1, 1200):
        values[t] = 0.9 * values[t - 1] + noise[t]
    signal = signal_from_array(values.astype(np.float32), name="vm", rate_hz=1000.0, unit="mV")
    return save(Recording(Provenance(path, "memory"), {"vm": signal}), path)

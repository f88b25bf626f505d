"""A small recording that a linear model can explain: six channels of a stable second-order vector autoregression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neurofit.estimators import NextStep
from neurofit_io import Provenance, Recording, signal_from_array

CHANNELS, STEPS, RATE_HZ = 6, 3000, 1000.0
SCALE = np.array([1.0, 2.0, 0.5, 10.0, 1.0, 3.0])
OFFSET = np.array([-65.0, 0.0, 3.0, 100.0, -1.0, 0.0])

# The ar output, which hardly needs training here, has tests of its own.
FAST: dict[str, Any] = {"output": "residual", "hidden": 8, "chunk": 50, "batch": 8, "epochs": 2, "device": "cpu"}


def var2(seed: int = 0, steps: int = STEPS) -> NDArray[np.float32]:
    """x_t = 1.2 x_{t-1} - 0.5 x_{t-2} + 0.2 x_{t-1} of the next channel + noise, in physical units, (steps, 6)."""
    noise = np.random.default_rng(seed).standard_normal((steps, CHANNELS))
    x = np.zeros((steps, CHANNELS))
    for t in range(2, steps):
        x[t] = 1.2 * x[t - 1] - 0.5 * x[t - 2] + 0.2 * np.roll(x[t - 1], 1) + noise[t]
    return (x * SCALE + OFFSET).astype(np.float32)


def recording(values: NDArray[Any] | None = None, *, rate_hz: float = RATE_HZ, **more: Any) -> Recording:
    """A recording in memory with one signal, `vm`."""
    values = var2() if values is None else values
    signal = signal_from_array(values, name="vm", rate_hz=rate_hz, unit="mV", start_s=2.0, **more)
    return Recording(Provenance(Path("memory"), "memory"), {"vm": signal})


def fit(values: NDArray[Any] | None = None, *, out: Path | None = None, **options: Any) -> NextStep:
    """A quick fit of `values`."""
    return NextStep(**{**FAST, **options}).fit(recording(values), out=out, show=False)


def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take longer than everything else; tests that do not look at them leave them out."""
    monkeypatch.setattr("neurofit.estimators.fitting.report_fit", lambda *args, **more: None)

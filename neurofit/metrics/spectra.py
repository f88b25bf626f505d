"""Power spectra of what a predictor leaves unexplained, beside the truth's and a baseline's.

Welch's averaged periodograms (P. Welch, IEEE Transactions on Audio and Electroacoustics 15, 1967), averaged over
channels. White residuals mean that no linear structure in time is left to predict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal


@dataclass(frozen=True, eq=False)
class ResidualSpectrum:
    """Power spectral densities averaged over channels, in squared units of the data per Hz.

    Attributes:
        frequency_hz: (frequency,).
        truth: (frequency,), of the recording.
        residual: (frequency,), of truth minus prediction.
        baseline_residual: (frequency,), of truth minus the baseline's prediction.
    """

    frequency_hz: NDArray[np.float64]
    truth: NDArray[np.float64]
    residual: NDArray[np.float64]
    baseline_residual: NDArray[np.float64]


def residual_spectrum(
    truth: NDArray[np.floating[Any]],
    prediction: NDArray[np.floating[Any]],
    baseline: NDArray[np.floating[Any]],
    *,
    rate_hz: float,
    window_steps: int = 1024,
) -> ResidualSpectrum:
    """Spectra of the truth and of two predictors' residuals over one contiguous stretch.

    Args:
        truth: (time, channel).
        prediction: (time, channel), the model's.
        baseline: (time, channel), the baseline's.
        rate_hz: Steps per second.
        window_steps: Length of Welch's windows; shorter stretches are one window.

    Returns:
        The three densities; their integral over frequency is about the mean variance of a channel.
    """
    frequency_hz, truth_density = _mean_density(truth, rate_hz, window_steps)
    return ResidualSpectrum(
        frequency_hz=frequency_hz,
        truth=truth_density,
        residual=_mean_density(truth - prediction, rate_hz, window_steps)[1],
        baseline_residual=_mean_density(truth - baseline, rate_hz, window_steps)[1],
    )


def _mean_density(
    values: NDArray[np.floating[Any]], rate_hz: float, window_steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    frequency_hz, density = signal.welch(
        np.asarray(values, dtype=np.float64), fs=rate_hz, nperseg=min(window_steps, len(values)), axis=0
    )
    return frequency_hz, density.mean(axis=1)

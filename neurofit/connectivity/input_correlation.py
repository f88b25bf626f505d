"""Whether the voltage follows the weighted input: their correlation over lags, beside that with the input moved away.

    r(lag) = corr(x(t), V(t + lag))                (circular in time, by FFT: all lags at once, each exact)

Moved by more than a few hundred ms, the input has the same spikes and the same slow drifts but nothing to do with this
voltage: the 95 % quantile of |r| over all such moves is what chance gives, and no random number is drawn for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.ndimage import maximum_filter1d

from neurofit_io import RecordingError

LONGEST_LAG_MS = 50.0
"""A membrane that follows its input does so within a few time constants."""

AWAY_MS = 200.0
"""Moves beyond this count as chance; a recording with too few such moves is refused."""


@dataclass(frozen=True, eq=False)
class InputCorrelation:
    """Correlation of weighted input and voltage of each cell; NaN where one of the two is constant.

    Args:
        r: Without lag, (cells,).
        chance_r: 95 % quantile of |r| with the input moved away, (cells,).
        best_r: The r of largest size among all lags from 0 to the longest, (cells,).
        best_lag_ms: Its lag: how much later than the input the voltage is, ms, (cells,).
        chance_best_r: 95 % quantile of the size of the largest r of as many lags, with the input moved away, (cells,).
    """

    r: NDArray[np.float64]
    chance_r: NDArray[np.float64]
    best_r: NDArray[np.float64]
    best_lag_ms: NDArray[np.float64]
    chance_best_r: NDArray[np.float64]


def input_correlation(
    weighted_input: NDArray[np.floating],
    vm: NDArray[np.floating],
    *,
    dt_ms: float,
    longest_lag_ms: float = LONGEST_LAG_MS,
) -> InputCorrelation:
    """Correlates each cell's input with its voltage.

    Args:
        weighted_input: (time, cell), any unit.
        vm: mV, (time, cell).
        dt_ms: Length of a step, ms.
        longest_lag_ms: Longest lag of the voltage behind the input, ms.

    Raises:
        RecordingError: The two differ in shape, or the recording is too short for moves that are far away.
    """
    if weighted_input.shape != vm.shape:
        raise RecordingError("", f"an input of shape {weighted_input.shape}", expected=f"{vm.shape} as the voltage")
    n_steps, n_cells = vm.shape
    longest, away = round(longest_lag_ms / dt_ms), round((AWAY_MS + longest_lag_ms) / dt_ms)
    if n_steps < 4 * away:
        raise RecordingError(
            "", f"{n_steps * dt_ms / 1000:g} s of voltage", expected=f"{4 * away * dt_ms / 1000:g} s or more",
            do="correlate over shorter lags or a longer recording",
        )  # fmt: skip
    found = np.full((5, n_cells), np.nan)
    for cell in range(n_cells):
        r = _circular(weighted_input[:, cell], vm[:, cell])
        if r is None:
            continue
        near = np.abs(r[: longest + 1])
        best = int(near.argmax())
        size = np.abs(r)
        # Largest of the lags that begin at each move, as the search above has it.
        largest = maximum_filter1d(size, longest + 1, mode="wrap", origin=-((longest + 1) // 2))
        moved = slice(away, n_steps - away)
        found[:, cell] = (
            r[0], np.quantile(size[moved], 0.95), r[best], best * dt_ms, np.quantile(largest[moved], 0.95),
        )  # fmt: skip
    return InputCorrelation(*found)


def _circular(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """Pearson correlation of x(t) with y(t + lag) at every circular lag, (time,); None where one is constant."""
    x, y = x.astype(np.float64) - x.mean(dtype=np.float64), y.astype(np.float64) - y.mean(dtype=np.float64)
    scale = np.sqrt((x @ x) * (y @ y))
    if not scale > 0:
        return None
    return irfft(np.conj(rfft(x)) * rfft(y), n=len(x)) / scale

"""Figure 13: averages of two unconnected pairs within their chance bands, and what all of them are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.blanking import blank_mask, interpolate_blanks, spike_steps
from neurofit.connectivity.unconnected_averages import UnconnectedAverages
from neurofit.figures.unconnected_averages import AveragePair
from neurofit_io import RecordingError, Signal, Spikes

LAGS_MS = (0.1, 30.0)
MOVES = 200
FEWEST_SPIKES = 10
"""Of a presynaptic cell whose average is shown."""


def shown_pairs(found: UnconnectedAverages) -> list[tuple[int, int]]:
    """(post, pre) of the unconnected pair with the largest average for its chance, and of one in the middle.

    Raises:
        RecordingError: No unconnected presynaptic cell has `FEWEST_SPIKES` spikes.
    """
    usable = found.unconnected & (found.n_spikes >= FEWEST_SPIKES) & (found.shifted > 0)
    if not usable.any():
        raise RecordingError("", f"no unconnected pair whose presynaptic cell has {FEWEST_SPIKES} spikes",
                             expected="one to show", do="give a longer recording")  # fmt: skip
    ratio = np.where(usable, found.raw / np.where(usable, found.shifted, 1.0), -np.inf)
    order = np.argsort(ratio, axis=None)
    chosen = (order[-1], order[len(order) - int(usable.sum()) // 2 - 1])
    return [tuple(map(int, np.unravel_index(each, ratio.shape))) for each in dict.fromkeys(chosen)]  # type: ignore[misc]


def average_pair(vm: Signal, spikes: Spikes, post: int, pre: int, *, rng: np.random.Generator) -> AveragePair:
    """The average of one pair at every step, raw and blanked, beside those of its spikes moved round the end.

    Args:
        vm: Voltage.
        spikes: Spikes; unit i is channel i of `vm`.
        post: The postsynaptic cell.
        pre: The presynaptic cell.
        rng: For the moves.
    """
    n_steps = vm.shape[0]
    raw = vm.read(0, n_steps, [post])
    blanked = interpolate_blanks(raw, blank_mask(spikes, vm, 0, n_steps)[:, post : post + 1])
    steps = spike_steps(spikes, rate_hz=float(vm.rate_hz or np.nan), start_s=vm.start_s)[spikes.units == pre]
    lags = lag_steps(vm)
    moved = [(steps + move) % n_steps for move in rng.integers(n_steps // 10, n_steps - n_steps // 10, MOVES)]
    bands = {}
    for name, values in (("raw", raw[:, 0]), ("blanked", blanked[:, 0])):
        by_chance = [window_average(values, each, lags) for each in moved]
        bands[name] = np.quantile(by_chance, [0.025, 0.975], axis=0)
    label = f"cell {vm.channel_ids[pre]} to {vm.channel_ids[post]}, {len(steps)} spikes"
    return AveragePair(
        label, window_average(raw[:, 0], steps, lags), window_average(blanked[:, 0], steps, lags), bands["raw"],
        bands["blanked"],
    )  # fmt: skip


def lag_steps(vm: Signal) -> NDArray[np.int64]:
    """The paper's lags, 0.1 to 30 ms, as steps of a signal."""
    rate = float(vm.rate_hz or np.nan) / 1000
    return np.arange(max(1, round(LAGS_MS[0] * rate)), max(2, round(LAGS_MS[1] * rate) + 1))


def window_average(values: NDArray[np.floating], steps: Sequence[int] | NDArray, lags: NDArray) -> NDArray[np.float64]:
    """Mean of `values` at each lag after the steps, (lag,); steps whose window leaves the values are left out."""
    kept = np.asarray(steps)
    kept = kept[(kept + lags[0] >= 0) & (kept + lags[-1] < len(values))]
    return np.asarray(values, dtype=np.float64)[kept[:, None] + lags].mean(axis=0)

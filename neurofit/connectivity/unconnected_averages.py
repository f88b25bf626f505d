"""Why the voltage of a cell moves after the spikes of another that is not connected to it (the paper's figure 13).

The size of an average W_ij(lag) is its power, the mean over lags of its squared deviation from the mean voltage of the
postsynaptic cell. Powers of unrelated contributions add, so each explanation is a share of it:

    noise             power that is left when the presynaptic spikes are moved in time, all together, round the end:
                      their own order stays, any relation to the voltage goes; falls as 1 / spikes
    shared drive      power beyond that which is left when each spike is moved by up to `JITTER_MS`: relations slower
                      than that stay, synapses go
    own spikes        power that goes when the spikes of the postsynaptic cell are blanked
    a cell between    power beyond noise where more, against fewer, cells lie between the two

Nayebi, Cable and Wedeen 2015, section 6.1, ask for the first, third and fourth and leave the question open. Averages
are taken here in bins of 1 ms: a power needs no more.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import linregress, t

from neurofit.connectivity.binned_voltage import BinnedVoltage, binned_voltage
from neurofit.connectivity.shortest_paths import path_lengths, two_step_paths
from neurofit_io import RecordingError, Signal, Spikes
from neurofit_io.spikes import EDGE, sorted_spikes

BIN_MS = 1.0
WINDOW_MS = 30.0
"""The paper's lags, 1 to 300 steps of 0.1 ms."""
JITTER_MS = 25.0
LEAST_SHIFT = 0.1
"""Least move of a train round the end, as a part of the recording."""
BOOTSTRAPS = 2000


@dataclass(frozen=True)
class Share:
    """A ratio with its 95 % interval over presynaptic cells; NaN where nothing can be divided."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class UnconnectedAverages:
    """Powers of all averages, mV^2, and what lies between the cells; all (post, pre).

    Attributes:
        raw: Of the voltage as it is.
        blanked: With own spikes of the postsynaptic cell blanked.
        shifted: Of the raw voltage, with presynaptic trains moved round the end.
        shifted_blanked: Of the blanked voltage, with the same moves.
        jittered_blanked: Of the blanked voltage, with each presynaptic spike moved a little.
        unconnected: Pairs of two cells, without a synapse from pre to post, with spikes of pre.
        connected: Pairs with one, with spikes of pre.
        lengths: Synapses on the shortest path.
        between: Cells that pre connects to and that connect to post.
        n_spikes: Spikes that each presynaptic cell was averaged over, (pre,).
    """

    raw: NDArray[np.float64]
    blanked: NDArray[np.float64]
    shifted: NDArray[np.float64]
    shifted_blanked: NDArray[np.float64]
    jittered_blanked: NDArray[np.float64]
    unconnected: NDArray[np.bool_]
    connected: NDArray[np.bool_]
    lengths: NDArray[np.float64]
    between: NDArray[np.int64]
    n_spikes: NDArray[np.int64]

    def noise(self) -> Share:
        """Share of the raw power that is noise."""
        return share(self.shifted, self.raw, self.unconnected)

    def noise_blanked(self) -> Share:
        """Share of the blanked power that is noise."""
        return share(self.shifted_blanked, self.blanked, self.unconnected)

    def own_spikes(self) -> Share:
        """Share of the raw power that goes with the own spikes of the postsynaptic cell."""
        return share(self.raw - self.blanked, self.raw, self.unconnected)

    def shared_drive(self) -> Share:
        """Share of the blanked power that slow relations make, beyond noise."""
        return share(self.jittered_blanked - self.shifted_blanked, self.blanked, self.unconnected)

    def fast(self) -> Share:
        """Share of the blanked power that neither noise nor slow relations make."""
        return share(self.blanked - self.jittered_blanked, self.blanked, self.unconnected)

    def cell_between(self) -> Share:
        """Share of the blanked power that noise does not make, where more cells than the median lie between, less the
        same share where no more do."""
        many = self.between > np.median(self.between[self.unconnected])
        beyond = self.blanked - self.shifted_blanked
        more, fewer = self.unconnected & many, self.unconnected & ~many
        return difference_of_shares((beyond, self.blanked, more), (beyond, self.blanked, fewer))

    def by_length(self) -> list[tuple[str, int, float, float]]:
        """Rows (synapses on the shortest path, pairs, root mean power raw in mV, the same of noise), short ones first.

        Paths of 4 and more are one row; the first row is of connected pairs.
        """
        capped = np.where(np.isinf(self.lengths), 5, np.minimum(self.lengths, 4))
        rows = []
        for length, label in ((1, "1"), (2, "2"), (3, "3"), (4, "4 or more"), (5, "no path")):
            which = (capped == length) & (self.connected if length == 1 else self.unconnected)
            if which.any():
                raw, noise = (float(np.sqrt(power[which].mean())) for power in (self.raw, self.shifted))
                rows.append((label, int(which.sum()), raw, noise))
        return rows

    def exponent(self) -> Share:
        """Exponent b of amplitude ~ spikes^b over presynaptic cells with 2 spikes or more, unconnected pairs, raw."""
        return exponent(self.n_spikes, self.raw, self.unconnected)


def unconnected_averages(vm: Signal, spikes: Spikes, weight: NDArray[np.floating], *, seed: int = 0,
                         repeats: int = 4) -> UnconnectedAverages:  # fmt: skip
    """Averages of all pairs under each of the alternatives.

    Args:
        vm: Voltage, mV.
        spikes: Spikes; unit i is channel i of `vm`.
        weight: True weights, (post, pre), of the same cells; NaN where not tested.
        seed: Of the moves.
        repeats: Moves that powers of moved spikes are the mean of.

    Raises:
        RecordingError: No pair is unconnected with spikes of its presynaptic cell.
    """
    rng = np.random.default_rng(seed)
    raw = binned_voltage(vm, spikes, bin_ms=BIN_MS, blanked=False)
    blanked = binned_voltage(vm, spikes, bin_ms=BIN_MS)
    n_spikes = _table(raw, spikes)[1]
    spiking = (n_spikes > 0) & ~np.eye(len(weight), dtype=bool)
    unconnected = (weight == 0) & spiking
    if not unconnected.any():
        raise RecordingError(vm.source.place, "no unconnected pair whose presynaptic cell spikes", expected="one")
    moved = [shifted_trains(spikes, rng) for _ in range(repeats)]
    jittered = [jittered_trains(spikes, JITTER_MS, rng) for _ in range(repeats)]

    def mean_power(voltage: BinnedVoltage, trains: list[Spikes]) -> NDArray[np.float64]:
        return np.mean([average_power(voltage, each) for each in trains], axis=0)

    return UnconnectedAverages(
        average_power(raw, spikes), average_power(blanked, spikes), mean_power(raw, moved),
        mean_power(blanked, moved), mean_power(blanked, jittered), unconnected,
        (weight != 0) & ~np.isnan(weight) & spiking, path_lengths(weight), two_step_paths(weight), n_spikes,
    )  # fmt: skip


def average_power(voltage: BinnedVoltage, spikes: Spikes, *, window_ms: float = WINDOW_MS) -> NDArray[np.float64]:
    """Mean over lags of the squared average deviation after spikes, mV^2, (post, pre); 0 for silent presynaptic cells.

    Args:
        voltage: Deviations from the mean in bins.
        spikes: Presynaptic spikes; those whose window leaves the recording are left out.
        window_ms: Lags go from the bin after that of the spike to this.
    """
    table, n = _table(voltage, spikes, window_ms)
    lags = round(window_ms / voltage.bin_ms)
    last = voltage.n_bins - lags
    power = np.zeros((spikes.n_units, voltage.values.shape[1]))
    for lag in range(1, lags + 1):
        total = table @ voltage.values[lag : lag + last]
        power += np.square(total / np.maximum(n, 1)[:, None])
    return power.T / lags


def _table(
    voltage: BinnedVoltage, spikes: Spikes, window_ms: float = WINDOW_MS
) -> tuple[sparse.csr_array, NDArray[np.int64]]:
    """Spikes as a table (pre, bins that have a whole window after them), and their number (pre,)."""
    last = voltage.n_bins - round(window_ms / voltage.bin_ms)
    bins = np.floor((spikes.times_s - voltage.start_s) * 1000 / voltage.bin_ms + EDGE).astype(np.int64)
    inside = (bins >= 0) & (bins < last)
    shape = (spikes.n_units, last)
    ones = np.ones(int(inside.sum()), np.float32)
    table = sparse.coo_array((ones, (spikes.units[inside], bins[inside])), shape=shape).tocsr()
    return table, np.bincount(spikes.units[inside], minlength=spikes.n_units)


def shifted_trains(spikes: Spikes, rng: np.random.Generator) -> Spikes:
    """Each unit's spikes moved by a time of its own, round the end of the recording."""
    moves = rng.uniform(LEAST_SHIFT, 1 - LEAST_SHIFT, spikes.n_units) * spikes.duration_s
    times = spikes.start_s + (spikes.times_s - spikes.start_s + moves[spikes.units]) % spikes.duration_s
    return _moved(spikes, times)


def jittered_trains(spikes: Spikes, jitter_ms: float, rng: np.random.Generator) -> Spikes:
    """Each spike moved by up to `jitter_ms` to either side, and kept within the recording."""
    times = spikes.times_s + rng.uniform(-jitter_ms, jitter_ms, spikes.n_spikes) / 1000
    return _moved(spikes, np.clip(times, spikes.start_s, spikes.stop_s))


def _moved(spikes: Spikes, times: NDArray[np.float64]) -> Spikes:
    moved = sorted_spikes(
        times, spikes.units, name=spikes.name, unit_ids=spikes.unit_ids, start_s=spikes.start_s, stop_s=spikes.stop_s
    )
    return dataclasses.replace(moved, positions_um=spikes.positions_um)


def share(part: NDArray[np.floating], whole: NDArray[np.floating], which: NDArray[np.bool_], *, seed: int = 0) -> Share:
    """Sum of `part` over sum of `whole` in the pairs `which`, with an interval from resampled presynaptic cells."""
    sums = _column_sums(part, whole, which)
    draws = _draws(which.shape[1], seed)
    return _interval(_ratio(sums.sum(axis=1)), _ratio(sums @ draws))


def difference_of_shares(
    first: tuple[NDArray, NDArray, NDArray[np.bool_]], second: tuple[NDArray, NDArray, NDArray[np.bool_]], *,
    seed: int = 0,
) -> Share:  # fmt: skip
    """`share` of the first triple (part, whole, which) less that of the second, presynaptic cells resampled once."""
    one, two = _column_sums(*first), _column_sums(*second)
    draws = _draws(one.shape[1], seed)
    value = _ratio(one.sum(axis=1)) - _ratio(two.sum(axis=1))
    return _interval(value, _ratio(one @ draws) - _ratio(two @ draws))


def _column_sums(part: NDArray, whole: NDArray, which: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.stack([np.where(which, part, 0).sum(axis=0), np.where(which, whole, 0).sum(axis=0)])


def _draws(n: int, seed: int) -> NDArray[np.float64]:
    """How often each of n cells is drawn in each bootstrap, (n, bootstraps)."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=BOOTSTRAPS).T.astype(np.float64)


def _ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return sums[0] / sums[1]


def _interval(value: NDArray[np.float64], resampled: NDArray[np.float64]) -> Share:
    known = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or len(known) < 0.9 * len(resampled):
        return Share(float(value) if np.isfinite(value) else float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(known, [0.025, 0.975])
    return Share(float(value), float(low), float(high))


def exponent(n_spikes: NDArray[np.integer], power: NDArray[np.floating], which: NDArray[np.bool_]) -> Share:
    """Slope of log amplitude on log spikes over presynaptic cells, with the interval of a linear regression.

    Args:
        n_spikes: Spikes of each presynaptic cell, (pre,).
        power: (post, pre).
        which: Pairs that count, (post, pre).
    """
    pairs = which.sum(axis=0)
    cells = (n_spikes >= 2) & (pairs > 0)
    if cells.sum() < 4 or len(np.unique(n_spikes[cells])) < 2:
        return Share(float("nan"), float("nan"), float("nan"))
    mean = np.where(which, power, 0).sum(axis=0)[cells] / pairs[cells]
    fit = linregress(np.log(n_spikes[cells]), 0.5 * np.log(mean))
    reach = float(t.ppf(0.975, cells.sum() - 2) * fit.stderr)
    return Share(float(fit.slope), float(fit.slope - reach), float(fit.slope + reach))

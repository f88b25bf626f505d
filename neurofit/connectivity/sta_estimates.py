"""Connections from spike-triggered averages: the paper's, and one corrected for what slow covariation does to it.

`sta`: the signed peak of the average (Nayebi et al. 2015, section 6.1) of raw Vm relative to its mean. Its standard
error is that of one lag (sampling_noise.py); its z allows for the search over lags (searched_lags.py).

`sta_corrected`: the mean of an early window of blanked Vm minus its expectation when spikes are jittered (jitter.py),
which takes away what both cells share over longer times than the jitter. Its z is the weight over its standard error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurofit.connectivity.average_blocks import average_blocks
from neurofit.connectivity.average_options import LAGS_MS, AverageWindows, lags_of_ms
from neurofit.connectivity.average_summaries import peaks_of
from neurofit.connectivity.cell_voltages import CellVoltages, cell_voltages
from neurofit.connectivity.estimate import Estimate, estimate_of
from neurofit.connectivity.sampling_noise import GRID_MS, Autocovariance, pair_counts, standard_error
from neurofit.connectivity.searched_lags import searched_z
from neurofit.connectivity.spike_triggered_average import counted_spikes
from neurofit.connectivity.window_scores import CellMeans, excesses
from neurofit.connectivity.window_sums import row_sums
from neurofit_io import Signal, Spikes

MEMORY_MS = 200.0
"""How far apart samples of a raw voltage are still taken to be correlated."""

_SAMPLED_CELLS, _SAMPLED_STEPS = 16, 200_000


def sta(vm: Signal, spikes: Spikes, *, lags_ms: tuple[float, float] = LAGS_MS, blanked: bool = False) -> Estimate:
    """Signed peak of the spike-triggered average of every pair, mV.

    Args:
        vm: Voltages.
        spikes: Spikes; unit i is channel i of `vm`.
        lags_ms: First and last lag, ms; by default the paper's, 1 to 300 steps of 0.1 ms.
        blanked: Take each cell's own spikes out of its voltage first; the paper did not.
    """
    cells = cell_voltages(spikes, vm, blanked=blanked)
    lags = lags_of_ms(lags_ms, cells.dt_ms)
    trains = counted_spikes(cells, lags)
    n = np.array([len(train) for train in trains])
    peaks = peaks_of(average_blocks(cells, trains, lags), cells.n_cells)
    grid = max(1, round(GRID_MS / cells.dt_ms))
    n_lags = 1 + round(MEMORY_MS / (grid * cells.dt_ms))
    covariance = Autocovariance(cells.n_cells, n_lags)
    for block in cells.blocks(0, 0):
        covariance.add((block.own - peaks.mean.astype(np.float32))[(-block.start) % grid :: grid])
    counts = pair_counts(trains, grid=grid, n_lags=n_lags)
    se = standard_error(covariance.result(), counts, n, rows=-(-cells.n_steps // grid))
    with np.errstate(divide="ignore", invalid="ignore"):
        score = peaks.peak / se
    z = searched_z(score, _correlation(cells, lags[1] - lags[0] + 1))
    first, last = (lag * cells.dt_ms for lag in lags)
    notes = (
        f"signed peak of the average over lags {first:g} to {last:g} ms of {'blanked' if blanked else 'raw'} Vm; "
        f"z allows for the search over lags; |weight| is what the paper looks at",
        *_left_out(spikes, n),
    )
    return estimate_of("sta", peaks.peak, se, unit=vm.unit, z=z, notes=notes)


def sta_corrected(
    vm: Signal, spikes: Spikes, *, windows: AverageWindows | None = None, blanked: bool = True
) -> Estimate:
    """Early window of the average minus its expectation under jitter, of every pair, mV.

    Args:
        vm: Voltages.
        spikes: Spikes; unit i is channel i of `vm`.
        windows: The early window and the jitter; the default ones when None.
        blanked: Take each cell's own spikes out of its voltage first.
    """
    cells = cell_voltages(spikes, vm, blanked=blanked)
    windows = windows or AverageWindows()
    steps = windows.steps(cells.dt_ms).early_only
    trains = counted_spikes(cells, steps.span)
    n = np.array([len(train) for train in trains])
    grid = max(1, round(GRID_MS / cells.dt_ms))
    n_lags = 1 + 3 * steps.jitter // grid
    sums = np.zeros((cells.n_cells, cells.n_cells), np.float32)
    covariances: dict[int, Autocovariance] = {}
    start, within = -1, trains
    for part in excesses(cells, steps, CellMeans(cells.n_cells)):
        stop = part.start + len(part.expected)
        values = part.excess.astype(np.float32)
        if part.start != start:
            start = part.start
            within = [train[slice(*np.searchsorted(train, [start, stop]))] - start for train in trains]
        sums[:, part.cells] += row_sums(values, within)
        of = covariances.setdefault(part.cells.start, Autocovariance(values.shape[1], n_lags))
        of.add(values[(-part.start) % grid :: grid])
    covariance = np.concatenate([covariances[start].result() for start in sorted(covariances)], axis=1)
    se = standard_error(covariance, pair_counts(trains, grid=grid, n_lags=n_lags), n)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = (sums / n[:, None]).T
    first, last = windows.early_ms
    notes = (
        f"mean {first:g} to {last:g} ms after spikes, in {'blanked' if blanked else 'raw'} Vm, minus its expectation "
        f"when spikes are moved by up to {windows.jitter_ms:g} ms",
        *_left_out(spikes, n),
    )
    return estimate_of("sta-corrected", weight, se, unit=vm.unit, notes=notes)


def _correlation(cells: CellVoltages, n_lags: int) -> NDArray[np.float64]:
    """Mean autocorrelation of some cells' voltages over the first minutes, (n_lags,)."""
    chosen = np.unique(np.linspace(0, cells.n_cells - 1, _SAMPLED_CELLS).astype(int))
    steps = min(cells.n_steps, _SAMPLED_STEPS)
    found = Autocovariance(len(chosen), n_lags)
    values = np.concatenate([cells.of(slice(cell, cell + 1)).read(0, steps) for cell in chosen], axis=1)
    found.add(values - values.mean(axis=0))
    covariance = found.result()
    moves = covariance[0] > 0
    if not moves.any():
        return np.eye(1, n_lags)[0]
    return (covariance[:, moves] / covariance[0, moves]).mean(axis=1)


def _left_out(spikes: Spikes, n: NDArray[np.integer]) -> tuple[str, ...]:
    dropped, silent = spikes.n_spikes - int(n.sum()), int(np.count_nonzero(n == 0))
    return (
        f"{dropped} of {spikes.n_spikes} spikes left out, whose window leaves the recording",
        *([f"{silent} cells without a spike that counts"] if silent else []),
    )

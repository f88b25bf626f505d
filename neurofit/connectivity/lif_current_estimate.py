"""Weights from the current of a leaky integrate-and-fire cell: what the paper wanted the current for.

    V_i + tau dV_i/dt = c_i + sum_j w_ij (alpha * s_j)(t) + e_i(t)

The current of each cell in bins of 0.5 ms, from a bin to the next, is regressed on the spikes s of all cells, each
followed by an exponential kernel alpha of 4 ms that begins 1 ms after the spike; z is the t statistic of w. One Gram
matrix serves all cells: bins that are not valid hold no response, and the missing share is made up for on the average.
Method and constants: specification of the field, section 4, rows "LIF current". Nayebi, Cable and Wedeen 2015, section
6.2, take the raw voltage and C = 35, which is 3.5 ms if C counts steps of 0.1 ms: `preset="nayebi2015"`. The residual e
is not white, so that |z| is larger than it should be: the ranking is what counts.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.signal import lfilter

from neurofit.connectivity.binned_voltage import BinnedVoltage, binned_voltage
from neurofit.connectivity.cells import same_cells
from neurofit.connectivity.estimate import Estimate, estimate_of
from neurofit.connectivity.lagged_regression import spike_counts
from neurofit.connectivity.lif_current import PAPER_TAUS_MS, lif_current
from neurofit_io import Signal, Spikes

TAU_MS = 20.0
KERNEL_MS = 4.0
DELAY_MS = 1.0
RIDGE = 1e-3
BIN_MS = 0.5
FEWEST_SPIKES = 5
CELLS_AT_ONCE = 128
BINS_AT_ONCE = 4000


def lif_current_coupling(
    vm: Signal,
    spikes: Spikes,
    *,
    tau_ms: float = TAU_MS,
    blanked: bool = True,
    preset: Literal["nayebi2015"] | None = None,
) -> Estimate:
    """Weights by regression of the LIF current on the spikes of all cells.

    Args:
        vm: Voltage, mV, at a constant rate.
        spikes: Spikes; units are matched to channels by their ids.
        tau_ms: Membrane time constant, ms; scores are flat above the true one and fall far below it.
        blanked: Whether each cell's own spikes are taken out of its voltage.
        preset: `nayebi2015` for 3.5 ms on the voltage as it is, whatever the two options above say.

    Returns:
        Weights in mV of R I at the peak of the kernel.

    Raises:
        RecordingError: Cells that do not match, a signal without one constant rate, values that are not finite.
    """
    if preset == "nayebi2015":
        tau_ms, blanked = PAPER_TAUS_MS[0], False
    spikes = same_cells(vm, spikes, place=vm.source.place)
    voltage = binned_voltage(vm, spikes, bin_ms=BIN_MS, blanked=blanked)
    response, valid = binned_current(voltage, tau_ms)
    counts = spike_counts(spikes, n_bins=voltage.n_bins, bin_ms=voltage.bin_ms, start_s=voltage.start_s)
    weight, se, silent = kernel_regression(counts, response, valid, bin_ms=voltage.bin_ms)
    told = (
        f"tau {tau_ms:g} ms, {'own spikes blanked' if blanked else 'voltage as it is'}, bins of {voltage.bin_ms:g} ms"
    )
    rare = f"{silent.sum()} cells have fewer than {FEWEST_SPIKES} spikes: nothing is said of their effects"
    return estimate_of("lif-current", weight, se, unit="mV", notes=(told, rare) if silent.any() else (told,))


def binned_current(voltage: BinnedVoltage, tau_ms: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """R I of binned voltages, mV up to a constant, and where it is valid, (bins, cells) each.

    Args:
        voltage: Binned voltage.
        tau_ms: Membrane time constant, ms.

    Returns:
        The mean of each cell over valid bins is taken away, and what is not valid is 0. A bin is valid where it and the
        next, to which the derivative is taken, are.
    """
    valid = voltage.valid.copy()
    valid[:-1] &= voltage.valid[1:]
    valid[-1] = False
    current = np.empty_like(voltage.values)
    for first in range(0, current.shape[1], CELLS_AT_ONCE):
        block = slice(first, first + CELLS_AT_ONCE)
        known = valid[:, block]
        found = np.where(known, lif_current(voltage.values[:, block], tau_ms, dt_ms=voltage.bin_ms,
                                            difference="forward"), 0)  # fmt: skip
        mean = found.sum(axis=0, dtype=np.float64) / np.maximum(known.sum(axis=0), 1)
        current[:, block] = np.where(known, found - mean.astype(np.float32), 0)
    return current, valid


def kernel_regression(
    counts: sparse.csr_array, response: NDArray[np.float32], valid: NDArray[np.bool_], *, bin_ms: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Least squares of every response on the kernel-filtered spikes of all cells, with ridge.

    Args:
        counts: Spikes in bins, (bins, pre).
        response: (bins, post), 0 where not valid, of mean 0 over valid bins.
        valid: (bins, post).
        bin_ms: Width of a bin, ms.

    Returns:
        weight and standard error, (post, pre), NaN where pre has too few spikes; and which those are, (pre,).
    """
    (n_bins, n_pre), n_post = counts.shape, response.shape[1]
    gram, cross, total = np.zeros((n_pre, n_pre)), np.zeros((n_pre, n_post)), np.zeros(n_pre)
    delay, decay = max(1, round(DELAY_MS / bin_ms)), float(np.exp(-bin_ms / KERNEL_MS))
    state = np.zeros((1, n_pre), dtype=np.float32)
    one, feedback = np.ones(1, np.float32), np.array([1.0, -decay], np.float32)
    for first in range(0, n_bins, BINS_AT_ONCE):
        last = min(first + BINS_AT_ONCE, n_bins)
        arrived = np.zeros((last - first, n_pre), dtype=np.float32)
        seen = counts[max(0, first - delay) : max(0, last - delay)].toarray()
        arrived[len(arrived) - len(seen) :] = seen
        design, state = lfilter(one, feedback, arrived, axis=0, zi=state)
        gram += design.T @ design
        cross += design.T @ response[first:last]
        total += design.sum(axis=0, dtype=np.float64)
    gram -= np.outer(total, total) / n_bins
    cross -= np.outer(total / n_bins, response.sum(axis=0, dtype=np.float64))
    silent = np.asarray(counts.sum(axis=0)).reshape(-1) < FEWEST_SPIKES
    gram[np.diag_indices(n_pre)] += RIDGE * max(float(np.mean(np.diag(gram))), 1e-12)
    factor = linalg.cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
    beta = linalg.cho_solve(factor, cross, check_finite=False)
    observed = np.maximum(valid.mean(axis=0), 1 / n_bins)
    square = np.einsum("ti,ti->i", response, response, dtype=np.float64)
    explained = np.einsum("ji,ji->i", beta, cross) / observed
    freedom = np.maximum(valid.sum(axis=0) - n_pre, 1)
    variance = np.maximum(square - explained, 0) / freedom
    # Rows of the inverse of the factor: the diagonal of the inverse Gram matrix without the matrix.
    inverse = linalg.solve_triangular(factor[0], np.eye(n_pre), lower=True, overwrite_b=True, check_finite=False)
    spread = np.einsum("kj,kj->j", inverse, inverse)
    weight, se = (beta / observed).T, np.sqrt(np.outer(variance / observed, spread))
    weight[:, silent], se[:, silent] = np.nan, np.nan
    return weight, se, silent

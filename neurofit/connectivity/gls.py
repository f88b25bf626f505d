"""Connections from voltages by generalised least squares: blank, whiten, regress on everybody's spikes.

    v_i(t) = sum_k a_ik v_i(t - k) + sum_j sum_b beta_ijb x_jb(t) + e_i(t)

A voltage is mostly its own past and its background. What its autoregression leaves is nearly white, and a synapse is a
brief event in it, however long the potential lasts. Each cell has its own autoregression, and the shapes of the events
are learned from the recording (response_basis.py), where the bins are ten times the regressors or more; otherwise one
autoregression serves all cells and one shape is learned. What chooses looks at the recording only.

The weight of a pair is the signed peak of its potential in mV: the fitted event passed back through the postsynaptic
cell's autoregression. z has the weight's sign and the p of the F test that the pair has no event of any shape.
Generalised least squares by autoregressive whitening: D. Cochrane and G. H. Orcutt, JASA 44, 1949.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal, sparse

from neurofit.connectivity.binned_voltage import BIN_MS, binned_voltage
from neurofit.connectivity.blanking import AFTER_MS
from neurofit.connectivity.estimate import Estimate, estimate_of
from neurofit.connectivity.f_evidence import f_evidence
from neurofit.connectivity.lagged_regression import FEWEST_SPIKES, LaggedFit, fit_lagged, spike_counts
from neurofit.connectivity.response_basis import MOST_SHAPES, ResponseBasis, box_basis, learned_basis, psp_basis
from neurofit.connectivity.whitening import ORDER, fit_whitener, whiten_voltage
from neurofit_io import Signal, Spikes

Basis = Literal["learned", "boxes", "psp"]

ROWS_PER_COLUMN = 10
WINDOW_MS = 15.0
PEAK_MS = 10.0
"""Time after a spike within which a potential's peak is its weight: the recursion that gives the potential back adds up
what is uncertain about its tail."""


def gls(
    vm: Signal,
    spikes: Spikes,
    *,
    bin_ms: float = BIN_MS,
    order: int = ORDER,
    window_ms: float = WINDOW_MS,
    blank_after_ms: float = AFTER_MS,
    basis: Basis = "learned",
) -> Estimate:
    """Who makes whose voltage jump.

    Args:
        vm: Membrane potentials, mV, of constant rate.
        spikes: Spikes; unit i is channel i of `vm`.
        bin_ms: Width of the bins that are regressed, ms.
        order: Lags of the whitening autoregression, bins.
        window_ms: Longest time from a spike to its effect, ms.
        blank_after_ms: Time after its own spikes in which a voltage is not used, ms.
        basis: Shapes of the responses: learned from the recording, ten boxes, or one assumed potential.

    Returns:
        Weights in mV.

    Raises:
        RecordingError: A voltage is not finite, or too short.
    """
    voltage = binned_voltage(vm, spikes, bin_ms=bin_ms, after_ms=blank_after_ms)
    n_bins, n_cells = voltage.values.shape
    affordable = n_bins // (ROWS_PER_COLUMN * n_cells)
    shared = affordable == 0
    coefficients = fit_whitener(voltage, order=order, shared=shared)
    innovations, valid = whiten_voltage(voltage, coefficients)
    counts = spike_counts(spikes, n_bins=n_bins, bin_ms=voltage.bin_ms, start_s=voltage.start_s)
    bin_ms = voltage.bin_ms
    del voltage
    chosen = _chosen_basis(basis, counts, innovations, valid, coefficients, bin_ms, window_ms, affordable)
    fit = fit_lagged(counts, innovations, valid, chosen.shapes, first_lag=chosen.first_lag)
    window = max(round(min(PEAK_MS, window_ms) / bin_ms), chosen.first_lag + 2)
    weight, se = _potentials(fit, chosen, coefficients, window=window)
    z = np.sign(weight) * f_evidence(fit.f_statistic(), m=chosen.shapes.shape[1], n=fit.freedom[None]).T
    usable = valid.any(axis=0) & (fit.variance > 0)
    se[~usable], se[:, fit.silent] = np.nan, np.nan
    whitener = f"one AR({order}) for all cells" if shared else f"an AR({order}) of each cell"
    notes = [f"{n_bins} bins of {bin_ms:g} ms, own spikes blanked; {whitener}; {chosen.said}"]
    if fit.silent.any():
        notes.append(f"{int(fit.silent.sum())} cells with fewer than {FEWEST_SPIKES} spikes: their weights are 0")
    if not usable.all():
        notes.append(f"{int((~usable).sum())} cells whose voltage never varies or is never free of spikes: 0")
    return estimate_of("gls", weight, se, z=z, unit="mV", notes=tuple(notes))


def _chosen_basis(
    basis: Basis,
    counts: sparse.csr_array,
    innovations: NDArray[np.float32],
    valid: NDArray[np.bool_],
    coefficients: NDArray[np.float64],
    bin_ms: float,
    window_ms: float,
    affordable: int,
) -> ResponseBasis:
    """The basis asked for; where no shape stands out, boxes if the recording is long enough for them."""
    if basis == "learned":
        most = min(max(affordable, 1), MOST_SHAPES)
        learned = learned_basis(counts, innovations, valid, bin_ms=bin_ms, window_ms=window_ms, most=most)
        if learned is not None:
            return learned
    boxes = box_basis(bin_ms=bin_ms)
    if basis == "boxes" or (basis == "learned" and affordable >= boxes.shapes.shape[1]):
        return boxes
    return psp_basis(coefficients, bin_ms=bin_ms)


def _potentials(
    fit: LaggedFit, basis: ResponseBasis, coefficients: NDArray[np.float64], *, window: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Signed peak of each pair's postsynaptic potential within `window` bins, and its standard error, (post, pre)."""
    n_basis, n_pre, n_post = fit.beta.shape
    weight, se = np.zeros((n_post, n_pre)), np.full((n_post, n_pre), np.nan)
    events = np.zeros((max(window, basis.first_lag + len(basis.shapes)), n_basis))
    events[basis.first_lag : basis.first_lag + len(basis.shapes)] = basis.shapes
    cells = np.arange(n_pre)
    for post in range(n_post):
        potential = signal.lfilter([1.0], np.concatenate([[1.0], -coefficients[post]]), events, axis=0)[:window]
        course = potential @ fit.beta[:, :, post]
        peak = np.abs(course).argmax(axis=0)
        at_peak = potential[peak]
        spread = np.einsum("jb,jbc,jc->j", at_peak, fit.unexplained, at_peak)
        weight[post] = course[peak, cells]
        with np.errstate(invalid="ignore"):
            se[post] = np.sqrt(spread * fit.variance[post] / fit.observed[post])
    return weight, se

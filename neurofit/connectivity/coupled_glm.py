"""The coupled Poisson GLM, converged: each cell's log rate by the past spikes of all cells and its own last spike.

The model is that of `glm_likelihood`, after J. Pillow et al. (Nature 454, 2008), with one synaptic kernel for all pairs
and a ridge prior. All cells are fitted at once by L-BFGS, whose preconditioner they share.
"""

from __future__ import annotations

import numpy as np

from neurofit.connectivity.batched_lbfgs import minimise_columns
from neurofit.connectivity.estimate import Estimate, estimate_of
from neurofit.connectivity.glm_likelihood import CoupledLikelihood
from neurofit.connectivity.spike_bins import Kernel, bin_counts, silence_note, synaptic_kernel
from neurofit_io import RecordingError, Spikes

PAIRS = 5
MATRICES = 3 * PAIRS + 12
"""Float64 matrices of (cells, cells) that a fit holds at once, at most."""


def glm(
    spikes: Spikes,
    *,
    bin_ms: float = 1.0,
    tau_ms: float = 6.0,
    rise_ms: float = 1.0,
    delay_ms: float = 0.5,
    prior_sd: float | None = None,
    tolerance: float = 0.01,
    max_iterations: int = 200,
    memory_gb: float = 2.0,
) -> Estimate:
    """Maximum a posteriori couplings of a Poisson GLM.

    Args:
        spikes: Spikes of all cells.
        bin_ms: Bin width, ms.
        tau_ms: Decay of the synaptic kernel, ms.
        rise_ms: Rise of the synaptic kernel, ms.
        delay_ms: Synaptic delay, ms.
        prior_sd: Prior standard deviation of a coupling, in log rate at the peak of the kernel; None estimates the
            spread of all couplings from the recording, by moments, before any is fitted.
        tolerance: A cell has converged when the norm of its gradient, in the metric of the information at its mean
            rate, is at most this: about the distance from the optimum in standard errors, all couplings together.
        max_iterations: Steps at most.
        memory_gb: Memory that the fit may use, GB; beyond it filtered spikes are made anew for every step.

    Returns:
        Weight: log rate of post at the peak of the effect of a spike of pre. The standard errors are those of the
        ridge estimate, from the Fisher information: the diagonal of each target's own, correlations as at mean rates.

    Raises:
        RecordingError: No spikes, fewer than two cells that fire, bins that do not fit, or more cells than the memory
            holds couplings for.
    """
    counts = bin_counts(spikes, bin_ms)
    n_spikes = np.asarray(counts.sum(axis=0), np.float64)
    firing = np.flatnonzero(n_spikes)
    if len(firing) < 2:
        raise RecordingError("", f"{len(firing)} cell fires", place=spikes.name, expected="two or more that fire")
    needed = MATRICES * 8 * len(firing) ** 2
    if needed > memory_gb * 1e9:
        raise RecordingError(
            "", f"{len(firing)} cells, whose couplings need {needed / 1e9:.1f} GB to fit", place=spikes.name,
            expected=f"at most {memory_gb:g} GB", do="allow more memory, or use linear-coupling",
        )  # fmt: skip
    unit_sum = synaptic_kernel(bin_ms=bin_ms, tau_ms=tau_ms, rise_ms=rise_ms, delay_ms=delay_ms)
    kernel = Kernel(unit_sum.taps / unit_sum.taps.max(), unit_sum.first_lag)
    likelihood = CoupledLikelihood(
        counts[:, firing].tocsr(), kernel, bin_ms=bin_ms, prior_sd=prior_sd, cache_bytes=memory_gb * 1e9 - needed
    )
    optimum = minimise_columns(
        likelihood.evaluate, likelihood.precondition, likelihood.start,
        tolerance=tolerance, max_iterations=max_iterations, pairs=PAIRS,
    )  # fmt: skip
    weight, se = (np.full((spikes.n_units,) * 2, np.nan) for _ in range(2))
    weight[np.ix_(firing, firing)] = optimum.parameters[: len(firing)].T
    se[np.ix_(firing, firing)] = likelihood.weight_errors(optimum.parameters).T
    apart = int(np.count_nonzero(~optimum.converged))
    notes = (
        f"{len(firing) - apart} of {len(firing)} cells converged in {optimum.iterations} steps; gradient norm at most "
        f"{optimum.gradient_norm.max():.2g} standard errors",
        f"prior sd {likelihood.prior_sd:.3g}{'' if prior_sd else ', from the recording'}",
        f"refractory for {likelihood.refractory * bin_ms:g} ms, as the shortest interval has it",
        *silence_note(n_spikes),
    )
    return estimate_of("glm", weight, se, unit="log rate", notes=notes)

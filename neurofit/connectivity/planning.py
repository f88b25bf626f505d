"""What to expect of a recording of given length, before it is made: AUC and AP of the regression of Vm on spikes.

One spike of a presynaptic cell moves Vm of a target by w h(t), h being the postsynaptic potential of peak 1, on noise
of two-sided spectrum S(f). A whitened regression that uses the frequencies up to f_max has, after n such spikes,

    1 / se(w)^2 = n (1 - p / m) J,        J = int_{-f_max}^{f_max} |H(f)|^2 / S(f) df

with p regressors in m bins. In theory f_max is 1 / (2 bin); above a few hundred Hz, however, kernels and delays that
the regression does not know cost it what there is to gain. Synapses of time constant tau_s and noise of time constant
tau_n reach Vm through a membrane of time constant tau_m; with L_k(f) = 1 / (1 + (2 pi f tau_k)^2)

    |H(f)|^2 = a^2 L_m L_s,     a = tau_m (tau_m / tau_s)^(tau_s / (tau_m - tau_s))        (peak 1)
    S(f)     = 2 (tau_m + tau_n) noise^2 L_m L_n + sample measurement_noise^2

z = w / se is N(mu, 1) for an edge and N(0, 1) elsewhere. Over edges mu is log-normal: weights are, and so are rates.
With q(t) the share of edges with |z| > t and f(t) = 2 Phi(-t) that of other pairs,

    AUC = int q df,      AP = int d q / (d q + (1 - d) f) dq,      d the density.

When the sign of the presynaptic cell is known (Dale step) evidence of the wrong sign counts nothing: q and f are
one-sided. Assumed besides: all cells fire independently, spike times are exact, every target is like every other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from neurofit.connectivity.plan_options import PlanOptions

DURATIONS_S = (6.0, 20.0, 60.0, 200.0, 600.0, 1800.0)
LONGEST_S = 1e7

# Equal steps: the shares of edges found are too steep for Gauss-Hermite nodes where mu is large.
_NODES = np.linspace(-6, 6, 241)
_WEIGHTS = np.exp(-np.square(_NODES) / 2) / np.exp(-np.square(_NODES) / 2).sum()
_THRESHOLDS = np.concatenate([np.linspace(0, 8, 481), np.geomspace(8, 1e4, 240)[1:]])


@dataclass(frozen=True, kw_only=True)
class ExpectedScores:
    """What to expect of one length of recording.

    Attributes:
        duration_s: The length, s.
        spikes: Spikes of a presynaptic cell in it, mean.
        se_e_mv: Standard error of an excitatory weight (peak of its potential) at the mean rate, mV; None where there
            are more cells than bins.
        se_i_mv: The same of an inhibitory weight, mV.
        auc: Area under the ROC curve, all presynaptic cells.
        ap: Average precision, all presynaptic cells.
        auc_dale: `auc` when the signs of the presynaptic cells are known.
        ap_dale: `ap` when they are.
        auc_e: `auc` of excitatory presynaptic cells; None without any; `ap_e` alike.
        auc_i: `auc` of inhibitory presynaptic cells; None without any; `ap_i` alike.
        ap_chance: Average precision of guessing: the density.
    """

    duration_s: float
    spikes: float
    se_e_mv: float | None
    se_i_mv: float | None
    auc: float
    ap: float
    auc_dale: float
    ap_dale: float
    auc_e: float | None
    ap_e: float | None
    auc_i: float | None
    ap_i: float | None
    ap_chance: float


def expected_scores(options: PlanOptions, duration_s: float) -> ExpectedScores:
    """AUC and AP to expect of a recording.

    Args:
        options: Cells, synapses and noise.
        duration_s: Length of the recording, s.

    Raises:
        RecordingError: An option has a value that no recording can have.
    """
    options.check()
    errors = [_standard_error(options, duration_s, tau) for tau in (options.epsp_tau_ms, options.ipsp_tau_ms)]
    # Of log-normal rates: mean sqrt(rate) over sqrt(mean rate).
    slower = math.exp(-(options.rate_spread**2) / 8)
    ratios = [slower * mean / error for mean, error in zip((options.epsp_mv, options.ipsp_mv), errors, strict=True)]
    shares = (options.excitatory_share, 1 - options.excitatory_share)
    found = [edges_found(ratio, _spread(options)) for ratio in ratios]
    scores = []
    for one_sided in (False, True):
        own = [each[int(one_sided)] for each in found]
        both = shares[0] * own[0] + shares[1] * own[1]
        scores.append([_curve_scores(part, options.density, one_sided) for part in (both, *own)])
    (auc, ap), excitatory, inhibitory = scores[False]
    auc_e, ap_e = excitatory if shares[0] > 0 else (None, None)
    auc_i, ap_i = inhibitory if shares[1] > 0 else (None, None)
    known = [error if math.isfinite(error) else None for error in errors]
    return ExpectedScores(
        duration_s=duration_s, spikes=options.rate_hz * duration_s, se_e_mv=known[0], se_i_mv=known[1], auc=auc, ap=ap,
        auc_dale=scores[True][0][0], ap_dale=scores[True][0][1], auc_e=auc_e, ap_e=ap_e, auc_i=auc_i, ap_i=ap_i,
        ap_chance=options.density,
    )  # fmt: skip


def expected_curve(options: PlanOptions, durations_s: Sequence[float] = DURATIONS_S) -> list[ExpectedScores]:
    """`expected_scores` of several lengths, s."""
    return [expected_scores(options, duration) for duration in durations_s]


def duration_for_ap(options: PlanOptions, ap: float, *, dale: bool = False) -> float | None:
    """Shortest recording that is expected to reach an average precision.

    Args:
        options: Cells, synapses and noise.
        ap: The average precision, at most 1.
        dale: With known signs of the presynaptic cells.

    Returns:
        The length, s, to 1 %; None where even 10^7 s do not reach it.
    """

    def reached(duration_s: float) -> bool:
        expected = expected_scores(options, duration_s)
        return (expected.ap_dale if dale else expected.ap) >= ap

    if not reached(LONGEST_S):
        return None
    low, high = 1e-3, LONGEST_S
    while high > 1.01 * low:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def spike_information(options: PlanOptions, synapse_tau_ms: float) -> float:
    """J: what one spike tells about the peak of the potential it causes, per mV squared.

    Args:
        options: Membrane, noise, samples, bins and highest frequency.
        synapse_tau_ms: Time constant of the synaptic current, ms.
    """
    membrane, noise, synapse = options.membrane_tau_ms / 1e3, options.noise_tau_ms / 1e3, synapse_tau_ms / 1e3
    highest = min(options.highest_hz, 500 / max(options.bin_ms, options.sample_ms))
    frequencies = np.append(0.0, np.geomspace(1e-3, highest, 4000))
    low_pass = {tau: 1 / (1 + np.square(2 * np.pi * frequencies * tau)) for tau in (membrane, noise, synapse)}
    potential = unit_peak_area(membrane, synapse) ** 2 * low_pass[membrane] * low_pass[synapse]
    background = 2 * (membrane + noise) * options.noise_mv**2 * low_pass[membrane] * low_pass[noise]
    spectrum = background + options.sample_ms / 1e3 * options.measurement_noise_mv**2
    return float(2 * np.trapezoid(potential / spectrum, frequencies))


def unit_peak_area(membrane_tau: float, synapse_tau: float) -> float:
    """Area under a postsynaptic potential of peak 1, in the unit of the time constants.

    It is area (exp(-t / tau_m) - exp(-t / tau_s)) / (tau_m - tau_s), largest at ln(tau_m / tau_s) / (1 / tau_s -
    1 / tau_m); with equal constants it is area t exp(-t / tau) / tau^2.
    """
    if math.isclose(membrane_tau, synapse_tau, rel_tol=1e-6):
        return membrane_tau * math.e
    return membrane_tau * (membrane_tau / synapse_tau) ** (synapse_tau / (membrane_tau - synapse_tau))


def edges_found(mean_over_se: float, spread: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of the edges whose evidence exceeds each threshold.

    Args:
        mean_over_se: Mean of mu = w / se over edges, mu being log-normal.
        spread: Standard deviation of log mu.

    Returns:
        Shares with |z| above each threshold, and with z of the right sign above it, (thresholds,) each.
    """
    mu = mean_over_se * np.exp(spread * _NODES - spread**2 / 2)
    right, wrong = (_WEIGHTS @ ndtr(sign * mu[:, None] - _THRESHOLDS) for sign in (1, -1))
    return right + wrong, right


def _standard_error(options: PlanOptions, duration_s: float, synapse_tau_ms: float) -> float:
    """Of a weight, mV, for a cell of the mean rate; infinite where there are no more bins than cells."""
    bins = duration_s * 1e3 / max(options.bin_ms, options.sample_ms)
    kept = max(0.0, 1 - options.neurons / bins)
    information = options.rate_hz * duration_s * kept * spike_information(options, synapse_tau_ms)
    return 1 / math.sqrt(information) if information > 0 else math.inf


def _spread(options: PlanOptions) -> float:
    """Of log mu, mu being weight x sqrt(rate)."""
    return math.hypot(options.weight_spread, options.rate_spread / 2)


def _curve_scores(found: NDArray[np.float64], density: float, one_sided: bool) -> tuple[float, float]:
    """AUC and AP of the share of edges beyond each threshold.

    One-sided evidence below 0 counts as 0: those pairs are tied at the end of the ranking.
    """
    false = ndtr(-_THRESHOLDS) * (1 if one_sided else 2)
    calls = density * found + (1 - density) * false
    precision = np.divide(density * found, calls, out=np.ones_like(calls), where=calls > 0)
    auc = -np.trapezoid(found, false) + (1 - false[0]) * (1 + found[0]) / 2
    # Beyond the last threshold there are edges only.
    ap = found[-1] - np.trapezoid(precision, found) + (1 - found[0]) * density
    return float(auc), float(ap)

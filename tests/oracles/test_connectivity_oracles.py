"""Estimators from spikes against other libraries: numpy's least squares, scikit-learn's GLMs and covariances, scipy."""

from __future__ import annotations

import bisect

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, special
from sklearn.covariance import OAS
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from neurofit.connectivity.batched_lbfgs import minimise_columns
from neurofit.connectivity.coupled_glm import glm
from neurofit.connectivity.glm_likelihood import CoupledLikelihood
from neurofit.connectivity.linear_coupling import linear_coupling
from neurofit.connectivity.own_history import age_borders, age_classes, refractory_bins
from neurofit.connectivity.pairwise_model import binary_words
from neurofit.connectivity.partial_correlation import oas_shrinkage, partial_correlation
from neurofit.connectivity.pseudo_likelihood import fit_pairwise
from neurofit.connectivity.spike_bins import Kernel, bin_counts, synaptic_kernel
from neurofit_io import Spikes
from tests.connectivity.planted_network import planted_spikes

CELLS = 6


@pytest.fixture(scope="module")
def spikes() -> Spikes:
    weight = np.random.default_rng(5).normal(scale=0.6, size=(CELLS, CELLS))
    np.fill_diagonal(weight, -3.0)
    return planted_spikes(weight, duration_s=60.0, rate_hz=20.0, seed=6)


def filtered(counts: NDArray[np.float32], kernel: Kernel) -> NDArray[np.float64]:
    taps = np.concatenate([np.zeros(kernel.first_lag), kernel.taps])
    return np.stack([np.convolve(train, taps)[: len(counts)] for train in counts.T.astype(float)], axis=1)


def test_linear_coupling_is_least_squares(spikes: Spikes) -> None:
    estimate = linear_coupling(spikes, ridge=0.0)
    counts = bin_counts(spikes, 0.5).toarray().astype(float)
    kernel = synaptic_kernel(bin_ms=0.5, tau_ms=6.0, rise_ms=1.0, delay_ms=0.5)
    design = np.column_stack([filtered(counts, kernel), np.ones(len(counts))])
    solution, rest, *_ = np.linalg.lstsq(design, counts, rcond=None)
    inverse = np.linalg.inv(design.T @ design)
    se = np.sqrt(np.outer(rest / (len(counts) - CELLS - 1), inverse.diagonal()[:-1]))
    off = ~np.eye(CELLS, dtype=bool)
    np.testing.assert_allclose(estimate.weight[off], solution[:-1].T[off], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(estimate.se[off], se[off], rtol=1e-3)


def test_glm_weights_are_those_of_penalised_maximum_likelihood(spikes: Spikes) -> None:
    """Newton's method of scipy on the written-out posterior of each target."""
    estimate = glm(spikes, prior_sd=0.5, tolerance=1e-5)
    counts = bin_counts(spikes, 1.0)
    dense = counts.toarray().astype(float)
    kernel = synaptic_kernel(bin_ms=1.0, tau_ms=6.0, rise_ms=1.0, delay_ms=0.5)
    past = filtered(dense, Kernel(kernel.taps / kernel.taps.max(), kernel.first_lag))
    past -= past.mean(axis=0)
    refractory = refractory_bins(counts, 1.0)
    borders = age_borders(1.0, refractory)
    for target in range(CELLS):
        design, response = history_design(dense[:, target], borders, refractory)
        others = np.delete(np.arange(CELLS), target)
        free = design.any(axis=1)
        x = np.column_stack([past[free][:, others], design[free]])
        y = response[free]
        prior = np.r_[np.full(CELLS - 1, 4.0), np.ones(design.shape[1])]
        centre = np.r_[np.zeros(CELLS - 1), np.full(design.shape[1], np.log(y.mean()))]
        best = newton(x, y, prior, centre)
        np.testing.assert_allclose(estimate.weight[target, others], best[: CELLS - 1], atol=1e-4)
        mean = np.exp(x @ best)
        information = x.T @ (mean[:, None] * x)
        posterior = np.linalg.inv(information + np.diag(prior))
        se = np.sqrt((posterior @ information @ posterior).diagonal())[: CELLS - 1]
        np.testing.assert_allclose(estimate.se[target, others], se, rtol=0.05)


def history_design(
    train: NDArray[np.float64], borders: NDArray[np.int64], refractory: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One-hot classes of the age, by a loop; rows of zeros in the refractory time."""
    design, rising = np.zeros((len(train), len(borders))), borders.tolist()
    age = 10**6
    for t, fired in enumerate(train.tolist()):
        if age > refractory:
            design[t, bisect.bisect_right(rising, age) - 1] = 1
        age = 1 if fired else age + 1
    return design, train


def newton(
    x: NDArray[np.float64], y: NDArray[np.float64], prior: NDArray[np.float64], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    def loss(w: NDArray[np.float64]) -> float:
        return float(np.exp(x @ w).sum() - y @ (x @ w) + 0.5 * prior @ (w - centre) ** 2)

    def gradient(w: NDArray[np.float64]) -> NDArray[np.float64]:
        return x.T @ (np.exp(x @ w) - y) + prior * (w - centre)

    def hessian(w: NDArray[np.float64]) -> NDArray[np.float64]:
        return x.T @ (np.exp(x @ w)[:, None] * x) + np.diag(prior)

    found = optimize.minimize(loss, centre, jac=gradient, hess=hessian, method="trust-exact", options={"gtol": 1e-6})
    return np.asarray(found.x)


def test_glm_without_history_is_sklearns_poisson_regression(spikes: Spikes, monkeypatch: pytest.MonkeyPatch) -> None:
    """One class of ages and no prior on it to speak of: an intercept."""
    monkeypatch.setattr("neurofit.connectivity.own_history.AGES_MS", ())
    monkeypatch.setattr("neurofit.connectivity.own_history.MAX_REFRACTORY_MS", 0.0)
    monkeypatch.setattr("neurofit.connectivity.glm_likelihood.HISTORY_SD", 1e4)
    counts = bin_counts(spikes, 1.0)
    kernel = Kernel(np.exp(-np.arange(30) / 5), 1)
    likelihood = CoupledLikelihood(counts, kernel, bin_ms=1.0, prior_sd=3.0**-0.5, cache_bytes=1e9)
    optimum = minimise_columns(likelihood.evaluate, likelihood.precondition, likelihood.start, tolerance=1e-5)
    dense = counts.toarray().astype(float)
    past = filtered(dense, kernel)
    for target in range(CELLS):
        others = np.delete(np.arange(CELLS), target)
        model = PoissonRegressor(alpha=3.0 / len(dense), tol=1e-8, solver="newton-cholesky")
        model.fit(past[:, others], dense[:, target])
        np.testing.assert_allclose(optimum.parameters[others, target], model.coef_, atol=1e-4)
        assert optimum.parameters[target, target] == 0


def test_ages_are_those_of_a_loop(spikes: Spikes) -> None:
    counts = bin_counts(spikes, 1.0)
    dense = counts.toarray()
    refractory = refractory_bins(counts, 1.0)
    gaps = np.concatenate([np.diff(np.flatnonzero(train)) for train in dense.T])
    assert refractory == min(5, gaps.min() - 1)
    borders = age_borders(1.0, refractory)
    classes = np.concatenate([block for _, block in age_classes(counts, borders, 777)])
    for cell in range(CELLS):
        design, _ = history_design(dense[:, cell].astype(float), borders, refractory)
        np.testing.assert_array_equal(classes[:, cell], np.where(design.any(axis=1), design.argmax(axis=1) + 1, 0))


def test_lbfgs_reaches_the_minimum_of_each_column() -> None:
    """Columns of very different curvature, the preconditioner a poor one, against scipy column by column."""
    rng = np.random.default_rng(0)
    design, target = rng.normal(size=(40, 5)), rng.normal(size=(40, 7))
    scale = 10.0 ** np.arange(-3, 4)

    def evaluate(w: NDArray[np.float64], columns: NDArray[np.intp]) -> tuple[NDArray, NDArray]:
        drive = design @ w - target[:, columns]
        loss = (np.logaddexp(0, drive) + 0.05 * drive**2).sum(axis=0)
        return scale[columns] * loss, scale[columns] * (design.T @ (special.expit(drive) + 0.1 * drive))

    found = minimise_columns(
        evaluate, lambda g, columns: g / scale[columns] / 10, np.zeros((5, 7)), tolerance=1e-6, max_iterations=100
    )
    assert found.converged.all()
    assert found.gradient_norm.max() <= 1e-6
    for column in range(7):
        only = np.array([column])
        best = optimize.minimize(
            lambda w, only=only: evaluate(w[:, None], only)[0][0] / scale[only[0]], np.zeros(5), tol=1e-12
        )
        np.testing.assert_allclose(found.parameters[:, column], best.x, atol=1e-4)
    stopped = minimise_columns(
        evaluate, lambda g, columns: g / scale[columns] / 10, np.zeros((5, 7)), tolerance=1e-6, max_iterations=1
    )
    assert not stopped.converged.any()
    assert stopped.iterations == 1


def test_partial_correlation_is_that_of_the_shrunk_covariance(spikes: Spikes) -> None:
    counts = bin_counts(spikes, 5.0).toarray().astype(float)
    scaled = (counts - counts.mean(axis=0)) / counts.std(axis=0)
    fitted = OAS(assume_centered=True).fit(scaled)
    assert oas_shrinkage(np.corrcoef(counts.T), len(counts)) == pytest.approx(fitted.shrinkage_, rel=1e-6)
    precision = np.linalg.inv(fitted.covariance_)
    partial = -precision / np.sqrt(np.outer(precision.diagonal(), precision.diagonal()))
    off = ~np.eye(CELLS, dtype=bool)
    estimate = partial_correlation(spikes)
    np.testing.assert_allclose(estimate.weight[off], partial[off], atol=1e-6)
    # Without shrinkage: the correlation of what regression on all others leaves.
    plain = partial_correlation(spikes, shrinkage=0.0)
    rest = np.column_stack([scaled[:, 2:]])
    left = scaled[:, :2] - rest @ np.linalg.lstsq(rest, scaled[:, :2], rcond=None)[0]
    assert plain.weight[0, 1] == pytest.approx(np.corrcoef(left.T)[0, 1], abs=1e-6)
    freedom = len(counts) - 1 - CELLS
    assert plain.z[0, 1] == pytest.approx(np.arctanh(plain.weight[0, 1]) * np.sqrt(freedom), rel=1e-3)


def test_maxent_regressions_are_sklearns(spikes: Spikes) -> None:
    words = binary_words(spikes, 20.0)
    fit = fit_pairwise(words, prior_sd=0.5, tolerance=1e-5)
    dense = words.toarray().astype(float)
    coupling = np.zeros((CELLS, CELLS))
    for cell in range(CELLS):
        others = np.delete(np.arange(CELLS), cell)
        model = LogisticRegression(C=0.25, tol=1e-8, max_iter=1000).fit(dense[:, others], dense[:, cell])
        coupling[others, cell] = model.coef_[0]
    np.testing.assert_allclose(fit.model.coupling, (coupling + coupling.T) / 2, atol=1e-4)

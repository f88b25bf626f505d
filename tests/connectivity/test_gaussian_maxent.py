"""The Gaussian of consecutive samples: its conditional mean against ridge regression and the textbook formula."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.connectivity.gaussian_maxent import gaussian_maxent, gaussian_next_step
from neurofit.linear import population_moments, solve_var, var_errors


def coupled_signals(n: int, seed: int) -> np.ndarray:
    """x_t = A x_{t-1} + e_t around 3, of three channels."""
    rng = np.random.default_rng(seed)
    a = np.array([[0.8, 0.1, 0.0], [0.0, 0.7, -0.2], [0.15, 0.0, 0.6]])
    x = np.zeros((n, 3))
    for t in range(1, n):
        x[t] = a @ x[t - 1] + rng.normal(size=3)
    return x + 3.0


@pytest.mark.parametrize("penalty", [0.0, 0.05, 2.0])
def test_the_conditional_mean_is_a_ridge_autoregression(penalty: float) -> None:
    x = coupled_signals(4000, 0)
    model = gaussian_maxent(population_moments([(x, True)], order=2), penalty=penalty)
    step = model.next_step()
    # The pairs are (x_0, x_1) to (x_{n-3}, x_{n-2}): the moments are those of the lags of x_2 on.
    pairs = population_moments([(x[:-1], True)], order=1)
    ridge = next(solve_var(pairs, order=1, penalties=[penalty]))
    np.testing.assert_allclose(step.coefficients, ridge.coefficients, atol=1e-9)
    np.testing.assert_allclose(step.intercept, ridge.intercept, atol=1e-9)
    past, future = slice(0, 3), slice(3, 6)
    textbook = model.covariance[future, past] @ np.linalg.inv(model.covariance[past, past])
    np.testing.assert_allclose(step.coefficients[0], textbook, atol=1e-9)
    expected = model.mean[future] + textbook @ (x[10] - model.mean[past])
    np.testing.assert_allclose(step.predict(x[10:12])[0], expected, atol=1e-9)


def test_moments_are_those_of_consecutive_samples() -> None:
    x = coupled_signals(500, 1)
    model = gaussian_maxent(population_moments([(x, True)], order=2), penalty=0.0)
    joint = np.column_stack([x[:-2], x[1:-1]])
    np.testing.assert_allclose(model.mean, joint.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.covariance, np.cov(joint.T, bias=True), atol=1e-10)
    np.testing.assert_allclose(model.precision @ model.covariance, np.eye(6), atol=1e-8)
    with pytest.raises(ValueError, match="order 1; expected 2"):
        gaussian_maxent(population_moments([(x, True)], order=1), penalty=0.0)


def test_the_baseline_predicts_held_out_time_better_than_copying() -> None:
    train, validation, test = (
        population_moments([(part, True)], order=2) for part in np.split(coupled_signals(6000, 2), [3000, 4000])
    )
    step = gaussian_next_step(train, validation)
    assert step.order == 1
    assert var_errors(step, test).mean() / test.rows == pytest.approx(1.0, abs=0.1)

"""Vector autoregressions: recovery of a known one, prediction by hand, choice of order and penalty, limits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from neurofit.linear import (
    VectorAutoRegression,
    fit_var,
    fitting_orders,
    population_moments,
    solve_var,
    var_errors,
    whiten,
)

WEIGHT = np.array([[0.5, 0.4, 0.0], [0.0, 0.5, -0.6], [0.0, 0.0, 0.8]])


def first_order(n: int, seed: int) -> NDArray[np.float64]:
    """x_t = 1 + WEIGHT x_{t-1} + e_t, e of variance 1 a channel."""
    noise = np.random.default_rng(seed).normal(size=(n + 200, 3))
    states = np.zeros((n + 200, 3))
    for t in range(1, n + 200):
        states[t] = 1 + WEIGHT @ states[t - 1] + noise[t]
    return states[200:]


def test_recovers_weights_from_pre_to_post() -> None:
    train = population_moments([(first_order(20_000, 0), True)], order=3)
    validation = population_moments([(first_order(5000, 1), True)], order=3)
    chosen = fit_var(train, validation, orders=(1, 2, 3))
    np.testing.assert_allclose(chosen.coefficients[0], WEIGHT, atol=0.03)
    np.testing.assert_allclose(chosen.coefficients[1:], 0, atol=0.03)
    np.testing.assert_allclose(chosen.intercept, 1, atol=0.1)
    assert chosen.penalty < 0.01
    assert var_errors(chosen, validation).mean() / validation.rows == pytest.approx(1, abs=0.03)


def test_prediction_by_hand() -> None:
    coefficients = np.array([[[0.0, 1.0], [2.0, 0.0]], [[0.5, 0.0], [0.0, 0.5]]])
    model = VectorAutoRegression(coefficients, np.array([1.0, 0.0]), penalty=0.0)
    window = np.array([[2.0, 4.0], [1.0, 3.0], [10.0, 20.0], [0.0, 0.0]])
    np.testing.assert_array_equal(model.predict(window), [[5.0, 4.0], [21.5, 21.5]])
    assert model.predict(window.astype(np.float32)).dtype == np.float32


def test_errors_from_moments_are_those_of_the_predictions() -> None:
    train = population_moments([(first_order(300, 2), True)], order=4)
    (model,) = solve_var(train, order=2, penalties=[0.1])
    held_out = first_order(200, 3)
    expected = np.square(whiten(model, held_out[4 - 2 :])).sum(axis=0)
    np.testing.assert_allclose(var_errors(model, population_moments([(held_out, True)], order=4)), expected, rtol=1e-10)


def test_order_and_penalty_are_the_best_on_validation_not_on_training() -> None:
    orders, penalties = (1, 2, 5), (1e-6, 0.03, 1.0)
    train = population_moments([(first_order(60, 4), True)], order=5)
    held_out = first_order(2000, 5)
    validation = population_moments([(held_out, True)], order=5)
    chosen = fit_var(train, validation, orders=orders, penalties=penalties)
    candidates = [model for order in orders for model in solve_var(train, order=order, penalties=penalties)]
    best = min(candidates, key=lambda model: np.square(whiten(model, held_out[5 - model.order :])).sum())
    assert (chosen.order, chosen.penalty) == (best.order, best.penalty)
    in_training = fit_var(train, train, orders=orders, penalties=penalties)
    assert (in_training.order, in_training.penalty) == (5, 1e-6)
    assert chosen.order < 5


@pytest.mark.parametrize("level", [0.0, 3.0])
def test_constant_and_duplicate_channels(level: float) -> None:
    data = first_order(500, 6)
    data = np.concatenate([data, np.full((500, 1), level), data[:, :1]], axis=1)
    moments = population_moments([(data, True)], order=2)
    chosen = fit_var(moments, moments, orders=(1, 2))
    np.testing.assert_allclose(chosen.predict(data)[:, 3], level, atol=1e-6)
    assert np.isfinite(chosen.coefficients).all()
    assert np.square(whiten(chosen, data))[:, :3].mean() == pytest.approx(1, abs=0.15)


def test_all_constant_channels() -> None:
    data = np.full((50, 2), 0.3)
    moments = population_moments([(data, True)], order=2)
    np.testing.assert_allclose(fit_var(moments, moments, orders=(1, 2)).predict(data), 0.3, rtol=1e-6)


def test_penalties_below_rounding_are_left_out() -> None:
    data = np.repeat(first_order(300, 7)[:, :1], 2, axis=1)
    moments = population_moments([(data, True)], order=1)
    assert [model.penalty for model in solve_var(moments, order=1, penalties=(0.0, 0.1))] == [0.1]


def test_orders_that_fit() -> None:
    assert fitting_orders(60) == (1, 2, 3, 5, 10)
    assert fitting_orders(2022) == (1, 2)
    assert fitting_orders(4097) == ()
    assert fitting_orders(60, rows=400) == (1, 2, 3)
    assert fitting_orders(60, rows=119) == ()

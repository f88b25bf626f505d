"""Autoregressions with measured inputs: against numpy's least squares, by hand, causality, choice, limits, storage."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from neurofit.linear import Baselines, Persistence, fit_baselines, windows
from neurofit.linear.arx import (
    OWN_PENALTIES,
    InputAutoRegression,
    arx_errors,
    fit_arx,
    fitting_input_orders,
    solve_arx,
)
from neurofit.linear.input_moments import CentredInputMoments, InputMoments
from neurofit.linear.lag_moments import ChannelMoments
from neurofit.linear.predictors import predict_with
from neurofit.metrics import ErrorSums, mean_squared_error

CHANNELS, INPUTS = 3, 2
OWN = np.array([[0.6, -0.2], [0.3, 0.4], [0.0, 0.0]])
DRIVE = np.array([[[0.5, 0.0], [0.0, -0.7], [0.0, 0.0]], [[0.0, 0.0], [0.4, 0.0], [0.0, 0.0]]])
"""(lag, channel, input)."""


def driven(n: int, seed: int, noise: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x_t = 0.5 + two lags of itself + two lags of slow inputs + noise."""
    rng = np.random.default_rng(seed)
    u = np.repeat(rng.normal(1.0, 1.0, (n // 4 + 1, INPUTS)), 4, axis=0)[:n] + 0.3 * rng.normal(size=(n, INPUTS))
    x = np.zeros((n, CHANNELS))
    for t in range(2, n):
        x[t] = 0.5 + OWN[:, 0] * x[t - 1] + OWN[:, 1] * x[t - 2] + DRIVE[0] @ u[t - 1] + DRIVE[1] @ u[t - 2]
        x[t] += noise * rng.normal(size=CHANNELS)
    return x, u


def moments_of(x: NDArray, u: NDArray, p: int, q: int, size: int = 10**6, edges: tuple = ()) -> CentredInputMoments:
    """Streamed moments of segments that end at `edges`."""
    own = ChannelMoments(order=p, channels=x.shape[1])
    gathered = InputMoments(order=p, input_order=q, channels=x.shape[1], inputs=u.shape[1])
    h = gathered.history
    for start, stop in itertools.pairwise((0, *edges, len(x))):
        for first in range(start, stop - h, size):
            rows = slice(first, min(first + h + size, stop))
            own.add(x[rows][h - p :])
            gathered.add(x[rows], u[rows])
    return gathered.centred(own.centred())


def design(x: NDArray, u: NDArray, channel: int, p: int, q: int, h: int) -> NDArray[np.float64]:
    rows = np.arange(h, len(x))
    columns = [x[rows - k, channel] for k in range(1, p + 1)]
    columns += [u[rows - k, i] for k in range(1, q + 1) for i in range(u.shape[1])]
    return np.stack([*columns, np.ones(len(rows))], axis=1)


@pytest.mark.parametrize(("p", "q"), [(1, 1), (2, 3), (4, 1), (3, 5)])
def test_least_squares_of_numpy(p: int, q: int) -> None:
    x, u = driven(400, 0)
    h = 5
    (model,) = solve_arx(moments_of(x, u, 5, 5, size=37), orders=[p], input_order=q, penalty=1e-13)
    for c in range(CHANNELS):
        solution = np.linalg.lstsq(design(x, u, c, p, q, h), x[h:, c])[0]
        np.testing.assert_allclose(model.coefficients[c], solution[:p], rtol=1e-7, atol=1e-9)
        by_lag = solution[p:-1].reshape(q, INPUTS)
        np.testing.assert_allclose(model.input_coefficients[:, c], by_lag, rtol=1e-7, atol=1e-9)
        assert model.intercept[c] == pytest.approx(solution[-1], rel=1e-7)


@pytest.mark.parametrize("own_penalty", [0.0, 0.03])
def test_ridge_on_the_inputs_and_on_the_own_past(own_penalty: float) -> None:
    x, u = driven(300, 1)
    p, q, h, penalty = 2, 3, 3, 0.1
    moments = moments_of(x, u, p, q)
    (model,) = solve_arx(moments, orders=[p], input_order=q, penalty=penalty, own_penalties=[own_penalty])
    z = design(x, u, 0, p, q, h)[:, :-1]
    z, y = z - z.mean(axis=0), x[h:] - x[h:].mean(axis=0)
    squares = np.square(z).sum(axis=0)
    ridge = np.repeat([own_penalty * squares[:p].mean(), penalty * squares[p:].mean()], [p, q * INPUTS])
    augmented = np.concatenate([z, np.diag(np.sqrt(ridge))])
    solution = np.linalg.lstsq(augmented, np.concatenate([y[:, 0], np.zeros(p + q * INPUTS)]))[0]
    np.testing.assert_allclose(model.coefficients[0], solution[:p], rtol=1e-8)
    np.testing.assert_allclose(model.input_coefficients[:, 0].ravel(), solution[p:], rtol=1e-8)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_moments_are_those_of_the_stacked_design(size: int) -> None:
    x, u = driven(200, 2)
    p, q, h, edges = 4, 2, 4, (90, 93, 120)
    moments = moments_of(x, u, p, q, size=size, edges=edges)
    parts = [slice(a, b) for a, b in itertools.pairwise((0, *edges, 200)) if b - a > h]
    z = np.concatenate([design(x[s], u[s], 1, p, q, h)[:, :-1] for s in parts])
    y = np.concatenate([x[s][h:, 1] for s in parts])
    np.testing.assert_allclose(moments.mean, z[:, p:].mean(axis=0), rtol=1e-10)
    centred = z - z.mean(axis=0)
    np.testing.assert_allclose(moments.past[1], centred[:, :p].T @ centred[:, p:], rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(moments.target[:, 1], centred[:, p:].T @ y, rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(moments.gram, centred[:, p:].T @ centred[:, p:], rtol=1e-9, atol=1e-8)


def test_errors_from_moments_are_those_of_the_predictions() -> None:
    (model,) = solve_arx(moments_of(*driven(300, 3), 3, 4), orders=[2], input_order=3, penalty=0.01)
    x, u = driven(250, 4)
    missed = x[4:] - predict_with(model, x, u, history=4)
    np.testing.assert_allclose(arx_errors(model, moments_of(x, u, 3, 4)), np.square(missed).sum(axis=0), rtol=1e-9)


def test_prediction_by_hand() -> None:
    model = InputAutoRegression(np.array([[2.0]]), np.array([[[1.0, 10.0]], [[100.0, 0.0]]]), np.array([0.5]), 0.0)
    x = np.array([[1.0], [2.0], [3.0], [4.0]])
    u = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [9.0, 9.0]])
    assert (model.order, model.own_order, model.input_order, model.n_inputs) == (2, 1, 2, 2)
    np.testing.assert_array_equal(model.predict(x, u), [[0.5 + 4 + 12 + 100], [0.5 + 6 + 3 + 200]])
    assert model.predict(x.astype(np.float32), u).dtype == np.float32
    both = model.predict(np.stack([x, x + 1], axis=1), np.stack([u, u], axis=1))
    np.testing.assert_array_equal(both[:, 0], model.predict(x, u))
    np.testing.assert_array_equal(both[:, 1], model.predict(x + 1, u))


def test_no_prediction_looks_at_its_own_time() -> None:
    (model,) = solve_arx(moments_of(*driven(300, 5), 2, 2), orders=[2], input_order=2, penalty=1e-9)
    x, u = driven(20, 6)
    for t in range(2, 20):
        changed, driving = x.copy(), u.copy()
        changed[t:], driving[t:] = 99.0, -99.0
        np.testing.assert_array_equal(model.predict(changed, driving)[: t - 1], model.predict(x, u)[: t - 1])


def test_inputs_that_do_not_fit_are_said() -> None:
    (model,) = solve_arx(moments_of(*driven(100, 7), 1, 1), orders=[1], input_order=1, penalty=1e-9)
    x, u = driven(10, 8)
    with pytest.raises(ValueError, match=r"inputs none; expected \(10, 2\)"):
        model.predict(x)
    with pytest.raises(ValueError, match=r"inputs \(9, 2\); expected \(10, 2\)"):
        model.predict(x, u[1:])
    own, gathered = (ChannelMoments(order=1, channels=3), InputMoments(order=1, input_order=1, channels=3, inputs=2))
    own.add(x)
    gathered.add(x[1:], u[1:])
    with pytest.raises(ValueError, match="9 rows of the channels and 8 of the inputs"):
        gathered.centred(own.centred())


def test_a_known_drive_is_recovered() -> None:
    train, validation = (moments_of(*driven(n, seed), 5, 5) for n, seed in ((20_000, 9), (5000, 10)))
    model = fit_arx(train, validation, orders=(1, 2, 5), input_orders=(1, 2, 5))
    np.testing.assert_allclose(model.coefficients[:, :2], OWN, atol=0.03)
    np.testing.assert_allclose(model.input_coefficients[:2], DRIVE, atol=0.04)
    assert arx_errors(model, validation).mean() / validation.own.rows == pytest.approx(1, abs=0.03)


def test_orders_and_penalty_are_the_best_on_validation() -> None:
    orders, input_orders, penalties = (1, 2, 5), (1, 5), (1e-6, 0.1, 1.0)
    train, (x, u) = moments_of(*driven(60, 11), 5, 5), driven(2000, 12)
    chosen = fit_arx(train, moments_of(x, u, 5, 5), orders=orders, input_orders=input_orders, penalties=penalties)
    candidates = [
        model
        for q, penalty in itertools.product(input_orders, penalties)
        for model in solve_arx(train, orders=orders, input_order=q, penalty=penalty)
    ]
    assert len(candidates) == 18

    def missed(model: InputAutoRegression) -> float:
        return float(np.square(x[5:] - predict_with(model, x, u, history=5)).sum())

    best = min(candidates, key=missed)
    assert (chosen.input_order, chosen.penalty) == (best.input_order, best.penalty)
    shrunk = solve_arx(
        train, orders=orders, input_order=best.input_order, penalty=best.penalty, own_penalties=OWN_PENALTIES
    )
    best_own = min(shrunk, key=missed)
    assert (chosen.own_order, chosen.own_penalty) == (best_own.own_order, best_own.own_penalty)
    assert missed(chosen) <= missed(best)


@pytest.mark.parametrize("shape", ["constant input", "two alike", "constant channel"])
def test_degenerate_columns(shape: str) -> None:
    x, u = driven(500, 13)
    if shape == "constant input":
        u[:, 1] = 0.0
    elif shape == "two alike":
        u[:, 1] = u[:, 0]
    else:
        x[:, 1] = 3.0
    model = fit_arx(moments_of(x, u, 2, 2), moments_of(x, u, 2, 2), orders=(1, 2), input_orders=(1, 2))
    assert np.isfinite(model.input_coefficients).all()
    missed = np.square(x[2:] - predict_with(model, x, u, history=2)).mean(axis=0)
    if shape == "constant channel":
        assert missed[1] < 1e-12
    assert np.all(missed < 1.7)


def test_orders_that_fit() -> None:
    assert fitting_input_orders(60, 1, 20) == (1, 2, 5, 10, 20)
    assert fitting_input_orders(60, 300, 20) == (1, 2, 5, 10)
    assert fitting_input_orders(2022, 300, 20) == (1, 2, 5)
    assert fitting_input_orders(60, 5000, 20) == ()
    assert fitting_input_orders(3, 4, 20, rows=80) == (1, 2, 5)


def slabs(x: NDArray, u: NDArray, size: int = 150) -> Iterator[tuple[NDArray[np.float64], bool]]:
    joint = np.concatenate([x, u], axis=1)
    return ((joint[i : i + size], i == 0) for i in range(0, len(joint), size))


@pytest.fixture(scope="module")
def baselines() -> Baselines:
    return fit_baselines(slabs(*driven(3000, 14)), slabs(*driven(1000, 15)), n_inputs=INPUTS)


def test_arx_beside_the_other_baselines_on_the_same_rows(baselines: Baselines) -> None:
    x, u = driven(1000, 15)
    names = ["persistence", "mean", "ar", "var", "arx"]
    assert list(baselines.validation_mse) == names == list(baselines.predictors())
    assert baselines.best() == "arx"
    for name, predictor in baselines.predictors().items():
        sums = ErrorSums()
        for window in windows(slabs(x, u), history=20):
            predicted = predict_with(predictor, window[:, :CHANNELS], window[:, CHANNELS:], history=20)
            sums.add(window[20:, :CHANNELS], predicted)
        assert baselines.validation_mse[name] == pytest.approx(mean_squared_error(sums).pooled, rel=1e-8)


def test_rows_are_the_same_when_others_look_further_back() -> None:
    (x, u), (held_x, held_u) = driven(500, 18), driven(300, 19)
    fitted = fit_baselines(slabs(x, u), slabs(held_x, held_u), ar_orders=(1, 2), var_orders=(1, 3), n_inputs=INPUTS)
    assert fitted.arx is not None
    missed = held_x[3:] - predict_with(fitted.arx, held_x, held_u, history=3)
    assert fitted.validation_mse["arx"] == pytest.approx(np.square(missed).mean(), rel=1e-9)


def test_inputs_leave_the_other_baselines_as_they_are(baselines: Baselines) -> None:
    without = fit_baselines([(driven(3000, 14)[0], True)], [(driven(1000, 15)[0], True)])
    assert (without.arx, without.arx_note, "arx" in without.validation_mse) == (None, None, False)
    for name, values in without.state().items():
        np.testing.assert_allclose(baselines.state()[name], values, rtol=1e-9, atol=1e-12)


def test_stored_and_read_back(baselines: Baselines) -> None:
    back = Baselines.from_state(baselines.state(), json.loads(json.dumps(baselines.as_json())))
    assert back.as_json() == baselines.as_json()
    x, u = driven(50, 16)
    for name in ("ar", "arx"):
        predicted = predict_with(back.predictors()[name], x, u, history=20)
        np.testing.assert_array_equal(predicted, predict_with(baselines.predictors()[name], x, u, history=20))
    np.testing.assert_array_equal(predict_with(Persistence(), x, u, history=20), x[19:-1])
    old = {key: value for key, value in baselines.as_json().items() if not key.startswith("arx")}
    assert Baselines.from_state({k: v for k, v in baselines.state().items() if "arx" not in k}, old).arx is None


def test_more_inputs_than_rows_are_said() -> None:
    rng = np.random.default_rng(17)
    train, validation = ([(rng.normal(size=(n, 2 + 60)), True)] for n in (130, 80))
    fitted = fit_baselines(train, validation, n_inputs=60)
    assert fitted.arx is None
    assert fitted.arx_note == "60 inputs of 2 channels are too many regressors for 110 training rows or for memory"
    assert list(fitted.predictors()) == ["persistence", "mean", "ar", "var"]

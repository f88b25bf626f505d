"""Direct forecasts against autoregressions run on sample by sample, scikit-learn and a search over the shares."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge

from neurofit.linear import AutoRegression
from neurofit.linear.direct import AheadCoefficients, DirectForecast, DirectMoments, choose_direct

H = (1, 2, 4, 8)
ROWS, FEATURES, CHANNELS = 400, 5, 3


def run_on(ar: AutoRegression, past: np.ndarray, steps: int) -> np.ndarray:
    """A forecast (steps, channel) from the last samples (time, channel), sample by sample."""
    values = list(past)
    for _ in range(steps):
        lags = np.stack(values[: -ar.order - 1 : -1], axis=1)
        values.append(ar.intercept + (ar.coefficients * lags).sum(axis=1))
    return np.stack(values[len(past) :])


def problem(seed: int = 0) -> dict[str, np.ndarray]:
    """Features that explain part of the truth, beside a linear forecast that explains another."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((2 * ROWS, FEATURES)) * [1, 2, 0.1, 5, 1] + 3
    linear = rng.standard_normal((len(H), 2 * ROWS, CHANNELS))
    replaced = 0.3 * rng.standard_normal(linear.shape)
    weights = rng.standard_normal((len(H), FEATURES, CHANNELS)) / [[[1], [2], [0.1], [5], [1]]]
    learnt = np.einsum("rf,hfc->hrc", features - 3, weights)
    truth = 0.6 * linear + 0.5 * (replaced + learnt) + rng.standard_normal(linear.shape)
    return {"features": features, "linear": linear, "replaced": replaced, "truth": truth}


def moments_of(parts: dict[str, np.ndarray]) -> DirectMoments:
    moments = DirectMoments(knots=len(H), features=FEATURES, channels=CHANNELS)
    missing = parts["truth"] - parts["linear"] - parts["replaced"]
    for rows in (slice(0, 150), slice(150, ROWS)):
        moments.add(parts["features"][rows], missing[:, rows])
    return moments


def fit(parts: dict[str, np.ndarray], **options) -> DirectForecast:
    held = slice(ROWS, None)
    own = (parts["features"][held], *(parts[name][:, held] for name in ("linear", "replaced", "truth")))
    return choose_direct(moments_of(parts), H, *own, **options)


def test_forecasts_from_coefficients_are_those_of_a_loop():
    rng = np.random.default_rng(1)
    ar = AutoRegression(0.3 * rng.normal(size=(CHANNELS, 4)), rng.normal(size=CHANNELS))
    past, first = rng.normal(size=(7, 6, CHANNELS)), rng.normal(size=(7, CHANNELS))
    ahead = AheadCoefficients.of(ar, 9)
    linear = ahead.linear(past)
    assert_allclose(linear, [run_on(ar, each, 9) for each in past], rtol=1e-9, atol=1e-12)
    changed = [[y, *run_on(ar, [*each, y], 8)] for each, y in zip(past, first, strict=True)]
    assert_allclose(linear + ahead.replaced(first, linear), changed, rtol=1e-9, atol=1e-12)
    assert_allclose(ahead.at(H).linear(past), linear[:, np.array(H) - 1])


def test_weights_are_those_of_ridge_regression():
    parts = problem()
    found = moments_of(parts).solve(0.05, H)
    train = parts["features"][:ROWS]
    standard = (train - train.mean(axis=0)) / train.std(axis=0)
    missing = (parts["truth"] - parts["linear"] - parts["replaced"])[:, :ROWS]
    assert_allclose(found.weights[0], 0)
    for i in range(1, len(H)):
        ridge = Ridge(0.05 * ROWS).fit(standard, missing[i])
        assert_allclose(found.weights[i], ridge.coef_.T, rtol=1e-4, atol=1e-5)
        assert_allclose(found.intercept[i], ridge.intercept_, rtol=1e-4, atol=1e-5)


def test_shares_are_the_best_there_are_on_validation():
    parts = problem()
    found = fit(parts)
    learnt = found.learnt(parts["features"][ROWS:])
    assert_array_equal(found.shares[0], 1)
    grid = np.linspace(0, 1, 51)
    for i in range(1, len(H)):
        linear, rest = parts["linear"][i, ROWS:], parts["replaced"][i, ROWS:] + learnt[i]
        errors = [[np.square(parts["truth"][i, ROWS:] - a * linear - c * rest).mean() for c in grid] for a in grid]
        a, c = np.unravel_index(np.argmin(errors), (51, 51))
        assert_allclose(found.shares[i], [grid[a], grid[c]], atol=0.02)


def test_useless_features_and_a_useless_forecast_leave_the_mean():
    rng = np.random.default_rng(2)
    parts = problem() | {"truth": rng.standard_normal((len(H), 2 * ROWS, CHANNELS))}
    parts["linear"] = parts["linear"] - parts["truth"]
    found = fit(parts)
    assert_allclose(found.shares[1:, 0], 0, atol=1e-9)
    held = parts["features"][ROWS:]
    made = found.shares[:, 1, None, None] * (parts["replaced"][:, ROWS:] + found.learnt(held))
    errors = np.square(parts["truth"][:, ROWS:] - made).mean(axis=(1, 2))[1:]
    assert (errors <= np.square(parts["truth"][:, ROWS:]).mean(axis=(1, 2))[1:] + 1e-9).all()


def test_predictions_meet_the_knots_and_fade_beyond_the_last():
    found, rng = fit(problem()), np.random.default_rng(3)
    features, linear = rng.standard_normal((4, FEATURES)) + 3, rng.standard_normal((4, 20, CHANNELS))
    replaced = rng.standard_normal(linear.shape)
    made, learnt = found.predict(features, linear, replaced), found.learnt(features)

    def expected(h: int, row: np.ndarray, shares: np.ndarray) -> np.ndarray:
        return shares[0] * linear[:, h - 1] + shares[1] * (replaced[:, h - 1] + row)

    for i, h in enumerate(H):
        assert_allclose(made[:, h - 1], expected(h, learnt[i], found.shares[i]), rtol=1e-5, atol=1e-5)
    share = np.log2(6 / 4)
    between = (1 - share) * learnt[2] + share * learnt[3]
    shares = (1 - share) * found.shares[2] + share * found.shares[3]
    assert_allclose(made[:, 5], expected(6, between, shares), rtol=1e-5, atol=1e-5)
    assert_allclose(made[:, 11], expected(12, 0.5 * learnt[3], found.shares[3]), rtol=1e-5, atol=1e-5)
    assert_allclose(made[:, 19], expected(20, 0 * learnt[3], found.shares[3]), rtol=1e-5, atol=1e-5)


def test_states_come_back():
    found, features = fit(problem()), problem()["features"]
    back = DirectForecast.from_state({name: array.copy() for name, array in found.state().items()})
    assert_array_equal(back.learnt(features), found.learnt(features))
    assert_array_equal(back.shares, found.shares)

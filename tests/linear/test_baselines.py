"""All baselines together: one set of validation rows, storage, recordings that are too wide or too short."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from neurofit.linear import Baselines, LinearPredictor, fit_baselines, windows
from neurofit.metrics import ErrorSums, mean_squared_error

GAP_AT = 700


def recording(n: int, channels: int, seed: int) -> NDArray[np.float32]:
    """Channels that follow themselves and their left neighbour."""
    rng = np.random.default_rng(seed)
    states = np.zeros((n, channels))
    for t in range(1, n):
        states[t] = 0.7 * states[t - 1] + 0.3 * np.roll(states[t - 1], 1) * (-1) ** t + rng.normal(size=channels)
        states[t] += 0.25 * np.roll(states[t - 1], 1)
    return (states / states.std(axis=0)).astype(np.float32)


def slabs_of(values: NDArray[np.float32], size: int) -> Iterator[tuple[NDArray[np.float32], bool]]:
    """Slabs of two segments with a gap at row 700."""
    for start, stop in ((0, min(GAP_AT, len(values))), (GAP_AT, len(values))):
        for i in range(start, stop, size):
            yield values[i : min(i + size, stop)], i == start


def held_out_mse(predictor: LinearPredictor, values: NDArray[np.float32]) -> float:
    sums = ErrorSums()
    for window in windows(slabs_of(values, 150), history=20):
        sums.add(window[20:], predictor.predict(window[20 - predictor.order :]))
    return mean_squared_error(sums).pooled


@pytest.fixture(scope="module")
def baselines() -> Baselines:
    return fit_baselines(slabs_of(recording(3000, 4, 0), 150), slabs_of(recording(1000, 4, 1), 150))


def test_validation_errors_are_those_of_the_predictors_on_the_same_rows(baselines: Baselines) -> None:
    validation = recording(1000, 4, 1)
    assert list(baselines.validation_mse) == ["persistence", "mean", "ar", "var"] == list(baselines.predictors())
    for name, predictor in baselines.predictors().items():
        assert baselines.validation_mse[name] == pytest.approx(held_out_mse(predictor, validation), rel=1e-5)


def test_coupled_channels_are_best_predicted_together(baselines: Baselines) -> None:
    assert baselines.best() == "var"
    assert baselines.validation_mse["ar"] < min(baselines.validation_mse[name] for name in ("persistence", "mean"))


def test_the_size_of_slabs_does_not_matter(baselines: Baselines) -> None:
    whole = fit_baselines(slabs_of(recording(3000, 4, 0), 5000), slabs_of(recording(1000, 4, 1), 7))
    assert whole.as_json() | {"validation_mse": None} == baselines.as_json() | {"validation_mse": None}
    for name, values in baselines.state().items():
        np.testing.assert_allclose(whole.state()[name], values, rtol=1e-8, atol=1e-10)


def test_stored_and_read_back(baselines: Baselines) -> None:
    back = Baselines.from_state(baselines.state(), json.loads(json.dumps(baselines.as_json())))
    assert back.as_json() == baselines.as_json()
    window = recording(50, 4, 2)
    for name, predictor in baselines.predictors().items():
        np.testing.assert_array_equal(back.predictors()[name].predict(window), predictor.predict(window))


def test_trivial_predictors(baselines: Baselines) -> None:
    window = recording(10, 4, 3)
    predictors = baselines.predictors()
    np.testing.assert_array_equal(predictors["persistence"].predict(window), window[:-1])
    np.testing.assert_array_equal(predictors["mean"].predict(window), np.zeros((10, 4)))
    assert [predictors[name].order for name in ("persistence", "mean")] == [1, 0]


def test_too_few_rows_for_a_vector_autoregression() -> None:
    wide = fit_baselines([(recording(100, 60, 4), True)], [(recording(60, 60, 5), True)])
    assert wide.var is None
    assert wide.var_note == "60 channels at order 1 need 120 training rows, 80 are there"
    assert list(wide.validation_mse) == ["persistence", "mean", "ar"] == list(wide.predictors())
    back = Baselines.from_state(wide.state(), wide.as_json())
    assert (back.var, back.var_note) == (None, wide.var_note)


def test_too_many_channels_for_a_vector_autoregression() -> None:
    rng = np.random.default_rng(6)
    train, validation = (rng.normal(size=(n, 4100)).astype(np.float32) for n in (40, 30))
    wide = fit_baselines([(train, True)], [(validation, True)], ar_orders=(1, 2), var_orders=(1, 2))
    assert wide.var_note == "4100 channels at order 1 are 4100 regressors, the limit is 4096"


def test_too_short_spans_are_named() -> None:
    values = recording(200, 2, 7)
    with pytest.raises(ValueError, match="validation span is longer than the 20 rows"):
        fit_baselines([(values, True)], [(values[:20], True)])
    with pytest.raises(ValueError, match="training span is longer than the 20 rows"):
        fit_baselines([(values[:15], True), (values[:20], True)], [(values, True)])

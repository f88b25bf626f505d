"""Accumulated errors: hand-computed values, and independence of the cut into slabs."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.metrics import ErrorSums


def test_hand_computed() -> None:
    sums = ErrorSums()
    sums.add(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0, 2.0], [1.0, 1.0]]))
    sums.add(np.array([[5.0, 0.0]]), np.array([[5.0, 4.0]]))
    np.testing.assert_array_equal(sums.squared_errors, [5.0, 25.0])
    np.testing.assert_array_equal(sums.losses, [0.5, 6.5, 8.0])
    np.testing.assert_array_equal(sums.channel_mse, [5 / 3, 25 / 3])
    assert sums.n_steps == 3


@pytest.mark.parametrize("channels", [1, 3, 17])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_cut_gives_the_same_bits(channels: int, order: str) -> None:
    rng = np.random.default_rng(channels)
    truth, prediction = (np.asarray(rng.normal(size=(1000, channels)), np.float32, order=order) for _ in range(2))
    whole = ErrorSums()
    whole.add(truth, prediction)
    for size in (1, 7, 256, 999):
        cut = ErrorSums()
        for start in range(0, 1000, size):
            cut.add(truth[start : start + size], prediction[start : start + size])
        assert cut.squared_errors.tobytes() == whole.squared_errors.tobytes()
        assert cut.losses.tobytes() == whole.losses.tobytes()


def test_errors_are_taken_in_float64() -> None:
    truth = np.full((1, 1), 1 + 2**-20, np.float32)
    sums = ErrorSums()
    sums.add(truth, np.ones((1, 1), np.float32))
    assert sums.squared_errors[0] == 2.0**-40


def test_inputs_are_not_changed() -> None:
    truth, prediction = np.ones((4, 2)), np.zeros((4, 2))
    sums = ErrorSums()
    sums.add(truth, prediction)
    sums.add(truth, prediction)
    assert (truth == 1).all()
    assert (prediction == 0).all()


def test_empty_slab_adds_nothing() -> None:
    sums = ErrorSums()
    sums.add(np.empty((0, 2)), np.empty((0, 2)))
    assert (sums.n_steps, sums.losses.size) == (0, 0)
    with pytest.raises(ValueError, match="no errors"):
        _ = sums.squared_errors


def test_shapes_that_would_broadcast_are_refused() -> None:
    sums = ErrorSums()
    with pytest.raises(ValueError, match="same"):
        sums.add(np.zeros((3, 2)), np.zeros((3, 1)))
    sums.add(np.zeros((3, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="3 channels"):
        sums.add(np.zeros((3, 3)), np.zeros((3, 3)))

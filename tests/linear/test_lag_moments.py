"""Streamed moments against a literal loop over the rows of the lag-stacked design."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from neurofit.linear import CentredMoments, ChannelMoments, channel_moments, population_moments

ORDER, CHANNELS = 4, 3


def recording(lengths: tuple[int, ...], seed: int = 0) -> list[NDArray[np.float64]]:
    """Segments of correlated noise with an offset."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(CHANNELS, CHANNELS))
    return [np.cumsum(rng.normal(size=(length, CHANNELS)), axis=0) @ mixing / 5 + 1 for length in lengths]


def literal(segments: list[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Targets (rows, channel) and regressors (rows, lag, channel), row by row."""
    rows = [(s[t], s[t - ORDER : t][::-1]) for s in segments for t in range(ORDER, len(s))]
    targets, past = zip(*rows, strict=True)
    return np.array(targets), np.array(past)


def slabs_of(segments: list[NDArray[np.float64]], size: int) -> list[tuple[NDArray[np.float64], bool]]:
    return [(s[i : i + size], i == 0) for s in segments for i in range(0, len(s), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 50, 1000])
@pytest.mark.parametrize("lengths", [(200,), (40, 4, 5, 3, 90, 1, 12)])
def test_channel_moments_are_those_of_the_design(size: int, lengths: tuple[int, ...]) -> None:
    segments = recording(lengths)
    targets, past = literal(segments)
    moments = channel_moments(slabs_of(segments, size), order=ORDER)
    x, z = targets - targets.mean(axis=0), past - past.mean(axis=0)
    assert moments.rows == len(targets)
    np.testing.assert_allclose(moments.target_mean, targets.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.lag_mean, past.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.target_square, (x**2).sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(moments.cross, np.einsum("tkc,tc->ck", z, x), rtol=1e-10)
    np.testing.assert_allclose(moments.gram, np.einsum("tic,tjc->cij", z, z), rtol=1e-10)


@pytest.mark.parametrize("size", [1, 2, 3, 50, 1000])
@pytest.mark.parametrize("lengths", [(200,), (40, 4, 5, 3, 90, 1, 12)])
def test_population_moments_are_those_of_the_design(size: int, lengths: tuple[int, ...]) -> None:
    segments = recording(lengths)
    targets, past = literal(segments)
    moments = population_moments(slabs_of(segments, size), order=ORDER)
    x = targets - targets.mean(axis=0)
    z = (past - past.mean(axis=0)).reshape(len(past), -1)
    assert moments.rows == len(targets)
    np.testing.assert_allclose(moments.lag_mean, past.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.target_square, (x**2).sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(moments.cross, z.T @ x, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(moments.gram, z.T @ z, rtol=1e-10, atol=1e-9)


def test_float32_slabs_are_summed_in_float64() -> None:
    segments = [segment.astype(np.float32) for segment in recording((3000,))]
    single = channel_moments([(segments[0], True)], order=ORDER)
    double = channel_moments([(segments[0].astype(np.float64), True)], order=ORDER)
    np.testing.assert_allclose(single.gram, double.gram, rtol=1e-14)


@pytest.mark.parametrize("moments", [channel_moments, population_moments])
def test_too_short_data_are_refused(moments: Callable[..., CentredMoments]) -> None:
    with pytest.raises(ValueError, match="longer than 4 rows"):
        moments([(np.zeros((4, 2)), True), (np.zeros((3, 2)), True)], order=4)


def test_windows_of_another_shape_are_refused() -> None:
    moments = ChannelMoments(order=2, channels=3)
    with pytest.raises(ValueError, match="more than 2 rows of 3 channels"):
        moments.add(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="more than 2 rows of 3 channels"):
        moments.add(np.zeros((5, 4)))
    with pytest.raises(ValueError, match="longer than 2 rows"):
        moments.centred()

"""Bits per spike against scipy's Poisson distribution, and what the floor does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from neurofit.metrics import LikelihoodSums, bits_per_spike
from neurofit.metrics.poisson import RATE_FLOOR


def example(steps: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    rates = np.exp(np.sin(np.arange(steps)[:, None] / [7, 31, 90]) - [1, 2, 0])
    return rng.poisson(rates).astype(float), rates, rates.mean(axis=0)


def scored(counts: np.ndarray, expected: np.ndarray, mean: np.ndarray) -> tuple[LikelihoodSums, LikelihoodSums]:
    own, null = LikelihoodSums(mean), LikelihoodSums(mean)
    for rows in np.array_split(np.arange(len(counts)), 7):
        own.add(counts[rows], expected[rows])
        null.add(counts[rows], np.broadcast_to(mean, counts[rows].shape))
    return own, null


def test_bits_are_those_of_scipy():
    counts, rates, mean = example()
    score = bits_per_spike(*scored(counts, rates, mean))
    gains = poisson.logpmf(counts, rates) - poisson.logpmf(counts, mean)
    assert score.pooled == pytest.approx(gains.sum() / counts.sum() / np.log(2), rel=1e-12)
    by_channel = gains.sum(axis=0) / counts.sum(axis=0) / np.log(2)
    assert score.median == pytest.approx(np.median(by_channel), rel=1e-12)
    assert score.ci95[0] < score.pooled < score.ci95[1]
    assert score.ci95[0] > 0.1


def test_the_mean_gains_nothing_and_true_rates_more_than_others():
    counts, rates, mean = example()
    assert bits_per_spike(*scored(counts, np.broadcast_to(mean, rates.shape), mean)).pooled == 0
    true, wrong = (bits_per_spike(*scored(counts, r, mean)).pooled for r in (rates, np.roll(rates, 20, axis=0)))
    assert wrong < true


def test_impossible_rates_are_raised_to_the_floor():
    counts, rates, mean = example()
    negative, floor = (scored(counts, r, mean)[0] for r in (-rates, np.broadcast_to(RATE_FLOOR * mean, rates.shape)))
    assert np.isfinite(negative.pooled)
    assert negative.pooled == floor.pooled


def test_a_span_without_spikes_has_no_score_and_shapes_must_agree():
    mean = np.ones(2)
    score = bits_per_spike(*scored(np.zeros((100, 2)), np.ones((100, 2)), mean))
    assert np.isnan(score.pooled)
    assert score.note == "no spike in the span"
    with pytest.raises(ValueError, match="must be the same"):
        LikelihoodSums(mean).add(np.zeros((3, 2)), np.zeros((4, 2)))

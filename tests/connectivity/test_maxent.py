"""Pairwise maximum entropy: enumeration, planted couplings, the sampler and log Z against enumeration, scores."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from neurofit.connectivity.maxent import maxent
from neurofit.connectivity.maxent_scores import score_maxent, total_variation
from neurofit.connectivity.pairwise_model import (
    PairwiseModel,
    binary_words,
    conditional_log_likelihood,
    data_moments,
    energies,
    exact_log_partition,
    exact_moments,
    independent_model,
    independent_synchrony,
)
from neurofit.connectivity.pseudo_likelihood import choose_prior_sd, fit_pairwise
from neurofit.connectivity.word_sampling import annealed_log_partition, sampled_moments
from neurofit_io.spikes import spikes_from_lists


def planted(cells: int, seed: int, strength: float = 0.7) -> PairwiseModel:
    rng = np.random.default_rng(seed)
    coupling = np.triu(rng.normal(scale=strength, size=(cells, cells)), 1)
    return PairwiseModel(rng.normal(-1.0, 0.4, size=cells), coupling + coupling.T)


def literal(model: PairwiseModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All words and their probabilities, one word at a time."""
    words = np.array(list(itertools.product([0, 1], repeat=model.n_cells)), dtype=float)
    weight = []
    for s in words:
        pairs = sum(model.coupling[i, j] * s[i] * s[j] for i, j in itertools.combinations(range(len(s)), 2))
        weight.append(np.exp(model.field @ s + pairs))
    return words, np.array(weight) / np.sum(weight)


def draw(model: PairwiseModel, n: int, seed: int) -> sparse.csr_array:
    words, probability = literal(model)
    chosen = np.random.default_rng(seed).choice(len(words), size=n, p=probability)
    return sparse.csr_array(words[chosen].astype(np.float32))


def test_enumeration_is_the_literal_sum() -> None:
    model = planted(7, 0)
    words, probability = literal(model)
    moments = exact_moments(model)
    np.testing.assert_allclose(moments.mean, probability @ words, rtol=1e-12)
    np.testing.assert_allclose(moments.pair, words.T @ (probability[:, None] * words), rtol=1e-12)
    counted = [probability[words.sum(axis=1) == k].sum() for k in range(8)]
    np.testing.assert_allclose(moments.synchrony, counted, rtol=1e-12)
    every = sparse.csr_array(words.astype(np.float32))
    np.testing.assert_allclose(energies(model, every) - exact_log_partition(model), np.log(probability), atol=1e-5)
    with pytest.raises(ValueError, match="21 cells; at most 20"):
        exact_moments(planted(21, 0))


def test_pseudo_likelihood_is_the_product_of_literal_conditionals() -> None:
    model = planted(5, 1)
    words, probability = literal(model)
    table = {tuple(word): p for word, p in zip(words, probability, strict=True)}
    sample = draw(model, 50, 2)
    total = 0.0
    for word in sample.toarray():
        for cell in range(5):
            other = word.copy()
            other[cell] = 1 - other[cell]
            total += np.log(table[tuple(word)] / (table[tuple(word)] + table[tuple(other)]))
    assert conditional_log_likelihood(model, sample) == pytest.approx(total / 50, rel=1e-5)


def test_pseudo_likelihood_recovers_planted_couplings_within_their_errors() -> None:
    model = planted(9, 3)
    fit = fit_pairwise(draw(model, 60_000, 4), prior_sd=10.0, tolerance=0.003)
    pairs = np.triu_indices(9, 1)
    z = ((fit.model.coupling - model.coupling) / fit.coupling_se)[pairs]
    assert fit.converged == 9
    assert fit.gradient_norm <= 0.003
    assert np.abs(z).max() < 4
    assert 0.75 < np.sqrt(np.mean(z**2)) < 1.3
    np.testing.assert_allclose(fit.model.field, model.field, atol=0.15)
    np.testing.assert_array_equal(fit.model.coupling, fit.model.coupling.T)
    # At the optimum of a nearly flat prior the model's own moments are those of the data.
    own, data = exact_moments(fit.model), data_moments(draw(model, 60_000, 4))
    np.testing.assert_allclose(own.mean, data.mean, atol=0.004)
    np.testing.assert_allclose(own.pair, data.pair, atol=0.004)


def test_sampler_and_annealing_agree_with_enumeration() -> None:
    model = planted(8, 5)
    exact, sampled = exact_moments(model), sampled_moments(model, chains=400, sweeps=100, burn_in=30, seed=1)
    np.testing.assert_allclose(sampled.mean, exact.mean, atol=0.012)
    np.testing.assert_allclose(sampled.pair, exact.pair, atol=0.012)
    assert total_variation(sampled.synchrony, exact.synchrony) < 0.015
    base = PairwiseModel(np.full(8, -0.8), np.zeros((8, 8)))
    annealed = annealed_log_partition(model, base, chains=400, steps=100, seed=2)
    assert annealed.value == pytest.approx(exact_log_partition(model), abs=4 * annealed.se)
    assert 0 < annealed.se < 0.05
    assert 100 < annealed.effective_chains <= 400


def test_synchrony_of_independent_cells() -> None:
    mean = np.array([0.1, 0.5, 0.9, 0.3])
    field = np.log(mean / (1 - mean))
    expected = exact_moments(PairwiseModel(field, np.zeros((4, 4))))
    np.testing.assert_allclose(independent_synchrony(mean), expected.synchrony, rtol=1e-12)
    np.testing.assert_allclose(expected.correlation, np.eye(4), atol=1e-12)


def test_scores_tell_a_pairwise_model_from_an_independent_one() -> None:
    model = planted(8, 6)
    train, held_out = draw(model, 8000, 7), draw(model, 4000, 8)
    scores, synchrony = score_maxent(fit_pairwise(train, prior_sd=1.0).model, train, held_out)
    _, probability = literal(model)
    entropy = -float(probability @ np.log(probability))
    assert scores.method == "exact"
    assert -scores.log_likelihood == pytest.approx(entropy, abs=0.05)
    assert scores.log_likelihood > scores.independent_log_likelihood + 0.1
    assert scores.synchrony_distance < scores.independent_synchrony_distance / 3
    assert scores.mean_error < 0.01
    assert scores.correlation_error < scores.independent_correlation_error / 5
    for distribution in (synchrony.data, synchrony.pairwise, synchrony.independent):
        assert distribution.sum() == pytest.approx(1)
    sampled, _ = score_maxent(fit_pairwise(train, prior_sd=1.0).model, train, held_out, annealing_steps=0)
    assert sampled.log_likelihood == scores.log_likelihood
    wide = planted(24, 1, strength=0.2)
    some = sparse.csr_array((np.random.default_rng(0).random((200, 24)) < 0.2).astype(np.float32))
    by_sampling, _ = score_maxent(wide, some, some, chains=50, sweeps=10, annealing_steps=50)
    assert by_sampling.method == "sampled"
    assert np.isfinite(by_sampling.log_likelihood)
    assert 0 < by_sampling.correlation_sampling_error < 0.2
    assert scores.as_json()["effective_chains"] is None
    assert by_sampling.as_json()["effective_chains"] > 1


def test_the_prior_follows_the_words() -> None:
    strong, none = planted(10, 9, strength=1.5), PairwiseModel(np.full(10, -1.0), np.zeros((10, 10)))
    assert choose_prior_sd(draw(strong, 4000, 1)) >= 0.3
    assert choose_prior_sd(draw(none, 4000, 1)) <= 0.1
    assert choose_prior_sd(draw(none, 100, 1), candidates=(0.7,)) == 0.7


def test_estimate_of_cells_that_fire_together() -> None:
    rng = np.random.default_rng(0)
    common = np.sort(rng.uniform(0, 60, 400))
    trains = [np.sort(np.concatenate([common, rng.uniform(0, 60, 300)])) for _ in range(2)]
    trains += [np.sort(rng.uniform(0, 60, 600)), np.empty(0)]
    spikes = spikes_from_lists(trains, stop_s=60.0)
    estimate = maxent(spikes, bin_ms=20.0)
    assert estimate.method == "maxent"
    assert estimate.weight[0, 1] == estimate.weight[1, 0] > 0.5
    assert estimate.z[0, 1] > 8
    assert np.abs(estimate.z[2]).max() < 4
    assert not estimate.weight[3].any()
    assert np.isnan(estimate.se[3]).all()
    assert any(note.startswith("1 of 4 cells never fire") for note in estimate.notes)
    words = binary_words(spikes, 20.0)
    assert set(np.unique(words.toarray())) == {0.0, 1.0}
    np.testing.assert_allclose(independent_model(words).field[3], np.log(0.5 / (words.shape[0] + 0.5)), rtol=1e-6)

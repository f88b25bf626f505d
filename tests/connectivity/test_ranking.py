"""Rankings by hand: ties, calls that end inside a tie, and what has no score."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neurofit.connectivity.intervals import rank_intervals
from neurofit.connectivity.ranking import RankedPairs, matthews, ranked_pairs

SCORE = np.array([5.0, 4.0, 4.0, 2.0, 1.0])
EDGE = np.array([True, True, False, False, True])


def test_by_hand() -> None:
    """Of the six (edge, other) comparisons 5 wins two, 4 wins one and ties one, 1 loses two."""
    ranked = ranked_pairs(SCORE, EDGE)
    assert ranked.auc() == pytest.approx(3.5 / 6)
    recall, precision = ranked.precision_recall()
    np.testing.assert_allclose(recall, [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(precision, [1, 2 / 3, 3 / 5])
    assert ranked.ap() == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)


def test_a_call_inside_a_tie_takes_its_expected_counts() -> None:
    """Two calls: the 5, and one of the two 4s, which is an edge half of the time."""
    ranked = ranked_pairs(SCORE, EDGE)
    assert ranked.mcc(2) == pytest.approx(matthews(1.5, 0.5, 1.5, 1.5))
    assert ranked.mcc(1) == pytest.approx(matthews(1, 0, 2, 2)) == pytest.approx(2 / math.sqrt(1 * 3 * 2 * 4))
    assert ranked.mcc(3) == pytest.approx(matthews(2, 1, 1, 1))
    assert math.isnan(ranked.mcc(0))
    assert math.isnan(ranked.mcc(5))


@pytest.mark.parametrize("edge", [np.ones(5, bool), np.zeros(5, bool)])
def test_one_kind_of_pairs_has_no_score(edge) -> None:
    ranked = ranked_pairs(SCORE, edge)
    assert not ranked.defined
    assert all(math.isnan(score) for score in (ranked.auc(), ranked.ap(), ranked.mcc(2)))


def test_equal_scores_are_chance() -> None:
    ranked = ranked_pairs(np.zeros(100), np.arange(100) < 20)
    assert (ranked.auc(), ranked.ap()) == (0.5, 0.2)


def test_order_of_pairs_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    score, edge = rng.integers(0, 9, 200).astype(float), rng.random(200) < 0.3
    shuffled = rng.permutation(200)
    one, other = ranked_pairs(score, edge), ranked_pairs(score[shuffled], edge[shuffled])
    assert (one.auc(), one.ap(), one.mcc(60)) == (other.auc(), other.ap(), other.mcc(60))


def literal_interval(score, edge, pre, resamples) -> np.ndarray:
    """Percentiles of AUC and AP with every resample ranked anew, (score, bound)."""
    rng, cells = np.random.default_rng(1), np.unique(pre)
    rows = {cell: np.flatnonzero(pre == cell) for cell in cells}
    values = []
    for _ in range(resamples):
        chosen = np.concatenate([rows[cell] for cell in rng.choice(cells, len(cells))])
        ranked = ranked_pairs(score[chosen], edge[chosen])
        values.append((ranked.auc(), ranked.ap()))
    return np.quantile(values, (0.025, 0.975), axis=0).T


def test_intervals_are_those_of_whole_cells_ranked_anew() -> None:
    rng = np.random.default_rng(2)
    pre = np.repeat(np.arange(5, 45), 50)
    edge = rng.random(len(pre)) < 0.15
    strength = np.repeat(rng.uniform(0, 4, 40), 50)
    score = np.round(np.abs(rng.standard_normal(len(pre)) + edge * strength), 2)
    found = rank_intervals(score, edge, pre, resamples=2000)
    assert found is not None
    expected = literal_interval(score, edge, pre, 400)
    width = np.diff(expected, axis=1)
    assert (np.abs(np.array(found) - expected) < 0.15 * width).all()
    ranked = ranked_pairs(score, edge)
    assert found[0][0] < ranked.auc() < found[0][1]
    assert found[1][0] < ranked.ap() < found[1][1]


def test_too_few_cells_have_no_interval() -> None:
    pre = np.repeat(np.arange(19), 10)
    assert rank_intervals(np.arange(190.0), np.arange(190) % 3 == 0, pre) is None


def test_empty() -> None:
    empty = RankedPairs(np.empty(0), np.empty(0))
    assert math.isnan(empty.ap())
    assert [len(part) for part in empty.precision_recall()] == [0, 0]

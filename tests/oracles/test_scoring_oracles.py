"""Scores of connections against scikit-learn and scipy, on random networks with ties and unknown pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control, norm, pearsonr
from sklearn.metrics import (
    average_precision_score,
    matthews_corrcoef,
    precision_recall_curve,
    roc_auc_score,
)

from neurofit.connectivity.discovery import edge_calls, q_values
from neurofit.connectivity.estimate import estimate_of
from neurofit.connectivity.ranking import ranked_pairs
from neurofit.connectivity.scoring import score_connectivity


def network(seed: int, n: int = 30):
    """z with many ties, true weights with unknown pairs, positions."""
    rng = np.random.default_rng(seed)
    sign = np.where(rng.random(n) < 0.7, 1, -1)
    weight = sign * (rng.random((n, n)) < 0.2) * rng.lognormal(0, 0.8, (n, n))
    z = np.round(2 * weight + rng.standard_normal((n, n)), 1 if seed % 2 else 0)
    weight[rng.random((n, n)) < 0.1] = np.nan
    return z, weight, sign, rng.uniform(0, 100, (n, 3))


@pytest.mark.parametrize("seed", range(6))
def test_scores_of_random_networks(seed: int) -> None:
    z, weight, sign, positions = network(seed)
    types = np.where(sign > 0, "e", "i")
    estimate = estimate_of("made", 3 * z, np.full(z.shape, 3.0), unit="mV")
    found = score_connectivity(estimate, weight, pre_types=types, positions_um=positions)
    scored = ~np.isnan(weight) & ~np.eye(len(z), dtype=bool)
    edge, score, true = weight[scored] != 0, np.abs(z[scored]), weight[scored]
    assert found.auc == pytest.approx(roc_auc_score(edge, score))
    assert found.ap == pytest.approx(average_precision_score(edge, score))
    for kind in ("e", "i"):
        own = np.broadcast_to(types == kind, z.shape)[scored]
        assert getattr(found, f"auc_{kind}") == pytest.approx(roc_auc_score(edge[own], score[own]))
        assert getattr(found, f"ap_{kind}") == pytest.approx(average_precision_score(edge[own], score[own]))
    distance = np.linalg.norm(positions[:, None] - positions[None], axis=2)[scored]
    assert found.auc_distance == pytest.approx(roc_auc_score(edge, -distance))
    assert found.ap_distance == pytest.approx(average_precision_score(edge, -distance))
    assert found.r_weight == pytest.approx(pearsonr(3 * z[scored], true).statistic)
    assert found.r_weight_edges == pytest.approx(pearsonr(z[scored][edge], true[edge]).statistic)
    off = ~np.eye(len(z), dtype=bool)
    q = np.full(z.shape, np.nan)
    q[off] = false_discovery_control(2 * norm.sf(np.abs(z[off])))
    np.testing.assert_allclose(q_values(estimate), q)
    np.testing.assert_array_equal(edge_calls(estimate).called, q <= 0.05)
    assert found.mcc_fdr == pytest.approx(matthews_corrcoef(edge, q[scored] <= 0.05))


@pytest.mark.parametrize("seed", range(3))
def test_mcc_at_the_number_of_edges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edge = rng.random(500) < 0.15
    score = edge + rng.standard_normal(500)
    called = score >= np.sort(score)[-edge.sum()]
    assert ranked_pairs(score, edge).mcc(int(edge.sum())) == pytest.approx(matthews_corrcoef(edge, called))


@pytest.mark.parametrize("digits", [0, 1, 8])
def test_precision_and_recall(digits: int) -> None:
    rng = np.random.default_rng(digits)
    edge = rng.random(400) < 0.2
    score = np.round(edge + rng.standard_normal(400), digits)
    recall, precision = ranked_pairs(score, edge).precision_recall()
    theirs, recalls, _ = precision_recall_curve(edge, score)
    points = set(zip(np.round(recalls, 9), np.round(theirs, 9), strict=True))
    assert set(zip(np.round(recall, 9), np.round(precision, 9), strict=True)) <= points
    np.testing.assert_allclose(recall, np.unique(recalls)[1:])

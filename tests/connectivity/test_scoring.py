"""Scores of a network of four cells by hand, and the conventions: diagonal, unknown pairs, silent and twin cells."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from neurofit.connectivity.estimate import Estimate, estimate_of
from neurofit.connectivity.ranking import matthews
from neurofit.connectivity.scoring import duplicated_cells, score_connectivity
from neurofit_io import Connectivity, RecordingError, RecordingWarning, connectivity_from_matrix

NAN = np.nan
TYPES = ("e", "e", "i", "e")
POSITIONS = np.array([[0.0, 0, 0], [1, 0, 0], [3, 0, 0], [7, 0, 0]])

TRUTH = np.array([[0, 2, -1, 0], [1, 0, 0, 0], [0, 0, 0, NAN], [0, 0, -3, 0.0]])
"""Edges (post, pre): 2 on (0,1), -1 on (0,2), 1 on (1,0), -3 on (3,2); (2,3) is unknown: 11 pairs, 4 edges."""

Z = np.array([[9, 3, 1, 0.0], [-2, 9, -4, 0], [1, 1, 9, 8], [0.5, 0.2, -5, 9]])
"""|z| descending over the 11 pairs: 5 edge, 4 other, 3 edge, 2 edge, then a tie at 1 of one edge (0,2) and two others
(2,0), (2,1), then 0.5, 0.2, 0, 0."""


def estimate(z: np.ndarray = Z) -> Estimate:
    return estimate_of("made", z / 2, np.full(z.shape, 0.5), unit="mV")


def scores(made=None, truth=TRUTH, **more):
    return score_connectivity(estimate() if made is None else made, truth, **more)


def test_every_number_by_hand() -> None:
    found = scores(pre_types=TYPES, positions_um=POSITIONS)
    assert (found.n_cells, found.n_pairs, found.n_edges, found.n_masked) == (4, 11, 4, 1)
    # Column 3 holds nothing but an unknown pair: it is not silent.
    assert (found.n_silent, found.n_undefined) == (0, 0)
    # Of 7 other pairs the edges beat 7, 6, 6 and, tied with two, 4 + 2/2.
    assert found.auc == pytest.approx((7 + 6 + 6 + 5) / 28)
    assert found.ap == pytest.approx((1 + 2 / 3 + 3 / 4 + 4 / 7) / 4)
    assert found.ap_chance == pytest.approx(4 / 11)
    assert found.mcc == pytest.approx(matthews(3, 1, 1, 6))
    # Twelve tests, (2,3) among them: p of 8, 5, 4, 3 are called, 0.0455 of 2 is not; three calls are scored, two right.
    assert (found.n_calls_fdr, found.false_share_fdr, found.recall_fdr) == (3, pytest.approx(1 / 3), 0.5)
    assert found.mcc_fdr == pytest.approx(matthews(2, 1, 2, 6))
    # Presynaptic 0, 1 and 3: 8 pairs, edges of |z| 3 and 2, others at most 1.
    assert (found.auc_e, found.ap_e, found.ap_chance_e) == (1, 1, 2 / 8)
    # Presynaptic 2: edges of |z| 5 and 1, other 4.
    assert found.auc_i == pytest.approx(1 / 2)
    assert found.ap_i == pytest.approx((1 + 2 / 3) / 2)
    assert found.ap_chance_i == pytest.approx(2 / 3)
    assert found.sign_accuracy == 2 / 4
    assert (found.sign_accuracy_e, found.sign_accuracy_i) == (1 / 2, 1 / 2)
    # Sums of z |z|: -4 + 1 + 0.25 (wrong), 9 + 1 + 0.04 (right), 1 - 16 - 25 (right); cell 3 has no known edge.
    assert found.dale_accuracy == pytest.approx(2 / 3)
    known = ~np.isnan(TRUTH) & ~np.eye(4, dtype=bool)
    assert found.r_weight == pytest.approx(np.corrcoef(Z[known] / 2, TRUTH[known])[0, 1])
    assert found.r_weight_edges == pytest.approx(np.corrcoef([3, 1, -2, -5], [2, -1, 1, -3])[0, 1])
    # Distances of the edges: 1, 3, 1, 4; of the others: 2, 2, 3, 6, 6, 7, 7.
    assert found.auc_distance == pytest.approx((7 + 7 + 4.5 + 4) / 28)
    assert found.ap_distance == pytest.approx((1 + 1 + 3 / 6 + 4 / 7) / 4)
    # Excitatory edges at 1, 1 are the two nearest; inhibitory ones at 3, 4, the other pair at 2.
    assert found.ap_distance_e == 1
    assert found.ap_distance_i == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found.auc_ci95 is None
    assert any("fewer than 20 presynaptic cells" in note for note in found.notes)


def test_the_row_is_json() -> None:
    row = scores(pre_types=TYPES).as_row()
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert row["auc_distance"] is None
    assert "positions of the cells are not known: no ranking by distance to compare with" in row["notes"]


def test_intervals_hold_the_score() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((40, 40)) < 0.1) * 1.0
    found = scores(estimate(rng.standard_normal((40, 40)) + 3 * truth), truth)
    assert found.auc_ci95[0] < found.auc < found.auc_ci95[1]
    assert found.ap_ci95[0] < found.ap < found.ap_ci95[1]
    assert json.dumps(found.as_row())


def test_the_diagonal_never_counts() -> None:
    other, truth = Z.copy(), TRUTH.copy()
    np.fill_diagonal(other, -50)
    np.fill_diagonal(truth, 7)
    assert scores(other, truth) == scores(Z)
    np.fill_diagonal(other, np.inf)
    assert scores(other) == scores(Z)


def test_a_matrix_is_ranked_by_its_absolute_value() -> None:
    bare, full = scores(Z, pre_types=TYPES), scores(pre_types=TYPES)
    assert (bare.auc, bare.ap, bare.mcc, bare.dale_accuracy) == (full.auc, full.ap, full.mcc, full.dale_accuracy)
    assert (bare.mcc_fdr, bare.n_calls_fdr) == (None, None)
    assert "a matrix without z: no calls at a false discovery rate" in bare.notes


def test_what_is_not_estimated_scores_as_zero_and_is_counted() -> None:
    silent, zero = Z.copy(), Z.copy()
    silent[:, 1] = np.nan
    zero[:, 1] = 0
    found, same = scores(silent, pre_types=TYPES), scores(zero, pre_types=TYPES)
    assert (found.n_silent, found.n_undefined) == (1, 3)
    assert (same.n_silent, same.n_undefined) == (1, 0)
    assert (found.auc, found.ap, found.sign_accuracy, found.dale_accuracy) == (
        same.auc, same.ap, same.sign_accuracy, same.dale_accuracy,
    )  # fmt: skip
    assert found.dale_accuracy == pytest.approx(1 / 3)
    assert "1 presynaptic cells without any estimate; their pairs are scored as 0" in found.notes


def test_connections_bring_types_positions_and_ids() -> None:
    ids = np.array([10, 11, 12, 13])
    truth = connectivity_from_matrix(
        TRUTH, orientation="post_pre", post_ids=ids, pre_types=np.array(TYPES), pre_positions_um=POSITIONS
    )
    assert scores(truth=truth) == scores(pre_types=TYPES, positions_um=POSITIONS)
    turned = [3, 1, 0, 2]
    moved = estimate(Z[np.ix_(turned, turned)])
    row, same = scores(moved, truth, cell_ids=ids[turned]).as_row(), scores(truth=truth).as_row()
    assert row.pop("notes") == same.pop("notes")
    assert row == pytest.approx(same)
    seen = scores(estimate(Z[:3, :3]), truth, cell_ids=ids[:3])
    assert (seen.n_pairs, seen.n_edges) == (6, 3)
    with pytest.raises(RecordingError, match="a truth of 4 cells; expected 3, as the estimate has"):
        scores(estimate(Z[:3, :3]), truth)
    with pytest.raises(RecordingError, match="2 of 4 cells of the estimate are not in the truth: 20, 21"):
        scores(truth=truth, cell_ids=[10, 11, 20, 21])


def test_several_synapses_of_a_pair_are_one_edge() -> None:
    cells = np.arange(4)
    truth = Connectivity("c", np.array([1, 1, 2]), np.array([0, 0, 3]), np.array([1.0, 2.0, 1.0]), cells, cells)
    assert scores(truth=truth).n_edges == 2


@pytest.mark.parametrize("truth", [np.zeros((4, 4)), np.ones((4, 4)), np.full((4, 4), NAN)])
def test_a_truth_without_both_kinds_has_no_ranking(truth) -> None:
    found = scores(truth=truth)
    assert (found.auc, found.ap, found.mcc, found.mcc_fdr) == (None, None, None, None)
    assert any("a ranking has no score" in note for note in found.notes)


def test_signs_that_are_not_known_are_not_scored() -> None:
    found = scores(truth=np.abs(TRUTH))
    assert (found.sign_accuracy, found.dale_accuracy) == (None, None)
    assert any("signs are not scored" in note for note in found.notes)
    with pytest.warns(RecordingWarning, match="the signs of 2 weights are taken from the types"):
        from_types = scores(truth=np.abs(TRUTH), pre_types=TYPES)
    assert from_types.sign_accuracy == scores(pre_types=TYPES).sign_accuracy
    assert from_types.r_weight == scores(pre_types=TYPES).r_weight


def test_nothing_is_called() -> None:
    found = scores(estimate(Z / 100))
    assert (found.n_calls_fdr, found.mcc_fdr, found.false_share_fdr, found.recall_fdr) == (0, None, None, 0)
    assert "no pair is called at a false discovery rate of 0.05" in found.notes


def test_an_estimate_of_one_value() -> None:
    found = scores(np.zeros((4, 4)))
    assert (found.auc, found.r_weight, found.n_silent) == (0.5, None, 4)
    assert "no negative value in the estimate: it calls every connection excitatory" in found.notes


def test_a_cell_that_stands_twice_is_found() -> None:
    rng = np.random.default_rng(1)
    value = rng.standard_normal((30, 30))
    value[:, 0] = 0
    value[:, 1] = 0
    np.fill_diagonal(value, 0)
    assert duplicated_cells(value) == []
    twice = np.append(np.arange(30), 7)
    with pytest.warns(RecordingWarning, match=r"1 pairs of cells .* \(counted from 0: 7 and 30\)"):
        scores(value[np.ix_(twice, twice)], np.eye(31)[::-1])


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (np.zeros((3, 4)), r"an estimate of shape \(3, 4\); expected a square matrix"),
        (np.full((4, 4), math.inf), "12 infinite values in the estimate"),
    ],
)
def test_what_is_no_estimate(made, found) -> None:
    with pytest.raises(RecordingError, match=found):
        score_connectivity(made, TRUTH)

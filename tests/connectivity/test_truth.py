"""The truth in the order of the estimate's cells: ids, types, signs, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.connectivity.truth import true_connections
from neurofit_io import Connectivity, RecordingError, RecordingWarning


def connections(**more) -> Connectivity:
    """Cells a, b, c: a excites b by 1 + 0.5 in two synapses, c inhibits a, nobody tested b to c."""
    ids = np.array(["a", "b", "c"])
    fields = {"post_ids": ids, "pre_ids": ids, "pre_types": np.array(["e", "", "i"]),
              "pre_positions_um": np.arange(9.0).reshape(3, 3)}  # fmt: skip
    post, pre, weights = np.array([1, 1, 0, 2]), np.array([0, 0, 2, 1]), np.array([1, 0.5, -2, np.nan])
    return Connectivity("connectivity", post, pre, weights, **{**fields, **more})


def test_synapses_add_up_and_the_diagonal_is_unknown() -> None:
    known = true_connections(connections(), n_cells=3)
    nan = np.nan
    np.testing.assert_array_equal(known.weight, [[nan, 0, -2], [1.5, nan, 0], [0, nan, nan]])
    assert known.types.tolist() == ["e", "", "i"]
    assert known.signed


def test_cells_in_the_order_of_the_estimate_and_no_others() -> None:
    known = true_connections(connections(), n_cells=2, cell_ids=["c", "a"])
    np.testing.assert_array_equal(known.weight, [[np.nan, 0], [-2, np.nan]])
    assert known.types.tolist() == ["i", "e"]
    np.testing.assert_array_equal(known.positions_um, [[6, 7, 8], [0, 1, 2]])
    assert known.notes == ("1 of the 3 cells of the truth are not in the estimate",)


def test_pre_and_post_in_different_orders() -> None:
    known = true_connections(connections(pre_ids=np.array(["c", "b", "a"])), n_cells=3)
    assert known.weight[1, 2] == 1.5
    assert known.weight[0, 2] == 0
    assert known.types.tolist() == ["i", "", "e"]


def test_all_positive_weights_take_their_signs_from_the_types() -> None:
    weight = np.array([[0, 1, 2.0], [3, 0, 4], [5, 6, 0]])
    with pytest.warns(RecordingWarning, match="positive although 1 cells are inhibitory: the signs of 2 weights"):
        known = true_connections(weight, n_cells=3, pre_types=["e", "e", "i"])
    np.testing.assert_array_equal(known.weight[~np.eye(3, dtype=bool)], [1, -2, 3, -4, 5, 6])


def test_signed_weights_are_left_although_types_disagree() -> None:
    weight = np.array([[0, 1, 2.0], [3, 0, 4], [-5, 6, 0]])
    known = true_connections(weight, n_cells=3, pre_types=["e", "e", "i"])
    np.testing.assert_array_equal(known.weight[:2, 2], [2, 4])


def test_types_from_the_signs() -> None:
    weight = np.array([[0, -1, 2.0, 0], [3, 0, -4, 0], [5, -6, 0, 0], [0, 0, 0, 0]])
    known = true_connections(weight, n_cells=4)
    assert known.types.tolist() == ["e", "i", "", ""]
    assert "2 without one" in known.notes[0]


def test_signs_that_nobody_gave() -> None:
    known = true_connections(np.ones((3, 3)), n_cells=3)
    assert not known.signed
    assert "signs are not scored" in known.notes[0]


@pytest.mark.parametrize(
    ("truth", "more", "found"),
    [
        (np.zeros((4, 4)), {}, r"w.npy: a truth of 4 cells; expected 3, as the estimate has"),
        (np.zeros((3, 4)), {}, r"a truth of shape \(3, 4\); expected a square matrix"),
        (np.full((3, 3), np.inf), {}, "9 infinite true weights"),
        (connections(), {"cell_ids": ["a", "b", "d"]}, "1 of 3 cells of the estimate are not in the truth: d"),
        (connections(), {"cell_ids": ["a", "b", "a"]}, "cell a stands 2 times in the estimate"),
        (connections(post_ids=np.array(["a", "b", "b"])), {}, "cell b stands 2 times in the postsynaptic cells"),
        (connections(post_ids=np.array(["x", "y", "z"])), {}, "from 3 cells to 3 other ones"),
        (connections(), {"cell_ids": ["a", "b"]}, "a truth of 2 cells; expected 3"),
        (np.zeros((3, 3)), {"pre_types": ["e", "i"]}, r"types of shape \(2,\)"),
        (np.zeros((3, 3)), {"pre_types": ["e", "i", "x"]}, "types of shape .*: e, i, x; expected e, i or nothing"),
        (np.zeros((3, 3)), {"positions_um": np.zeros((3, 5))}, r"positions of shape \(3, 5\)"),
    ],
)
def test_what_is_refused(truth, more, found) -> None:
    with pytest.raises(RecordingError, match=found):
        true_connections(truth, n_cells=3, place="w.npy", **more)

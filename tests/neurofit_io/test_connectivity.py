"""Orientation, several synapses of a pair, untested pairs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from neurofit_io.connectivity import Connectivity, connectivity_from_matrix
from neurofit_io.errors import RecordingError

POST_PRE = np.array([[0.0, 2.0, 0.0], [-1.0, 0.0, 0.0], [0.5, 0.0, 0.0]])


def test_orientation_says_which_axis_is_postsynaptic() -> None:
    """Cell 1 projects to cell 0 with weight 2."""
    as_is = connectivity_from_matrix(POST_PRE, orientation="post_pre")
    turned = connectivity_from_matrix(POST_PRE.T, orientation="pre_post")
    for connectivity in (as_is, turned):
        assert connectivity.weight[0, 1] == 2.0
        assert_array_equal(connectivity.weight, POST_PRE)
        row = int(np.flatnonzero(connectivity.weights == 2.0)[0])
        assert (connectivity.post[row], connectivity.pre[row]) == (0, 1)


@pytest.mark.parametrize("orientation", ["", "pre", "rows"])
def test_no_orientation_is_guessed(orientation: str) -> None:
    with pytest.raises(RecordingError, match="post_pre or pre_post; say --orientation"):
        connectivity_from_matrix(POST_PRE, orientation=orientation, place="w.npy")


def test_not_square() -> None:
    with pytest.raises(RecordingError, match=r"w.npy: a connectivity matrix of shape \(2, 3\); expected a square one"):
        connectivity_from_matrix(POST_PRE[:2], orientation="post_pre", place="w.npy")


def test_synapses_of_a_pair_add_up() -> None:
    cells = np.arange(3)
    connectivity = Connectivity(
        "connectivity", np.array([0, 0, 2]), np.array([1, 1, 0]), np.array([0.5, 0.25, -1.0]), cells, cells
    )
    assert connectivity.weight[0, 1] == 0.75
    assert (connectivity.n_connected_pairs, connectivity.n_possible_pairs) == (2, 6)


def test_untested_pairs_are_nan_and_not_counted() -> None:
    dense = POST_PRE.copy()
    dense[2, 1] = np.nan
    connectivity = connectivity_from_matrix(dense, orientation="post_pre")
    assert_array_equal(connectivity.weight, dense)
    assert connectivity.n_connected_pairs == 3


def test_cells_of_two_populations_are_not_the_same_cells() -> None:
    ids, none = np.arange(4), np.empty(0, np.int64)
    populations = {"pre_population": "lgn", "post_population": "v1"}
    across = Connectivity("connectivity_lgn_v1", none, none, np.empty(0), ids, ids, metadata=populations)
    assert not across.recurrent
    assert across.n_possible_pairs == 16


@pytest.mark.parametrize(("post", "found"), [(3, "postsynaptic cell 3 of 3"), (-1, "postsynaptic cell -1 of 3")])
def test_cells_that_do_not_exist(post: int, found: str) -> None:
    with pytest.raises(RecordingError, match=found):
        Connectivity("c", np.array([post]), np.array([0]), np.ones(1), np.arange(3), np.arange(3))


def test_rows_of_unequal_number() -> None:
    with pytest.raises(RecordingError, match="2 post, 1 pre and 1 weights"):
        Connectivity("c", np.array([0, 1]), np.array([0]), np.ones(1), np.arange(3), np.arange(3))

"""Path lengths against breadth-first search, and two-step paths against counting."""

from __future__ import annotations

from collections import deque

import numpy as np

from neurofit.connectivity.shortest_paths import path_lengths, two_step_paths


def weights() -> np.ndarray:
    rng = np.random.default_rng(0)
    weight = np.where(rng.random((30, 30)) < 0.05, rng.standard_normal((30, 30)), 0.0)
    weight[3, 4] = np.nan
    weight[5, 5] = 1.0
    return weight


def test_lengths_are_those_of_a_search_from_each_presynaptic_cell():
    weight = weights()
    expected = np.full((30, 30), np.inf)
    for pre in range(30):
        expected[pre, pre] = 0
        queue = deque([pre])
        while queue:
            here = queue.popleft()
            for post in range(30):
                there = weight[post, here]
                if there != 0 and not np.isnan(there) and np.isinf(expected[post, pre]):
                    expected[post, pre] = expected[here, pre] + 1
                    queue.append(post)
    assert {0.0, 1.0, 2.0, 3.0, np.inf} <= set(expected.ravel())
    np.testing.assert_array_equal(path_lengths(weight), expected)


def test_two_step_paths_are_counted():
    weight = weights()
    there = (weight != 0) & ~np.isnan(weight)
    found = two_step_paths(weight)
    for post in range(30):
        for pre in range(30):
            between = [k for k in range(30) if k not in (post, pre) and there[post, k] and there[k, pre]]
            assert found[post, pre] == len(between)

"""False discovery rates by definition, and signs of presynaptic cells whose significance is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from neurofit.connectivity.discovery import edge_calls, presynaptic_signs, q_values, two_sided_p
from neurofit.connectivity.estimate import Estimate, estimate_of


def estimate(z: np.ndarray) -> Estimate:
    return estimate_of("made", z, np.ones_like(z), unit="mV")


def literal_calls(p: np.ndarray, fdr: float) -> np.ndarray:
    """The step-up procedure in the words of Benjamini and Hochberg (1995)."""
    order = np.argsort(p)
    passing = [i for i, index in enumerate(order, 1) if p[index] <= i / len(p) * fdr]
    called = np.zeros(len(p), dtype=bool)
    called[order[: max(passing, default=0)]] = True
    return called


def test_two_sided_p() -> None:
    np.testing.assert_allclose(two_sided_p(np.array([0, 1.959964, -1.959964, 10])), [1, 0.05, 0.05, 2 * norm.sf(10)],
                               rtol=1e-6)  # fmt: skip
    assert np.isnan(two_sided_p(np.array([np.nan]))).all()


@pytest.mark.parametrize("fdr", [0.01, 0.05, 0.3, 1.0])
def test_calls_are_those_of_the_procedure(fdr: float) -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((30, 30)) + 4 * (rng.random((30, 30)) < 0.2) * rng.choice([-1, 1], (30, 30))
    made = estimate(z)
    tested = ~np.eye(30, dtype=bool)
    expected = literal_calls(2 * norm.sf(np.abs(z[tested])), fdr)
    calls = edge_calls(made, fdr)
    np.testing.assert_array_equal(calls.called[tested], expected)
    np.testing.assert_array_equal(q_values(made)[tested] <= fdr, expected)
    assert (calls.n_calls, calls.n_tests) == (expected.sum(), 870)
    np.testing.assert_array_equal(calls.sign[calls.called], np.sign(z)[calls.called])


def test_what_is_not_estimated_is_no_test() -> None:
    z = np.full((4, 4), 2.4)
    z[:, 2] = np.nan
    made = estimate(z)
    assert edge_calls(made).n_tests == 9
    assert np.isnan(q_values(made)[:, 2]).all()
    assert edge_calls(made).n_calls == 9
    assert not edge_calls(made).sign[:, 2].any()


def test_without_effects_hardly_anything_is_called() -> None:
    rng = np.random.default_rng(1)
    falsely = [edge_calls(estimate(rng.standard_normal((25, 25)))).n_calls > 0 for _ in range(400)]
    assert 0.02 < np.mean(falsely) < 0.085


@pytest.mark.parametrize("fdr", [0.0, -0.1, 1.5])
def test_no_such_rate(fdr: float) -> None:
    with pytest.raises(ValueError, match="fdr must be above 0"):
        edge_calls(estimate(np.ones((3, 3))), fdr)


def test_signs_by_hand() -> None:
    """Column 0: 3|3| - 1 - 1 = 7 over 3 targets, S / sqrt(9) = 7/3. The diagonal and NaN do not count."""
    z = np.array([[9.0, 1.0, 0.0, 2.0], [3.0, 9.0, 0.0, np.nan], [-1.0, -2.0, 9.0, 0.0], [-1.0, -1.0, 0.0, -9.0]])
    signs = presynaptic_signs(z)
    np.testing.assert_array_equal(signs.sign, [1, -1, 0, 1])
    expected = 2 * norm.sf(np.array([7 / 3, 4 / 3, 0, 4 / np.sqrt(3)]))
    np.testing.assert_allclose(signs.p, expected)


def test_p_of_a_sign_without_effects_is_uniform() -> None:
    p = presynaptic_signs(np.random.default_rng(2).standard_normal((60, 60))).p
    many = np.concatenate([presynaptic_signs(np.random.default_rng(s).standard_normal((60, 60))).p for s in range(99)])
    assert len(p) == 60
    for level in (0.01, 0.05, 0.2, 0.5):
        assert (many < level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / len(many)) + 0.004)


def test_signs_that_hold_over_all_cells() -> None:
    rng = np.random.default_rng(3)
    true = np.where(np.arange(80) < 20, 1, np.where(np.arange(80) < 40, -1, 0))
    z = rng.standard_normal((80, 80)) + 2.5 * true * (rng.random((80, 80)) < 0.5)
    called = presynaptic_signs(z).called(0.05)
    assert (called[:40] == true[:40]).all()
    assert np.count_nonzero(called[40:]) <= 5
    np.testing.assert_array_equal(presynaptic_signs(np.zeros((5, 5))).called(), 0)

"""Looks that stay apart in greyscale, labels that are drawn as they stand, and placement without overlap."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from neurofit.figures.placement import spread, wants_log
from neurofit.figures.style import look, plain, with_unit

PREDICTORS = ["truth", "model", "persistence", "mean", "ar", "var"]


def grey(color: str) -> float:
    """Luminance of a colour, 0 to 1 (ITU-R BT.601)."""
    return float(np.dot(to_rgb(color), (0.299, 0.587, 0.114)))


def test_looks_differ_in_luminance() -> None:
    for one, other in combinations(PREDICTORS, 2):
        assert abs(grey(look(one).color) - grey(look(other).color)) > 0.1, (one, other)


def test_only_truth_and_model_are_solid() -> None:
    assert [name for name in PREDICTORS if look(name).linestyle == "-"] == ["truth", "model"]


@pytest.mark.parametrize(("name", "family"), [("AR(7)", "ar"), ("VAR(2)", "var"), ("GRU", "model"), ("Mean", "mean")])
def test_names_with_an_order_keep_the_look_of_their_family(name: str, family: str) -> None:
    assert look(name).line() == look(family).line()
    assert look(name).label == name


def test_plain_leaves_nothing_for_matplotlib_to_interpret() -> None:
    assert plain("a $x$\n\tb") == r"a \$x\$ b"
    assert plain("日 1") == "□ 1"
    assert plain("x" * 9, 9) == "x" * 9
    cut = plain("channel number 12345", 11)
    assert len(cut) == 11
    assert cut.startswith("chann")
    assert cut.endswith("12345")


def test_units_are_in_parentheses_where_there_are_any() -> None:
    assert with_unit("vm", "mV") == "vm (mV)"
    assert with_unit("dff", "") == "dff"


@pytest.mark.parametrize("positions", [[0.5, 0.5, 0.5], [0.99, 1.0, 0.1], [0.9, 0.2, 0.25], [0.4], []])
def test_spread_keeps_order_distance_and_ceiling(positions: list[float]) -> None:
    placed = spread(positions, 0.1)
    order = np.argsort(positions, kind="stable")
    assert np.all(np.diff(np.asarray(placed)[order]) >= 0.1 - 1e-12)
    assert max(placed, default=0.0) <= 1.0


def test_spread_moves_nothing_that_is_apart() -> None:
    assert spread([0.8, 0.1, 0.4], 0.1) == [0.8, 0.1, 0.4]


def test_a_log_axis_is_wanted_only_for_positive_values_over_a_decade() -> None:
    assert wants_log(np.array([0.01, 1.0]))
    assert not wants_log(np.array([0.2, 1.0]))
    assert not wants_log(np.array([0.0, 1.0]))
    assert not wants_log(np.array([]))

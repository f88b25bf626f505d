"""The figures of inferred connections: what is drawn where, what is left out and said, names that fonts cannot draw."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.figures.connectivity import MOST_CELLS, connection_matrices, weight_scatter
from neurofit.figures.connectivity_curves import ap_by_length, precision_recall_curves
from neurofit.figures.planning import planned_scores
from neurofit.figures.style import figure_png

HOSTILE = "a$b_{ \\ 日本\n" + "long " * 40
TYPES = np.array(["i", "e", "", "e"])
ESTIMATE = np.arange(16.0).reshape(4, 4) - 8
TRUTH = np.array([[0, 2, -1, 0], [1, 0, 0, 0], [0, 0, 0, np.nan], [0, 0, -3, 0.0]])


def test_cells_are_sorted_by_type_and_the_diagonal_is_empty():
    figure = connection_matrices(ESTIMATE, TRUTH, types=TYPES, truth_unit="nS", method="gls")
    left, right = figure.axes[:2]
    order = [1, 3, 0, 2]
    shown = np.ma.filled(left.images[0].get_array().astype(float), np.nan)
    empty = ESTIMATE.copy()
    np.fill_diagonal(empty, np.nan)
    large = np.percentile(np.abs(empty[~np.isnan(empty)]), 99)
    np.testing.assert_allclose(shown, empty[np.ix_(order, order)] / large)
    assert left.images[0].get_clim() == right.images[0].get_clim() == (-1, 1)
    assert [line.get_xdata()[0] for line in left.lines[::2]] == [1.5, 2.5]
    assert [text.get_text() for text in left.texts] == ["E", "E", "I", "I", "?", "?"]
    assert "gls: z" in left.get_title(loc="left")
    assert "truth: weight (nS), ±1 is 2.25" in right.get_title(loc="left")
    assert "grey: not known" in figure.axes[2].get_xlabel()


def test_an_estimate_alone():
    figure = connection_matrices(ESTIMATE, method=HOSTILE)
    assert len(figure.axes) == 2
    assert not figure.axes[0].texts
    assert "known" not in figure.axes[1].get_xlabel()
    figure_png(figure, dpi=40)


@pytest.mark.parametrize("matrix", [np.zeros((3, 3)), np.zeros((1, 1))])
def test_an_estimate_of_nothing(matrix):
    assert figure_png(connection_matrices(matrix, matrix), dpi=40).startswith(b"\x89PNG")


def test_many_cells_are_thinned_and_it_is_said():
    n = 2 * MOST_CELLS + 1
    types = np.where(np.arange(n) < 0.8 * n, "e", "i")
    figure = connection_matrices(np.zeros((n, n)), types=types)
    assert figure.axes[0].images[0].get_array().shape == (334, 334)
    assert figure.get_suptitle() == f"334 of {n} cells: one in 3 is drawn"


def luminance(figure, value):
    red, green, blue, _ = figure.axes[0].images[0].to_rgba(np.array([[value]]))[0, 0]
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_signs_stay_apart_in_greyscale():
    figure = connection_matrices(ESTIMATE)
    dark, middle, light = (luminance(figure, value) for value in (-1.0, 1.0, 0.0))
    assert light - middle > 0.3
    assert middle - dark > 0.25


def test_edges_as_points_and_other_pairs_as_a_histogram():
    truth = np.array([0, 0, 0, 1.0, -2, 3])
    estimate = np.array([0.1, -0.1, 0, 1.5, -1, 2])
    figure = weight_scatter(estimate, truth, r_edges=0.9, r_all=None, unit="mV", truth_unit="nS", method="gls")
    left, right = figure.axes
    excitatory, inhibitory = (line for line in left.lines if "edges" in str(line.get_label()))
    np.testing.assert_array_equal(excitatory.get_xydata(), [[1, 1.5], [3, 2]])
    np.testing.assert_array_equal(inhibitory.get_xydata(), [[-2, -1]])
    assert left.get_title(loc="left") == "3 edges, r = 0.90 (all pairs n/a)"
    assert (left.get_xlabel(), left.get_ylabel()) == ("true weight (nS)", "gls: weight (mV)")
    assert right.get_title(loc="left") == "3 not connected"
    figure_png(figure, dpi=40)


def test_a_share_of_many_edges_is_drawn_and_it_is_said():
    truth = np.linspace(0.1, 1, 9000)
    figure = weight_scatter(truth, truth, r_edges=1.0, r_all=1.0)
    assert figure.axes[0].get_title(loc="left").startswith("3000 of 9000 edges")
    figure_png(weight_scatter([], [], r_edges=None, r_all=None), dpi=40)


def test_curves_with_chance_and_distance():
    curve = (np.linspace(0.01, 1, 5000), np.linspace(1, 0.1, 5000))
    figure = precision_recall_curves(
        {"gls": curve, HOSTILE: curve}, chance=0.1, ap={"gls": 0.55, HOSTILE: None}, distance=curve, ap_distance=0.2
    )
    axes = figure.axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[0] == "gls, 0.550"
    assert labels[1].endswith(", n/a")
    assert labels[2:] == ["distance alone, 0.200", "chance, 0.100"]
    assert len(axes.lines[0].get_xdata()) < 2200
    assert (axes.lines[0].get_xdata()[0], axes.lines[0].get_xdata()[-1]) == (0.01, 1)
    assert len({str(line.get_linestyle()) + str(line.get_color()) for line in axes.lines}) == 4
    figure_png(figure, dpi=40)


def test_average_precision_by_length():
    figure = ap_by_length([6, 20, 60], {"gls": [0.4, 0.6, 0.8], "sta": [0.1, None, 0.3]}, chance=0.1, ap_distance=0.17)
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [0.1, np.nan, 0.3])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["6", "20", "60"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["gls", "sta", "distance alone", "chance"]
    figure_png(figure, dpi=40)


def test_a_plan_with_chance_in_both_panels():
    curves = {"all": [0.2, 0.5], "e": [0.1, 0.4]}
    figure = planned_scores([1, 10], curves, curves, chance=0.08, marked_s=[1, 10], own_s=2.0, title=HOSTILE)
    left, right = figure.axes
    assert {text.get_text() for text in left.texts} == {"chance, 0.08", "2 s recorded"}
    assert {text.get_text() for text in right.texts} == {"chance, 0.5", "2 s recorded"}
    np.testing.assert_array_equal(left.lines[1].get_ydata(), [0.1, 0.4])
    figure_png(figure, dpi=40)

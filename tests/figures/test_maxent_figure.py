"""The synchrony figure: what it draws, and that it says so."""

from __future__ import annotations

import numpy as np

from neurofit.figures.maxent import synchrony
from neurofit.figures.style import figure_png


def test_three_curves_one_panel() -> None:
    data, pairwise, independent = np.array([0.5, 0.3, 0.0, 0.2]), np.array([0.5, 0.3, 0.1, 0.1]), np.full(4, 0.25)
    figure = synchrony(data, pairwise, independent, bin_ms=20.0)
    (axes,) = figure.axes
    drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.get_lines()}
    assert list(drawn) == ["held-out", "pairwise maximum entropy", "independent"]
    np.testing.assert_array_equal(drawn["held-out"], [0.5, 0.3, np.nan, 0.2])
    np.testing.assert_array_equal(drawn["pairwise maximum entropy"], pairwise)
    assert axes.get_yscale() == "log"
    assert "20 ms" in axes.get_xlabel()
    assert axes.get_xlim()[1] >= 3
    assert figure_png(figure).startswith(b"\x89PNG")


def test_silent_words_still_draw() -> None:
    silent = np.array([1.0, 0.0, 0.0])
    assert figure_png(synchrony(silent, silent, silent, bin_ms=2.0)).startswith(b"\x89PNG")

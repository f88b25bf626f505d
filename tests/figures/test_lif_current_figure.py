"""Figures of currents, inputs and averages of unconnected pairs: what is in them, and that it can be told apart."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.figures import figure_png
from neurofit.figures.lif_current import (
    CellCorrelations,
    CurrentPanel,
    current_beside_voltage,
    input_against_voltage,
    weighted_input,
)
from neurofit.figures.unconnected_averages import AveragePair, average_sizes, unconnected_pair

TIME = np.arange(200) / 1000
VM = -60 + np.sin(TIME * 50)


def test_each_time_constant_is_a_row_of_raw_and_blanked():
    panels = [CurrentPanel(tau, label, VM * 3, VM * 2) for tau, label in ((3.5, "steps"), (35.0, "ms"))]
    figure = current_beside_voltage(TIME, VM, VM + 1, panels, cell="a$b")
    figure_png(figure, dpi=30)
    assert [axes.get_title(loc="left").split(": ")[1] for axes in figure.axes] == [
        "as it is", "own spikes blanked",
    ] * 2  # fmt: skip
    raw, blanked = figure.axes[:2]
    assert "3.5 ms (steps)" in raw.get_title(loc="left")
    np.testing.assert_array_equal(raw.lines[0].get_ydata(), VM * 3)
    np.testing.assert_array_equal(blanked.lines[1].get_ydata(), VM + 1)
    assert raw.get_ylabel() == "mV"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["R I = V + tau dV/dt", "V"]


def test_input_is_drawn_by_sign_and_as_its_sum():
    up, down = np.abs(VM), -np.abs(VM) / 2
    figure = weighted_input(TIME, up, down, VM * 3, VM, unit="nS", tau_ms=35.0, cell="7", said="r 0.2 (chance 0.1)")
    figure_png(figure, dpi=30)
    top = figure.axes[0]
    np.testing.assert_allclose(top.lines[2].get_ydata(), up + down)
    assert top.get_ylabel() == "weighted input (nS)"
    assert figure.get_suptitle() == "Cell 7: r 0.2 (chance 0.1)"


@pytest.mark.parametrize("r", [np.array([0.1, -0.2, np.nan, 0.4]), np.full(3, np.nan)])
def test_correlations_stand_beside_chance(r):
    cells = [CellCorrelations(label, r, np.abs(r) / 2) for label in ("as they are", "blanked")]
    figure = input_against_voltage(
        TIME, VM / 9, VM, cells, scatter=(VM / 9, VM), unit="", window_ms=50.0, cell="7", said="r 0.1 (chance 0.2)"
    )
    figure_png(figure, dpi=30)
    words = [text.get_text() for axes in figure.axes if axes.get_legend() for text in axes.get_legend().get_texts()]
    if np.isfinite(r).any():
        assert words == ["as they are: median 0.10", "blanked: median 0.10", "chance, 95 % within 0.10"]
    else:
        assert words == ["as they are: none", "blanked: none"]


def test_averages_lie_in_their_chance_band():
    lag = np.arange(1, 31)
    band = np.stack([np.full(30, -62.0), np.full(30, -58.0)])
    pairs = [AveragePair("cell 1 to 2, 9 spikes", lag / 30 - 60, lag / 60 - 60, band, band)] * 2
    figure = unconnected_pair(lag, pairs)
    figure_png(figure, dpi=30)
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title(loc="left") == "cell 1 to 2, 9 spikes: as it is"
    assert figure.axes[2].get_xlabel() == "time after the presynaptic spike (ms)"
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["95 % of moved spike trains", "average after spikes"]


def test_sizes_by_path_spikes_and_cause():
    n = np.array([40, 1, 10])
    figure = average_sizes(
        [("1", 5, 2.0, 1.0), ("2", 9, 1.5, 1.2)], n, 3 / np.sqrt(n), 2 / np.sqrt(n),
        [("noise", 0.8, 0.7, 0.9), ("a cell between", np.nan, np.nan, np.nan)],
    )  # fmt: skip
    figure_png(figure, dpi=30)
    left, middle, right = figure.axes
    assert [label.get_text() for label in left.get_xticklabels()] == ["connected\n5", "2\n9"]
    line = middle.lines[0]
    np.testing.assert_allclose(line.get_ydata(), 2 / np.sqrt(line.get_xdata()))
    assert [text.get_text() for text in right.texts] == ["0.80", "not known"]

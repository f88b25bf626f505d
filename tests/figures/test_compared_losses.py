"""Small multiples of losses: a panel a model, a line a seed, one scale that no poor baseline stretches."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.figures import LossCurve, compared_losses, figure_png

CURVES = {
    "gru": [LossCurve([1, 2], [0.3, 0.2], [0.35, 0.25]), LossCurve([1, 2], [0.32, 0.22], [0.36, 0.27])],
    "lstm": [LossCurve([1], [0.4], [0.38])],
    "rnn": [],
}


def test_a_panel_a_model_and_a_line_a_seed():
    figure = compared_losses(CURVES, {"mean": 2.0, "AR": 0.21, "VAR": float("nan")})
    gru, lstm, rnn = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(CURVES)
    drawn = [np.asarray(line.get_ydata()).tolist() for line in gru.lines]
    assert drawn == [[2.0, 2.0], [0.21, 0.21], [0.3, 0.2], [0.35, 0.25], [0.32, 0.22], [0.36, 0.27]]
    assert len(lstm.lines) == 4
    assert [text.get_text() for text in rnn.texts] == ["no epoch was run"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["mean  2", "AR  0.21", "training", "validation"]


def test_the_scale_holds_every_loss_and_the_best_baseline_only():
    low, high = compared_losses(CURVES, {"mean": 2.0, "AR": 0.1}).axes[1].get_ylim()
    assert 0.05 < low < 0.1
    assert 0.4 < high < 0.5
    axes = compared_losses({"gru": [LossCurve([1, 2], [90, 1], [100, 1])]}, {"AR": 0.5}).axes[0]
    assert axes.get_yscale() == "log"
    assert axes.get_ylim() == pytest.approx((0.5 * 200**-0.08, 100 * 200**0.08))


@pytest.mark.parametrize("count", [1, 4, 9])
def test_any_number_of_models_can_be_drawn(count):
    figure = compared_losses({f"gru {i}": CURVES["gru"] for i in range(count)}, {})
    assert sum(axes.axison for axes in figure.axes) == count
    assert figure_png(figure, dpi=40).startswith(b"\x89PNG")


def test_nothing_but_runs_that_failed():
    assert figure_png(compared_losses({"gru": []}, {}), dpi=40).startswith(b"\x89PNG")

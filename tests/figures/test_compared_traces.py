"""Traces side by side: a column a model with the truth in each, one scale a row, and what each misses below."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from neurofit.figures import figure_png
from neurofit.figures.comparison_traces import compared_traces

TRUTH = np.random.default_rng(0).normal(size=(200, 2))
TRUTH[120, 0] = 9.0


def drawn(**changes: object) -> Figure:
    arguments = {
        "time_s": np.arange(200) * 1e-4,
        "truth": TRUTH,
        "predictions": {"gru": 0.9 * TRUTH, "lstm": 0.5 * TRUTH, "ar": np.zeros_like(TRUTH)},
        "channel_labels": ["a", "b"],
        "unit": "mV",
        "signal": "vm",
    }
    return compared_traces(**(arguments | changes))


def test_a_column_a_model_around_the_largest_event_and_the_residual_of_all_time():
    figure = drawn()
    panels = np.array(figure.axes).reshape(4, 3)
    assert [axes.get_title(loc="left") for axes in panels[0]] == ["gru", "lstm", "AR"]
    for share, axes, residual in zip((0.9, 0.5, 0.0), panels[0], panels[1], strict=True):
        truth, prediction = (np.asarray(line.get_ydata()) for line in axes.lines)
        np.testing.assert_array_equal(truth, TRUTH[90:150, 0])
        np.testing.assert_array_equal(prediction, share * TRUTH[90:150, 0])
        np.testing.assert_allclose(residual.lines[-1].get_ydata(), (1 - share) * TRUTH[:, 0])
    assert np.asarray(panels[0, 0].lines[0].get_xdata())[30] == 0
    for row in panels:
        assert len({axes.get_ylim() for axes in row}) == 1
    assert panels[2, 0].get_ylabel() == "channel b\nvm\n(mV)"
    assert panels[0, 0].get_xlabel() == "from 0.012 s (ms)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["truth", "prediction"]


def test_a_prediction_that_runs_away_does_not_flatten_the_truth():
    axes = drawn(predictions={"gru": 1e6 * TRUTH}).axes[0]
    assert axes.get_ylim()[1] < 20


def test_slow_samples_are_shown_in_seconds():
    axes = drawn(time_s=np.arange(200) / 2.0).axes[0]
    assert axes.get_xlabel() == "time (s)"
    assert np.asarray(axes.lines[0].get_xdata())[0] == 45.0


@pytest.mark.parametrize("truth", [np.full((200, 1), np.nan), np.zeros((200, 1)), TRUTH[:3, :1]])
def test_what_is_not_pretty_is_drawn(truth):
    figure = drawn(time_s=np.arange(len(truth)) * 1e-4, truth=truth, predictions={"gru": truth}, channel_labels=["a$b"])
    assert figure_png(figure, dpi=40).startswith(b"\x89PNG")

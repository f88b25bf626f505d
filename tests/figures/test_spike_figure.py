"""The figure of spikes seen ahead: what is drawn, in which units, and what is not there."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from neurofit.figures import ScorePanel, SpikeTraces, figure_png, spike_summary

HOSTILE = "a$b_{ \\ 日本\n" + "long " * 40
TIME = np.arange(200) * 1e-4


def channel(label: str = "3", **traces: np.ndarray) -> SpikeTraces:
    truth = np.where(np.arange(200) == 100, 30.0, -65.0)
    shown = {"truth": truth, "gru": np.roll(truth, 15), "ar": np.full(200, -60.0), **traces}
    spikes = {"truth": TIME[[100]], "gru": TIME[[115]], "ar": np.empty(0)}
    return SpikeTraces(label, TIME, shown, spikes)


def panel(values: dict, **more) -> ScorePanel:
    intervals = {name: [None] * len(each) for name, each in values.items()}
    return ScorePanel("F1", ["±0.5 ms", "±1 ms"], values, **{"intervals": intervals, **more})


F1 = {"gru": [0.5, 0.25], "persistence": [0.0, 0.125], "ar": [np.nan, 0.375]}


def figure(channels=None, panels=None, **more: str) -> Figure:
    options = {"signal": "vm", "unit": "mV", **more}
    return spike_summary(channels or [], panels or [panel(F1)], ahead_ms=1.5, **options)


def test_traces_with_their_spikes_below():
    drawn = figure([channel(), channel("17")])
    trace, ticks = drawn.axes[:2]
    assert len(drawn.axes) == 5
    np.testing.assert_array_equal(trace.lines[1].get_ydata(), channel().traces["gru"])
    assert trace.get_ylabel() == "vm (mV)"
    assert trace.get_title(loc="left") == "channel 3, forecast 1.5 ms ahead"
    assert [label.get_text() for label in ticks.get_yticklabels()] == ["truth", "gru", "AR"]
    assert [[float(x) for x in each.get_positions()] for each in ticks.collections] == [[0.01], [0.0115], []]
    assert drawn.axes[3].get_xlabel() == "time (s)"
    assert [text.get_text() for text in trace.get_legend().get_texts()] == ["truth", "gru", "AR"]


def test_bars_with_intervals_numbers_and_chance():
    intervals = {"gru": [(0.4, 0.6), None], "persistence": [None, None], "ar": [None, None]}
    drawn = figure(panels=[panel(F1, intervals=intervals, chance={"gru": [0.1, 0.2]}, reference=(1.0, "all"))])
    (axes,) = drawn.axes
    assert [bar.get_height() for bar in axes.patches] == [0.5, 0.25, 0.0, 0.125, 0.0, 0.375]
    assert [text.get_text() for text in axes.texts] == ["0.5", "0.25", "0", "0.12", "n/a", "0.38"]
    heights = [tuple(np.ravel(line.get_ydata()).tolist()) for line in axes.lines]
    assert sorted(heights) == [(0.1, 0.1), (0.2, 0.2), (0.4, 0.6), (1.0, 1.0)]
    assert axes.get_title(loc="left") == "dashed: all; thick line: chance"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["±0.5 ms", "±1 ms"]
    assert len({bar.get_hatch() for bar in axes.patches}) == 2


def test_scores_that_span_a_decade_are_markers_on_a_log_axis():
    axes = figure(panels=[panel({"gru": [0.4, 16.0], "mean": [1.0, 1.1]})]).axes[0]
    assert axes.get_yscale() == "log"
    assert not axes.patches
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.4, 16.0])
    assert len({line.get_marker() for line in axes.lines}) == 2


@pytest.mark.parametrize(
    "values",
    [
        {"gru": [np.nan, np.nan], "ar": [np.nan, np.nan]},
        {"gru": [0.0, 0.0], "ar": [0.0, 0.0]},
        {"gru": [-0.5, -0.1], "ar": [np.nan, 0.2]},
    ],
)
def test_scores_that_are_nowhere_zero_or_negative(values):
    drawn = figure(panels=[panel(values, reference=(0.0, "none"))])
    figure_png(drawn)
    low, high = drawn.axes[0].get_ylim()
    shown = np.nan_to_num(np.array(list(values.values())))
    assert low <= shown.min()
    assert shown.max() < high


def test_a_forecast_that_runs_away_does_not_flatten_the_truth_and_gaps_are_drawn():
    away = np.where(np.arange(200) > 50, 1e6, np.nan)
    drawn = figure([channel(HOSTILE, ar=away)], unit="")
    figure_png(drawn)
    assert drawn.axes[0].get_ylim() == (-65 - 95 / 4, 30 + 95 / 4)
    assert "日" not in drawn.axes[0].get_title(loc="left")
    assert drawn.axes[0].get_ylabel() == "vm"


def test_settings_stay_and_bytes_are_reproducible():
    before = dict(matplotlib.rcParams)
    first, second = (figure_png(figure([channel()])) for _ in range(2))
    assert first == second
    assert dict(matplotlib.rcParams) == before

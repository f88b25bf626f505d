"""Every figure: what it draws, its labels with units, and the inputs that are not pretty."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofit.figures import (
    SignalTraces,
    SpikeRaster,
    WeightMatrix,
    channel_skill,
    figure_png,
    horizon_curves,
    loss_curves,
    prediction_traces,
    recording_overview,
    residual_spectrum,
    score_summary,
)
from neurofit.figures.traces import MOST_CHANNELS, largest_event

HOSTILE = "a$b_{ \\ 日本\n" + "long " * 40


def lines(axes: Axes, name: str) -> list[np.ndarray]:
    """The y data of the lines with a legend label."""
    return [np.asarray(line.get_ydata()) for line in axes.lines if line.get_label() == name]


def legend_words(axes: Axes) -> list[str]:
    return axes.get_legend_handles_labels()[1]


def trace_figure(**changes: object) -> Figure:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(200, 2))
    arguments = {
        "time_s": np.arange(200) * 1e-4,
        "truth": truth,
        "predictions": {"persistence": np.roll(truth, 1, axis=0), "GRU": 0.9 * truth},
        "channel_labels": ["3", "17"],
        "unit": "mV",
        "signal": "vm",
    }
    return prediction_traces(**(arguments | changes))


def test_figures_leave_the_settings_of_matplotlib_alone() -> None:
    before = dict(matplotlib.rcParams)
    figure_png(trace_figure())
    assert dict(matplotlib.rcParams) == before


def test_png_bytes_are_reproducible() -> None:
    first, second = figure_png(trace_figure()), figure_png(trace_figure())
    assert first.startswith(b"\x89PNG\r\n")
    assert first == second
    assert b"Software" not in first


# Loss curves


def test_loss_curves_draw_both_losses_the_baselines_and_the_kept_epoch() -> None:
    figure = loss_curves([1, 2, 3], [3.0, 2.0, 1.0], [3.5, 2.5, 2.6], {"persistence": 4.0, "AR(5)": 2.8}, best_epoch=2)
    axes = figure.axes[0]
    np.testing.assert_array_equal(lines(axes, "training")[0], [3.0, 2.0, 1.0])
    np.testing.assert_array_equal(lines(axes, "validation")[0], [3.5, 2.5, 2.6])
    assert "kept: epoch 2, validation 2.5" in legend_words(axes)
    assert [text.get_text() for text in axes.texts] == ["persistence  4", "AR(5)  2.8"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "mean squared error (training std squared)")
    assert axes.get_yscale() == "linear"


def test_loss_curves_turn_logarithmic_over_more_than_a_decade() -> None:
    assert loss_curves([1, 2], [1.0, 0.05], [1.0, 0.06], {}).axes[0].get_yscale() == "log"


@pytest.mark.parametrize(
    ("epochs", "train", "validation", "baselines"),
    [
        ([1], [np.nan], [0.1], {"persistence": 0.02, "ar": 0.001, "var": 0.00101, "mean": 1.0}),
        ([1, 2, 3], [0.2, 1e4, np.nan], [0.3, np.inf, np.nan], {"persistence": np.nan}),
        ([1, 2], [np.nan, np.nan], [np.nan, np.nan], {}),
        ([0, 1], [0.0, 0.0], [0.0, 0.0], {"mean": 0.0}),
    ],
)
def test_loss_curves_draw_what_is_finite(epochs, train, validation, baselines) -> None:
    figure = loss_curves(epochs, train, validation, baselines, best_epoch=epochs[0])
    figure_png(figure)
    assert len(figure.axes[0].texts) == np.isfinite(list(baselines.values())).sum()
    ticks = figure.axes[0].get_xticks()
    np.testing.assert_array_equal(ticks, np.round(ticks))
    low, high = figure.axes[0].get_xlim()
    assert low < min(epochs)
    assert high > max(epochs)


# Prediction traces


def test_each_channel_has_trace_residual_and_close_up() -> None:
    figure = trace_figure()
    assert len(figure.axes) == 2 * 4
    trace, residual = figure.axes[4:6]
    truth = lines(trace, "truth")[0]
    np.testing.assert_allclose(residual.lines[-1].get_ydata(), truth - lines(trace, "GRU")[0])
    assert trace.get_title(loc="left") == "channel 17"
    assert trace.get_ylabel() == "vm\n(mV)"
    assert residual.get_ylabel() == "residual\n(mV)"
    assert residual.get_xlabel() == "time (s)"


def test_the_close_up_is_centred_on_the_largest_event() -> None:
    truth = np.zeros((1000, 1))
    truth[700] = -5.0
    figure = trace_figure(
        time_s=np.arange(1000) * 1e-4, truth=truth, predictions={"model": truth * 0.5}, channel_labels=["0"]
    )
    zoom = figure.axes[2]
    assert figure.axes[3].get_xlabel() == "time from 0.07 s (ms)"
    drawn = zoom.lines[0]
    np.testing.assert_allclose(np.asarray(drawn.get_xdata())[np.argmin(drawn.get_ydata())], 0.0, atol=1e-9)
    assert len(drawn.get_xdata()) == 60


def test_largest_event_ignores_gaps() -> None:
    assert largest_event(np.array([0.0, np.nan, 3.0, -4.0, 0.0])) == 3
    assert largest_event(np.full(7, np.nan)) == 3


def test_slow_signals_are_zoomed_in_seconds() -> None:
    assert trace_figure(time_s=np.arange(200) * 0.5, unit="").axes[3].get_xlabel() == "time (s)"


def test_a_prediction_that_runs_away_does_not_flatten_the_truth() -> None:
    truth = np.sin(np.arange(200.0))[:, None]
    figure = trace_figure(truth=truth, predictions={"model": truth * 1e6}, channel_labels=["0"])
    low, high = figure.axes[0].get_ylim()
    assert -2.0 < low < high < 2.0


def test_gaps_silent_channels_and_hostile_names_are_drawn() -> None:
    truth = np.random.default_rng(1).normal(size=(200, 3))
    truth[50:80, 0] = np.nan
    truth[:, 1] = np.nan
    truth[:, 2] = 4.0
    figure = trace_figure(truth=truth, predictions={"model": truth}, channel_labels=[HOSTILE] * 3, unit="uV")
    figure_png(figure)
    title = figure.axes[0].get_title(loc="left")
    assert len(title) < 80
    assert "日" not in title
    assert "\n" not in title
    assert [text.get_text() for text in figure.axes[4].texts] == ["no data"]
    np.testing.assert_allclose(figure.axes[4].get_xlim(), (-0.000199, 0.020099), rtol=1e-6)


def test_at_most_a_page_of_channels() -> None:
    truth = np.zeros((100, 60))
    figure = trace_figure(
        time_s=np.arange(100.0), truth=truth, predictions={"model": truth}, channel_labels=[str(i) for i in range(60)]
    )
    assert len(figure.axes) == 4 * MOST_CHANNELS


# Skill


def test_channels_are_sorted_by_skill_over_the_best_ar() -> None:
    figure = channel_skill([0.9, 0.5, 0.7], [0.3, -0.2, 0.6], ["a", "b", "c"])
    dots, shares = figure.axes
    np.testing.assert_array_equal(lines(dots, "over best AR")[0], [-0.2, 0.3, 0.6])
    np.testing.assert_array_equal(lines(dots, "over persistence")[0], [0.5, 0.9, 0.7])
    assert [label.get_text() for label in dots.get_xticklabels()] == ["b", "a", "c"]
    assert [text.get_text() for text in shares.texts] == ["median 0.7\npersistence", "median 0.3\nbest AR"]
    assert dots.get_ylabel() == "skill = 1 - mse / mse of baseline"


def test_unscored_channels_are_counted_and_left_out() -> None:
    figure = channel_skill([0.9, np.nan, np.nan], [0.3, 0.1, np.nan], ["a", "b", "c"])
    assert figure.axes[0].get_title(loc="left") == "1 of 3 channels not scored"
    assert len(lines(figure.axes[0], "over best AR")[0]) == 2
    nothing = channel_skill([np.nan] * 2, [np.nan] * 2, ["a", "b"])
    figure_png(nothing)
    assert nothing.axes[0].get_title(loc="left") == "2 of 2 channels not scored"


@pytest.mark.parametrize("count", [1, 9, 3000])
def test_every_channel_is_inside_the_panel_and_the_distribution(count: int) -> None:
    rng = np.random.default_rng(2)
    over_ar = rng.uniform(-0.5, 0.8, count)
    over_ar[0] = -40.0
    figure = channel_skill(over_ar / 2, over_ar, [f"$ {i}" for i in range(count)])
    figure_png(figure, dpi=50)
    dots, shares = figure.axes
    low, high = dots.get_ylim()
    assert low < -40.0
    assert high > over_ar.max()
    held = [patch.get_data().values.sum() for patch in shares.patches]
    assert held == [count] * 4


def test_many_channels_name_only_the_lowest_and_the_highest() -> None:
    skill = np.linspace(-0.5, 0.5, 60)
    figure = channel_skill(skill, skill, [f"cell {i}" for i in range(60)])
    assert "(lowest: cell 0 at -0.5; highest: cell 59 at 0.5)" in figure.axes[0].get_xlabel()


# Spectrum


def test_spectrum_is_log_log_without_the_zero_frequency() -> None:
    frequency = np.arange(0.0, 5.0)
    density = np.array([9.0, 4.0, 3.0, np.nan, 0.0])
    figure = residual_spectrum(frequency, density, density / 10, {"AR(3)": density / 5}, "mV")
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("frequency (Hz)", "power spectral density (mV²/Hz)")
    assert legend_words(axes) == ["signal", "residual of AR(3)", "residual of model"]
    np.testing.assert_allclose(axes.lines[2].get_ydata(), [0.4, 0.3])


def test_crowded_frequencies_are_averaged_and_keep_their_power() -> None:
    frequency = np.linspace(1.0, 5000.0, 20000)
    figure = residual_spectrum(frequency, np.full(20000, 2.0), np.full(20000, 1.0), {}, "training std")
    axes = figure.axes[0]
    assert len(axes.lines[0].get_xdata()) < 40 * 4
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 2.0)
    assert axes.get_ylabel() == "power spectral density ((training std)²/Hz)"
    figure_png(figure)


# Scores


def test_score_summary_sorts_and_prints_values_and_intervals() -> None:
    mse = {"persistence": 0.4, "GRU": 0.3, "AR(3)": 0.35, "VAR": np.nan}
    axes = score_summary(mse, {"GRU": (0.28, 0.33), "persistence": None}).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["GRU", "AR(3)", "persistence", "VAR"]
    assert [text.get_text() for text in axes.texts] == ["0.3  [0.28, 0.33]", "0.35", "0.4", "not available"]
    assert [bar.get_width() for bar in axes.patches[:3]] == [0.3, 0.35, 0.4]
    assert axes.get_xlabel() == "mean squared error (training std squared)"
    assert axes.get_xlim()[0] == 0.0


def test_score_summary_uses_dots_on_a_log_axis() -> None:
    axes = score_summary({"model": 0.01, "mean": 1.0}).axes[0]
    assert axes.get_xscale() == "log"
    assert not axes.patches
    assert [line.get_xdata()[0] for line in axes.lines if line.get_marker() not in ("", "None")] == [0.01, 1.0]


# Recording


def test_recording_overview_draws_signals_spikes_and_weights() -> None:
    rng = np.random.default_rng(3)
    time = np.arange(100) * 1e-2
    values = rng.normal(size=(100, 12))
    values[:, 1] = np.nan
    values[:, 2] = 5.0
    weight = np.zeros((4, 4))
    weight[0, 1], weight[2, 3], weight[3, 0] = 0.5, -0.25, np.nan
    figure = recording_overview(
        [SignalTraces("vm", "mV", time, values, [f"c{i}" for i in range(12)])],
        spikes=SpikeRaster(np.array([0.1, 0.2, 0.3]), np.array([0, 2, 2]), ["I", "E", "E"]),
        connectivity=WeightMatrix(weight, "uS"),
        title=HOSTILE,
    )
    figure_png(figure)
    stack, raster, matrix = figure.axes[:3]
    assert stack.get_title(loc="left") == "vm, 8 of 12 channels"
    assert stack.texts[0].get_text().endswith(" mV")
    assert raster.get_xlabel() == "time (s)"
    assert legend_words(raster) == ["excitatory (2)", "inhibitory (1)"]
    np.testing.assert_array_equal(raster.lines[0].get_ydata(), [1, 1])
    np.testing.assert_array_equal(raster.lines[1].get_ydata(), [2])
    assert matrix.get_title(loc="left") == "2 connected pairs, 1 unknown (grey)"
    np.testing.assert_array_equal(matrix.images[0].get_array().filled(np.nan), weight)
    assert matrix.images[0].norm(0.0) == 0.5


@pytest.mark.parametrize("kinds", [[], [""] * 3])
def test_recording_overview_without_signals_or_known_types(kinds: list[str]) -> None:
    units = np.arange(len(kinds))
    figure = recording_overview([], spikes=SpikeRaster(units.astype(float), units, kinds))
    figure_png(figure)
    assert figure.axes[0].get_title(loc="left") == f"{len(kinds)} spikes of {len(kinds)} units"
    assert figure.axes[0].get_legend() is None


def test_horizon_curves_keep_runaway_forecasts_at_the_edge() -> None:
    curves = {"gru": [0.9, 0.2, -20.0], "persistence": [0.8, -0.5, np.nan]}
    figure = horizon_curves([1, 2, 4], curves, curves, dt_ms=0.1)
    figure_png(figure)
    left, right = figure.axes
    assert left.get_xlabel() == right.get_xlabel() == "time ahead (ms)"
    assert [label.get_text() for label in left.get_xticklabels()] == ["0.1", "0.2", "0.4"]
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [0.9, 0.2, -1.0])
    assert "lower values are drawn at -1" in [text.get_text() for text in left.texts]
    assert legend_words(left) == ["gru", "persistence"]


def test_weights_over_decades_keep_the_weak_ones_visible() -> None:
    weight = np.diag([1e-4, 1e-3, -1e-2, -1.0])
    figure = recording_overview([], connectivity=WeightMatrix(weight, ""))
    figure_png(figure)
    norm = figure.axes[0].images[0].norm
    assert norm(1e-3) > 0.6
    assert norm(-1.0) == 0.0

"""Figures of free runs: what they draw, and runs that are not pretty."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from neurofit.figures import figure_png, generated_spectra, generated_traces, interval_histograms


def traces(generated: np.ndarray, **changes: object) -> Figure:
    truth = np.sin(np.arange(200.0))[:, None] * [1.0, 2.0]
    options = {"truth": truth, "generated": {"gru": generated, "ar": 0.5 * truth}} | changes
    return generated_traces(
        np.arange(200) / 1e4, options["truth"], options["generated"], ["3", "17"], "mV", signal="vm"
    )


def test_each_generator_has_panels_of_its_own_at_the_scale_of_the_truth():
    figure = traces(np.ones((200, 2)))
    figure_png(figure)
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["truth", "gru", "AR"] * 2
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["channel 3", "", "", "channel 17", "", ""]
    limits = [axes.get_ylim() for axes in figure.axes]
    assert limits[0] == limits[1] == limits[2] != limits[3]
    np.testing.assert_array_equal(figure.axes[1].lines[0].get_ydata(), 1.0)
    assert figure.axes[-1].get_xlabel() == "time from the start of the run (s)"
    assert figure.get_supylabel() == "vm (mV)"


@pytest.mark.parametrize("beyond", [1e30, np.nan, -np.inf])
def test_what_leaves_the_panel_is_said(beyond):
    run = np.zeros((200, 2))
    run[150:, 0] = beyond
    figure = traces(run)
    figure_png(figure)
    assert [text.get_text() for text in figure.axes[1].texts] == ["gru", "25 % beyond the panel"]
    assert len(figure.axes[4].texts) == 1
    assert np.abs(figure.axes[1].get_ylim()).max() < 2


def test_a_page_of_channels_and_a_silent_one():
    silent = np.zeros((200, 9))
    figure = generated_traces(np.arange(200.0), silent, {"gru": silent}, [f"$ {i}" for i in range(9)], "", signal="vm")
    figure_png(figure)
    assert len(figure.axes) == 2 * 4


def test_spectra_are_log_log_without_the_zero_frequency():
    frequency, density = np.arange(5.0), np.array([9.0, 4.0, np.nan, 0.0, 1.0])
    axes = generated_spectra(frequency, {"truth": density, "gru": 2 * density}, "uV").axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_ylabel() == "power spectral density (uV²/Hz)"
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1, 4])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [8, 2])


def test_intervals_are_shares_of_their_own_number():
    intervals = {"truth": [0.01, 0.011, 0.5], "gru": np.full(8, 0.2), "ar": []}
    figure = interval_histograms(intervals)
    figure_png(figure)
    axes = figure.axes[0]
    assert axes.get_legend_handles_labels()[1] == ["truth (3)", "gru (8)", "AR (0)"]
    shares = [patch.get_data().values for patch in axes.patches]
    assert [share.sum() for share in shares] == pytest.approx([1, 1])
    assert shares[1].max() == 1
    edges = axes.patches[0].get_data().edges
    assert edges[0] <= 10
    assert edges[-1] >= 500
    assert axes.get_xscale() == "log"


def test_no_interval_at_all_is_still_a_figure():
    figure = interval_histograms({"truth": [], "gru": []})
    figure_png(figure)
    assert figure.axes[0].get_legend_handles_labels()[1] == ["truth (0)", "gru (0)"]

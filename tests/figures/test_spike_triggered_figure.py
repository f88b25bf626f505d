"""The figures of spike-triggered averages: what is drawn, in which units, and hostile titles and values."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from neurofit.figures.spike_triggered import PairAverage, pair_averages_figure, sizes_of_averages
from neurofit.figures.style import figure_png

LAGS = np.arange(1, 301) * 0.1


def pair(title: str = "cell 1 to 2", size: float = 1.0) -> PairAverage:
    shape = size * np.sin(LAGS / 10)
    return PairAverage(title, shape + 0.5, np.full(300, 0.2), shape, np.full(300, 0.1))


def lines(figure: Figure, panel: int) -> list[np.ndarray]:
    return [line.get_ydata() for line in figure.axes[panel].lines if len(line.get_ydata()) == 300]


def test_raw_and_blanked_with_bands_and_the_mean() -> None:
    drawn = pair_averages_figure(LAGS, [pair(), pair("cell 3 to 2", 2.0), pair("cell 9 to 2")])
    first, second = lines(drawn, 1)
    np.testing.assert_array_equal(first, pair(size=2.0).raw)
    np.testing.assert_array_equal(second, pair(size=2.0).blanked)
    band = drawn.axes[1].collections[1].get_paths()[0].vertices
    np.testing.assert_allclose(band[:, 1].max(), (pair(size=2.0).blanked + 0.2).max(), atol=1e-6)
    assert [line for line in drawn.axes[0].lines if set(line.get_ydata()) == {0.0}], "no line for the mean of the cell"
    assert drawn.axes[2].get_xlabel() == "time after the presynaptic spike (ms)"
    assert drawn.axes[1].get_xlabel() == drawn.axes[2].get_xlabel(), "the lowest panel of a column has no label"
    assert not drawn.axes[3].axison
    assert drawn._supylabel.get_text() == "voltage from the mean of the cell (mV)"
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == [
        "as recorded", "own spikes blanked", "2 standard errors", "mean of the cell",
    ]  # fmt: skip


def test_nothing_to_average_and_odd_titles_are_drawn() -> None:
    nothing = np.full(300, np.nan)
    drawn = pair_averages_figure(LAGS, [PairAverage("a$b_{ \\ 日本\n" + "long " * 40, *[nothing] * 4)])
    assert "fewer than two spikes" in [text.get_text() for text in drawn.axes[0].texts]
    assert figure_png(drawn).startswith(b"\x89PNG")


def test_shares_reach_one_and_leave_out_nan() -> None:
    sizes = np.r_[np.arange(100.0), np.nan]
    drawn = sizes_of_averages([("edges", sizes), ("none", []), ("unconnected", sizes / 2)])
    curves = [line for line in drawn.axes[0].lines if len(line.get_ydata()) > 2]
    assert len(curves) == 2
    assert curves[0].get_ydata()[-1] == 1
    np.testing.assert_allclose(curves[0].get_ydata()[curves[0].get_xdata() == 49.0], 0.5)
    assert [line.get_label() for line in curves] == ["edges (100)", "unconnected (100)"]
    assert drawn.axes[0].get_xlabel() == "|peak| (mV)"

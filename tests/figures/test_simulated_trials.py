"""The figure of simulated trials: what is drawn is what was given."""

from __future__ import annotations

import numpy as np

from neurofit.figures.simulated_trials import MOST_LINES, TrialScene, simulated_trials


def scene(seed: int, channels: int = 3) -> TrialScene:
    rng = np.random.default_rng(seed)
    return TrialScene(
        f"trial {seed}", np.sort(rng.uniform(0, 0.5, 40)), rng.integers(0, 6, 40), rng.uniform(1, 20, (50, 6)),
        {"latents": rng.standard_normal((50, channels)), "hand_velocity": rng.standard_normal((50, 2))},
    )  # fmt: skip


def drawn(scenes: list[TrialScene], channels: int = 3):
    return simulated_trials(
        scenes,
        bin_ms=10.0,
        units={"latents": "", "hand_velocity": "cm/s"},
        labels={"latents": [f"z{k}" for k in range(channels)], "hand_velocity": ["x", "y"]},
        title="made.h5",
    )


def test_every_trial_has_its_spikes_rates_and_lines() -> None:
    scenes = [scene(0), scene(1)]
    figure = drawn(scenes)
    panels = np.array([axes for axes in figure.axes if axes.get_subplotspec() is not None]).reshape(4, 2)
    for column, trial in zip(panels.T, scenes, strict=True):
        raster = column[0].get_lines()[0]
        np.testing.assert_array_equal(raster.get_xdata(), trial.spike_times_s)
        np.testing.assert_array_equal(raster.get_ydata(), trial.spike_units)
        highest = np.max([each.rates_hz.max(axis=0) for each in scenes], axis=0)
        np.testing.assert_allclose(column[1].get_images()[0].get_array(), (trial.rates_hz / highest).T)
        assert len(column[2].get_lines()) == 3
        np.testing.assert_array_equal(column[3].get_lines()[1].get_ydata(), trial.lines["hand_velocity"][:, 1])
        np.testing.assert_allclose(column[3].get_lines()[0].get_xdata()[[0, -1]], [0.005, 0.495])
        assert column[-1].get_xlabel() == "time in the trial (s)"
    assert panels[3, 0].get_ylabel() == "hand_velocity (cm/s)"
    assert panels[0, 0].get_title(loc="left") == "trial 0\n40 spikes"
    assert [text.get_text() for text in panels[3, 1].get_legend().get_texts()] == ["x", "y"]


def test_many_channels_are_cut_and_counted() -> None:
    figure = drawn([scene(2, channels=50)], channels=50)
    (latents,) = [axes for axes in figure.axes if axes.get_ylabel() == "latents"]
    assert len(latents.get_lines()) == MOST_LINES
    assert latents.get_legend().get_texts()[-1].get_text() == "z4 (of 50)"


def test_silent_neurons_are_drawn_white() -> None:
    quiet = scene(3)
    quiet.rates_hz[:, 2] = 0
    image = drawn([quiet]).axes[1].get_images()[0].get_array()
    np.testing.assert_array_equal(image[2], 0)
    assert np.isfinite(image).all()

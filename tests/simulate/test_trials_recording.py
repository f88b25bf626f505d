"""Poisson spikes of known rates, trials on one clock, and the order and split of trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare, poisson

from neurofit.simulate.lorenz import simulate_lorenz
from neurofit.simulate.poisson_spikes import draw_counts, place_spikes
from neurofit.simulate.pulse import simulate_pulse
from neurofit.simulate.system_options import LorenzOptions, PulseOptions
from neurofit.simulate.trial_order import shuffled_trials, split_of_repetitions
from neurofit.simulate.trials_recording import GAP_BINS, SimulatedTrials, TrialsSource, TrialValues, trials_recording
from neurofit_io import load, save
from neurofit_io.comparing import differences
from neurofit_io.spikes import sorted_spikes

SMALL = LorenzOptions(neurons=7, conditions=4, trials=5, seed=3)
SMALL_PULSE = PulseOptions(neurons=9, conditions=4, trials=5, duration_s=0.3, seed=3)


@pytest.mark.parametrize("bin_ms", [20.0, 10.0, 0.1, 1000 / 30])
def test_placed_spikes_count_as_they_were_drawn(bin_ms: float) -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.7, (20_000, 5))
    bins = np.cumsum(rng.integers(1, 40, 20_000))
    times, units = place_spikes(counts, bins, bin_ms=bin_ms, rng=rng)
    stop_s = (bins[-1] + 1) * bin_ms / 1000
    spikes = sorted_spikes(times, units, name="spikes", unit_ids=np.arange(5), start_s=0.0, stop_s=stop_s)
    np.testing.assert_array_equal(spikes.counts(bin_ms, 0, bins[-1] + 1)[bins], counts)


def test_places_in_a_bin_are_uniform() -> None:
    times, _ = place_spikes(np.full((1, 1), 50_000), np.array([3]), bin_ms=20.0, rng=np.random.default_rng(1))
    found, _ = np.histogram(times / 0.02 - 3, bins=20, range=(0, 1))
    assert found.sum() == 50_000
    assert chisquare(found).pvalue > 1e-4


def test_counts_are_poisson() -> None:
    counts = draw_counts(np.full(200_000, 30.0), bin_ms=20.0, rng=np.random.default_rng(2))
    found = np.bincount(counts, minlength=6)
    expected = poisson.pmf(np.arange(6), 0.6) * 200_000
    np.testing.assert_allclose(found[:6], expected, atol=5 * np.sqrt(expected.max()))


@pytest.mark.parametrize(
    ("trials", "share", "sizes"),
    [(20, 0.6, (12, 4, 4)), (10, 0.8, (8, 1, 1)), (3, 0.9, (1, 1, 1)), (40, 0.6, (24, 8, 8)), (5, 0.01, (1, 2, 2))],
)
def test_split_of_repetitions(trials: int, share: float, sizes: tuple[int, int, int]) -> None:
    split = split_of_repetitions(trials, share)
    assert tuple(int(np.count_nonzero(split == name)) for name in ("train", "validation", "test")) == sizes
    assert len(split) == trials


def test_every_condition_is_split_alike_and_no_order_is_left() -> None:
    condition, split = shuffled_trials(30, 20, 0.6, np.random.default_rng(0))
    for name, size in (("train", 12), ("validation", 4), ("test", 4)):
        np.testing.assert_array_equal(np.bincount(condition[split == name]), np.full(30, size))
    assert abs(np.corrcoef(condition[:-1], condition[1:])[0, 1]) < 0.15
    assert abs(np.corrcoef(np.arange(600), condition)[0, 1]) < 0.15


def test_trials_lie_where_the_table_says() -> None:
    rng = np.random.default_rng(0)
    rates, states = rng.uniform(0, 200, (3, 6, 2)), rng.standard_normal((3, 6, 4))
    cases = np.array([2, 0, 0, 1])
    told = SimulatedTrials(
        rates, {"latents": TrialValues(states)}, cases, {"condition": cases}, 10.0, {},
        times={"event_s": np.array([0.01, 0.02, np.nan, 0.0])},
    )  # fmt: skip
    recording = trials_recording("made", told, rng)
    trials, spikes = recording.trials, recording.spikes
    assert trials is not None
    assert spikes is not None
    period = 6 + GAP_BINS
    np.testing.assert_allclose(trials.start_s, np.arange(4) * period * 0.01)
    np.testing.assert_allclose(trials.stop_s - trials.start_s, 0.06)
    np.testing.assert_allclose(trials.columns["event_s"], [0.01, period * 0.01 + 0.02, np.nan, 3 * period * 0.01])
    for name, values in (("true_rates", rates), ("latents", states)):
        signal = recording.signals[name]
        whole = signal.read()
        assert whole.shape == (4 * period - GAP_BINS, values.shape[2])
        for trial, case in enumerate(cases):
            first = round(float(trials.start_s[trial]) * 100)
            np.testing.assert_array_equal(whole[first : first + 6], values[case].astype(np.float32))
            assert np.isnan(whole[first + 6 : first + period]).all()
        np.testing.assert_array_equal(signal.read(4, 17, [1, 0]), whole[4:17, [1, 0]])
    binned = spikes.binned(10.0).read()
    np.testing.assert_array_equal(np.isnan(binned), np.isnan(recording.signals["true_rates"].read()))
    assert spikes.n_spikes == np.nansum(binned)


def test_the_source_of_trials_reads_any_part() -> None:
    source = TrialsSource(np.arange(24.0).reshape(2, 4, 3), np.array([1, 0, 1]))
    whole = source.read(0, source.shape[0])
    for start, stop in ((0, 0), (2, 9), (3, 4), (5, source.shape[0])):
        np.testing.assert_array_equal(source.read(start, stop), whole[start:stop])


@pytest.mark.parametrize(("system", "suffix"), [("lorenz", ".h5"), ("pulse", ".h5"), ("pulse", ".nwb")])
def test_comes_back_from_files_as_it_was(system: str, suffix: str, tmp_path: Path) -> None:
    recording = simulate_lorenz(SMALL) if system == "lorenz" else simulate_pulse(SMALL_PULSE)
    path = save(recording, tmp_path / f"trials{suffix}")
    assert differences(recording, load(path)) == []


def test_the_seed_decides_everything() -> None:
    assert differences(simulate_lorenz(SMALL), simulate_lorenz(SMALL)) == []
    assert differences(simulate_pulse(SMALL_PULSE), simulate_pulse(SMALL_PULSE)) == []
    other = simulate_lorenz(LorenzOptions(neurons=7, conditions=4, trials=5, seed=4))
    assert differences(simulate_lorenz(SMALL), other)

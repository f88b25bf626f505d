"""Binning against numpy.histogram and a literal loop, observed intervals, sorting."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from neurofit_io.errors import RecordingError
from neurofit_io.spikes import Spikes, sorted_spikes, spikes_from_lists


def _random(seed: int = 0, n_units: int = 7, stop_s: float = 3.0, start_s: float = 0.0) -> Spikes:
    rng = np.random.default_rng(seed)
    return sorted_spikes(
        rng.uniform(start_s, stop_s, 2000), rng.integers(0, n_units, 2000), name="spikes",
        unit_ids=np.arange(n_units), start_s=start_s, stop_s=stop_s,
    )  # fmt: skip


@pytest.mark.parametrize(("bin_ms", "start_s"), [(20.0, 0.0), (1.0, 0.5), (7.3, -1.25)])
def test_counts_agree_with_numpy_histogram(bin_ms: float, start_s: float) -> None:
    spikes = _random(start_s=start_s)
    n = spikes.binned(bin_ms).shape[0]
    edges = start_s + np.arange(n + 1) * bin_ms / 1000
    counts = spikes.counts(bin_ms, 0, n)
    for unit in range(spikes.n_units):
        times = spikes.times_of(unit)
        assert_array_equal(counts[:, unit], np.histogram(times[times < edges[-1]], edges)[0])


def test_a_spike_on_an_edge_counts_in_the_later_bin() -> None:
    """0.3 / 0.1 is 2.9999999999999996: the rule must give bin 3 at every edge, exact fractions say so."""
    edges = np.arange(3000) * 0.1
    spikes = spikes_from_lists([edges / 1000], stop_s=0.3)
    assert_array_equal(spikes.counts(0.1, 0, 3000), np.ones((3000, 1)))


def test_counts_agree_with_a_loop_in_exact_arithmetic() -> None:
    rng = np.random.default_rng(3)
    tenths = rng.integers(0, 10000, 500)
    spikes = spikes_from_lists([tenths / 10000], stop_s=1.0)
    expected = np.zeros((400, 1), int)
    for tenth in tenths.tolist():
        expected[int(Fraction(tenth, 10000) / Fraction(25, 10000))] += 1
    assert_array_equal(spikes.counts(2.5, 0, 400), expected)


@pytest.mark.parametrize("slab", [1, 7, 64, 1000])
def test_windows_add_up_to_the_whole(slab: int) -> None:
    spikes = _random()
    whole = spikes.counts(5.0, 0, 600)
    pieces = [spikes.counts(5.0, i, min(i + slab, 600)) for i in range(0, 600, slab)]
    assert_array_equal(np.concatenate(pieces), whole)
    assert whole.sum() == spikes.n_spikes


@pytest.mark.parametrize("units", [[3], [6, 0, 3], [2, 2, 5], []])
def test_chosen_units_in_any_order(units: list[int]) -> None:
    spikes = _random()
    assert_array_equal(spikes.counts(20.0, 10, 90, units), spikes.counts(20.0, 10, 90)[:, units])


def test_more_than_255_in_a_bin() -> None:
    spikes = spikes_from_lists([np.full(1000, 0.5), []], stop_s=1.0)
    assert_array_equal(spikes.counts(1000.0, 0, 1), [[1000, 0]])


def test_spikes_outside_are_in_no_bin() -> None:
    spikes = spikes_from_lists([[-0.5, 0.1, 0.95, 1.0, 7.0]], stop_s=1.0)
    assert_array_equal(spikes.binned(100.0).read()[:, 0], [0, 1, 0, 0, 0, 0, 0, 0, 0, 1])


def test_binned_signal_has_time_and_ids() -> None:
    spikes = spikes_from_lists([[0.1], [], [0.35]], start_s=0.05, stop_s=0.5, unit_ids=np.array(["a", "b", "c"]))
    signal = spikes.binned(50.0)
    assert signal.shape == (9, 3)
    assert (signal.kind, signal.unit, signal.rate_hz, signal.start_s) == ("counts", "count", 20.0, 0.05)
    assert signal.channel_ids.tolist() == ["a", "b", "c"]
    assert_array_equal(np.argwhere(signal.read()), [[1, 0], [6, 2]])


def test_bins_not_wholly_observed_are_nan() -> None:
    observed = (np.array([[0.0, 1.0]]), np.array([[0.1, 0.3], [0.55, 1.0]]))
    spikes = spikes_from_lists([[0.15], [0.15, 0.75]], stop_s=1.0, observed_s=observed)
    values = spikes.binned(100.0).read()
    assert_array_equal(values[:, 0], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    nan = np.nan
    assert_array_equal(values[:, 1], [nan, 1, 0, nan, nan, nan, 0, 1, 0, 0])
    assert_array_equal(spikes.binned(100.0).read(2, 8, [1])[:, 0], values[2:8, 1])


def test_equal_times_are_ordered_by_unit_and_silent_units_stay() -> None:
    spikes = sorted_spikes(
        np.array([0.2, 0.1, 0.1]), np.array([0, 3, 1]), name="spikes", unit_ids=np.arange(5), start_s=0.0, stop_s=1.0
    )
    assert spikes.units.tolist() == [1, 3, 0]
    assert spikes.per_unit().tolist() == [1, 1, 0, 1, 0]


@pytest.mark.parametrize("bin_ms", [0.0, -1.0, 2000.0, float("nan")])
def test_a_bin_that_does_not_fit_is_refused(bin_ms: float) -> None:
    with pytest.raises(RecordingError, match="--bin-ms"):
        _random(stop_s=1.0).binned(bin_ms)


@pytest.mark.parametrize(("times", "units"), [([0.1, 0.2], [0]), ([0.1], [3]), ([0.1], [-1])])
def test_spikes_of_units_that_do_not_exist(times: list[float], units: list[int]) -> None:
    with pytest.raises(RecordingError, match=r"spikes: .* units"):
        Spikes("spikes", np.array(times), np.array(units, np.int32), np.arange(3), 0.0, 1.0)

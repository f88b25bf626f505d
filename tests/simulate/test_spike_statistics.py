"""Statistics of spike trains whose statistics are known."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.simulate.spike_statistics import spike_statistics
from neurofit_io.spikes import spikes_from_lists


def test_poisson_trains() -> None:
    rng = np.random.default_rng(0)
    trains = [rng.uniform(0, 200, rng.poisson(200 * rate)) for rate in (2.0, 8.0, 20.0)]
    found = spike_statistics(spikes_from_lists([*trains, []], stop_s=200.0))
    np.testing.assert_allclose(found.rates_hz, [len(train) / 200 for train in trains] + [0])
    assert found.silent == 1
    assert found.cv == pytest.approx(1, abs=0.06)
    assert found.fano == pytest.approx(1, abs=0.03)


def test_regular_trains_that_fire_together() -> None:
    trains = [np.arange(0.0025, 10, 0.05)] * 4
    found = spike_statistics(spikes_from_lists(trains, stop_s=10.0))
    assert found.cv == pytest.approx(0, abs=1e-9)
    # Counts of 4 in one bin of ten: mean 0.4, variance 16 x 0.1 x 0.9.
    assert found.fano == pytest.approx(1.44 / 0.4)


def test_only_observed_time_counts() -> None:
    trains = [np.concatenate([np.arange(0.0025, 1, 0.05), np.arange(5.0025, 6, 0.05)])] * 2
    observed = (np.array([[0.0, 1.0], [5.0, 6.0]]),) * 2
    found = spike_statistics(spikes_from_lists(trains, stop_s=10.0, observed_s=observed))
    np.testing.assert_allclose(found.rates_hz, 20.0)
    assert found.cv == pytest.approx(0, abs=1e-9)
    assert found.fano == pytest.approx(2**2 * 0.1 * 0.9 / 0.2)


def test_too_few_spikes_give_no_number() -> None:
    found = spike_statistics(spikes_from_lists([[1.0, 2.0]], stop_s=3.0))
    assert np.isnan(found.cv)
    silent = spike_statistics(spikes_from_lists([[], []], stop_s=3.0))
    assert silent.silent == 2
    assert np.isnan(silent.fano)

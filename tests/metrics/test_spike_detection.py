"""Thresholds against numpy's own medians, crossings against a literal loop and a recording's own spikes."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import median_abs_deviation

from neurofit.metrics import SpikeThresholds, spike_f1, spike_thresholds, threshold_crossings


def literal_crossings(trace: NDArray[np.float64], level: float, sign: int, dead_steps: int) -> list[int]:
    """One sample after the other."""
    spikes: list[int] = []
    for step in range(1, len(trace)):
        crosses = sign * trace[step - 1] < sign * level <= sign * trace[step]
        if crosses and (not spikes or step - spikes[-1] >= dead_steps):
            spikes.append(step)
    return spikes


@pytest.mark.parametrize(("kind", "sign"), [("vm", 1), ("extracellular", -1)])
def test_thresholds_of_many_channels(kind, sign) -> None:
    training = np.random.default_rng(0).normal(3, 2, size=(501, 150))
    thresholds = spike_thresholds(training, kind=kind, deviations=4)
    noise = median_abs_deviation(training, axis=0, scale="normal")
    np.testing.assert_allclose(thresholds.baseline, np.median(training, axis=0))
    np.testing.assert_allclose(thresholds.level, np.median(training, axis=0) + sign * 4 * noise)
    assert thresholds.sign == sign


def test_spikes_hardly_move_the_threshold() -> None:
    noise = np.random.default_rng(1).normal(0, 1, size=(100_000, 1))
    spiking = noise.copy()
    spiking[::100] += 50
    level = spike_thresholds(spiking, kind="vm").level[0]
    assert level == pytest.approx(5, rel=0.03)
    assert np.median(spiking) + 5 * spiking.std() > 20


def test_channels_without_a_level_never_spike() -> None:
    training = np.random.default_rng(2).normal(size=(100, 4))
    training[:, 1], training[5, 2], training[20:, 3] = 0.1, np.nan, 7
    thresholds = spike_thresholds(training.astype(np.float32), kind="vm")
    np.testing.assert_array_equal(np.isnan(thresholds.level), [False, True, True, True])
    values = np.zeros((10, 4))
    values[5] = 1000
    assert [len(train) for train in threshold_crossings(values, thresholds, rate_hz=1000)] == [1, 0, 0, 0]
    with pytest.raises(ValueError, match="at least one"):
        spike_thresholds(training[:0], kind="vm")


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("dead_steps", [0, 1, 4, 13])
def test_crossings_are_those_of_a_literal_loop(sign: int, dead_steps: int) -> None:
    rng = np.random.default_rng(dead_steps)
    values = np.round(rng.normal(size=(800, 7)), 1)
    level = np.array([-0.5, 0.0, 0.3, 1.0, 2.0, 9.0, 0.7])
    thresholds = SpikeThresholds(np.zeros(7), level, sign)
    trains = threshold_crossings(values, thresholds, rate_hz=1000, refractory_s=dead_steps / 1000)
    expected = [literal_crossings(values[:, c], level[c], sign, dead_steps) for c in range(7)]
    assert [train.tolist() for train in trains] == expected
    assert len(expected[1]) > 20
    assert not expected[5]


def test_one_channel_and_edges_of_a_stretch() -> None:
    values = np.array([[5.0], [0], [5], [np.nan], [5], [0], [1]])
    trains = threshold_crossings(values, SpikeThresholds(np.zeros(1), np.ones(1), 1), rate_hz=1000, refractory_s=0)
    assert [train.tolist() for train in trains] == [[2, 6]]
    assert threshold_crossings(values[:0], SpikeThresholds(np.zeros(1), np.ones(1), 1), rate_hz=1000)[0].size == 0


def test_other_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="3 channels, but thresholds of 2"):
        threshold_crossings(np.zeros((5, 3)), SpikeThresholds(np.zeros(2), np.ones(2), 1), rate_hz=1000)


def test_spikes_of_simulated_membrane_potentials(shared_data: Path) -> None:
    folder = shared_data / "bionet_60cells"
    with h5py.File(folder / "v_report.h5") as file:
        vm = file["report/internal/data"][1000:]
    with h5py.File(folder / "spikes.h5") as file:
        cells, times_s = file["spikes/internal/node_ids"][:], file["spikes/internal/timestamps"][:] / 1000
    thresholds = spike_thresholds(vm[:13_000], kind="vm")
    found = [train / 1e4 for train in threshold_crossings(vm[13_000:], thresholds, rate_hz=1e4)]
    true = [np.sort(times_s[(cells == cell) & (times_s > 1.4)]) - 1.4 for cell in range(vm.shape[1])]
    assert spike_f1(true, found, 0.001).f1 > 0.93

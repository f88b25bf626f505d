"""Spike detection on a made recording whose neighbouring electrodes see each other's spikes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from neurofit.connectivity.detection import Troughs, copies, detect_spikes, find_troughs, footprints
from neurofit.connectivity.extracellular_whitening import whitening_matrix
from neurofit.metrics.spike_trains import spike_f1
from neurofit_io import RecordingError, RecordingWarning, Signal
from neurofit_io.signals import signal_from_array

RATE_HZ, CELLS, DURATION_S = 10_000.0, 12, 12.0


@pytest.fixture(scope="module")
def made() -> tuple[NDArray[np.float32], list[NDArray[np.float64]]]:
    """Electrodes in a row, each seeing 0.45 of the spikes of the next; every third cell fires seldom and loudly."""
    rng = np.random.default_rng(0)
    steps = int(DURATION_S * RATE_HZ)
    loud = np.arange(CELLS) % 3 == 0
    trains = [np.sort(rng.choice(np.arange(50, steps - 50, 30), 60 if big else 150, replace=False)) for big in loud]
    shape = -np.exp(-0.5 * ((np.arange(-10, 20)) / 2.0) ** 2) + 0.35 * np.exp(
        -0.5 * ((np.arange(-10, 20) - 7) / 4) ** 2
    )
    sources = np.zeros((steps, CELLS))
    for cell, train in enumerate(trains):
        sources[train, cell] = rng.normal(500 if loud[cell] else 120, 5, size=len(train))
    spread = 0.45 ** np.abs(np.subtract.outer(np.arange(CELLS), np.arange(CELLS)))
    voltage = np.apply_along_axis(lambda x: np.convolve(x, shape)[10 : 10 + steps], 0, sources) @ spread
    slow = np.cumsum(rng.normal(size=(steps, 1)), axis=0) + 200
    return (voltage + slow + rng.normal(scale=6, size=voltage.shape)).astype(np.float32), [t / RATE_HZ for t in trains]


def signal(values: NDArray[np.float32], **more: object) -> Signal:
    return signal_from_array(values, name="extracellular", rate_hz=RATE_HZ, unit="uV", **more)


def test_every_spike_once_on_its_own_electrode(made: tuple[NDArray[np.float32], list[NDArray[np.float64]]]) -> None:
    voltage, trains = made
    ids = np.array([f"e{i}" for i in range(CELLS)])
    detected = detect_spikes(signal(voltage, channel_ids=ids, start_s=5.0, positions_um=np.zeros((CELLS, 3))))
    found = spike_f1([train + 5.0 for train in trains], [detected.times_of(i) for i in range(CELLS)], 0.0005)
    assert found.recall > 0.985
    assert found.precision > 0.975
    np.testing.assert_array_equal(detected.unit_ids, ids)
    assert (detected.start_s, detected.stop_s) == (5.0, 17.0)
    assert detected.positions_um is not None
    # The threshold alone counts many of them more than once, so that removal had something to do.
    raw = find_troughs(signal(voltage), highpass_hz=300.0, threshold=5.5, refractory_ms=1.0, together_ms=0.5)
    every = [np.sort(raw.steps[raw.channels == i]) / RATE_HZ for i in range(CELLS)]
    assert spike_f1(trains, every, 0.0005).precision < 0.9


def test_blocks_join_without_a_seam(
    made: tuple[NDArray[np.float32], list[NDArray[np.float64]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    voltage = made[0][:40_000]
    whole = detect_spikes(signal(voltage))
    monkeypatch.setattr("neurofit.connectivity.extracellular_whitening.BLOCK_ELEMENTS", CELLS * 7000)
    monkeypatch.setattr("neurofit.connectivity.detection.NOISE_STEPS", 7000)
    pieces = detect_spikes(signal(voltage))
    both = spike_f1(*([s.times_of(i) for i in range(CELLS)] for s in (whole, pieces)), 0.00015)
    assert both.f1 > 0.995


def test_whitened_noise_is_white() -> None:
    rng = np.random.default_rng(1)
    mixed = (rng.normal(size=(60_000, 6)) @ rng.normal(size=(6, 6))).astype(np.float32)
    matrix, alive = whitening_matrix(signal(mixed), cutoff_hz=300.0)
    assert alive.all()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-5)
    np.testing.assert_allclose(np.corrcoef((mixed @ matrix).T), np.eye(6), atol=0.03)


def test_a_copy_is_what_the_footprint_explains() -> None:
    footprint = np.array([[1.0, 0.5, 0.0], [0.1, 1.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
    steps = np.array([100, 101, 200, 201, 300, 302, 400, 440])
    channels = np.array([0, 1, 0, 1, 0, 2, 0, 1])
    depths = np.array([20.0, 10.5, 20.0, 18.0, 20.0, 9.0, 20.0, 10.0], np.float32)
    found = copies(Troughs(steps, channels, depths, footprint), threshold=5.5, together=5)
    # A copy; both fired; a channel that 0 does not reach; too far apart.
    assert found.tolist() == [False, True, False, False, False, False, False, False]


def test_footprints_are_of_troughs_that_no_related_channel_tops() -> None:
    """Spikes of 0 are seen on 1 at half their depth; one of 1's troughs is such a copy. Channel 2 fires by chance."""
    channels = np.array([0, 0, 0, 1, 1, 1, 1, 1, 2])
    depths = np.array([20, 20, 20, 10, 8, 8, 8, 8, 30], np.float32)
    seen = np.zeros((9, 3), np.float32)
    seen[np.arange(9), channels] = depths
    seen[:3, 1], seen[3, 0], seen[8, 0] = 10, 20, 4
    found = footprints(channels, depths, sparse.csr_array(seen))
    np.testing.assert_allclose(found, [[1, 0.5, 0], [0, 1, 0], [4 / 30, 0, 1]], rtol=1e-6)


def test_channels_without_a_signal_and_signals_that_will_not_do(
    made: tuple[NDArray[np.float32], list[NDArray[np.float64]]],
) -> None:
    voltage = made[0][:20_000].copy()
    voltage[:, 3] = 7.0
    with pytest.warns(RecordingWarning, match="1 of 12 channels are constant"):
        detected = detect_spikes(signal(voltage))
    assert detected.per_unit()[3] == 0
    assert detected.per_unit()[5] > 5
    voltage[100, 0] = np.nan
    with pytest.raises(RecordingError, match="not finite"):
        detect_spikes(signal(voltage))
    with pytest.raises(RecordingError, match="1200 Hz or more"):
        detect_spikes(signal_from_array(made[0], name="extracellular", rate_hz=1000.0, unit="uV"))
    with pytest.raises(RecordingError, match="constant rate"):
        detect_spikes(signal_from_array(made[0], name="extracellular", rate_hz=None, unit="uV"))

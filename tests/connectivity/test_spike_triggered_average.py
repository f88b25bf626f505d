"""Averages after spikes against the definition's triple loop, at edges, in blocks, without spikes, in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from surrogates import RATE_HZ, noise_voltages, poisson_spikes, vm_signal

from neurofit.connectivity import average_blocks, cell_voltages, window_scores
from neurofit.connectivity.average_cube import write_average_cube
from neurofit.connectivity.average_options import AverageWindows, lags_of_ms
from neurofit.connectivity.spike_triggered_average import pair_averages, spike_triggered_average
from neurofit.connectivity.window_sums import window_sums
from neurofit_io import RecordingError, Spikes, spikes_from_lists

CELLS, STEPS = 7, 3000


def literal(spikes: Spikes, values: np.ndarray, lags: range) -> np.ndarray:
    """The definition, spike by spike and pair by pair, in float64."""
    n = values.shape[1]
    out = np.full((n, n, len(lags)), np.nan)
    for pre in range(n):
        steps = [int(np.floor(t * RATE_HZ + 1e-6)) for t in spikes.times_of(pre)]
        steps = [s for s in steps if s + lags[-1] < len(values) and s + lags[0] >= 0]
        if not steps:
            continue
        for post in range(n):
            for k, lag in enumerate(lags):
                out[post, pre, k] = sum(float(values[s + lag, post]) for s in steps) / len(steps)
    return out


def cube(spikes: Spikes, values: np.ndarray, lags: range, **more: bool) -> np.ndarray:
    """All averages, absolute."""
    blocks = spike_triggered_average(spikes, vm_signal(values), lags, reduce="none", **more)
    return np.concatenate([block.values + block.mean[:, None, None] for block in blocks])


@pytest.fixture
def noise() -> np.ndarray:
    return noise_voltages(CELLS, STEPS, seed=0).astype(np.float32)


@pytest.fixture
def spikes() -> Spikes:
    return poisson_spikes(CELLS, STEPS, 40, seed=1)


@pytest.fixture(params=["at once", "in blocks", "in groups"])
def memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How little fits into memory."""
    if request.param != "at once":
        monkeypatch.setattr(average_blocks, "CELLS_AT_A_TIME", 2)
        monkeypatch.setattr(average_blocks, "SUMS_BYTES", 10**9 if request.param == "in blocks" else 1)
    if request.param == "in blocks":
        monkeypatch.setattr(cell_voltages.CellVoltages.blocks, "__kwdefaults__", {"bytes_held": 4 * CELLS * 500})
    if request.param == "in groups":
        monkeypatch.setattr(average_blocks, "HELD_BYTES", 4 * STEPS * 4)
    return str(request.param)


@pytest.mark.parametrize("lags", [range(1, 31), range(-20, 11), range(5, 6), range(-9, -3)])
def test_agrees_with_the_triple_loop(noise: np.ndarray, spikes: Spikes, lags: range, memory: str) -> None:
    np.testing.assert_allclose(cube(spikes, noise, lags), literal(spikes, noise, lags), atol=1e-4, rtol=0)


def test_many_spikes_far_from_zero_lose_nothing() -> None:
    values = noise_voltages(2, 40_000, seed=2).astype(np.float32)
    spikes = poisson_spikes(2, 40_000, 9000, seed=3)
    np.testing.assert_allclose(cube(spikes, values, range(1, 4)), literal(spikes, values, range(1, 4)), atol=1e-4)


def test_spikes_at_the_edges_count_if_all_lags_lie_inside() -> None:
    values = np.arange(20.0)[:, None]
    # Steps 0, 4, 9 and 10: with lags -4 to 10, the first and the last leave the recording.
    spikes = spikes_from_lists([[0.0, 4e-4, 9e-4, 10e-4]], stop_s=20e-4)
    found = spike_triggered_average(spikes, vm_signal(values), (-4, 10), reduce=("peak", "latency"))
    assert found.n_spikes.tolist() == [2]
    assert found.n_dropped == 2
    # Relative to the mean of 9.5, the average runs from 6.5 - 4 to 6.5 + 10.
    assert found.peak is not None
    assert found.latency_ms is not None
    assert found.peak[0, 0] == pytest.approx(-7.0)
    assert found.latency_ms[0, 0] == pytest.approx(-0.4)
    assert found.area is None


def test_silent_cells_are_listed_and_nan(noise: np.ndarray) -> None:
    trains = [[0.05, 0.1], [], [0.2999], *[[0.02]] * (CELLS - 3)]
    found = spike_triggered_average(spikes_from_lists(trains, stop_s=0.3), vm_signal(noise), (1, 20))
    assert found.silent.tolist() == [1, 2]
    for values in (found.peak, found.latency_ms, found.area, found.jitter_z, found.baseline_z):
        assert values is not None
        assert np.isnan(values[:, [1, 2]]).all()
    assert found.peak is not None
    assert np.isfinite(found.peak[:, [0, 3]]).all()


def test_summaries_are_those_of_the_cube(noise: np.ndarray, spikes: Spikes, memory: str) -> None:
    found = spike_triggered_average(spikes, vm_signal(noise), (1, 60), reduce=("peak", "latency", "area"))
    w = literal(spikes, noise, range(1, 61)) - noise.astype(np.float64).mean(axis=0)[:, None, None]
    at = np.abs(w).argmax(axis=-1)
    np.testing.assert_allclose(found.peak, np.take_along_axis(w, at[..., None], -1)[..., 0], atol=1e-4)
    np.testing.assert_allclose(found.latency_ms, (at + 1) * 0.1, rtol=1e-5)
    np.testing.assert_allclose(found.area, w.sum(axis=-1) * 0.1, atol=1e-3)
    np.testing.assert_allclose(found.mean, noise.astype(np.float64).mean(axis=0), atol=1e-4)


def test_windows_are_means_over_spikes_with_their_errors(
    noise: np.ndarray, spikes: Spikes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_scores, "_STEPS", 300)
    monkeypatch.setattr(window_scores, "_CELLS", 3)
    windows = AverageWindows(baseline_ms=(-2, 0), early_ms=(1, 3), late_ms=(3, 5), jitter_ms=2)
    found = spike_triggered_average(spikes, vm_signal(noise), reduce=("windows", "baseline_z"), windows=windows)
    assert found.windows is not None
    assert found.baseline_z is not None
    v = noise.astype(np.float64)
    # The span: jitter before the early window or baseline, and late window or early one with jitter.
    steps = [s for s in np.floor(spikes.times_of(2) * RATE_HZ + 1e-6).astype(int) if s >= 20 and s + 50 < STEPS]
    assert found.n_spikes[2] == len(steps)
    each = {name: np.array([v[s + a : s + b + 1].mean(axis=0) for s in steps])
            for name, (a, b) in {"baseline": (-20, 0), "early": (10, 30), "late": (30, 50)}.items()}  # fmt: skip
    for name, values in each.items():
        np.testing.assert_allclose(found.windows[name].mean[:, 2], values.mean(axis=0) - v.mean(axis=0), atol=1e-4)
        error = values.std(axis=0, ddof=1) / np.sqrt(len(steps))
        np.testing.assert_allclose(found.windows[name].se[:, 2], error, rtol=1e-3)
    contrast = each["early"] - each["baseline"]
    z = contrast.mean(axis=0) / (contrast.std(axis=0, ddof=1) / np.sqrt(len(steps)))
    np.testing.assert_allclose(found.baseline_z[:, 2], z, rtol=2e-3, atol=1e-3)


def test_blanking_takes_out_a_reset() -> None:
    """A cell that fires 5 ms after another, and does nothing else, has an average of 0 once its spike is blanked."""
    values = np.full((6000, 2), -60.0)
    first = np.arange(300, 5500, 400)
    for step in first + 50:
        values[step : step + 20, 1] = np.r_[40.0, np.full(19, -75.0)]
    spikes = spikes_from_lists([first / RATE_HZ, (first + 50) / RATE_HZ], stop_s=0.6)
    raw, blanked = (
        spike_triggered_average(spikes, vm_signal(values), (1, 100), reduce=("peak",), blanked=each).peak
        for each in (False, True)
    )
    assert raw is not None
    assert blanked is not None
    assert raw[1, 0] > 90
    np.testing.assert_allclose(blanked[1, 0], 0.0, atol=1e-4)


def test_blanks_do_not_depend_on_blocks(spikes: Spikes, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cube(spikes, noise, range(1, 31), blanked=True)
    monkeypatch.setattr(cell_voltages.CellVoltages.blocks, "__kwdefaults__", {"bytes_held": 4 * CELLS * 500})
    np.testing.assert_allclose(cube(spikes, noise, range(1, 31), blanked=True), whole, atol=1e-4)


def test_units_are_matched_to_channels_by_id(noise: np.ndarray) -> None:
    ids = np.array([f"n{i}" for i in range(CELLS)])
    trains = [[0.01 * (k + 1), 0.2 + 0.003 * k] for k in range(CELLS)]
    straight = spikes_from_lists(trains, stop_s=0.3, unit_ids=ids)
    turned = spikes_from_lists(trains[::-1], stop_s=0.3, unit_ids=ids[::-1])
    vm = vm_signal(noise, channel_ids=ids)
    first, second = (spike_triggered_average(each, vm, (1, 20), reduce=("peak",)).peak for each in (straight, turned))
    np.testing.assert_array_equal(first, second)


def test_the_windows_of_a_long_recording_are_never_written_out() -> None:
    """Written out one after the other, these windows would be 4 TB."""
    n = 1_000_000
    values = np.ones((2 * n, 1), np.float32)
    found = window_sums(values, [np.array([0, 5, n - 1])], n)
    assert found.shape == (1, n, 1)
    assert (found == 3).all()


def test_pairs_alone_are_those_of_the_cube_with_errors(noise: np.ndarray, spikes: Spikes) -> None:
    cells = cell_voltages.cell_voltages(spikes, vm_signal(noise))
    average, error = pair_averages(cells, [(3, 1), (0, 5)], (1, 30))
    w = literal(spikes, noise, range(1, 31)) - noise.astype(np.float64).mean(axis=0)[:, None, None]
    np.testing.assert_allclose(average, w[[3, 0], [1, 5]], atol=1e-4)
    steps = [s for s in np.floor(spikes.times_of(1) * RATE_HZ + 1e-6).astype(int) if s + 30 < STEPS]
    at_ten = noise[np.array(steps) + 10, 3].astype(np.float64)
    assert error[0, 9] == pytest.approx(at_ten.std(ddof=1) / np.sqrt(len(steps)), rel=1e-4)


def test_cube_in_a_file(noise: np.ndarray, spikes: Spikes, tmp_path: Path) -> None:
    cells = cell_voltages.cell_voltages(spikes, vm_signal(noise))
    with h5py.File(write_average_cube(tmp_path / "cube.h5", cells, (1, 30))) as file:
        absolute = file["average"][()] + file["mean"][()][:, None, None]
        np.testing.assert_allclose(absolute, literal(spikes, noise, range(1, 31)), atol=1e-4)
        assert file["average"].dims[2].label == "lag"
        np.testing.assert_allclose(file["average"].dims[2]["lags_ms"], np.arange(1, 31) / 10)
        assert file["pre_ids"][()].tolist() == list(range(CELLS))
        assert file["n_spikes"][()].sum() <= spikes.n_spikes


def test_an_array_needs_its_rate(noise: np.ndarray, spikes: Spikes) -> None:
    with_rate = spike_triggered_average(spikes, noise, (1, 9), reduce=("peak",), rate_hz=RATE_HZ)
    assert with_rate.peak is not None
    with pytest.raises(RecordingError, match="rate"):
        spike_triggered_average(spikes, noise, (1, 9), reduce=("peak",))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda s, v: spike_triggered_average(s, v, (5, 1)), "first lag below the last"),
        (lambda s, v: spike_triggered_average(s, v, range(1, 9, 2)), "without gaps"),
        (lambda s, v: spike_triggered_average(s, v, (1, STEPS)), "lags span"),
        (lambda s, v: spike_triggered_average(s, v, reduce=("peek",)), "reduce is peek"),  # type: ignore[arg-type]
        (lambda s, v: spike_triggered_average(s, v, reduce=()), "reduce is empty"),
        (lambda s, v: spike_triggered_average(s, v, windows=AverageWindows(jitter_ms=0)), "jitter of 0 ms"),
        (lambda s, v: spike_triggered_average(s, v, windows=AverageWindows(early_ms=(3, 1))), "early window"),
    ],
)
def test_what_cannot_be_averaged_is_said(
    noise: np.ndarray, spikes: Spikes, wrong: Callable[..., object], said: str
) -> None:
    with pytest.raises(RecordingError, match=said):
        wrong(spikes, vm_signal(noise))


def test_lags_in_ms() -> None:
    assert lags_of_ms((0.1, 30.0), 0.1) == (1, 300)
    assert lags_of_ms((0.1, 30.0), 0.5) == (1, 60)
    assert lags_of_ms((-5.0, 0.0), 0.5) == (-10, 0)

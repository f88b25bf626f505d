"""The whole simulated recording: activity, repeatability, files, memory, wrong options."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from neurofit.simulate.network import SIGNALS, simulate_network
from neurofit.simulate.network_options import NetworkOptions
from neurofit.simulate.spike_statistics import spike_statistics
from neurofit_io import Recording, RecordingError, load, save

SMALL = NetworkOptions(neurons=40, duration_s=0.3, seed=3)


@pytest.fixture(scope="module")
def small() -> Recording:
    return simulate_network(SMALL)


def assert_same(a: Recording, b: Recording) -> None:
    for name in SIGNALS:
        np.testing.assert_array_equal(a.signals[name].read(), b.signals[name].read())
    np.testing.assert_array_equal(a.spikes.times_s, b.spikes.times_s)
    np.testing.assert_array_equal(a.spikes.units, b.spikes.units)
    for part in ("post", "pre", "weights", "delays_ms", "post_types", "post_positions_um"):
        np.testing.assert_array_equal(getattr(a.connectivity, part), getattr(b.connectivity, part))


def test_the_recording_holds_what_it_should(small: Recording) -> None:
    assert tuple(small.signals) == SIGNALS
    units = {"vm": "mV", "calcium": "uM", "extracellular": "uV", "lfp": "uV"}
    for name, signal in small.signals.items():
        assert (signal.kind, signal.unit, signal.rate_hz, signal.start_s) == (name, units[name], 10_000, 0.0)
        assert signal.shape == (3000, 32 if name == "lfp" else 40)
        assert np.isfinite(signal.read()).all()
    truth = small.connectivity
    assert truth.recurrent
    assert truth.unit == "nS"
    assert truth.n_self_connected == 0
    assert truth.pre_types.tolist() == ["e"] * 32 + ["i"] * 8
    assert (np.sign(truth.weights) == np.where(truth.pre < 32, 1, -1)).all()
    beside = small.signals["extracellular"].positions_um - truth.post_positions_um
    np.testing.assert_allclose(np.linalg.norm(beside, axis=1), 10)
    assert small.spikes.stop_s == pytest.approx(0.3)
    assert small.provenance.metadata["network"]["seed"] == 3


def test_spikes_are_where_the_voltage_says(small: Recording) -> None:
    vm, spikes = small.signals["vm"].read(), small.spikes
    steps = np.round(spikes.times_s / 1e-4).astype(int)
    assert spikes.n_spikes > 60
    assert steps.min() >= 0
    assert steps.max() < 3000
    assert (vm[steps, spikes.units] == -50).all()
    within = (steps > 0) & (steps < 2995)
    assert (vm[steps[within] - 1, spikes.units[within]] < -50).all()
    assert (vm[steps[within] + 4, spikes.units[within]] == 25).all()
    # And nowhere else: upward crossings of -20 mV, which only spikes make.
    crossings = np.count_nonzero((vm[1:] > -20) & (vm[:-1] <= -20))
    assert abs(crossings - spikes.n_spikes) <= np.count_nonzero(~within)


def test_extracellular_spikes_are_seen_beside_their_cell(small: Recording) -> None:
    volts, spikes = small.signals["extracellular"].read(), small.spikes
    steps = np.round(spikes.times_s / 1e-4).astype(int)
    alone = (steps > 30) & (steps < 2960)
    dips = volts[steps[alone] + 3, spikes.units[alone]] - volts[steps[alone] - 1, spikes.units[alone]]
    assert np.median(dips) == pytest.approx(-3000 * (1 / 12 - 1 / 150) / (4 * np.pi * 0.3), rel=0.1)


def test_a_seed_gives_the_same_bytes_in_memory_and_in_files(small: Recording, tmp_path: Path) -> None:
    assert_same(small, simulate_network(SMALL, folder=tmp_path / "new"))
    other = simulate_network(NetworkOptions(neurons=40, duration_s=0.3, seed=4), signals=("vm",))
    assert not np.array_equal(other.signals["vm"].read(), small.signals["vm"].read())
    assert not np.array_equal(other.connectivity.weights, small.connectivity.weights)


def test_a_shorter_recording_is_the_beginning_of_a_longer_one(small: Recording) -> None:
    short = simulate_network(NetworkOptions(neurons=40, duration_s=0.0777, seed=3))
    for name in SIGNALS:
        assert short.signals[name].shape[0] == 777
        np.testing.assert_allclose(short.signals[name].read(), small.signals[name].read(0, 777), rtol=1e-4, atol=1e-3)
    kept = small.spikes.times_s < 0.0777 - 1e-9
    np.testing.assert_array_equal(short.spikes.times_s, small.spikes.times_s[kept])


def test_only_the_signals_asked_for_are_kept(small: Recording, tmp_path: Path) -> None:
    spikes_only = simulate_network(SMALL, folder=tmp_path, signals=())
    assert not spikes_only.signals
    assert not list(tmp_path.iterdir())
    np.testing.assert_array_equal(spikes_only.spikes.times_s, small.spikes.times_s)
    field = simulate_network(SMALL, signals=("lfp",))
    assert tuple(field.signals) == ("lfp",)
    np.testing.assert_array_equal(field.signals["lfp"].read(), small.signals["lfp"].read())


@pytest.mark.parametrize("suffix", [".h5", ".nwb", ".bin"])
@pytest.mark.filterwarnings("ignore::neurofit_io.RecordingWarning")
def test_files_read_back_equal(small: Recording, tmp_path: Path, suffix: str) -> None:
    path = save(small, tmp_path / f"network{suffix}", compress=False)
    assert_same(small, load(path))


def test_progress_counts_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    simulate_network(NetworkOptions(neurons=5, duration_s=0.05), progress=lambda *at: seen.append(at), signals=())
    done, total = zip(*seen, strict=True)
    assert set(total) == {done[-1]}
    assert done[-1] >= 500 + 5000
    assert list(done) == sorted(done)


def test_regimes_differ_as_their_names_say() -> None:
    found = {
        regime: spike_statistics(
            simulate_network(NetworkOptions(neurons=300, duration_s=2.5, regime=regime), signals=()).spikes
        )
        for regime in ("irregular", "sparse", "synchronous")
    }
    rate = {regime: numbers.rates_hz.mean() for regime, numbers in found.items()}
    irregular = found["irregular"]
    assert 7 < rate["irregular"] < 12
    assert 0.8 < irregular.cv < 1.2
    assert irregular.silent == 0
    assert 1.5 < irregular.fano < 3.5
    assert rate["sparse"] < 0.65 * rate["irregular"]
    assert found["synchronous"].fano > 1.15 * found["irregular"].fano
    excess = {regime: (numbers.fano - 1) / rate[regime] for regime, numbers in found.items()}
    assert excess["synchronous"] > 2 * excess["irregular"]


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    peaks = []
    for duration_s in (0.05, 0.55):
        tracemalloc.start()
        recording = simulate_network(NetworkOptions(neurons=300, duration_s=duration_s), folder=tmp_path)
        for name in SIGNALS:
            recording.signals[name].read(100, 400)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Half a second more is 6 MB of voltages and 6 MB of currents.
    assert peaks[1] < peaks[0] + 1e6


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"neurons": 1}, "--neurons 1; expected 2 cells"),
        ({"duration_s": 0.0}, "--duration-s 0.0; expected at least a step"),
        ({"duration_s": float("nan")}, "--duration-s nan"),
        ({"dt_ms": 1.0}, "--dt-ms 1.0; expected above 0, at most"),
        ({"dt_ms": -0.1}, "--d"),
        ({"regime": "bursting"}, "--regime bursting; expected one of irregular, sparse, synchronous"),
        ({"seed": -1}, "--seed -1"),
        ({"shared_input": 1.5}, "--shared-input 1.5; expected a share from 0 to 1"),
        ({"density": 0.0}, "--density 0.0"),
        ({"weight_i_ns": -3.0}, "--weight-i-ns -3.0; expected a conductance"),
        ({"background_e_ns": float("inf")}, "--background-e-ns inf"),
    ],
)
def test_wrong_options_end_in_one_line(wrong: dict, words: str) -> None:
    with pytest.raises(RecordingError, match=words) as caught:
        NetworkOptions(**wrong)
    assert "\n" not in str(caught.value)


def test_wrong_signals_and_folders_end_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="signal 'voltage'; expected some of vm, calcium"):
        simulate_network(SMALL, signals=("voltage",))
    (tmp_path / "file").write_text("here")
    with pytest.raises(RecordingError, match=r"file: could not be written \(File exists\)"):
        simulate_network(SMALL, folder=tmp_path / "file")

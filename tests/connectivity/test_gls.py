"""gls on voltages whose potentials are known: weights in mV, standard errors that hold, both forms, the Dale step."""

from __future__ import annotations

import numpy as np
import pytest
import voltage_network
from scipy import stats
from sklearn.metrics import roc_auc_score

from neurofit.connectivity.dale import dale_step
from neurofit.connectivity.estimate import Estimate, estimate_of
from neurofit.connectivity.gls import gls
from neurofit_io import RecordingError, signal_from_array

N = 12
OFF = ~np.eye(N, dtype=bool)
WEIGHT = voltage_network.sparse_weights(N)


@pytest.fixture(scope="module")
def estimate() -> Estimate:
    vm, spikes = voltage_network.network(WEIGHT, duration_s=60.0)
    return gls(vm, spikes)


def test_weights_are_the_potentials_in_mv(estimate: Estimate) -> None:
    edges = WEIGHT != 0
    np.testing.assert_allclose(estimate.weight[edges], WEIGHT[edges], atol=0.12)
    assert np.corrcoef(estimate.weight[edges], WEIGHT[edges])[0, 1] > 0.98
    assert (np.sign(estimate.weight) == np.sign(WEIGHT))[edges].all()
    assert estimate.unit == "mV"


def test_edges_are_told_from_others_and_others_are_standard_normal(estimate: Estimate) -> None:
    assert roc_auc_score((WEIGHT != 0)[OFF], np.abs(estimate.z)[OFF]) > 0.999
    others = estimate.z[OFF & (WEIGHT == 0)]
    assert np.std(others) == pytest.approx(1.0, abs=0.25)
    assert np.mean(np.abs(others) > 2.58) < 0.05


def test_the_shape_is_learned_from_the_recording(estimate: Estimate) -> None:
    assert "1 response shape learned from all pairs" in estimate.notes[0]
    assert "an AR(8) of each cell" in estimate.notes[0]


def test_the_diagonal_says_nothing(estimate: Estimate) -> None:
    assert not np.diag(estimate.weight).any()
    assert not np.diag(estimate.z).any()
    assert np.isnan(np.diag(estimate.se)).all()
    assert (estimate.se[OFF] > 0).all()


def test_null_p_values_are_uniform() -> None:
    scores = []
    for seed in range(6):
        vm, spikes = voltage_network.network(np.zeros((N, N)), duration_s=12.0, seed=seed)
        scores.append(gls(vm, spikes, basis="boxes").z[OFF])
    z = np.concatenate(scores)
    assert stats.kstest(2 * stats.norm.sf(np.abs(z)), "uniform").pvalue > 0.001


@pytest.mark.parametrize("basis", ["boxes", "psp"])
def test_assumed_shapes_find_the_same_edges(basis: str) -> None:
    vm, spikes = voltage_network.network(WEIGHT, duration_s=60.0)
    found = gls(vm, spikes, basis=basis)  # type: ignore[arg-type]
    assert roc_auc_score((WEIGHT != 0)[OFF], np.abs(found.z)[OFF]) > 0.97
    assert {"boxes": "10 boxes", "psp": "an assumed potential"}[basis] in found.notes[0]


def test_a_short_recording_of_many_cells_shares_its_whitener_and_one_shape() -> None:
    weight = voltage_network.sparse_weights(40, size_mv=1.2)
    vm, spikes = voltage_network.network(weight, duration_s=0.18, rate_hz=60.0)
    found = gls(vm, spikes)
    assert "one AR(8) for all cells" in found.notes[0]
    off = ~np.eye(40, dtype=bool)
    assert roc_auc_score((weight != 0)[off], np.abs(found.z)[off]) > 0.6


def test_where_nothing_connects_no_shape_is_invented() -> None:
    vm, spikes = voltage_network.network(np.zeros((N, N)), duration_s=12.0, seed=3)
    found = gls(vm, spikes)
    assert np.abs(found.z).max() < 5.5


def test_silent_cells_and_flat_voltages_are_zeros_and_counted() -> None:
    vm, spikes = voltage_network.network(WEIGHT, duration_s=12.0)
    values = vm.read()
    values[:, 4] = -60.0
    flat = signal_from_array(values, name="vm", rate_hz=2000.0, unit="mV", channel_ids=vm.channel_ids)
    kept = spikes.units != 2
    quiet = type(spikes)(
        "spikes", spikes.times_s[kept], spikes.units[kept], spikes.unit_ids, spikes.start_s, spikes.stop_s
    )
    found = gls(flat, quiet)
    assert not found.z[:, 2].any()
    assert not found.z[4].any()
    assert np.isnan(found.se[4]).all()
    assert any("1 cells with fewer than 5 spikes" in note for note in found.notes)
    assert any("1 cells whose voltage never varies" in note for note in found.notes)


def test_a_slow_camera_still_says_something() -> None:
    vm, spikes = voltage_network.network(4 * WEIGHT, duration_s=120.0)
    slow = vm.read().reshape(-1, 20, N).mean(axis=1)
    found = gls(signal_from_array(slow, name="vm", rate_hz=100.0, unit="mV", channel_ids=vm.channel_ids), spikes)
    assert "bins of 10 ms" in found.notes[0]
    assert roc_auc_score((WEIGHT != 0)[OFF], np.abs(found.z)[OFF]) > 0.75
    assert (np.sign(found.weight) == np.sign(WEIGHT))[WEIGHT != 0].mean() > 0.8


def test_a_voltage_with_a_hole_is_refused() -> None:
    vm, spikes = voltage_network.network(WEIGHT, duration_s=2.0)
    values = vm.read()
    values[100, 3] = np.nan
    bad = signal_from_array(values, name="vm", rate_hz=2000.0, unit="mV")
    with pytest.raises(RecordingError, match="not finite"):
        gls(bad, spikes)
    short = signal_from_array(values[:60], name="vm", rate_hz=2000.0, unit="mV")
    with pytest.raises(RecordingError, match=r"60 bins of 0\.5 ms"):
        gls(short, spikes)


def test_the_dale_step_clears_the_other_sign_of_cells_whose_sign_is_sure() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((30, 30))
    z[:12, 0] += 6.0
    z[:12, 1] -= 6.0
    one = estimate_of("gls", z, np.ones((30, 30)), unit="mV")
    after = dale_step(one)
    assert after.method == "gls-dale"
    assert (after.z[:, 0] >= 0).all()
    assert (after.z[:, 1] <= 0).all()
    unsure = np.flatnonzero((after.z == one.z).all(axis=0))
    assert len(unsure) >= 26
    assert not {0, 1} & set(unsure.tolist())
    np.testing.assert_array_equal(after.z[after.z != 0], one.z[after.z != 0])
    assert "sign significant for" in after.notes[-1]

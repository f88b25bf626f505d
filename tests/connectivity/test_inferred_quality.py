"""How well connections are inferred where the truth is known: far from the floors, so that only a fault trips them."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurofit.connectivity.methods import infer
from neurofit.connectivity.population import Population, population_of
from neurofit.connectivity.scoring import ConnectivityScores, score_connectivity
from neurofit.simulate import NetworkOptions, simulate_network
from neurofit_io import Recording, RecordingWarning, load


@pytest.fixture(scope="module")
def network() -> Recording:
    return simulate_network(NetworkOptions(neurons=60, duration_s=8.0, seed=7), signals=("vm",))


def scores(population: Population, recording: Recording, method: str) -> dict[str, ConnectivityScores]:
    assert recording.connectivity is not None
    return {each.method: score_connectivity(each, recording.connectivity) for each in infer(population, method)}


def test_gls_is_ahead_of_the_paper_s_methods_and_of_distance(network: Recording) -> None:
    population = population_of(network)
    found = scores(population, network, "gls")
    assert (found["gls"].auc or 0) > 0.85
    assert (found["gls"].ap or 0) > 0.65
    assert (found["gls-dale"].ap or 0) > 0.68
    assert (found["gls-dale"].dale_accuracy or 0) > 0.95
    assert (found["gls"].r_weight_edges or 0) > 0.9
    assert (found["gls"].false_share_fdr or 0) < 0.15
    for method in ("lif-current", "sta"):
        assert (found["gls"].ap or 0) > (scores(population, network, method)[method].ap or 1) + 0.1
    assert (found["gls"].ap or 0) > (found["gls"].ap_distance or 1) + 0.3


@pytest.mark.parametrize("method", ["linear-coupling", "glm", "correlogram"])
def test_spikes_alone_are_better_than_chance(network: Recording, method: str) -> None:
    found = scores(population_of(network, voltage=False), network, method)[method]
    assert (found.ap or 0) > 1.3 * (found.ap_chance or 1)


def test_gls_on_biophysical_cells_of_another_simulator(shared_data: Path) -> None:
    with pytest.warns(RecordingWarning, match="without a units attribute"):
        recording = load(shared_data / "bionet_60cells_60s")
    found = scores(population_of(recording).until(20.0), recording, "gls")["gls"]
    assert (found.auc or 0) > 0.8
    assert (found.ap or 0) > 0.65

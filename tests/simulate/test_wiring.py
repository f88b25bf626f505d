"""Places, probabilities, weights and delays of the connections against what they are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.simulate.network_options import NetworkOptions
from neurofit.simulate.regimes import background, synapses
from neurofit.simulate.wiring import Synapses, Wiring, connection_probability, draw_positions, draw_wiring


def drawn(n: int = 500, density: float = 0.1, dt_ms: float = 0.1) -> tuple[np.ndarray, Wiring]:
    rng = np.random.default_rng(0)
    positions = draw_positions(n, rng)
    return positions, draw_wiring(positions, Synapses(density, 0.4, 3.0), dt_ms=dt_ms, rng=rng)


def test_places_fill_the_column_evenly() -> None:
    x, y, z = draw_positions(40_000, np.random.default_rng(1)).T
    radius = np.hypot(x, y)
    assert radius.max() <= 150
    assert z.min() >= 0
    assert z.max() <= 400
    # Uniform over a disc: half of the area lies within 1 / sqrt(2) of the radius.
    assert np.mean(radius < 150 / np.sqrt(2)) == pytest.approx(0.5, abs=0.01)
    assert np.mean((x > 0) & (y > 0)) == pytest.approx(0.25, abs=0.01)
    assert np.histogram(z, 4, (0, 400))[0] / 40_000 == pytest.approx(np.full(4, 0.25), abs=0.01)


@pytest.mark.parametrize("density", [0.02, 0.1, 0.5, 0.97])
def test_probabilities_fall_with_distance_and_have_the_density_as_mean(density: float) -> None:
    positions = draw_positions(120, np.random.default_rng(2))
    probability = connection_probability(positions, density)
    n = len(positions)
    assert (np.diag(probability) == 0).all()
    assert probability.sum() / (n * (n - 1)) == pytest.approx(density, rel=1e-6)
    assert probability[~np.eye(n, dtype=bool)].min() > 0
    assert probability.max() <= 1
    i, j, k, m = 3, 17, 40, 99
    if probability[[i, k], [j, m]].max() < 1:
        apart = np.linalg.norm(positions[i] - positions[j]) - np.linalg.norm(positions[k] - positions[m])
        assert probability[i, j] / probability[k, m] == pytest.approx(np.exp(-apart / 150), rel=1e-9)


def test_all_pairs_at_density_one() -> None:
    probability = connection_probability(draw_positions(7, np.random.default_rng(3)), 1.0)
    np.testing.assert_array_equal(probability, 1 - np.eye(7))


def test_connections_follow_their_probabilities() -> None:
    positions, wiring = drawn()
    n, rows = len(positions), len(wiring.post)
    assert rows / (n * (n - 1)) == pytest.approx(0.1, abs=3 * np.sqrt(0.09 / n**2))
    assert (wiring.pre != wiring.post).all()
    order = wiring.pre * n + wiring.post
    assert (np.diff(order) > 0).all()
    probability = connection_probability(positions, 0.1)
    connected = np.zeros((n, n), bool)
    connected[wiring.pre, wiring.post] = True
    for low, high in ((0, 80), (80, 160), (160, 260), (260, 600)):
        away = np.linalg.norm(positions[:, None] - positions, axis=-1)
        some = (away > low) & (away <= high)
        assert connected[some].mean() == pytest.approx(probability[some].mean(), rel=0.06)


def test_weights_are_log_normal_with_the_mean_of_their_kind() -> None:
    _, wiring = drawn(1500)
    assert wiring.excitatory.sum() == 1200
    assert wiring.excitatory[:1200].all()
    for excites, mean in ((True, 0.4), (False, 3.0)):
        logs = np.log(wiring.weights_ns[wiring.excitatory[wiring.pre] == excites])
        assert logs.mean() == pytest.approx(np.log(mean) - 0.32, abs=0.015)
        assert logs.std() == pytest.approx(0.8, abs=0.01)
    np.testing.assert_array_equal(np.sign(wiring.signed_weights_ns), np.where(wiring.pre < 1200, 1, -1))


@pytest.mark.parametrize("dt_ms", [0.1, 0.5])
def test_delays_grow_with_distance(dt_ms: float) -> None:
    positions, wiring = drawn(dt_ms=dt_ms)
    for row in range(0, len(wiring.post), 997):
        away_um = np.linalg.norm(positions[wiring.pre[row]] - positions[wiring.post[row]])
        exact_ms = 0.5 + away_um * 1e-6 / 0.3 * 1000
        assert abs(wiring.delay_steps[row] * dt_ms - exact_ms) <= dt_ms / 2 + 1e-9
    assert wiring.delay_steps.min() >= 1


def test_constants_go_through_the_known_networks_and_yield_to_options() -> None:
    small, large = NetworkOptions(neurons=300), NetworkOptions(neurons=2022)
    assert vars(synapses(small)) == pytest.approx({"density": 0.10, "weight_e_ns": 0.8, "weight_i_ns": 5.0})
    assert vars(synapses(large)) == pytest.approx({"density": 0.08, "weight_e_ns": 0.4, "weight_i_ns": 3.0})
    assert (background(small).mean_e_ns, background(large).mean_e_ns) == pytest.approx((5.5, 5.8))
    between = synapses(NetworkOptions(neurons=800))
    assert 0.08 < between.density < 0.1
    assert 0.4 < between.weight_e_ns < 0.8
    assert synapses(NetworkOptions(neurons=2, density=0.9)).density == 0.9
    own = NetworkOptions(
        density=0.2, weight_e_ns=0.1, weight_i_ns=0.0, background_e_ns=3.0, background_i_ns=1.0, shared_input=0.4
    )
    assert vars(synapses(own)) == {"density": 0.2, "weight_e_ns": 0.1, "weight_i_ns": 0.0}
    made = background(own)
    assert (made.mean_e_ns, made.mean_i_ns, made.shared, made.sd_e_ns) == (3.0, 1.0, 0.4, 4.0)
    assert background(NetworkOptions(regime="synchronous")).shared == 0.1
    assert background(NetworkOptions(regime="sparse")).sd_e_ns == 3.0

"""Tables and verdicts of scored connections: the trivial answers are always there, and a loss is said."""

from __future__ import annotations

import numpy as np

from neurofit.connectivity.estimate import estimate_of
from neurofit.connectivity.scoring import score_connectivity
from neurofit.connectivity.truth import true_connections
from neurofit.estimators.connectivity_figures import scored_figures
from neurofit.estimators.connectivity_score import score_notes
from neurofit.estimators.connectivity_tables import calls_table, connectivity_table, connectivity_verdict


def network(n: int = 40):
    """True weights, positions, and connections that follow distance."""
    rng = np.random.default_rng(0)
    positions = rng.uniform(0, 100, (n, 3))
    distance = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    sign = np.where(np.arange(n) < 0.8 * n, 1, -1)
    return sign * (rng.random((n, n)) < 0.8 * np.exp(-distance / 20)), positions, rng


def row(method, estimate, truth, **more):
    return {"method": method, **score_connectivity(estimate, truth).as_row(), **more}


def test_rows_of_several_methods_and_one_of_each_trivial_answer() -> None:
    truth, positions, rng = network()
    known = true_connections(truth, n_cells=40, positions_um=positions)
    good, bad = truth + 0.1 * rng.standard_normal(truth.shape), rng.standard_normal(truth.shape)
    rows = [row("gls", good, known, cpu_s=1.5), row("sta", bad, known)]
    header, table = connectivity_table(rows)
    assert [each[0] for each in table] == ["gls", "sta", "distance alone", "chance"]
    assert header[-1] == "CPU s"
    assert [each[-1] for each in table] == [1.5, None, None, None]
    assert {len(each) for each in table} == {len(header)}
    assert table[2][1:3] == [rows[0]["auc_distance"], rows[0]["ap_distance"]]
    assert table[3][1:3] == [0.5, rows[0]["ap_chance"]]
    assert calls_table(rows) is None
    assert connectivity_verdict(rows).startswith("best is gls: AUC 1.000, AP 1.000 (chance 0.")
    assert "does not beat" not in connectivity_verdict(rows)
    assert "it does not beat distance alone in AUC and AP" in connectivity_verdict(rows[1:])


def test_parts_of_a_network_have_chances_of_their_own() -> None:
    truth, _, rng = network()
    rows = [row(str(n), rng.standard_normal((n, n)), truth[:n, :n]) for n in (40, 20)]
    assert [each[0] for each in connectivity_table(rows)[1]] == ["40", "20", "chance", "chance"]


def test_calls_of_estimates_with_z() -> None:
    truth, _, rng = network()
    z = 8.0 * truth + rng.standard_normal(truth.shape)
    header, table = calls_table([row("gls", estimate_of("gls", z, np.ones_like(z), unit="mV"), truth)])
    assert len(header) == len(table[0])
    assert table[0][1] >= np.count_nonzero(truth[~np.eye(40, dtype=bool)])


def test_nothing_to_score() -> None:
    estimate = np.arange(9.0).reshape(3, 3)
    rows = [row("gls", estimate, np.zeros((3, 3)))]
    assert connectivity_verdict(rows).startswith("nothing could be scored: ")
    assert "0 edges and 6 other pairs: a ranking has no score" in connectivity_verdict(rows)
    _, table = connectivity_table(rows)
    # AUC, AP, E AP, I AP, MCC; r; r of edges, signs.
    assert table[0][1:] == [None] * 9
    known = true_connections(np.zeros((3, 3)), n_cells=3)
    assert [name for name, *_ in scored_figures([("gls", estimate)], known, rows)] == ["matrices"]


def test_notes_are_said_once() -> None:
    rows = [{"method": "a", "notes": ["x", "y"]}, {"method": "b", "notes": ["y"]}]
    assert score_notes(rows) == ["a: x", "y"]

"""What the network trains on: carried states, the scale of the residual, seeds."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
import var2
from numpy.testing import assert_allclose, assert_array_equal
from torch.nn import functional

from neurofit.estimators.baselines import training_step_size
from neurofit.estimators.next_step_program import NextStepProgram
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries, PrepareOptions, prepare
from neurofit.runs import Run
from neurofit.training import TrainOptions, train


def series(**options: object) -> PreparedSeries:
    return prepare(var2.recording(), PrepareOptions(**options))  # type: ignore[arg-type]


def network(cell: str = "gru", **options: object) -> NextStepNetwork:
    torch.manual_seed(1)
    return NextStepNetwork(cell=cell, n_channels=6, hidden=8, output="absolute", **options)  # type: ignore[arg-type]


def program(net: NextStepNetwork, **options: object) -> NextStepProgram:
    chosen = {"chunk": 50, "batch": 1, "carried": True, "patience": None, "seed": 0, **options}
    return NextStepProgram(net, series(), **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_one_stream_with_carried_state_is_one_unrolled_loop(tmp_path, cell):
    net = network(cell)
    result = train(program(net), TrainOptions(epochs=1, lr=0.0), Run.create(tmp_path / "run", {}), show=False)
    start, stop = series().spans["train"][0]
    steps = (stop - start - 1) // 50 * 50
    x = torch.from_numpy(np.array(series().read(start, start + steps + 1)))
    state, losses = net.initial_state(1), []
    with torch.no_grad():
        for t in range(steps):
            prediction, state = net(x[None, t : t + 1], state)
            losses.append(functional.mse_loss(prediction[0, 0], x[t + 1]).item())
    assert result.updates == steps // 50
    assert_allclose(result.history[0]["train"], np.mean(losses), rtol=1e-5)


def test_several_streams_see_every_chunk_in_order_with_their_own_state():
    made = program(network(), batch=4)
    rows = list(itertools.islice(made.batches(0), made.updates_per_epoch))
    assert {int(start) for row in rows for start in row.starts} == set(made.chunks.starts.tolist())
    assert rows[0].resets.all()
    for earlier, later in itertools.pairwise(rows):
        assert_array_equal(later.resets, later.starts != earlier.starts + 50)
    made.step(rows[0])
    carried = made.state[0].clone()
    alone = program(made.model, batch=1)
    for stream, start in enumerate(rows[0].starts):
        x = torch.from_numpy(np.array(series().read(start, start + 50)))
        _, (state,) = alone.model(x[None], alone.model.initial_state(1))
        assert_allclose(carried[:, stream].numpy(), state[:, 0].detach().numpy(), atol=1e-6)


def test_with_zero_state_every_epoch_draws_every_chunk_once():
    made = program(network(), batch=8, carried=False)
    batches = made.batches(0)
    epochs = [[next(batches) for _ in range(made.updates_per_epoch)] for _ in range(2)]
    drawn = [np.concatenate([batch.starts for batch in epoch]) for epoch in epochs]
    for order in drawn:
        assert_array_equal(np.sort(order), made.chunks.starts)
    assert not np.array_equal(*drawn)
    assert all(batch.resets.all() for batch in epochs[0])
    resumed = next(made.batches(made.updates_per_epoch + 2))
    assert_array_equal(resumed.starts, epochs[1][2].starts)


def test_residual_scale_is_the_size_of_a_training_step():
    prepared = series(zscore="none")
    (span,) = prepared.spans["train"]
    steps = np.diff(var2.var2()[span.start : span.stop].astype(np.float64), axis=0)
    assert_allclose(training_step_size(prepared), steps.std(axis=0), rtol=1e-4)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    runs = {name: var2.fit(out=tmp_path / name, seed=seed).run for name, seed in (("a", 1), ("b", 1), ("c", 2))}
    read = {(name, file): (run.path / file).read_bytes() for name, run in runs.items() for file in FILES}
    for file in FILES:
        assert read["a", file] == read["b", file]
    assert read["a", "model.safetensors"] != read["c", "model.safetensors"]


FILES = ("model.safetensors", "scores.json", "fitted.safetensors")


def test_zero_epochs_of_a_residual_network_are_persistence():
    model = var2.fit(epochs=0)
    scores = model.scores["test"]
    assert scores["network"]["mse"] == scores["mse_persistence"]
    network, persistence = (model.predict(predictor=name) for name in ("network", "persistence"))
    assert_array_equal(network.values, persistence.values)
    before = var2.var2()[2119:-1]
    assert_allclose(network.values, before, atol=1e-5 * np.abs(before).max())


def test_a_chunk_longer_than_the_training_span_is_refused():
    with pytest.raises(ValueError, match="expected at least 2501 for a chunk of 2500; use a smaller --chunk"):
        var2.fit(chunk=2500)


def test_metrics_are_finite_and_lead_to_the_best_epoch(fitted):
    rows = fitted.run.metrics()
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[1]["validation"] < rows[0]["validation"]
    assert fitted.fitted.validation_loss["network"] == pytest.approx(rows[1]["validation"], rel=1e-9)
    assert Path(fitted.run.model_path).read_bytes() == fitted.run.snapshot_path(2).read_bytes()

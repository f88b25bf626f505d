"""Lanes side by side against the network run along all of time, and against its own definition of a warm-up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import var2
from numpy.testing import assert_allclose

from neurofit.estimators import lanes
from neurofit.estimators.lanes import network_predictions
from neurofit.models import NextStepNetwork
from neurofit.preparation import PreparedSeries, Scored, prepare


@pytest.fixture(scope="module")
def series() -> PreparedSeries:
    return prepare(var2.recording(var2.var2(steps=3000)))


def network(series: PreparedSeries, *, memory: float) -> NextStepNetwork:
    torch.manual_seed(0)
    made = NextStepNetwork(cell="rnn", n_channels=series.n_channels, hidden=6, output="absolute")
    with torch.no_grad():
        made.recurrent.recurrence.weight_hh_l0.mul_(memory)
    return made


def along(made: NextStepNetwork, series: PreparedSeries, piece: Scored) -> np.ndarray:
    """Predictions of a stretch by one stream in time."""
    x = torch.tensor(series.read(piece.warm, piece.stop - 1))[None]
    with torch.no_grad():
        read_out, _ = made(x, made.initial_state(1))
    return read_out[0, piece.start - piece.warm - 1 :].numpy()


@pytest.mark.parametrize("stop", [121, 140, 1000, 1001, 1017, 2900])
@pytest.mark.parametrize("block", [1, 3 * 700, 2**23])
def test_every_sample_is_predicted_once_and_in_its_place(series, stop, block, monkeypatch):
    monkeypatch.setattr(lanes, "BLOCK_ENTRIES", block)
    monkeypatch.setattr(lanes, "LANE_WARMUP", 30)
    made, piece = network(series, memory=0.0), Scored(100, 120, stop)
    parts = list(network_predictions(made, series, piece))
    steps = [first + i for first, predictions in parts for i in range(len(predictions))]
    assert steps == list(range(120, stop))
    found = np.concatenate([predictions for _, predictions in parts])
    assert_allclose(found, along(made, series, piece), atol=1e-6)


def test_lanes_are_warm_and_the_first_knows_what_it_is_allowed_to(series, monkeypatch):
    monkeypatch.setattr(lanes, "LANE_WARMUP", 50)
    starts, steps = lanes._windows(Scored(100, 120, 1120))
    assert len(starts) == lanes.LANES
    assert starts[0] == 100
    assert starts[-1] + steps == 1119
    made, piece = network(series, memory=0.5), Scored(100, 120, 1120)
    ((_, found),) = network_predictions(made, series, piece)
    assert_allclose(found, along(made, series, piece), atol=1e-5)
    monkeypatch.setattr(lanes, "LANE_WARMUP", 1)
    ((_, cold),) = network_predictions(made, series, Scored(119, 120, 1120))
    assert np.abs(cold - along(made, series, piece)).max() > 1e-3


def test_a_short_stretch_is_one_lane(series):
    starts, steps = lanes._windows(Scored(0, 20, 700))
    assert (starts.tolist(), steps) == ([0], 699)

"""Objects of neo and pynapple against what those libraries say of them."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from neurofit_io import RecordingError, from_neo, from_pynapple

VALUES = np.random.default_rng(0).normal(-65, 5, (100, 3))


@pytest.fixture
def neo() -> Any:
    return pytest.importorskip("neo")


@pytest.fixture
def nap() -> Any:
    return pytest.importorskip("pynapple")


def segment(neo: Any, start_s: float = 1.0) -> Any:
    import quantities as pq

    out = neo.Segment()
    out.analogsignals.append(
        neo.AnalogSignal(VALUES * pq.mV, sampling_rate=2 * pq.kHz, t_start=start_s * pq.s, name="membrane")
    )
    return out


def test_neo_segment(neo: Any) -> None:
    import quantities as pq

    data = segment(neo)
    data.spiketrains.append(neo.SpikeTrain([5, 20] * pq.ms, t_start=0 * pq.s, t_stop=2 * pq.s, name="b"))
    data.spiketrains.append(neo.SpikeTrain([0.01] * pq.s, t_stop=2 * pq.s, name="a"))
    data.epochs.append(neo.Epoch([0, 1] * pq.s, [500, 250] * pq.ms, labels=["x", "y"], name="trials"))
    got = from_neo(data, kind="vm")
    signal = got.signals["vm"]
    assert (signal.unit, signal.rate_hz, signal.start_s) == ("mV", 2000, 1)
    np.testing.assert_array_equal(signal.read(), VALUES.astype(np.float32))
    assert got.spikes is not None
    assert (got.spikes.unit_ids.tolist(), got.spikes.stop_s) == (["b", "a"], 2)
    np.testing.assert_allclose(got.spikes.times_of(0), [0.005, 0.02])
    assert got.trials is not None
    np.testing.assert_allclose(got.trials.stop_s, [0.5, 1.25])
    assert got.trials.columns["label"].tolist() == ["x", "y"]


def test_neo_block_has_sweeps(neo: Any) -> None:
    block = neo.Block()
    block.segments += [segment(neo, 0.0), segment(neo, 3.0)]
    signal = from_neo(block).signals["membrane"]
    assert (signal.kind, signal.unit, signal.shape) == ("other", "mV", (200, 3))
    assert [(s.start, s.stop, s.start_s) for s in signal.segments] == [(0, 100, 0), (100, 200, 3)]


def test_neo_irregular(neo: Any) -> None:
    import quantities as pq

    times = np.array([0.0, 0.1, 0.4])
    data = neo.Segment()
    data.irregularlysampledsignals.append(neo.IrregularlySampledSignal(times * pq.s, VALUES[:3] * pq.dimensionless))
    signal = from_neo(data).signal()
    np.testing.assert_array_equal(signal.time_s(), times)
    assert signal.rate_hz is None or len(signal.segments) > 1


def test_neo_refuses_other_objects(neo: Any) -> None:
    with pytest.raises(RecordingError, match="a ndarray; expected a neo Block or Segment"):
        from_neo(VALUES)


def test_pynapple(nap: Any) -> None:
    times = 2 + np.arange(100) / 50
    group = nap.TsGroup(
        {3: nap.Ts([2.1, 2.5]), 7: nap.Ts([3.0, 3.2])},
        time_support=nap.IntervalSet(2, 4),
        metadata={"area": ["ca1", "ca3"]},
    )
    data = {
        "lfp": nap.TsdFrame(t=times, d=VALUES, columns=["a", "b", "c"]),
        "spikes": group,
        "epochs": nap.IntervalSet([2.0, 3.0], [2.5, 3.5]),
    }
    got = from_pynapple(data, kind="lfp", unit="mV")
    signal = got.signals["lfp"]
    assert (signal.unit, signal.rate_hz, signal.channel_ids.tolist()) == ("uV", pytest.approx(50), ["a", "b", "c"])
    np.testing.assert_allclose(signal.read(), VALUES * 1000, rtol=1e-6)
    assert got.spikes is not None
    assert (got.spikes.unit_ids.tolist(), got.spikes.start_s, got.spikes.stop_s) == ([3, 7], 2, 4)
    assert got.spikes.columns["area"].tolist() == ["ca1", "ca3"]
    counts = got.spikes.binned(100).read()
    np.testing.assert_array_equal(counts[:-1], np.asarray(group.count(0.1).values)[: len(counts) - 1])
    assert got.intervals["epochs"].stop_s.tolist() == [2.5, 3.5]


def test_pynapple_alone(nap: Any) -> None:
    signal = from_pynapple(nap.Tsd(t=np.arange(5.0), d=np.arange(5.0)), kind="dff").signal("dff")
    assert signal.shape == (5, 1)
    spikes = from_pynapple(nap.Ts([0.5, 1.5])).spikes
    assert spikes is not None
    assert spikes.times_s.tolist() == [0.5, 1.5]
    with pytest.raises(RecordingError, match="a ndarray; expected Tsd, TsdFrame"):
        from_pynapple(VALUES)


@pytest.mark.parametrize(("convert", "name"), [(from_neo, "neo"), (from_pynapple, "pynapple")])
def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, convert: Any, name: str) -> None:
    def missing(module: str) -> Any:
        raise ImportError(module)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(RecordingError, match=rf"{name} is not installed; pip install 'neurofit\[{name}\]'"):
        convert(None)

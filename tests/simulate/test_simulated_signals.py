"""[Ca] and fields against literal sums, and reads that give the same bytes whatever is read with them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.typing import NDArray

from neurofit.simulate.calcium import CalciumSource
from neurofit.simulate.fields import BLOCK_ELECTRODES, BLOCK_STEPS, FieldSource, beside, depth_probe, lead_field
from neurofit.simulate.spike_shape import action_current, pasted_voltage
from neurofit.simulate.wiring import draw_positions
from neurofit_io.sources import ArraySource, Source

STEPS, CELLS = 1000, 7


def some_spikes(seed: int = 0, cells: int = CELLS) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Steps, from some before the recording on, and cells; the last cell stays silent, one spikes at the first step."""
    rng = np.random.default_rng(seed)
    steps, who = np.sort(rng.integers(-300, STEPS, 60)), rng.integers(0, cells - 1, 60)
    order = np.searchsorted(steps, [0, STEPS - 1])
    return np.insert(steps, order, [0, STEPS - 1]), np.insert(who, order, [2, 3])


def fields(n: int = CELLS, electrodes: int | None = None) -> FieldSource:
    rng = np.random.default_rng(1)
    positions = draw_positions(n, rng)
    places = beside(positions) if electrodes is None else depth_probe(electrodes, 400.0)
    current = ArraySource(rng.normal(100, 50, (STEPS, n)).astype(np.float32))
    return FieldSource(current, *some_spikes(cells=n), lead_field(places, positions).astype(np.float32), 0.1)


def test_calcium_is_the_sum_over_spikes() -> None:
    steps, cells = some_spikes()
    source = CalciumSource(steps, cells, (STEPS, CELLS), 0.1)
    expected = np.full((STEPS, CELLS), 0.05)
    for t in range(STEPS):
        for step, cell in zip(steps, cells, strict=True):
            if step <= t:
                expected[t, cell] += 0.1 * np.exp(-(t - step) * 0.1 / 200)
    np.testing.assert_allclose(source.read(0, STEPS), expected, rtol=1e-6)
    assert (source.read(0, STEPS)[:, -1] == np.float32(0.05)).all()


def test_calcium_without_spikes_rests() -> None:
    nothing = np.empty(0, np.int64)
    np.testing.assert_array_equal(CalciumSource(nothing, nothing, (5, 3), 0.1).read(1, 4), np.full((3, 3), 0.05, "f4"))


def test_a_cell_alone_is_a_dipole() -> None:
    soma = np.array([[0.0, 0.0, 100.0]])
    away = lead_field(np.array([[50.0, 0.0, 100.0], [50.0, 0.0, 250.0], [3.0, 0.0, 100.0], [0.0, 0.0, 251.0]]), soma)
    far = 1 / np.hypot(50, 150)
    scale = 4 * np.pi * 0.3
    expected = [1 / 50 - far, far - 1 / 50, 1 / 12 - 1 / np.hypot(3, 150), 1 / 151 - 1 / 12]
    np.testing.assert_allclose(away[:, 0] * scale, expected, rtol=1e-12)
    # 1 nA leaving a point 100 um away in 0.3 S/m is 2.65 uV; the return takes its part of it.
    assert 1e-9 / (scale * 100e-6) * 1e6 == pytest.approx(2.6526, abs=1e-4)


def test_fields_are_the_literal_double_sum() -> None:
    source = fields()
    template, current = action_current(0.1).astype(float), source.current.read(0, STEPS).astype(float)
    for t in [*range(60), *range(BLOCK_STEPS - 2, BLOCK_STEPS + 3), STEPS - 1]:
        for electrode in (0, 4, 6):
            expected = 0.0
            for cell in range(CELLS):
                outward = -current[t, cell]
                for step, who in zip(source.steps, source.cells, strict=True):
                    if who == cell and 0 <= t - step < len(template):
                        outward += template[t - step]
                expected += outward * float(source.lead[electrode, cell])
            assert source.read(t, t + 1)[0, electrode] == pytest.approx(expected, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("dt_ms", [0.02, 0.1, 0.5])
def test_action_currents_return_their_charge(dt_ms: float) -> None:
    template = action_current(dt_ms)
    assert len(template) == round(3 / dt_ms)
    assert abs(template.sum()) < 1e-6 * np.abs(template).sum()
    assert template.min() < -2800
    assert 0 < template.max() < 1000
    assert template.argmin() < template.argmax()


@pytest.mark.parametrize("dt_ms", [0.02, 0.1, 0.5])
def test_the_pasted_voltage_goes_from_threshold_to_peak_to_reset(dt_ms: float) -> None:
    shape = pasted_voltage(threshold_mv=-50, reset_mv=-60, refractory_ms=2, dt_ms=dt_ms)
    t_ms = np.arange(len(shape)) * dt_ms
    assert shape[0] == -50
    assert 0 < shape.max() <= 25 + 1e-5
    assert abs(t_ms[shape.argmax()] - 0.4) <= dt_ms
    assert (np.diff(shape[t_ms >= 0.4]) < 0).all()
    assert -60 < shape[-1] < -48


SOURCES = {
    "calcium": lambda: CalciumSource(*some_spikes(), (STEPS, CELLS), 0.1),
    "extracellular": fields,
    "many electrodes": lambda: fields(BLOCK_ELECTRODES + 40),
    "lfp": lambda: fields(electrodes=16),
}


@pytest.mark.parametrize("name", SOURCES)
def test_reads_do_not_depend_on_slabs_or_channels(name: str) -> None:
    source: Source = SOURCES[name]()
    assert source.dtype == np.float32
    whole = source.read(0, STEPS)
    assert whole.shape == source.shape
    for size in (1, 37, BLOCK_STEPS, BLOCK_STEPS + 1, 999):
        starts = range(0, STEPS, size) if size > 1 else (0, 255, 256, 999)
        for start in starts:
            np.testing.assert_array_equal(source.read(start, min(start + size, STEPS)), whole[start : start + size])
    channels = np.array([source.shape[1] - 1, 0, 3, 3])
    np.testing.assert_array_equal(source.read(200, 800, channels), whole[200:800, channels])
    assert source.read(10, 10).shape == (0, source.shape[1])
    assert source.read(10, 20, np.empty(0, np.intp)).shape == (10, 0)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source)).read(5, 50), whole[5:50])

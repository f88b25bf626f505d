"""The baselines of a prepared series with measured inputs: units, spans, and what the inputs are worth."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.estimators.baselines import fit_series_baselines
from neurofit.linear import windows
from neurofit.linear.predictors import predict_with
from neurofit.preparation import PreparedSeries, PrepareOptions, prepare
from neurofit_io import Provenance, Recording, load, signal_from_array
from neurofit_io.joining import join

N_STEPS = 4000
DRIVE = np.array([0.02, -0.01])
"""mV a step and pA, by channel."""


def recording(seed: int = 0) -> Recording:
    """A voltage that follows the current of the step before, and its own past."""
    rng = np.random.default_rng(seed)
    current = np.repeat(rng.normal(100.0, 50.0, N_STEPS // 8), 8)
    vm = np.zeros((N_STEPS, 2))
    for t in range(1, N_STEPS):
        vm[t] = 0.8 * vm[t - 1] + DRIVE * current[t - 1] + 0.1 * rng.normal(size=2)
    signals = {
        "vm": signal_from_array(vm - 70, name="vm", unit="mV", rate_hz=1000.0),
        "current": signal_from_array(current, name="current", unit="pA", rate_hz=1000.0),
    }
    return Recording(Provenance("memory", "test"), signals)


OPTIONS = PrepareOptions(signal="vm", inputs=("current",))


def errors(series: PreparedSeries, name: str) -> float:
    """Pooled squared error of a baseline on the validation span, in squared training standard deviations."""
    predictor, missed = fit_series_baselines(series).predictors()[name], []
    for stretch in series.spans["validation"]:
        values = series.in_score_units(series.read(*stretch))
        joint = np.concatenate([values, series.read_inputs(*stretch)], axis=1)
        for window in windows([(joint, True)], history=series.max_order):
            predicted = predict_with(predictor, window[:, :2], window[:, 2:], history=series.max_order)
            missed.append(window[series.max_order :, :2] - predicted)
    return float(np.square(np.concatenate(missed)).mean())


@pytest.mark.filterwarnings("ignore:leak")
@pytest.mark.parametrize("zscore", ["train", "all", "none"])
def test_fitted_on_training_in_score_units(zscore: str) -> None:
    series = prepare(recording(), PrepareOptions(signal="vm", inputs=("current",), zscore=zscore))
    baselines = fit_series_baselines(series)
    assert baselines.best() == "arx"
    for name, mse in baselines.validation_mse.items():
        assert mse == pytest.approx(errors(series, name), rel=1e-6)
    noise = np.mean(0.1**2 / np.square(series.standardiser.train_std))
    assert baselines.validation_mse["arx"] == pytest.approx(noise, rel=0.15)
    arx = baselines.arx
    assert arx is not None
    assert series.inputs is not None
    scale = series.standardiser.train_std / series.inputs.standardiser.std
    np.testing.assert_allclose(arx.input_coefficients[0, :, 0] * scale, DRIVE, rtol=0.02)


def test_without_a_validation_span_the_end_of_training_chooses() -> None:
    series = prepare(recording(), PrepareOptions(signal="vm", inputs=("current",), validation_fraction=0.0))
    assert fit_series_baselines(series).best() == "arx"


def test_without_inputs_there_is_no_arx() -> None:
    baselines = fit_series_baselines(prepare(recording(), PrepareOptions(signal="vm")))
    assert (baselines.arx, baselines.arx_note) == (None, None)


def test_no_window_crosses_from_file_to_file() -> None:
    both = prepare(join([recording(0), recording(1)]), OPTIONS)
    assert fit_series_baselines(both).validation_mse["arx"] == pytest.approx(errors(both, "arx"), rel=1e-6)


@pytest.mark.filterwarnings("ignore::neurofit_io.RecordingWarning")
@pytest.mark.parametrize(
    "file", ["nwb_icephys_ferguson/FergusonEtAl2015_PYR2.nwb", "nwb_icephys_hippocampus/99111002.nwb"]
)
def test_injected_current_helps_on_real_cells(shared_data, file):
    series = prepare(load(shared_data / file), PrepareOptions(signal="vm", inputs=("stimulus",)))
    mse = fit_series_baselines(series).validation_mse
    assert mse["arx"] <= mse["ar"]

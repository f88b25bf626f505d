"""What is kept in memory, what is not, and that nobody else's values are overwritten."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.preparation.moments import moments_over
from neurofit.preparation.residency import fits, in_memory, resident, scratch
from neurofit.preparation.splitting import Stretch
from neurofit.preparation.standardising import standardise
from neurofit_io import Signal, signal_from_array
from neurofit_io.sources import ArraySource

VALUES = np.random.default_rng(0).standard_normal((500, 4)).astype(np.float32)
GB = VALUES.nbytes / 1e9


def signal() -> Signal:
    return signal_from_array(VALUES.copy(), name="vm", unit="mV", rate_hz=1000.0)


def test_the_limit():
    assert fits(VALUES.shape, GB)
    assert not fits(VALUES.shape, 0.999 * GB)
    assert fits((250_000_000, 1))
    assert not fits((250_000_001, 1))
    assert not fits((1, 1), 0)


def test_values_are_turned_where_they_were_read():
    """The standardised values take the place of the physical ones, and no one's own array is written to."""
    own = signal()
    loaded = in_memory(own, GB)
    moments = moments_over(own, (Stretch(0, 500),))
    standardiser = standardise(moments, moments, "train")
    values = resident(loaded, standardiser, GB)
    np.testing.assert_allclose(values, (VALUES - VALUES.mean(axis=0)) / VALUES.std(axis=0), rtol=1e-4, atol=1e-6)
    assert np.shares_memory(values, loaded.source.values)
    np.testing.assert_array_equal(own.source.values, VALUES)
    again = resident(own, standardiser, GB)
    np.testing.assert_array_equal(again, values)
    np.testing.assert_array_equal(own.source.values, VALUES)
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 0


def test_above_the_limit_nothing_is_read():
    own = signal()
    assert in_memory(own, 0.5 * GB) is own
    assert resident(own, None, 0.5 * GB) is None


def test_scratch_in_a_file_is_an_array_like_any_other():
    plain, mapped = scratch(VALUES.shape, GB), scratch(VALUES.shape, 0.5 * GB)
    assert not isinstance(plain, np.memmap)
    assert isinstance(mapped, np.memmap)
    for array in (plain, mapped):
        for first in range(0, 500, 60):
            array[first : first + 60] = VALUES[first : first + 60]
        np.testing.assert_array_equal(ArraySource(array).read(0, 500), VALUES)

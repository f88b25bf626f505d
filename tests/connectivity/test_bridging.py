"""Lines across own spikes against the mask and the interpolation that say what they are."""

from __future__ import annotations

import numpy as np
import pytest
from surrogates import noise_voltages, vm_signal

from neurofit.connectivity.blanking import blank_mask, interpolate_blanks
from neurofit.connectivity.bridging import bridge_spikes
from neurofit_io import spikes_from_lists


@pytest.mark.parametrize(("start", "stop"), [(0, 2000), (310, 700), (5, 9)])
def test_lines_are_those_of_the_mask(start: int, stop: int) -> None:
    rng = np.random.default_rng(0)
    trains = [rng.uniform(0, 0.2, n) for n in (0, 1, 10, 60, 3000)]
    # Ends of the recording, and bursts whose blanks touch or are a step apart.
    trains += [np.array([0.0, 0.0001, 0.1999]), np.array([0.05, 0.0526, 0.0553, 0.08])]
    spikes = spikes_from_lists([np.sort(t) for t in trains], stop_s=0.2)
    vm = vm_signal(noise_voltages(len(trains), 2000, seed=1))
    mask = blank_mask(spikes, vm, start, stop)
    expected = interpolate_blanks(vm.read(start, stop), mask)
    found = vm.read(start, stop)
    steps = np.floor(spikes.times_s * 1e4 + 1e-6).astype(np.int64) - start
    bridge_spikes(found, steps, spikes.units, before=2, after=23)
    assert mask.any()
    np.testing.assert_allclose(found, expected, atol=1e-5)

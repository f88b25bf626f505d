"""What spike sorting and spike inference do wrong: spikes that are missed, and spikes taken for another cell's."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from neurofit_io import RecordingError, Spikes
from neurofit_io.spikes import sorted_spikes


def without_missed(spikes: Spikes, share: float, rng: np.random.Generator) -> Spikes:
    """The spikes without each of them with probability `share`."""
    kept = rng.random(spikes.n_spikes) >= share
    return dataclasses.replace(spikes, times_s=spikes.times_s[kept], units=spikes.units[kept])


def misattributed(spikes: Spikes, share: float, rng: np.random.Generator) -> Spikes:
    """The spikes, each of them with probability `share` given to another unit.

    That is the nearest one where positions are known, which is what merged clusters of spikes look like, and any one,
    anew for each spike, where they are not.

    Raises:
        RecordingError: There is only one unit.
    """
    n_units = spikes.n_units
    if n_units < 2:
        raise RecordingError("", f"{n_units} unit", place=spikes.name, expected="two, to take one for the other")
    wrong = rng.random(spikes.n_spikes) < share
    owners = spikes.units[wrong]
    positions = spikes.positions_um
    if positions is not None and np.isfinite(positions).all():
        others = nearest(positions)[owners]
    else:
        others = (owners + rng.integers(1, n_units, len(owners))) % n_units
    units = spikes.units.copy()
    units[wrong] = others
    more = {f.name: getattr(spikes, f.name) for f in dataclasses.fields(spikes) if f.name not in ("times_s", "units")}
    return sorted_spikes(spikes.times_s, units, **more)


def nearest(positions_um: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each cell another one that lies nearest, (cells,)."""
    _, found = cKDTree(positions_um).query(positions_um, k=2)
    # Cells in one place find themselves second.
    own = np.arange(len(positions_um))
    return np.where(found[:, 0] == own, found[:, 1], found[:, 0])

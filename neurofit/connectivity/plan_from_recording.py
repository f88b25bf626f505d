"""What a recording that exists says about a planned one: cells, rates, samples, noise, and density where known."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from neurofit.connectivity.blanking import blank_mask
from neurofit.connectivity.cells import same_cells
from neurofit.connectivity.plan_options import PlanOptions
from neurofit_io import Connectivity, Recording, RecordingError, Signal, Spikes

LOOK_S = 20.0
_SLAB = 20_000


def plan_of_recording(recording: Recording, options: PlanOptions | None = None) -> tuple[PlanOptions, list[str]]:
    """Options with everything that the recording can tell in place of the assumed values.

    Args:
        recording: It needs spikes; Vm, and connections, are used where they are there.
        options: Values of what it cannot tell.

    Returns:
        The options, and what was taken from where, a sentence each.

    Raises:
        RecordingError: No spikes, or fewer than two cells that fire.
    """
    place = str(recording.provenance.path)
    spikes, vm = recording.spikes, recording.signals.get("vm")
    if spikes is None:
        raise RecordingError(place, "no spikes", expected="spikes, to know the rates", do="give --rate-hz and no file")
    changes, notes = _rates(spikes, place), []
    notes.append(f"cells, mean rate and its spread, unless given, are those of {spikes.name}")
    if vm is None:
        notes.append("no Vm: its noise and its samples are assumed")
    else:
        noise, seconds = noise_mv(vm, same_cells(vm, spikes, place=place))
        changes |= {"neurons": vm.shape[1], "noise_mv": noise, "sample_ms": 1e3 / float(vm.rate_hz or np.nan)}
        notes.append(
            f"noise, unless given, is the standard deviation of Vm away from spikes, median over cells, first "
            f"{seconds:g} s; input from recorded cells counts as noise too, so the plan is cautious"
        )
    if recording.connectivity is not None and recording.connectivity.recurrent:
        changes |= _wiring(recording.connectivity)
        notes.append(f"density and excitatory share, unless given, are those of {recording.connectivity.name}")
    notes.append("sizes of postsynaptic potentials and time constants are assumed where not given")
    return dataclasses.replace(options or PlanOptions(), **changes), notes


def noise_mv(vm: Signal, spikes: Spikes) -> tuple[float, float]:
    """Standard deviation of Vm away from own spikes, median over cells, mV.

    Args:
        vm: Voltages.
        spikes: Spikes; unit i is channel i of `vm`.

    Returns:
        The standard deviation, and the seconds from the beginning that were looked at.
    """
    n_steps = min(vm.shape[0], round(LOOK_S * float(vm.rate_hz or np.nan)))
    count, total, squares = (np.zeros(vm.shape[1]) for _ in range(3))
    shift = None
    for start in range(0, n_steps, _SLAB):
        stop = min(start + _SLAB, n_steps)
        values = np.asarray(vm.read(start, stop), dtype=np.float64)
        kept = ~blank_mask(spikes, vm, start, stop) & np.isfinite(values)
        # Squares are summed around a value of the signal: around 0 they would lose the digits of the variance.
        shift = np.nan_to_num(values[0]) if shift is None else shift
        centred = np.where(kept, values - shift, 0.0)
        count, total, squares = count + kept.sum(0), total + centred.sum(0), squares + np.square(centred).sum(0)
    count = np.maximum(count, 1)
    variance = squares / count - np.square(total / count)
    return float(np.median(np.sqrt(np.maximum(variance, 0)))), n_steps / float(vm.rate_hz or np.nan)


def _rates(spikes: Spikes, place: str) -> dict[str, Any]:
    counts = spikes.per_unit()
    firing = counts[counts > 0]
    if len(firing) < 2:
        raise RecordingError(place, f"{len(firing)} of {spikes.n_units} cells fire", expected="at least two that do")
    return {
        "neurons": spikes.n_units,
        "rate_hz": float(counts.mean() / spikes.duration_s),
        "rate_spread": float(np.log(firing).std()),
    }


def _wiring(connectivity: Connectivity) -> dict[str, Any]:
    share = connectivity.n_connected_pairs / max(connectivity.n_possible_pairs, 1)
    changes: dict[str, Any] = {"density": share} if 0 < share < 1 else {}
    if connectivity.pre_types is not None and (known := connectivity.pre_types[connectivity.pre_types != ""]).size:
        changes["excitatory_share"] = float((known == "e").mean())
    return changes

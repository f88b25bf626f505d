"""A spiking network whose connections are known, recorded in every way at once.

The network steps through time once. What cannot be computed again, Vm and the synaptic currents, is kept as it is made,
in memory or in two files; [Ca] and the fields are computed from these and the spikes when they are read, so that a
recording larger than memory can be simulated and saved. The seed decides everything.

A spike happens at the step k at which the voltage has reached its threshold; its time is k dt, that of sample k.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurofit.simulate import fields, regimes, wiring
from neurofit.simulate.calcium import CALCIUM_UNIT, CalciumSource
from neurofit.simulate.membrane import BLOCK, Integrator
from neurofit.simulate.network_options import NetworkOptions
from neurofit.simulate.spool import Spool
from neurofit_io import Clock, Connectivity, Provenance, Recording, RecordingError, Signal
from neurofit_io.sources import Source
from neurofit_io.spikes import Spikes, sorted_spikes

SETTLING_MS = 500.0
"""Time that is simulated before the recording begins, ms, at least."""
CONTACTS = 32
"""Contacts of the depth probe."""
SIGNALS = ("vm", "calcium", "extracellular", "lfp")


def simulate_network(
    options: NetworkOptions | None = None,
    *,
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    signals: tuple[str, ...] = SIGNALS,
) -> Recording:
    """Simulates a network of conductance-based integrate-and-fire cells.

    Args:
        options: The network and how long it is recorded; the defaults when None.
        folder: Where to keep Vm and currents while the recording is in use, as `vm.f4` and `current.f4`; it has to
            outlive the recording. None keeps them in memory, 4 to 8 bytes a step and cell.
        progress: Called with steps done and steps in all, settling included.
        signals: Which of `vm` (mV), `calcium` (uM), `extracellular` (uV, an electrode beside each soma) and `lfp` (uV,
            along the column's axis) the recording has.

    Returns:
        The signals, the train `spikes` and the true `connectivity` (nS, negative for inhibitory presynaptic cells).

    Raises:
        RecordingError: A signal that is not known, or a folder that cannot be written to.
    """
    options = options or NetworkOptions()
    unknown = [name for name in signals if name not in SIGNALS]
    if unknown:
        raise RecordingError("", f"signal {unknown[0]!r}", expected=f"some of {', '.join(SIGNALS)}")
    drawn, moving = (np.random.default_rng([options.seed, part]) for part in (0, 1))
    positions = wiring.draw_positions(options.neurons, drawn)
    synapses, background = regimes.synapses(options), regimes.background(options)
    connections = wiring.draw_wiring(positions, synapses, dt_ms=options.dt_ms, rng=drawn)
    settling = BLOCK * int(np.ceil(SETTLING_MS / options.dt_ms / BLOCK))
    fields_wanted = any(name in signals for name in ("extracellular", "lfp"))
    integrator = Integrator(
        connections, background, dt_ms=options.dt_ms, rng=moving, first=-settling, current=fields_wanted
    )
    kept = [name for name, wanted in (("vm", "vm" in signals), ("current", fields_wanted)) if wanted]
    spool = Spool(kept, (options.n_steps, options.neurons), folder)
    try:
        steps, cells = _run(integrator, spool, settling, options.n_steps, progress)
    except OSError as error:
        raise RecordingError(
            folder or "", f"could not be written ({error.strerror})", do="see that the disk has room for it"
        ) from error
    activity = _Activity(options, positions, steps, cells, spool.sources())
    metadata = {
        "network": dataclasses.asdict(options),
        "synapses": dataclasses.asdict(synapses),
        "background": dataclasses.asdict(background),
    }
    return Recording(
        Provenance(Path("simulated network"), "simulation", metadata=metadata),
        {name: activity.signal(name) for name in SIGNALS if name in signals},
        {"spikes": activity.spikes()},
        {"connectivity": _truth(connections, positions, options.dt_ms)},
    )


def _run(
    integrator: Integrator,
    spool: Spool,
    settling: int,
    n_steps: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Steps through settling and recording; steps and cells of all spikes before the end."""
    steps, cells = [], []
    with spool:
        while integrator.step < n_steps:
            block = integrator.advance()
            if block.first >= 0:
                spool.keep(block.first, {"vm": block.vm, "current": block.current})
            steps.append(block.steps)
            cells.append(block.cells)
            if progress is not None:
                progress(settling + min(integrator.step, n_steps), settling + n_steps)
    all_steps, all_cells = np.concatenate(steps), np.concatenate(cells)
    within = all_steps < n_steps
    return all_steps[within], all_cells[within]


@dataclass(frozen=True, eq=False)
class _Activity:
    """What the network did, from which the signals are made."""

    options: NetworkOptions
    positions_um: NDArray[np.float64]
    steps: NDArray[np.int64]
    cells: NDArray[np.int64]
    sources: Mapping[str, Source]

    def signal(self, name: str) -> Signal:
        """One of `SIGNALS`."""
        options, places = self.options, self.positions_um
        unit = {"vm": "mV", "calcium": CALCIUM_UNIT}.get(name, "uV")
        source: Source
        if name == "vm":
            source = self.sources["vm"]
        elif name == "calcium":
            source = CalciumSource(self.steps, self.cells, (options.n_steps, options.neurons), options.dt_ms)
        else:
            places = (
                fields.beside(places) if name == "extracellular" else fields.depth_probe(CONTACTS, wiring.HEIGHT_UM)
            )
            lead = fields.lead_field(places, self.positions_um).astype(np.float32)
            source = fields.FieldSource(
                self.sources["current"], self.steps, self.cells, lead, options.dt_ms, f"simulated {name}"
            )
        return Signal(name, name, unit, source, Clock(options.n_steps, 1000 / options.dt_ms), positions_um=places)

    def spikes(self) -> Spikes:
        """The train of the recorded spikes."""
        options, recorded = self.options, self.steps >= 0
        times_s = self.steps[recorded] * options.dt_ms / 1000
        return sorted_spikes(
            times_s, self.cells[recorded], name="spikes", unit_ids=np.arange(options.neurons), start_s=0.0,
            stop_s=options.n_steps * options.dt_ms / 1000, positions_um=self.positions_um,
        )  # fmt: skip


def _truth(connections: wiring.Wiring, positions_um: NDArray[np.float64], dt_ms: float) -> Connectivity:
    ids, types = np.arange(connections.n_cells), np.where(connections.excitatory, "e", "i")
    return Connectivity(
        "connectivity", connections.post, connections.pre, connections.signed_weights_ns, ids, ids, "nS",
        (connections.delay_steps * dt_ms).astype(np.float64), types, types, positions_um, positions_um,
    )  # fmt: skip

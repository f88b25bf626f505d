"""A recording: signals, spikes, trials and true connections on one clock, read when needed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurofit_io.connectivity import Connectivity
from neurofit_io.errors import RecordingError
from neurofit_io.signals import Signal
from neurofit_io.spikes import Spikes
from neurofit_io.trials import Trials


@dataclass(frozen=True)
class Provenance:
    """Where a recording came from.

    Args:
        path: What was given to `load`.
        format: `sonata`, `nwb`, `raw`, `hdf5`, `neurofit`, `matlab`, `numpy`, `csv`, `suite2p`, `lfads`, ...
        files: Every file that was read, for the fingerprint.
        metadata: What the file says about itself (session, subject, version, licence), JSON-able.
        notes: What was skipped or assumed, a sentence each.
        parts: Those of the recordings that this one was joined of; `path` is then a name for all of them.
    """

    path: Path
    format: str
    files: tuple[Path, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    parts: tuple[Provenance, ...] = ()


@dataclass(frozen=True, eq=False)
class Recording:
    """What one file or folder holds.

    Args:
        provenance: Where it came from.
        signals: By name: `vm`, `calcium`, `extracellular`, ...
        spike_trains: By name: `spikes`, and others with a suffix.
        connectivities: By name: `connectivity` for the recorded cells, others with a suffix.
        intervals: By name: `trials`, `epochs`, ...
        unavailable: Signals that are there but cannot be had, by name, and why.
    """

    provenance: Provenance
    signals: Mapping[str, Signal] = field(default_factory=dict)
    spike_trains: Mapping[str, Spikes] = field(default_factory=dict)
    connectivities: Mapping[str, Connectivity] = field(default_factory=dict)
    intervals: Mapping[str, Trials] = field(default_factory=dict)
    unavailable: Mapping[str, RecordingError] = field(default_factory=dict)

    @property
    def spikes(self) -> Spikes | None:
        """The spikes of the recorded cells, if there are any."""
        return self.spike_trains.get("spikes")

    @property
    def connectivity(self) -> Connectivity | None:
        """The connections among the recorded cells, if they are known."""
        return self.connectivities.get("connectivity")

    @property
    def trials(self) -> Trials | None:
        """The trials, if there are any."""
        return self.intervals.get("trials")

    def signal(self, name: str | None = None, *, bin_ms: float | None = None) -> Signal:
        """The signal called `name`; spikes are binned into counts.

        Args:
            name: As `neurofit info` lists it; None when there is only one candidate.
            bin_ms: Bin width for spikes, ms.

        Raises:
            RecordingError: No such signal, several candidates and no name, or spikes without `bin_ms`.
        """
        names = [*self.signals, *self.spike_trains, *self.unavailable]
        if name is None:
            if len(names) != 1:
                listed = ", ".join(f"--signal {shlex.quote(n)}" for n in names) or "none"
                raise RecordingError(
                    self.provenance.path, f"{len(names)} signals: {listed}", expected="one", do="choose with --signal"
                )
            name = names[0]
        if name in self.unavailable:
            raise self.unavailable[name]
        if name in self.signals:
            return self.signals[name]
        if name in self.spike_trains:
            if bin_ms is None:
                raise RecordingError(self.provenance.path, f"{name} are spikes", do="give a bin width with --bin-ms")
            return self.spike_trains[name].binned(bin_ms, place=str(self.provenance.path))
        raise RecordingError(
            self.provenance.path, f"no signal {name!r}", expected=f"one of {', '.join(names) or 'none'}"
        )


def unique_names(names: Iterable[str]) -> list[str]:
    """The names in order, repeated ones numbered `_2`, `_3`, ..."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return out

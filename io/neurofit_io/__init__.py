"""Recordings in, recordings out: lazily, in physical units, with what the file says about itself.

Everything here is imported when it is first used, so that a command's help costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofit_io.checking import Finding as Finding
    from neurofit_io.checking import check as check
    from neurofit_io.clock import Clock as Clock
    from neurofit_io.clock import Segment as Segment
    from neurofit_io.connectivity import Connectivity as Connectivity
    from neurofit_io.connectivity import connectivity_from_matrix as connectivity_from_matrix
    from neurofit_io.errors import RecordingError as RecordingError
    from neurofit_io.errors import RecordingWarning as RecordingWarning
    from neurofit_io.interop import from_neo as from_neo
    from neurofit_io.interop import from_pynapple as from_pynapple
    from neurofit_io.joining import join as join
    from neurofit_io.loading import load as load
    from neurofit_io.options import LoadOptions as LoadOptions
    from neurofit_io.recording import Provenance as Provenance
    from neurofit_io.recording import Recording as Recording
    from neurofit_io.saving import save as save
    from neurofit_io.signals import Signal as Signal
    from neurofit_io.signals import signal_from_array as signal_from_array
    from neurofit_io.spikes import Spikes as Spikes
    from neurofit_io.spikes import spikes_from_lists as spikes_from_lists
    from neurofit_io.trials import Trials as Trials

_HOME = {
    "Clock": "clock", "Connectivity": "connectivity", "Finding": "checking", "LoadOptions": "options",
    "Provenance": "recording", "Recording": "recording", "RecordingError": "errors", "RecordingWarning": "errors",
    "Segment": "clock", "Signal": "signals", "Spikes": "spikes", "Trials": "trials", "check": "checking",
    "connectivity_from_matrix": "connectivity", "from_neo": "interop", "from_pynapple": "interop", "join": "joining",
    "load": "loading", "save": "saving", "signal_from_array": "signals", "spikes_from_lists": "spikes",
}  # fmt: skip

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

"""From a recording to arrays: select, clean, bin, standardise, split, chunk.

Everything here is imported when it is first used, so that a command's help costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofit.preparation.chunks import Streams as Streams
    from neurofit.preparation.chunks import consecutive_chunks as consecutive_chunks
    from neurofit.preparation.chunks import parallel_streams as parallel_streams
    from neurofit.preparation.options import PrepareOptions as PrepareOptions
    from neurofit.preparation.preparing import prepare as prepare
    from neurofit.preparation.series import Frozen as Frozen
    from neurofit.preparation.series import PreparedSeries as PreparedSeries
    from neurofit.preparation.series import Span as Span
    from neurofit.preparation.splitting import Scored as Scored
    from neurofit.preparation.splitting import Split as Split
    from neurofit.preparation.splitting import Stretch as Stretch
    from neurofit.preparation.standardising import Standardiser as Standardiser

_HOME = {
    "Frozen": "series", "PrepareOptions": "options", "PreparedSeries": "series", "Scored": "splitting",
    "Span": "series", "Split": "splitting", "Standardiser": "standardising", "Streams": "chunks",
    "Stretch": "splitting", "consecutive_chunks": "chunks", "parallel_streams": "chunks", "prepare": "preparing",
}  # fmt: skip

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

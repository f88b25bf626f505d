"""Recordings in, recordings out: everything of `neurofit_io` under the name `neurofit.io`."""

from __future__ import annotations

from typing import Any

import neurofit_io

__all__ = list(neurofit_io.__all__)


def __getattr__(name: str) -> Any:
    return getattr(neurofit_io, name)

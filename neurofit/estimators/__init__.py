"""What a person holds: an object with `fit`, `predict`, `score`, `save` and `load`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofit.estimators.next_step import NextStep as NextStep
    from neurofit.estimators.options import FitOptions as FitOptions
    from neurofit.estimators.options import NextStepOptions as NextStepOptions
    from neurofit.estimators.prediction import Prediction as Prediction

_HOME = {
    "FitOptions": "options", "NextStep": "next_step", "NextStepOptions": "options", "Prediction": "prediction",
}  # fmt: skip

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

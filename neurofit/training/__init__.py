"""One training loop for every model. Everything is imported on first use, so that options alone never import torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofit.training.devices import choose_device as choose_device
    from neurofit.training.devices import device_name as device_name
    from neurofit.training.loop import TrainResult as TrainResult
    from neurofit.training.loop import train as train
    from neurofit.training.options import TrainOptions as TrainOptions
    from neurofit.training.program import Program as Program
    from neurofit.training.program import out_of_patience as out_of_patience
    from neurofit.training.seeds import seed_everything as seed_everything
    from neurofit.training.signals import Interrupted as Interrupted

_HOME = {
    "Interrupted": "signals", "Program": "program", "TrainOptions": "options", "TrainResult": "loop",
    "choose_device": "devices", "device_name": "devices", "out_of_patience": "program", "seed_everything": "seeds",
    "train": "loop",
}  # fmt: skip

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

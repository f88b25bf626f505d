"""What a fitted next-step model leaves beside its weights: `fitted.safetensors`.

Tensors: the standardiser (`standardiser.*`) and the baselines (`baselines.*`), float64, and what free runs and
forecasts need (`closed_loop.*`). Metadata: one JSON text with the shape of the network, the channels, how the baselines
were chosen, and which predictor the run predicts with.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from safetensors.torch import load_file
from torch import Tensor

from neurofit.estimators.closed_loop import ClosedLoop
from neurofit.linear import Baselines
from neurofit.preparation import Frozen
from neurofit.runs import RunError
from neurofit_io.files import atomic_path

FILE = "fitted.safetensors"
_KEY = "neurofit"


@dataclass(frozen=True)
class Shape:
    """What the defaults became for this recording.

    Attributes:
        n_channels: Channels the network sees.
        n_inputs: Measured inputs it sees beside them.
        hidden: Hidden units in a layer.
        chunk: Steps of truncated backpropagation.
        batch: Chunks in an update.
    """

    n_channels: int
    n_inputs: int
    hidden: int
    chunk: int
    batch: int


@dataclass(frozen=True, eq=False)
class Fitted:
    """Everything but the network's weights.

    Attributes:
        shape: Of the network and its training.
        frozen: How to prepare another recording alike.
        baselines: The fitted baselines.
        predictor: Who predicts by default: `network`, or the baseline that beat it on validation.
        validation_loss: Pooled validation error by predictor, in squared units of the training standard deviation, or
            with the poisson output the negative log likelihood of an entry in nats.
        closed_loop: Innovations and direct forecasts; None without a validation span to fit them on.
    """

    shape: Shape
    frozen: Frozen
    baselines: Baselines
    predictor: str
    validation_loss: dict[str, float]
    closed_loop: ClosedLoop | None = None

    def save(self, folder: Path) -> None:
        """Writes the file into a run.

        Raises:
            RunError: The disk is full.
        """
        tensors = _prefixed("standardiser", self.frozen.state()) | _prefixed("baselines", self.baselines.state())
        if self.closed_loop is not None:
            tensors |= _prefixed("closed_loop", self.closed_loop.state())
        description = {
            "shape": asdict(self.shape),
            "frozen": self.frozen.as_json(),
            "baselines": self.baselines.as_json(),
            "predictor": self.predictor,
            "validation_loss": self.validation_loss,
        }
        try:
            with atomic_path(folder / FILE) as beside:
                save_file(tensors, beside, {_KEY: json.dumps(description)})
        except SafetensorError as error:
            raise RunError(folder / FILE, f"cannot be written: {error}", do="see that the disk has room") from error

    @classmethod
    def load(cls, folder: Path) -> Fitted:
        """Reads the file of a run.

        Raises:
            RunError: It is missing or damaged.
        """
        groups: dict[str, dict[str, NDArray[Any]]] = {"standardiser": {}, "baselines": {}, "closed_loop": {}}
        try:
            with safe_open(folder / FILE, framework="np") as file:
                description: dict[str, Any] = json.loads((file.metadata() or {})[_KEY])
                for key in file.keys():  # noqa: SIM118 (a file, not a dict: it has no iterator)
                    group, _, name = key.partition(".")
                    groups[group][name] = file.get_tensor(key)
            return cls(
                Shape(**description["shape"]),
                Frozen.from_state(groups["standardiser"], description["frozen"]),
                Baselines.from_state(groups["baselines"], description["baselines"]),
                description["predictor"],
                description["validation_loss"],
                ClosedLoop.from_state(groups["closed_loop"]) if groups["closed_loop"] else None,
            )
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise RunError(folder / FILE, f"cannot be read: {error}", do="fit again") from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a network.

    Raises:
        RunError: The file is missing or damaged.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise RunError(path, f"cannot be read: {error}", do="fit again") from error


def _prefixed(prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{prefix}.{name}": np.ascontiguousarray(array) for name, array in arrays.items()}

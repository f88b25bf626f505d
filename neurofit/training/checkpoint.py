"""Where training stands, as one file: a run that is killed at any moment goes on from it to the same last bit.

`checkpoint/state.safetensors` holds the tensors (`model.*`, `best.*`, `optimizer.*`, `program.*`, `random.*`, and
`epoch.*`: the numbers of the epoch in progress, one an update); its metadata holds the rest as JSON. It is replaced
whole, so a reader finds the old state or the new one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from neurofit.runs import RunError, atomic_path
from neurofit.training.program import Program
from neurofit.training.seeds import random_state, restore_random_state

_KEY = "neurofit"


@dataclass
class TrainingState:
    """Everything the loop itself knows.

    Attributes:
        update: steps of the optimiser done.
        history: rows of `metrics.jsonl`, one a whole epoch.
        epoch_values: what the program's `step` returned in the epoch in progress, one tensor an update.
        epoch_seconds: seconds spent on the epoch in progress.
        best: weights with the lowest validation loss; empty until there is one.
        metrics_bytes: length of `metrics.jsonl`.
        ended: whether training is over.
    """

    update: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    epoch_values: dict[str, list[Tensor]] = field(default_factory=dict)
    epoch_seconds: float = 0.0
    best: dict[str, Tensor] = field(default_factory=dict)
    metrics_bytes: int = 0
    ended: bool = False


def save_checkpoint(path: Path, state: TrainingState, program: Program, optimizer: Optimizer) -> None:
    """Writes where training stands; the old checkpoint stays until the new one is whole."""
    program_tensors, program_values = program.state_dict()
    random_tensors, random_values = random_state()
    tensors = {
        **_prefixed("model", program.model.state_dict()),
        **_prefixed("best", state.best),
        **_prefixed("optimizer", _optimizer_tensors(optimizer)),
        **_prefixed("program", program_tensors),
        **_prefixed("random", random_tensors),
        **_prefixed("epoch", {name: torch.stack(values) for name, values in state.epoch_values.items()}),
    }
    values = {
        "update": state.update,
        "history": state.history,
        "epoch_seconds": state.epoch_seconds,
        "metrics_bytes": state.metrics_bytes,
        "ended": state.ended,
        "program": program_values,
        "random": random_values,
    }
    write_tensors(path, tensors, {_KEY: json.dumps(values)})


def load_checkpoint(path: Path, program: Program, optimizer: Optimizer) -> TrainingState:
    """Restores the program, the optimiser and the random generators, and returns where training stood.

    Raises:
        RunError: The file is damaged, or is not a checkpoint of this model.
    """
    try:
        groups, values = _read(path)
        program.model.load_state_dict(groups.get("model", {}))
        _load_optimizer(optimizer, groups.get("optimizer", {}))
        program.load_state_dict(groups.get("program", {}), values["program"])
        restore_random_state(groups["random"], values["random"])
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise RunError(path, f"no checkpoint of this model: {error}", do="start again with --overwrite") from error
    device = next(program.model.parameters()).device
    return TrainingState(
        update=values["update"],
        history=values["history"],
        epoch_values={name: list(stacked.to(device).unbind()) for name, stacked in groups.get("epoch", {}).items()},
        epoch_seconds=values["epoch_seconds"],
        best=groups.get("best", {}),
        metrics_bytes=values["metrics_bytes"],
        ended=values["ended"],
    )


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Writes tensors of any device as one safetensors file, whole or not at all.

    At most one entry of metadata keeps the bytes reproducible: safetensors writes several in no fixed order.
    """
    here = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as beside:
        beside.touch()
        mode = beside.stat().st_mode
        try:
            save_file(here, beside, dict(metadata) if metadata else None)
        except SafetensorError as error:
            raise RunError(path, f"cannot be written: {error}", do="see that the disk has room") from error
        # safetensors makes files that only their owner can read.
        beside.chmod(mode)


def _read(path: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    groups: dict[str, dict[str, Tensor]] = {}
    with safe_open(path, framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 (a file, not a dict: it has no iterator)
            group, _, name = key.partition(".")
            # A copy lies at the boundary where torch puts every tensor; the last bits of some sums depend on it.
            groups.setdefault(group, {})[name] = file.get_tensor(key).clone()
        return groups, json.loads((file.metadata() or {})[_KEY])


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def _optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    states = optimizer.state_dict()["state"]
    return {f"{index}.{name}": tensor for index, state in states.items() for name, tensor in state.items()}


def _load_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    states: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, _, name = key.partition(".")
        states.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})

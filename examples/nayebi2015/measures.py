"""Errors and memory that decide the claims. Errors are in units of the training standard deviation throughout."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm, spearmanr
from torch import Tensor

from nayebi2015.lab import Lab, OneStep, Where
from nayebi2015.plan import Arm, Snapshot
from nayebi2015.verdicts import Evidence
from neurofit.metrics import ErrorSums, r2, skill
from neurofit.models import NextStepNetwork

FEWEST_CHANNELS = 10


def error_ratio(lab: Lab, own: Snapshot, other: Snapshot, where: Where, seed: int) -> Evidence:
    """One-step squared error of a snapshot over that of another, over all channels of the span."""
    one, two = (lab.one_step(each, seed, where).sums["network"] for each in (own, other))
    return Evidence.of(f"mse {against(lab, own, other)}", skill(one, two, seed=seed), ratio=True)


def error_over_linear(lab: Lab, own: Snapshot, where: Where, seed: int) -> Evidence:
    """One-step squared error over that of the best answer to be had for free."""
    sums = lab.one_step(own, seed, where).sums
    free = [sums[name] for name in ("persistence", "ar", "var") if name in sums]
    return Evidence.of(f"mse {name_of(lab, own)} / best baseline", skill(sums["network"], *free, seed=seed), ratio=True)


def channel_error(lab: Lab, own: Snapshot, where: Where, seed: int, channel: int) -> Evidence:
    """One channel's one-step squared error over that of persistence."""
    found = lab.one_step(own, seed, where)
    sums = [_sums(found.truth, each, channel) for each in (found.network, found.persistence)]
    label = lab.series.channel_ids[channel]
    return Evidence.of(f"mse {name_of(lab, own)} / persistence, channel {label}", skill(*sums, seed=seed), ratio=True)


def explained(lab: Lab, own: Snapshot, where: Where, seed: int) -> Evidence:
    """Share of the variance that the one-step prediction explains."""
    sums = lab.one_step(own, seed, where).sums
    free = r2(sums["persistence"], sums["mean"], seed=seed).pooled
    return Evidence.of(f"r2 {name_of(lab, own)}", r2(sums["network"], sums["mean"], seed=seed),
                       note=f"persistence {free:.3g}")  # fmt: skip


def structure_ratio(lab: Lab, own: Snapshot, other: Snapshot, where: Where, seed: int) -> Evidence:
    """Squared error of a snapshot over that of another, each as many steps ahead as spikes are scored at."""
    one, two = lab.ahead(own, seed, where), lab.ahead(other, seed, where)
    sums = [_sums(each.truth, each.predictions["network"]) for each in (one, two)]
    mean = _sums(one.truth, one.predictions["mean"])
    note = f"r2 {r2(sums[0], mean).pooled:.3g} against {r2(sums[1], mean).pooled:.3g}"
    what = f"mse {one.h} steps ahead {against(lab, own, other)}"
    return Evidence.of(what, skill(*sums, seed=seed), ratio=True, note=note)


def lasting_order(lab: Lab, own: Snapshot, where: Where, seed: int) -> Evidence:
    """Rank correlation over channels of the explained variance in one half of the span with that in the other."""
    found = lab.one_step(own, seed, where)
    what = f"rank correlation of channels' r2 {name_of(lab, own)}, first and second half"
    halves = np.array_split(np.arange(len(found.truth)), 2)
    shares = [_channel_r2(found, rows) for rows in halves]
    usable = np.isfinite(shares).all(axis=0)
    if usable.sum() < FEWEST_CHANNELS:
        return Evidence.missing(what, f"{usable.sum()} channels, {FEWEST_CHANNELS} are needed")
    rho = float(spearmanr(*(share[usable] for share in shares)).statistic)
    reach = float(norm.ppf(0.975)) / math.sqrt(usable.sum() - 3)
    low, high = (math.tanh(math.atanh(rho) + side * reach) if abs(rho) < 1 else rho for side in (-1, 1))
    quartiles = ", ".join(f"{q:.3g}" for q in np.quantile(shares[0][usable], (0.25, 0.5, 0.75)))
    return Evidence(what, rho, (low, high), f"quartiles of r2 {quartiles}")


def memory_ratio(lab: Lab, own: Arm, other: Arm, seed: int) -> Evidence:
    """Bytes that the backward pass of one chunk needs, over those of another cell."""
    longest = max(lab.series.spans["train"], key=lambda stretch: stretch.n_steps)
    one, two = (
        kept_bytes(
            network,
            torch.tensor(lab.series.read(longest.start, longest.start + arm.chunk + 1)).to(network.head.weight)[None],
        )
        for arm, network in ((arm, lab.models[arm, seed].network()) for arm in (own, other))
    )
    chunks = sum((stretch.n_steps - 1) // own.chunk for stretch in lab.series.spans["train"])
    note = f"{one * chunks / 2**20:.4g} against {two * chunks / 2**20:.4g} MiB for the {chunks} chunks of an update"
    return Evidence(f"bytes kept {own.name} / {other.name}", one / two, (one / two, one / two), note)


def kept_bytes(network: NextStepNetwork, values: Tensor) -> int:
    """Bytes of all tensors that autograd keeps of a forward pass for the backward pass, weights apart.

    Args:
        network: Any network.
        values: (batch, chunk + 1, channel), in model space.
    """
    weights = {each.untyped_storage().data_ptr() for each in network.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in weights:
            kept[place] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        read_out, _ = network(values[:, :-1], network.initial_state(len(values)))
        loss = torch.nn.functional.mse_loss(read_out, values[:, 1:])
    del loss
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def _channel_r2(found: OneStep, rows: NDArray[Any]) -> NDArray[np.float64]:
    energy = np.square(found.truth[rows]).sum(axis=0)
    error = np.square(found.truth[rows] - found.network[rows]).sum(axis=0)
    return 1 - np.divide(error, energy, out=np.full(len(energy), np.nan), where=energy > 0)


def _sums(truth: NDArray[Any], values: NDArray[Any], channel: int | None = None) -> ErrorSums:
    columns = slice(None) if channel is None else [channel]
    sums = ErrorSums()
    sums.add(truth[:, columns], values[:, columns])
    return sums


def name_of(lab: Lab, snapshot: Snapshot) -> str:
    """A snapshot in words."""
    return f"{snapshot.arm.name} epoch {lab.plan.epoch(snapshot.stage)}"


def against(lab: Lab, own: Snapshot, other: Snapshot) -> str:
    """A ratio of two snapshots in words."""
    if own.arm == other.arm:
        return f"{own.arm.name} epoch {lab.plan.epoch(own.stage)} / {lab.plan.epoch(other.stage)}"
    return f"{own.arm.name} / {other.arm.name}"
